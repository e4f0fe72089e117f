/* SPDX-License-Identifier: Apache-2.0 */
/* What CustomerErased does outside the register: evidence and keys are
 * destroyed.
 *
 *   CustomerErased ─▶ noted ─▶ durable ─▶ blobs, then keys, synced ─▶ replies, block to readers
 *                       ▲
 *        replay, when a key is still alive: a crash came in between
 *
 * The register is not committed past an event noted here, so that a crash
 * finds it again in the replay. */
#ifndef INTAKE_ERASE_H
#define INTAKE_ERASE_H

#include "codec.h"
#include "env.h"

struct intake;

struct intake_erase {
    struct env *env;
    const char *keys_path, *blobs_path; /* borrowed */
    uint64_t *seqs;                     /* of events not carried out, ascending */
    unsigned n, room;
};

void intake_erase_init(struct intake_erase *x, struct env *env, const char *keys_path,
                       const char *blobs_path);
void intake_erase_deinit(struct intake_erase *x);
/* After evolve, live and in the replay. */
void intake_erase_note(struct intake *in, const Kesu__V1__CustomerErased *event, uint64_t seq);
/* Carries out what is durable, once there are keys. */
void intake_erase_turn(struct intake *in);
/* Events above were not written. */
void intake_erase_rollback(struct intake_erase *x, uint64_t durable_seq);
/* How far the register may be committed. */
uint64_t intake_erase_bound(const struct intake_erase *x, uint64_t durable_seq);

#endif
