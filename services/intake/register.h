/* SPDX-License-Identifier: Apache-2.0 */
/* The register: what intake knows of cases, customers, agents, commands.
 *
 * It is intake's own fold of the journal. Recent changes sit in memory over a
 * store; a lane commits them with the seq they reach, never past the durable
 * head. What the store has not got is replayed from the journal at start.
 *
 *        put                 freeze at a command's end           flush when durable
 *   ───────────▶ current ───────────────────────────▶ frozen ───────────────────────▶ store
 *                   ◀── get looks here first, then ──▶  ◀── and then ──▶
 */
#ifndef INTAKE_REGISTER_H
#define INTAKE_REGISTER_H

#include "filter.h"
#include "key.h"
#include "rows.h"
#include "sched.h"
#include "store.h"

enum register_table {
    TABLE_META,       /* "meta" -> struct register_meta */
    TABLE_CASES,      /* case id -> CaseState */
    TABLE_CUSTOMERS,  /* customer id -> struct customer_row */
    TABLE_PERSONS,    /* customer id -> CustomerState, of those of whom more is known */
    TABLE_CONTACTS,   /* contact hash -> customer id, 0: of somebody erased */
    TABLE_AGENTS,     /* staff id -> AgentState */
    TABLE_EXTERNALS,  /* channel, hash, mailbox -> case id */
    TABLE_THREADS,    /* thread hash -> case id */
    TABLE_NUMBERS,    /* month, serial -> case id */
    TABLE_SERIALS,    /* month -> last serial */
    TABLE_DELIVERIES, /* cause seq, target, kind -> outcome */
    TABLE_COMMANDS,   /* command id, client -> struct dedup_row */
    TABLE_SKIPS,      /* fold, seq -> nothing */
    TABLE_PARTS,      /* policy hash, index -> seq */
    TABLE_EVIDENCE,   /* attachment hash, case id -> nothing */
    TABLE_INCIDENTS,  /* incident id -> IncidentState */
    TABLE_MEMBERS,    /* incident id, case id -> newest answer it got << 1, | 1: is a member, 0: has left */
    TABLE_EIGHTDS,    /* 8D id -> EightDState */
    TABLE_CAUSES,     /* cause key -> newest 8D with it */
    TABLE_HANDOVERS,  /* handover id -> HandoverState */
    TABLE_RESTRICTED, /* key id -> the event from which on everybody may have it again; 0: only named people
                       */
    N_REGISTER_TABLES
};
_Static_assert(N_REGISTER_TABLES <= ROWS_TABLES, "a hash table for each");

/* Kept whole in memory, committed with the rows. */
struct register_meta {
    uint32_t schema;
    uint32_t policy_parts;
    uint64_t seq; /* of the last event these rows contain */
    int64_t block_time;
    uint64_t next_key_id;
    int64_t floor_ms;    /* command ids below were trimmed: never accepted again */
    uint64_t policy_seq; /* of the activation in force; 0: none */
    uint8_t policy_hash[32];
    uint8_t journal_uuid[16];
};

struct intake_register {
    struct env *env;
    struct store *store; /* NULL: memory only, for tests of pure functions */
    struct lane *lane;
    struct store_txn *reading;
    struct rows generations[2];
    struct rows *current, *frozen; /* frozen: NULL when there is none */
    struct register_meta meta, frozen_meta;
    uint64_t stored_seq;         /* what the store has */
    uint8_t newest_command[16];  /* no stored command id is above */
    uint64_t newest_case;        /* no stored case id is above */
    struct intake_filter filter; /* of contacts, externals, threads */
    unsigned filling;            /* table that is read into it, N_REGISTER_TABLES: it is whole */
    struct key filled_to;        /* of that table; n 0: nothing yet */
    int64_t frozen_mono_us;
    bool flushing;
    struct register_flush {
        struct job job;
        struct intake_register *reg;
        const struct row **sorted;
        const struct row *newest_command, *newest_case; /* of this generation */
        int status;
    } flush;
};

/* path NULL: memory only. E_EXISTS: another process has it. E_VERSION: written
 * by a newer program. */
int intake_register_open(struct intake_register *r, struct env *env, const char *path);
/* Next, before any use: of which journal it is. A store of another one, of an
 * older schema or ahead of head_seq is emptied. */
int intake_register_follow(struct intake_register *r, const uint8_t journal_uuid[16], uint64_t head_seq);
/* Commits what is durable, if it can. Accepts a register never opened. */
void intake_register_close(struct intake_register *r, uint64_t durable_seq);

/* E_NOT_FOUND. Valid until the next put or the end of the turn. */
int intake_register_get(struct intake_register *r, enum register_table table, struct span key,
                        struct span *ret);
bool intake_register_get_u64(struct intake_register *r, enum register_table table, struct span key,
                             uint64_t *ret);
/* This key will be asked for, or put, soon: its places in memory are brought near. */
void intake_register_prefetch(const struct intake_register *r, enum register_table table, struct span key);
/* Room for n bytes, to be filled at once. */
uint8_t *intake_register_reserve(struct intake_register *r, enum register_table table, struct span key,
                                 size_t n);
void intake_register_put(struct intake_register *r, enum register_table table, struct span key,
                         struct span value);
void intake_register_put_u64(struct intake_register *r, enum register_table table, struct span key,
                             uint64_t value);

/* At the end of a turn, between two commands: freezes and flushes when it is
 * time. trim_below_ms: command ids below may go (INT64_MIN: none now). */
void intake_register_turn(struct intake_register *r, uint64_t durable_seq, int64_t trim_below_ms);
/* Drops everything that is not in the store: blocks appended were not
 * written. The caller replays from meta.seq + 1. */
void intake_register_rollback(struct intake_register *r);
/* Too much waits in memory: take no more commands now. */
bool intake_register_crowded(const struct intake_register *r);
/* Ids of cases below `before` (0: all), newest first. */
unsigned intake_register_case_ids(struct intake_register *r, uint64_t before, uint64_t *ret, unsigned max);
uint64_t intake_register_hash(enum register_table table, struct span key);
bool intake_register_in_memory(const struct intake_register *r, enum register_table table, struct span key);
/* Calls on_row for each row whose key begins with prefix, in no order. */
void intake_register_each(struct intake_register *r, enum register_table table, struct span prefix,
                          void (*on_row)(void *self, struct span key, struct span value), void *self);

static inline struct key intake_key_u64(uint64_t v)
{
    struct key k;
    k.n = 8;
    for (unsigned i = 0; i < 8; i++) k.p[i] = (uint8_t)(v >> (56 - 8 * i));
    return k;
}

#endif
