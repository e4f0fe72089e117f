/* SPDX-License-Identifier: Apache-2.0 */
/* The key store: one secret a case and one a customer's profile, outside the
 * journal and its backups.
 *
 * A file of fixed slots of 64 bytes, slot = key id. Keys are made ahead of
 * their use, written and synced by a lane, so that a case costs no sync of its
 * own. Erasing zeroes the slot in place and syncs it. */
#ifndef INTAKE_KEYS_H
#define INTAKE_KEYS_H

#include "files.h"
#include "sched.h"
#include "seal.h"

struct intake_keys;

/* next_id: the first key never used, as the journal says. Keys below it that
 * are not there are a broken store: E_CORRUPT. pool: keys made at once. */
int intake_keys_open(struct env *env, const char *path, uint64_t next_id, unsigned pool,
                     struct intake_keys **ret);
void intake_keys_close(struct intake_keys **p);

/* How many unused keys are on disk from next_id on. */
uint64_t intake_keys_ahead(const struct intake_keys *k, uint64_t next_id);
/* Less than half a pool: new cases should wait. */
bool intake_keys_few(const struct intake_keys *k, uint64_t next_id);
/* Starts making more when there is less than one pool and a half. */
void intake_keys_refill(struct intake_keys *k, uint64_t next_id);

/* E_NOT_FOUND: never made; E_ERASED; E_IO. */
int intake_keys_get(struct intake_keys *k, uint64_t id, struct seal_key *ret);
/* Gone from memory and disk when it returns 0. E_NOT_FOUND: one was never made; the others are gone. */
int intake_keys_erase(struct intake_keys *k, const uint64_t *ids, size_t n);
/* Of a store that is not open yet: is one of them not erased, or only in part? False: their zeros are on
 * disk. */
bool intake_keys_any_alive(struct env *env, const char *path, const uint64_t *ids, size_t n);

#endif
