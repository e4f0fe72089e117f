// SPDX-License-Identifier: Apache-2.0
// Are all daemons there, and has each accounted for every complaint? The
// journal says what happened; here the others are asked whether they know.
#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "daemons.h"
#include "demo_run.h"
#include "env_real.h"
#include "sched.h"
#include "stats_ask.h"

#define EACH_US (2 * USEC_PER_SEC)

static bool is_ready(struct demo *d, const char *name, char *ret_why, size_t n)
{
    struct arena a;
    arena_init(&a, &mem_libc, 4 << 20);
    Kesu__V1__Info *i = cli_daemon_info(d->c, name, EACH_US, &a);
    bool ready = i != NULL && i->ready;
    snprintf(ret_why, n, "%s %s", name,
             i == NULL ? "does not answer" : cli_or(i->not_ready_because, "is not ready"));
    arena_deinit(&a);
    return ready;
}

static void on_pause_over(void *self)
{
    env_stop(((struct demo *)self)->env, 0);
}

static void pause_for(struct demo *d, int64_t us)
{
    struct timer *t = timer_new(d->env, on_pause_over, d);
    timer_set(d->env, t, clock_mono_us(d->env) + us);
    env_real_run(d->c->real);
    timer_free(d->env, t);
}

int demo_check_ready(struct demo *d)
{
    char why[256] = "";
    int64_t end = clock_mono_us(d->env) + d->o->limit_us;
    for (const struct cli_daemon *k = cli_daemons; k->name != NULL;) {
        if (d->stop) return CLI_UNAVAILABLE;
        if (is_ready(d, k->name, why, sizeof why)) {
            k++;
            continue;
        }
        if (clock_mono_us(d->env) > end) return cli_fail(d->c, CLI_UNAVAILABLE, "%s", why);
        pause_for(d, 100 * USEC_PER_MS);
    }
    return 0;
}

static bool folds_have(struct demo *d, bool say)
{
    bool all = true;
    for (const struct cli_daemon *k = cli_daemons; k->name != NULL; k++) {
        struct arena a;
        arena_init(&a, &mem_libc, 4 << 20);
        Kesu__V1__Info *i = cli_daemon_info(d->c, k->name, EACH_US, &a);
        uint64_t at = i == NULL ? 0 : k->is_fold ? i->folded_seq : i->head_seq;
        if (at < d->head) {
            all = false;
            if (say)
                printf("missing: %s is at event %" PRIu64 " of %" PRIu64 "%s\n", k->name, at, d->head,
                       i == NULL ? ", it does not answer" : "");
        }
        arena_deinit(&a);
    }
    return all;
}

static bool clocks_have(struct demo *d, bool say)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__GetClocks get = KESU__V1__GET_CLOCKS__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    struct arena a;
    uint64_t armed = 0, wanted = 0;
    for (unsigned i = 0; i < d->n_items; i++)
        if (d->items[i]->clocks > 0) wanted += d->items[i]->clocks - 1; // the receipt's has stopped
    arena_init(&a, &mem_libc, 4 << 20);
    get.limit = 1;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_CLOCKS;
    request.get_clocks = &get;
    if (cli_try(d->c, "sla-watch-control", &request, EACH_US, &a, &reply) == 0 &&
        reply->body_case == KESU__V1__CONTROL_REPLY__BODY_CLOCK_LIST)
        armed = reply->clock_list->armed;
    arena_deinit(&a);
    if (say && armed < wanted)
        printf("missing: sla-watch has %" PRIu64 " clocks of %" PRIu64 "\n", armed, wanted);
    return armed >= wanted && wanted >= d->n_items;
}

static bool counts_have(struct demo *d, bool say)
{
    struct arena a;
    Kesu__V1__Stats *s = NULL;
    arena_init(&a, &mem_libc, 16 << 20);
    bool ok = cli_stats_ask(d->c, NULL, 0, 0, &a, &s) == 0 && s->opened >= d->opened_before + d->n_items;
    if (say && !ok && s != NULL)
        printf("missing: analytics counted %" PRIu64 " of %u\n", s->opened - d->opened_before, d->n_items);
    arena_deinit(&a);
    return ok;
}

static bool mails_have(struct demo *d, bool say)
{
    if (d->o->maildir == NULL) return true;
    d->n_mailed += demo_mail_find(d->o->maildir, d->run, d->mailed, d->n_items);
    if (say && d->n_mailed < d->n_items)
        printf("missing: %u receipts of %u in the mailbox %s\n", d->n_items - d->n_mailed, d->n_items,
               d->o->maildir);
    return d->n_mailed >= d->n_items;
}

static bool journal_has(struct demo *d, bool say)
{
    bool all = true;
    for (unsigned i = 0; i < d->n_items; i++) {
        const struct demo_item *k = d->items[i];
        if (demo_item_done(k) && k->by_routing) continue;
        all = false;
        if (!say) return false;
        printf("missing: complaint %u (%s): %s%s%s%s%s\n", k->serial, k->opened ? k->number : "no number",
               k->opened ? "" : "not in the journal; ", k->classified ? "" : "not classified; ",
               k->assigned ? "" : "not assigned; ", k->delivered ? "" : "no receipt delivered; ",
               k->assigned && !k->by_routing ? "assigned by somebody else" : "");
    }
    return all;
}

bool demo_check_all(struct demo *d, bool say)
{
    bool journal = journal_has(d, say);
    if (!journal && !say) return false;
    bool folds = folds_have(d, say), clocks = clocks_have(d, say);
    bool counts = counts_have(d, say), mails = mails_have(d, say);
    return journal && folds && clocks && counts && mails;
}
