/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of the journal: subscribe, credit in bytes, sign of life.
 *
 *   Subscribe ─▶ checked ─▶ blocks while there is credit ─▶ Head when nothing else is said
 *                  │
 *                  └─▶ refused: other journal, other history, beyond the head, archived
 *
 * All get the same block by reference. Who is slow runs out of credit and
 * waits alone. Keys go beside the blocks to those that asked for them. */
#ifndef INTAKE_READERS_H
#define INTAKE_READERS_H

#include "bus.h"
#include "codec.h"
#include "svc.h"

#define RECENT_BLOCKS 64

struct intake;
struct reader;

/* Without keys, with those everybody with keys gets, with all. */
enum head_kind { HEAD_PLAIN, HEAD_PERSONAL, HEAD_RESTRICTED, N_HEAD_KINDS };

struct intake_readers {
    struct bus_server *server, *far; /* far NULL: not over TCP */
    struct reader *list;             /* in order of subscription */
    unsigned n;
    int64_t next_beat_us, pushed_us;
    struct timer *later;
    struct recent_head { /* encoded BlockFollows with keys, for the newest blocks */
        uint64_t first_seq;
        struct buf *made[N_HEAD_KINDS];
    } recent[RECENT_BLOCKS];
    struct arena arena;
};

int intake_readers_open(struct intake *in);
void intake_readers_close(struct intake *in);
/* End of a turn: sends what there is and credit allows. */
void intake_readers_turn(struct intake *in);
/* Heads made ahead hold keys; after some were erased or are for fewer people they are made anew. */
void intake_readers_forget_keys(struct intake *in);
void intake_readers_info(struct intake *in, Kesu__V1__Info *info, struct arena *arena);

#endif
