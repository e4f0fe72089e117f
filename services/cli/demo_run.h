/* SPDX-License-Identifier: Apache-2.0 */
/* A run of the demo: complaints sent at a rate and followed through the journal. */
#ifndef KESU_CLI_DEMO_RUN_H
#define KESU_CLI_DEMO_RUN_H

#include "demo.h"
#include "due.h"
#include "feed.h"
#include "map.h"

struct demo_options {
    unsigned complaints; /* 0: for ever */
    unsigned rate;       /* a second */
    uint64_t seed;
    int64_t limit_us;
    const char *maildir, *incoming; /* may be NULL */
    bool follow;
};

/* One complaint on its way. */
struct demo_item {
    unsigned serial;
    bool by_mail, opened, classified, assigned, by_routing, delivered, told;
    int64_t sent_us;
    uint64_t case_id;
    unsigned clocks;
    char gist[64], number[NUMBER_TEXT], channel[CLI_TEXT], severity[CLI_TEXT];
    char category[65], department[65], agent[65], transport[65];
};

struct demo {
    struct cli *c;
    struct env *env;
    const struct demo_options *o;
    struct demo_random random;
    char run[9]; /* names this run in addresses */
    struct arena arena;
    struct command_client *client;
    struct feed *feed;
    struct seal_ring *ring;
    struct timer *timer;
    struct demo_item **items;
    unsigned n_items, items_size;
    struct map cases; /* case id -> item */
    bool *mailed;     /* by serial */
    unsigned n_mailed, refused, answered;
    uint64_t head; /* last event seen */
    uint64_t opened_before;
    int64_t start_us, next_us;
    bool stop;
    int status;
};

int demo_run(struct cli *c, const struct demo_options *o);

/* demo_watch.c: events to items. */
int demo_watch_open(struct demo *d);
void demo_watch_close(struct demo *d);
bool demo_item_done(const struct demo_item *i);

/* demo_check.c: do the services agree? */
int demo_check_ready(struct demo *d);          /* waits; 0 or an exit status after saying why */
bool demo_check_all(struct demo *d, bool say); /* every item accounted for everywhere; say: what is missing */

#endif
