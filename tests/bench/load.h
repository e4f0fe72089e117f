/* SPDX-License-Identifier: Apache-2.0 */
/* A driver of load: batches of ReceiveMessage to a lane of intake, each with an
 * id, a text and a sender of its own. The batch is encoded once; for each send
 * only what differs is written into it, so that driving costs little. */
#ifndef KESU_BENCH_LOAD_H
#define KESU_BENCH_LOAD_H

#include "bus.h"

struct load_opts {
    const char *endpoint;
    uint64_t count;  /* commands in all */
    unsigned batch;  /* commands a message */
    unsigned window; /* commands unanswered at most */
    double rate;     /* commands a second; 0: as fast as it goes */
    bool contacts;   /* with a sender */
    unsigned text_bytes;
    const char *const *texts; /* texts to begin with, NULL: none */
    unsigned n_texts;
};

struct load_result {
    uint64_t accepted, refused;
    int64_t first_send_us, last_reply_us; /* monotonic */
    uint32_t *latency_us;                 /* of each batch, in the order answered */
    uint64_t n_latencies;
    char refusal[200];
};

struct load;

/* on_done: all are answered; result stays until load_close. */
int load_open(struct env *env, const struct load_opts *opts,
              void (*on_done)(void *self, const struct load_result *result), void *self, struct load **ret);
void load_close(struct load *l);
struct load_result *load_result(struct load *l);

/* When the serial-th complaint (from 0, in the order sent) left. */
int64_t load_sent_us(const struct load *l, uint64_t serial);
/* Sorts; the p-th per mille. 0 when there is none. */
uint32_t load_percentile(struct load_result *r, unsigned per_mille);

#endif
