/* SPDX-License-Identifier: Apache-2.0 */
/* A small policy in memory, for tests of whatever needs one. */
#ifndef KESU_TESTS_POLICY_FIXTURE_H
#define KESU_TESTS_POLICY_FIXTURE_H

#include "policy.h"

struct policy_fixture {
    struct arena arena;
    Kesu__V1__PolicyFile *files[16];
    size_t n;
    Kesu__V1__PolicyBundle *bundle;
    char *error;
};

/* The small policy's files; change them before compiling. */
void policy_fixture_init(struct policy_fixture *f);
void policy_fixture_deinit(struct policy_fixture *f);
/* Replaces a file, or adds it; text NULL removes it. */
void policy_fixture_set(struct policy_fixture *f, const char *path, const char *text);
/* Replaces the first occurrence of a piece of a file, which must be there. */
void policy_fixture_change(struct policy_fixture *f, const char *path, const char *piece, const char *by);
int policy_fixture_compile(struct policy_fixture *f);

#endif
