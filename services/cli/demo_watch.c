// SPDX-License-Identifier: Apache-2.0
// The demo's eyes: follows the journal and notes what happened to each of its
// complaints, known by their invented address, which only an opened seal shows.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "demo_run.h"
#include "err.h"
#include "sched.h"

enum { EVENT_ARENA = 8 << 20, RING_KEYS = 65536 };

bool demo_item_done(const struct demo_item *i)
{
    return i->opened && i->classified && i->assigned && i->delivered;
}

static void copy(char *ret, size_t n, const char *text)
{
    snprintf(ret, n, "%s", text);
}

// The item whose address is among the contacts.
static struct demo_item *item_of(struct demo *d, const Kesu__V1__Personal *p)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, "demo-%s-", d->run);
    for (size_t i = 0; p != NULL && i < p->n_contacts; i++) {
        if (strncmp(p->contacts[i]->value, wanted, strlen(wanted)) != 0) continue;
        unsigned long serial = strtoul(p->contacts[i]->value + strlen(wanted), NULL, 10);
        if (serial < d->n_items) return d->items[serial];
    }
    return NULL;
}

static void on_opened(struct demo *d, const Kesu__V1__Event *e, uint64_t case_id)
{
    const Kesu__V1__CaseOpened *o = e->case_opened;
    const uint8_t *secret;
    Kesu__V1__CaseText *text = NULL;
    if (o->personal == NULL || seal_ring_get(d->ring, o->personal->key_id, &secret) != 0) return;
    if (seal_open_message(secret, o->personal, &kesu__v1__case_text__descriptor, &d->arena, &text) != 0)
        return;
    struct demo_item *i = item_of(d, text->personal);
    if (i == NULL || i->opened) return;
    i->opened = true;
    i->case_id = case_id;
    copy(i->number, sizeof i->number, o->number);
    copy(i->channel, sizeof i->channel,
         cli_word(&kesu__v1__channel__descriptor, (int)o->channel, (char[CLI_TEXT]){0}));
    for (size_t k = 0; k < e->n_clocks; k++)
        if (e->clocks[k]->op == KESU__V1__CLOCK_CHANGE__OP__OP_START) i->clocks++;
    map_set(&d->cases, case_id, i);
}

static void on_classified(struct demo_item *i, const Kesu__V1__Judgement *j)
{
    char word[CLI_TEXT];
    if (j == NULL) return;
    i->classified = true;
    copy(i->category, sizeof i->category, j->category);
    copy(i->department, sizeof i->department, j->department);
    copy(i->severity, sizeof i->severity, cli_word(&kesu__v1__severity__descriptor, (int)j->severity, word));
}

static void on_case_event(struct demo_item *i, const Kesu__V1__Event *e)
{
    switch (e->body_case) {
    case KESU__V1__EVENT__BODY_CASE_CLASSIFIED:
        on_classified(i, e->case_classified->judgement);
        break;
    case KESU__V1__EVENT__BODY_CASE_ASSIGNED:
        i->assigned = true;
        i->by_routing = e->actor != NULL && strcmp(e->actor->name, "routing") == 0;
        copy(i->agent, sizeof i->agent, e->case_assigned->agent);
        break;
    case KESU__V1__EVENT__BODY_DELIVERY_RECORDED:
        if (strcmp(e->delivery_recorded->kind, "receipt") != 0 ||
            e->delivery_recorded->outcome != KESU__V1__DELIVERY_OUTCOME__DELIVERY_OUTCOME_DELIVERED)
            break;
        i->delivered = true;
        copy(i->transport, sizeof i->transport, e->delivery_recorded->transport);
        break;
    default:
        break;
    }
}

static void tell(struct demo *d, struct demo_item *i)
{
    char took[CLI_TEXT];
    i->told = true;
    printf("%s  %-8s %-3s %-22s -> %-10s -> %-14s %u clocks, receipt by %s, %s  %s\n", i->number,
           i->by_mail ? "mail" : i->channel, i->severity, i->category, i->department, i->agent, i->clocks,
           i->transport, cli_duration(clock_mono_us(d->env) - i->sent_us, took), i->gist);
}

static void on_event(struct demo *d, const struct block_event *b)
{
    struct codec_error error;
    Kesu__V1__Event *e = NULL;
    if (b->case_id == 0) return;
    struct demo_item *i = map_get(&d->cases, b->case_id);
    if (i == NULL && b->type != KESU__V1__EVENT__BODY_CASE_OPENED) return;
    arena_reset(&d->arena);
    if (codec_unpack(&kesu__v1__event__descriptor, b->bytes, &d->arena, &e, &error) != 0) return;
    if (i == NULL)
        on_opened(d, e, b->case_id);
    else
        on_case_event(i, e);
    if (i != NULL && demo_item_done(i) && !i->told) tell(d, i);
}

static void on_block(void *self, struct buf *block, const struct block_head *head)
{
    struct demo *d = self;
    for (uint32_t i = 0; i < head->count; i++) {
        struct block_event b;
        block_event_at(buf_span(block), i, &b);
        on_event(d, &b);
    }
    d->head = head->first_seq + head->count - 1;
    feed_done(d->feed, block->n, d->head);
    fflush(stdout);
}

static void on_refused(void *self, int err)
{
    struct demo *d = self;
    d->status = cli_fail(d->c, CLI_DATA, "intake refused to be followed: %s", err_text(err));
    d->stop = true;
    env_stop(d->env, 0);
}

int demo_watch_open(struct demo *d)
{
    Kesu__V1__Info *info = NULL;
    int status = cli_info(d->c, "intake", &info);
    if (status != 0) return status;
    arena_init(&d->arena, &mem_libc, EVENT_ARENA);
    d->ring = seal_ring_new(&mem_libc, RING_KEYS);
    map_init(&d->cases, &mem_libc);
    d->head = info->head_seq;
    struct place place = cli_place(d->c, "intake-feed");
    struct feed_opts opts = {
        .endpoint = place.endpoint,
        .keys = place.keys,
        .name = "kesu-demo",
        .from_seq = info->head_seq + 1,
        .ring = d->ring,
        .self = d,
        .on_block = on_block,
        .on_refused = on_refused,
    };
    int err = feed_open(d->env, &opts, &d->feed);
    return err == 0 ? 0 : cli_fail(d->c, CLI_INTERNAL, "%s", err_text(err));
}

void demo_watch_close(struct demo *d)
{
    feed_close(d->feed);
    map_deinit(&d->cases);
    seal_ring_free(&d->ring);
    arena_deinit(&d->arena);
}
