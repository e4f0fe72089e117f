/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's judgement becomes a ClassifyCase for the version of the case that
 * was folded. Stale: the same judgement is sent again once the fold has seen
 * what happened to the case; refused for good: another try, and after the last
 * the default queue. */
#include "clock.h"
#include "err.h"
#include "log.h"
#include "routing.h"

#define ID_MAX_AGE_US (20 * USEC_PER_DAY)
#define REASON_MAX    900

int64_t routing_classify_id_time(const struct routing *r, int64_t changed_us)
{
    int64_t now = fold_block_time(r->fold);
    return now - changed_us > ID_MAX_AGE_US ? now : changed_us;
}

void routing_classify_send(struct routing *r, struct routing_task *t, const Kesu__V1__Judgement *judgement,
                           bool fallback, const char *reason)
{
    struct routing_case c;
    char why[REASON_MAX + 1];
    if (routing_rows_case(r->fold, t->case_id, &c) != 0 || c.state != ROUTING_RECEIVED) {
        routing_queue_drop(&r->queue, t);
        return;
    }
    Kesu__V1__ClassifyCase classify = KESU__V1__CLASSIFY_CASE__INIT;
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    size_t n = codec_utf8_prefix(span_str(reason), REASON_MAX);
    memcpy(why, reason, n);
    why[n] = 0;
    classify.case_id = t->case_id;
    classify.judgement = (Kesu__V1__Judgement *)(uintptr_t)judgement;
    classify.fallback = fallback;
    classify.reason = why;
    command.expected_case = KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION;
    command.expected_version = c.version;
    command.body_case = KESU__V1__COMMAND__BODY_CLASSIFY_CASE;
    command.classify_case = &classify;
    fold_send(r->fold, &command, t->case_id, routing_classify_id_time(r, c.changed_us),
              fallback ? "fallback" : "classify", c.version, false);
    routing_queue_move(t, ROUTING_TASK_SENT, NULL);
}

void routing_classify_on_result(void *self, struct routing_task *t, const Kesu__V1__Judgement *judgement,
                                const char *reason)
{
    struct routing *r = self;
    if (judgement != NULL)
        routing_classify_send(r, t, judgement, false, "");
    else
        routing_queue_return(&r->queue, t, true, reason);
}

static void hold(struct routing *r, struct routing_task *t, const Kesu__V1__ClassifyCase *sent,
                 uint64_t version)
{
    size_t n = codec_size(sent);
    uint8_t *bytes = mem_alloc(&r->env->mem, n);
    protobuf_c_message_pack((const ProtobufCMessage *)sent, bytes);
    mem_free(&r->env->mem, (void *)(uintptr_t)t->judged.p);
    t->judged = span_of(bytes, n);
    t->want_version = version;
    routing_queue_move(t, ROUTING_TASK_STALE, NULL);
}

void routing_classify_on_refused(struct routing *r, const Kesu__V1__ClassifyCase *sent,
                                 const Kesu__V1__Refused *refused)
{
    struct routing_task *t = routing_queue_find(&r->queue, sent->case_id);
    struct routing_case c;
    if (t == NULL || t->state != ROUTING_TASK_SENT) return;
    stats_add(r->m.refused, 1);
    if (refused->code == KESU__V1__ERROR_CODE__E_STALE) {
        if (routing_rows_case(r->fold, sent->case_id, &c) != 0 || c.version >= refused->version)
            routing_classify_send(r, t, sent->judgement, sent->fallback, sent->reason);
        else
            hold(r, t, sent, refused->version);
    } else if (refused->code == KESU__V1__ERROR_CODE__E_STAGE) {
        routing_queue_drop(&r->queue, t); /* the event that says why is on its way */
    } else if (sent->fallback) {
        log_error(r->env, "the default queue was refused", LOG_U64("case", sent->case_id),
                  LOG_STR("field", refused->field), LOG_STR("reason", refused->reason));
        r->n_stuck++;
        routing_queue_drop(&r->queue, t);
    } else {
        routing_queue_return(&r->queue, t, true, refused->reason);
    }
}

void routing_classify_moved(struct routing *r, uint64_t case_id, uint64_t version)
{
    struct routing_task *t = routing_queue_find(&r->queue, case_id);
    Kesu__V1__ClassifyCase *held;
    struct codec_error error;
    if (t == NULL || t->state != ROUTING_TASK_STALE || version < t->want_version) return;
    arena_reset(&r->scratch);
    if (codec_unpack(&kesu__v1__classify_case__descriptor, t->judged, &r->scratch, (void *)&held, &error) !=
        0)
        routing_queue_return(&r->queue, t, false, "");
    else
        routing_classify_send(r, t, held->judgement, held->fallback, held->reason);
}
