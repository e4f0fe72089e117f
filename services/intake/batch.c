/* SPDX-License-Identifier: Apache-2.0 */
/* A message is noted as in hand, unpacked, each command decided; its events
 * are sealed, encoded into the block being built, and applied. The reply is
 * made now and kept back until everything decided before it is durable: a
 * refusal, too, may rest on an event that a crash could still take away.
 *
 * When the journal could not write (disk full), nothing after its head has
 * happened: replies are dropped and the register goes back. */
#include "batch.h"

#include "block_keys.h"
#include "check.h"
#include "clock.h"
#include "command_one.h"
#include "due.h"
#include "err.h"
#include "hash.h"
#include "intake.h"
#include "log.h"
#include "roles.h"
#include "seal.h"
#include "stats.h"
#include "wire.h"

#define AHEAD       3 /* commands */
#define ARENA_LIMIT ((size_t)96 << 20)
#define PAUSE_BYTES ((uint64_t)16 << 20)

void intake_batch_init(struct intake *in)
{
    struct intake_batch *b = &in->batch;
    b->builder = block_builder_new(&in->env->mem);
    b->building = mem_zalloc(&in->env->mem, sizeof(*b->building));
    b->blocks_end = &b->blocks;
    b->replies_end = &b->replies;
    arena_init(&b->arena, &in->env->mem, ARENA_LIMIT);
}

static void drop_replies_after(struct intake *in, uint64_t seq)
{
    struct intake_batch *b = &in->batch;
    for (struct pending_reply **at = &b->replies, *r; (r = *at) != NULL;) {
        if (r->ticket <= seq) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        intake_lanes_answered(in, r->server, r->peer, r->n_commands);
        buf_unref(r->bytes);
        mem_free(&in->env->mem, r);
    }
    b->replies_end = &b->replies;
    while (*b->replies_end != NULL) b->replies_end = &(*b->replies_end)->next;
}

void intake_batch_deinit(struct intake *in)
{
    struct intake_batch *b = &in->batch;
    if (b->builder == NULL) return;
    for (struct pending_reply *r = b->replies, *next; r != NULL; r = next) {
        next = r->next;
        buf_unref(r->bytes);
        mem_free(&in->env->mem, r);
    }
    struct pending_block *lists[] = {b->blocks, b->spare};
    for (unsigned i = 0; i < 2; i++) {
        for (struct pending_block *p = lists[i], *next; p != NULL; p = next) {
            next = p->next;
            mem_free(&in->env->mem, p);
        }
    }
    memset(b->building->keys, 0, sizeof(b->building->keys));
    mem_free(&in->env->mem, b->building);
    block_builder_free(&b->builder);
    arena_deinit(&b->arena);
}

static void begin_building(struct intake_batch *b)
{
    b->building->next = NULL;
    b->building->hints.n = 0;
    b->building->n_keys = 0;
}

void intake_batch_begin(struct intake *in)
{
    struct intake_batch *b = &in->batch;
    struct journal_head head = journal_head(in->journal);
    CHECK(b->in_flight == 0);
    b->next_seq = head.seq + 1;
    begin_building(b);
    b->yymm_policy = NULL;
    b->block_time = intake_wallclock_block_time(&in->wallclock);
    block_begin(b->builder, b->next_seq, b->block_time);
}

/* ---- blocks ------------------------------------------------------------------ */

static void on_durable(void *self, int status)
{
    struct intake *in = self;
    struct intake_batch *b = &in->batch;
    struct pending_block *p = b->blocks;
    CHECK(p != NULL);
    b->blocks = p->next;
    if (b->blocks == NULL) b->blocks_end = &b->blocks;
    b->in_flight--;
    if (status != 0) {
        b->not_written = true;
        log_error(in->env, "block not written", LOG_ERR(status), LOG_U64("last_seq", p->last_seq));
    } else if (!in->stopping) {
        stats_add(in->stats.blocks, 1);
        stats_observe_us(in->stats.commit, clock_mono_us(in->env) - p->appended_mono_us);
        intake_hint_publish(in->env, in->hints, &p->hints);
        if (in->far_hints != NULL) intake_hint_publish(in->env, in->far_hints, &p->hints);
    }
    memset(p->keys, 0, p->n_keys * sizeof(p->keys[0])); /* of a block that was not sealed */
    p->next = b->spare;
    b->spare = p;
}

/* On the journal's lane, beside the loop that gathers the next block. */
static void seal(void *self, struct buf *block)
{
    struct pending_block *p = self;
    intake_block_seal(block, p->keys, p->n_keys);
    memset(p->keys, 0, p->n_keys * sizeof(p->keys[0]));
}

static void append(struct intake *in)
{
    struct intake_batch *b = &in->batch;
    struct pending_block *p = b->building;
    p->last_seq = b->next_seq - 1;
    p->appended_mono_us = clock_mono_us(in->env);
    *b->blocks_end = p;
    b->blocks_end = &p->next;
    b->in_flight++;
    struct buf *block = block_finish(b->builder);
    journal_append(in->journal, block, (struct journal_step){seal, p}, on_durable, in);
    buf_unref(block);
    b->building = b->spare;
    if (b->building != NULL)
        b->spare = b->building->next;
    else
        b->building = mem_zalloc(&in->env->mem, sizeof(*b->building));
    begin_building(b);
    block_begin(b->builder, b->next_seq, b->block_time);
}

/* ---- one command --------------------------------------------------------------- */

/* The month of numbers changes seldom: asked once a minute and policy. */
static unsigned month(struct intake *in)
{
    struct intake_batch *b = &in->batch;
    const Kesu__V1__Policy *policy = in->policy.active;
    if (policy == NULL) return 0;
    if (policy == b->yymm_policy && b->block_time < b->yymm_until_us) return b->yymm;
    if (due_month(policy->office->time_zone, b->block_time, &b->yymm) != 0)
        due_month("UTC", b->block_time, &b->yymm);
    b->yymm_policy = policy;
    b->yymm_until_us = b->block_time - b->block_time % USEC_PER_MIN + USEC_PER_MIN;
    return b->yymm;
}

static struct decide_context context(struct intake *in, const char *client)
{
    return (struct decide_context){.block_time = in->batch.block_time,
                                   .next_seq = in->batch.next_seq,
                                   .next_key_id = in->reg.meta.next_key_id,
                                   .policy = in->policy.active,
                                   .policy_hash = in->policy.hash,
                                   .yymm = month(in),
                                   .secrets = &in->secrets,
                                   .storage_low = in->storage.low,
                                   .clock_alarm = in->wallclock.alarm,
                                   .client = client,
                                   .arena = &in->batch.arena,
                                   .policy_bytes = intake_policy_bytes,
                                   .self = &in->policy};
}

/* Keys and encoded events, to be sealed in the block; nothing has been changed yet when it fails. */
static int prepare(struct intake *in, struct decision *d, uint64_t command_hash, struct seal_key *ret_keys,
                   size_t *ret_bytes)
{
    *ret_bytes = 0;
    if (d->new_keys > intake_keys_ahead(in->keys, in->reg.meta.next_key_id)) return E_OVERLOADED;
    d->events[d->n_events - 1].event.command_hash = command_hash;
    for (unsigned i = 0; i < d->n_events; i++) {
        struct decide_event *e = &d->events[i];
        if (e->plain != NULL) {
            int err = intake_keys_get(in->keys, e->key_id, &ret_keys[i]);
            if (err != 0) return err == E_ERASED ? E_ERASED : E_OVERLOADED;
            if (seal_prepare(in->env, e->key_id, e->plain, &in->batch.arena, e->sealed) != 0)
                return E_TOO_BIG;
        }
        e->bytes = codec_pack(&e->event, &in->batch.arena);
        if (e->bytes.p == NULL) return E_TOO_BIG;
        *ret_bytes += e->bytes.n;
    }
    return *ret_bytes > BLOCK_MAX_BYTES - BLOCK_HEADER_BYTES - DECIDE_MAX_EVENTS * BLOCK_ROW_BYTES ? E_TOO_BIG
                                                                                                   : 0;
}

static void add_events(struct intake *in, struct decision *d, const struct seal_key *keys)
{
    struct intake_batch *b = &in->batch;
    for (unsigned i = 0; i < d->n_events; i++) {
        struct decide_event *e = &d->events[i];
        uint8_t *p = block_add(b->builder, (uint16_t)e->event.body_case, 0, e->event.case_id, e->bytes.n);
        memcpy(p, e->bytes.p, e->bytes.n);
        if (e->plain != NULL) b->building->keys[b->building->n_keys++] = keys[i];
        intake_hint_add(&b->building->hints, e->event.body_case, e->department != NULL ? e->department : "",
                        b->next_seq);
        intake_apply(in, &e->event, b->next_seq++, b->block_time, &b->arena, d->state);
        if (e->event.body_case == KESU__V1__EVENT__BODY_CLOCK_ACCEPTED)
            intake_wallclock_accept(&in->wallclock);
        if (e->event.body_case == KESU__V1__EVENT__BODY_SENSITIVE_MARKED) intake_readers_forget_keys(in);
    }
    stats_add(in->stats.events, d->n_events);
}

static int refuse(struct intake *in, Kesu__V1__Refused *ret, int err, const char *field, const char *reason)
{
    intake_refused_set(ret, err, field, reason);
    stats_add(in->stats.refused, 1);
    return err;
}

static bool answer_duplicate(struct intake *in, const struct command_one *c, uint64_t command_hash,
                             Kesu__V1__Accepted *ret)
{
    struct dedup_row row;
    Kesu__V1__CaseState *state;
    if (!intake_dedup_find(&in->reg, c->client, c->command->id.data, &row)) return false;
    ret->seq = row.seq;
    ret->case_id = row.case_id;
    ret->version = row.version;
    ret->joined = row.joined != 0;
    ret->duplicate = true;
    ret->differed = row.command_hash != command_hash;
    if (row.case_id != 0 && intake_case_get(&in->reg, row.case_id, &in->batch.arena, &state) == 0)
        ret->number = state->number;
    stats_add(in->stats.duplicate, 1);
    return true;
}

static int carry_out(struct intake *in, const struct command_one *c, uint64_t command_hash,
                     Kesu__V1__Accepted *ret, Kesu__V1__Refused *ret_refused)
{
    struct intake_batch *b = &in->batch;
    struct decide_context ctx = context(in, c->client);
    struct decision d;
    struct seal_key keys[DECIDE_MAX_EVENTS];
    size_t bytes = 0;
    intake_decide(&in->reg, c->command, &ctx, &d);
    if (d.err != 0) {
        *ret_refused = d.refused;
        stats_add(in->stats.refused, 1);
        return d.err;
    }
    if (d.n_events > 0) {
        int err = prepare(in, &d, command_hash, keys, &bytes);
        if (err != 0) return refuse(in, ret_refused, err, "", NULL);
        if (!block_has_room(b->builder, d.n_events, bytes)) append(in);
        add_events(in, &d, keys);
    }
    *ret = d.accepted;
    stats_add(in->stats.accepted, 1);
    return 0;
}

int intake_command_one(struct intake *in, const struct command_one *c, Kesu__V1__Accepted *ret,
                       Kesu__V1__Refused *ret_refused)
{
    const ProtobufCBinaryData *id = &c->command->id;
    if (c->error->code != 0)
        return refuse(in, ret_refused, c->error->code, c->error->field, c->error->reason);
    int err = intake_dedup_check_id(span_of(id->data, id->len), in->batch.block_time, in->reg.meta.floor_ms);
    /* The clock that jumped has made this id, too. */
    if (err == E_ID_AHEAD && in->wallclock.alarm &&
        c->command->body_case == KESU__V1__COMMAND__BODY_ACCEPT_CLOCK)
        err = 0;
    if (err != 0) return refuse(in, ret_refused, err, "id", NULL);
    uint64_t hash = intake_secrets_command(&in->secrets, c->encoded);
    if (answer_duplicate(in, c, hash, ret)) return 0;
    if (!intake_poison_any(in->poison)) return carry_out(in, c, hash, ret, ret_refused);
    if (intake_poison_is_refused(in->poison, id->data)) {
        stats_add(in->stats.poison_refused, 1);
        return refuse(in, ret_refused, E_INTERNAL, "id", NULL);
    }
    bool alone = intake_poison_is_suspect(in->poison, id->data);
    if (alone) intake_poison_note(in->poison, (const uint8_t(*)[16])(const void *)id->data, 1);
    err = carry_out(in, c, hash, ret, ret_refused);
    if (alone) intake_poison_done(in->poison);
    return err;
}

/* ---- one message ----------------------------------------------------------------- */

static void keep_reply(struct intake *in, struct bus_server *server, uint64_t peer, unsigned n_commands,
                       const Kesu__V1__ReplyBatch *reply)
{
    struct intake_batch *b = &in->batch;
    struct pending_reply *r = mem_alloc(&in->env->mem, sizeof(*r));
    *r = (struct pending_reply){.ticket = b->next_seq - 1,
                                .server = server,
                                .peer = peer,
                                .n_commands = n_commands,
                                .bytes = codec_pack_buf(reply)};
    *b->replies_end = r;
    b->replies_end = &r->next;
}

static void refuse_message(struct intake *in, struct bus_server *server, uint64_t peer, uint64_t batch,
                           int err, const char *field, const char *reason)
{
    Kesu__V1__ReplyBatch reply = KESU__V1__REPLY_BATCH__INIT;
    Kesu__V1__Reply one = KESU__V1__REPLY__INIT, *list[1] = {&one};
    Kesu__V1__Refused refused;
    refuse(in, &refused, err, field, reason);
    one.result_case = KESU__V1__REPLY__RESULT_REFUSED;
    one.refused = &refused;
    reply.batch = batch;
    reply.n_replies = 1;
    reply.replies = list;
    reply.credit = in->lanes.credit;
    keep_reply(in, server, peer, 0, &reply);
}

/* The n-th encoded command of the batch: the codec took them in this order. */
static struct span take_encoded(struct span *rest)
{
    struct wire_field w;
    while (rest->n > 0 && wire_take(rest, &w))
        if (w.tag == 3) return w.bytes;
    return SPAN_NONE;
}

static void note_in_hand(struct intake *in, const Kesu__V1__CommandBatch *batch)
{
    uint8_t(*ids)[16] = arena_zalloc(&in->batch.arena, 16 * (batch->n_commands + 1));
    if (ids == NULL) return;
    for (size_t i = 0; i < batch->n_commands; i++)
        if (batch->commands[i]->id.len == 16) memcpy(ids[i], batch->commands[i]->id.data, 16);
    intake_poison_note(in->poison, (const uint8_t(*)[16])(const void *)ids, (unsigned)batch->n_commands);
}

/* While one command is decided, what a later one will look up is on its way from memory. */
static void prefetch(const struct intake *in, const char *client, const Kesu__V1__Command *c)
{
    struct key key;
    if (c->id.len == 16) intake_dedup_prefetch(&in->reg, client, c->id.data);
    if (c->body_case != KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE || c->receive_message->external == NULL)
        return;
    intake_external_key(c->receive_message->channel, c->receive_message->external, &key);
    intake_register_prefetch(&in->reg, TABLE_EXTERNALS, key_span(&key));
}

static void carry_out_all(struct intake *in, struct bus_server *server, uint64_t peer, struct span head,
                          const Kesu__V1__CommandBatch *batch, const struct codec_error *errors)
{
    struct arena *arena = &in->batch.arena;
    size_t n = batch->n_commands;
    bool within = intake_lanes_take(in, server, peer, (unsigned)n);
    Kesu__V1__ReplyBatch reply = KESU__V1__REPLY_BATCH__INIT;
    Kesu__V1__Reply *replies = arena_alloc(arena, sizeof(*replies) * (n + 1));
    Kesu__V1__Reply **list = arena_alloc(arena, sizeof(Kesu__V1__Reply *) * (n + 1));
    Kesu__V1__Accepted *accepted = arena_alloc(arena, sizeof(*accepted) * (n + 1));
    Kesu__V1__Refused *refused = arena_alloc(arena, sizeof(*refused) * (n + 1));
    CHECK(replies != NULL && list != NULL && accepted != NULL && refused != NULL);
    for (size_t i = 0; i < n; i++) {
        struct command_one one = {batch->client, batch->commands[i], take_encoded(&head), &errors[i]};
        if (i + AHEAD < n) prefetch(in, batch->client, batch->commands[i + AHEAD]);
        kesu__v1__reply__init(&replies[i]);
        kesu__v1__accepted__init(&accepted[i]);
        replies[i].id = batch->commands[i]->id;
        list[i] = &replies[i];
        int err = within ? intake_command_one(in, &one, &accepted[i], &refused[i])
                         : refuse(in, &refused[i], E_OVERLOADED, "", NULL);
        replies[i].result_case =
            err == 0 ? KESU__V1__REPLY__RESULT_ACCEPTED : KESU__V1__REPLY__RESULT_REFUSED;
        if (err == 0)
            replies[i].accepted = &accepted[i];
        else
            replies[i].refused = &refused[i];
    }
    if (!within) stats_add(in->stats.overloaded, 1);
    reply.batch = batch->batch;
    reply.n_replies = n;
    reply.replies = list;
    reply.credit = in->lanes.credit;
    keep_reply(in, server, peer, within ? (unsigned)n : 0, &reply);
}

/* Over TCP the client is the name of the key, whatever the batch claims. */
static void check_roles(const struct bus_msg *msg, Kesu__V1__CommandBatch *batch, struct codec_error *errors)
{
    batch->client = (char *)(uintptr_t)msg->user->name;
    for (size_t i = 0; i < batch->n_commands; i++)
        if (errors[i].code == 0)
            (void)roles_check_command(msg->user, (enum role_socket)msg->socket, batch->commands[i],
                                      &errors[i]);
}

/* Of the block that begins with this command, if one does. */
static void take_time(struct intake *in)
{
    struct intake_batch *b = &in->batch;
    if (block_count(b->builder) > 0) return;
    b->block_time = intake_wallclock_block_time(&in->wallclock);
    block_begin(b->builder, b->next_seq, b->block_time);
}

void intake_batch_message(struct intake *in, struct bus_server *server, uint64_t peer,
                          const struct bus_msg *msg)
{
    struct intake_batch *b = &in->batch;
    struct span head = msg->head;
    Kesu__V1__CommandBatch *batch = NULL;
    struct codec_error *errors = NULL, error;
    uint64_t mark[2] = {hash_fast(head), head.n};
    /* Lanes are paused, or soon will be; what slipped through is sent again. */
    if (in->replaying || b->not_written) return;
    arena_reset(&b->arena);
    take_time(in);
    if (intake_poison_is_refused(in->poison, (const uint8_t *)mark)) {
        refuse_message(in, server, peer, 0, E_INTERNAL, "", NULL);
        return;
    }
    intake_poison_note(in->poison, (const uint8_t(*)[16])(const void *)mark, 1);
    int err = codec_unpack_commands(head, &b->arena, &batch, &errors, &error);
    intake_poison_done(in->poison);
    if (err != 0) {
        refuse_message(in, server, peer, 0, err == E_NOMEM ? E_TOO_BIG : err, error.field, error.reason);
        return;
    }
    if (msg->user != NULL) check_roles(msg, batch, errors);
    if (batch->client[0] == '\0') {
        refuse_message(in, server, peer, batch->batch, E_MISSING, "client", NULL);
        return;
    }
    note_in_hand(in, batch);
    carry_out_all(in, server, peer, head, batch, errors);
    intake_poison_done(in->poison);
}

int intake_batch_own(struct intake *in, Kesu__V1__Command *command)
{
    static const struct codec_error none;
    Kesu__V1__Accepted accepted = KESU__V1__ACCEPTED__INIT;
    Kesu__V1__Refused refused;
    struct arena arena;
    take_time(in);
    arena_reset(&in->batch.arena);
    arena_init(&arena, &in->env->mem, BLOCK_MAX_BYTES);
    struct command_one one = {"intake", command, codec_pack(command, &arena), &none};
    int err = intake_command_one(in, &one, &accepted, &refused);
    if (err != 0)
        log_error(in->env, "own command refused", LOG_ERR(err), LOG_STR("field", refused.field),
                  LOG_STR("reason", refused.reason));
    arena_deinit(&arena);
    return err;
}

/* ---- end of a turn ---------------------------------------------------------------- */

static void send_replies(struct intake *in)
{
    struct intake_batch *b = &in->batch;
    uint64_t durable = journal_head(in->journal).seq;
    while (b->replies != NULL && b->replies->ticket <= durable) {
        struct pending_reply *r = b->replies;
        b->replies = r->next;
        if (b->replies == NULL) b->replies_end = &b->replies;
        /* One that cannot be delivered is dropped: the same command gets it again. */
        bus_reply(in->env, r->server, r->peer, buf_span(r->bytes), NULL);
        intake_lanes_answered(in, r->server, r->peer, r->n_commands);
        buf_unref(r->bytes);
        mem_free(&in->env->mem, r);
    }
}

static void roll_back(struct intake *in)
{
    struct intake_batch *b = &in->batch;
    b->not_written = false;
    drop_replies_after(in, journal_head(in->journal).seq);
    intake_erase_rollback(&in->erase, journal_head(in->journal).seq);
    intake_storage_full(&in->storage);
    intake_register_rollback(&in->reg);
    intake_replay_begin(in);
}

void intake_batch_turn(struct intake *in)
{
    struct intake_batch *b = &in->batch;
    if (b->not_written) {
        if (b->in_flight == 0) roll_back(in);
        return;
    }
    if (in->replaying || !in->open) return;
    if (b->in_flight == 0 && block_count(b->builder) > 0) append(in);
    intake_erase_turn(in); /* who is told that a person is erased can rely on it */
    send_replies(in);
    uint64_t waiting = journal_pending(in->journal);
    stats_set(in->stats.pending_bytes, (int64_t)waiting);
    bool crowded = waiting > PAUSE_BYTES || intake_register_crowded(&in->reg) ||
                   intake_keys_few(in->keys, in->reg.meta.next_key_id);
    intake_lanes_pause(in, crowded);
}
