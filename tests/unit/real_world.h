/* SPDX-License-Identifier: Apache-2.0 */
/* A real environment with a directory of its own, for tests. */
#ifndef KESU_TESTS_REAL_WORLD_H
#define KESU_TESTS_REAL_WORLD_H

#include "env_real.h"

struct real_world {
    struct env_real *real;
    struct env *env;
    char dir[64];
};

/* For cmocka's setup and teardown: *state is a struct real_world. */
int real_world_open(void **state);
int real_world_close(void **state);

/* Runs the loop until *count >= n; false after 20 s in vain. */
bool real_world_wait(struct real_world *w, const unsigned *count, unsigned n);
void real_world_pass(struct real_world *w, int64_t us);

#endif
