/* SPDX-License-Identifier: Apache-2.0 */
/* A message from outside: is it known, does it join a case, or open one?
 *
 * It joins the case that a reply tag with a right MAC names, or a thread key,
 * and only when a contact of the sender is one of that case's: whoever else
 * names a case opens a new one that points at it (suspected_case), and a
 * person decides. What names a merged case joins the one it goes on as. A bounce joins whoever sent it, and
 * never opens a case. Cases of somebody erased are as if they were not there: the person who writes again is
 * new, and a bounce of what they were once sent is accepted and not kept. */
#include "clock.h"
#include "decide_life.h"
#include "err.h"
#include "persons.h"

#define RECEIVED_BACK_US  (30 * USEC_PER_DAY)
#define RECEIVED_AHEAD_US (5 * USEC_PER_MIN + USEC_PER_MS) /* ids, in whole milliseconds, end 5 min ahead */

struct receive {
    struct decide *d;
    const Kesu__V1__ReceiveMessage *m;
    unsigned n_contacts;
    ProtobufCBinaryData *contacts; /* hashes */
    Kesu__V1__CaseState *named;    /* the case the message names, or the one that goes on as, or NULL */
    Kesu__V1__CaseState *first;    /* the one it names itself */
    const char *named_by;
    bool names_erased; /* it names one of somebody erased */
};

/* ---- is it whole? -------------------------------------------------------- */

static int check_contacts(struct decide *d, const char *who, const Kesu__V1__Personal *p)
{
    for (size_t i = 0; i < p->n_contacts; i++) {
        const char *what = p->contacts[i]->kind == 0          ? "kind"
                           : p->contacts[i]->value[0] == '\0' ? "value"
                                                              : NULL;
        if (what == NULL) continue;
        char *field = arena_printf(d->ctx->arena, "receive_message.%s.contacts[%zu].%s", who, i, what);
        return intake_decide_refuse(d, E_MISSING, field, NULL);
    }
    return 0;
}

/* Files are of the message: nobody would find those of somebody in it. */
static int check_other(struct decide *d, const char *who, const Kesu__V1__Personal *p)
{
    if (p == NULL) return 0;
    if (p->n_attachments > 0)
        return intake_decide_refuse(d, E_RANGE,
                                    arena_printf(d->ctx->arena, "receive_message.%s.attachments", who),
                                    "files are of the message itself");
    return check_contacts(d, who, p);
}

static int check_personal(struct decide *d, const Kesu__V1__Personal *p)
{
    if (p == NULL) return intake_decide_refuse(d, E_MISSING, "receive_message.personal", NULL);
    if (p->text[0] == '\0' && p->subject[0] == '\0')
        return intake_decide_refuse(d, E_MISSING, "receive_message.personal.text", "text or subject");
    DECIDE_TRY(check_contacts(d, "personal", p));
    for (size_t i = 0; i < p->n_attachments; i++) {
        if (p->attachments[i]->blob.len == HASH_BYTES) continue;
        char *field = arena_printf(d->ctx->arena, "receive_message.personal.attachments[%zu].blob", i);
        return intake_decide_refuse(d, E_MISSING, field, NULL);
    }
    return 0;
}

static int check_times(struct decide *d, const Kesu__V1__ReceiveMessage *m)
{
    int64_t now = d->ctx->block_time;
    if (m->received_at == 0) return intake_decide_refuse(d, E_MISSING, "receive_message.received_at", NULL);
    if (m->received_at < now - RECEIVED_BACK_US || m->received_at > now + RECEIVED_AHEAD_US)
        return intake_decide_refuse(d, E_RANGE, "receive_message.received_at",
                                    "30 days back to 5 minutes ahead");
    if (m->occurred_at < 0 || m->occurred_at > now + RECEIVED_AHEAD_US)
        return intake_decide_refuse(d, E_RANGE, "receive_message.occurred_at", "not in the future");
    return 0;
}

static int check(struct decide *d, const Kesu__V1__ReceiveMessage *m)
{
    if (m->channel == KESU__V1__CHANNEL__CHANNEL_UNSPECIFIED)
        return intake_decide_refuse(d, E_MISSING, "receive_message.channel", NULL);
    if (m->external != NULL && m->external->hash.len == 0)
        return intake_decide_refuse(d, E_MISSING, "receive_message.external.hash", NULL);
    DECIDE_TRY(check_personal(d, m->personal));
    DECIDE_TRY(check_other(d, "representative", m->representative));
    DECIDE_TRY(check_other(d, "affected", m->affected));
    return check_times(d, m);
}

/* ---- who and what does it name? ------------------------------------------ */

static int hash_contacts(struct receive *r)
{
    struct arena *arena = r->d->ctx->arena;
    const Kesu__V1__Personal *p = r->m->personal;
    if (p->n_contacts == 0) return 0;
    r->contacts = arena_alloc(arena, sizeof(*r->contacts) * p->n_contacts);
    uint8_t *bytes = arena_alloc(arena, (size_t)HASH_SHORT_BYTES * p->n_contacts);
    if (r->contacts == NULL || bytes == NULL) return intake_decide_no_memory(r->d);
    for (size_t i = 0; i < p->n_contacts; i++) {
        if (!intake_secrets_contact(r->d->ctx->secrets, p->contacts[i], bytes)) continue;
        intake_register_prefetch(r->d->view, TABLE_CONTACTS, span_of(bytes, HASH_SHORT_BYTES));
        r->contacts[r->n_contacts++] = (ProtobufCBinaryData){HASH_SHORT_BYTES, bytes};
        bytes += HASH_SHORT_BYTES;
    }
    return 0;
}

static bool name_case(struct receive *r, uint64_t case_id, const char *by)
{
    Kesu__V1__CaseState *named, *first = NULL;
    do {
        if (intake_case_get(r->d->view, case_id, r->d->ctx->arena, &named) != 0) return false;
        if (named->erased_seq != 0) {
            r->names_erased = true;
            return false;
        }
        if (first == NULL) first = named;
        case_id = named->life != NULL ? named->life->merged_into : 0;
    } while (case_id != 0);
    r->first = first;
    r->named = named;
    r->named_by = by;
    return true;
}

static void find_named(struct receive *r)
{
    const struct decide_context *ctx = r->d->ctx;
    unsigned yymm;
    uint64_t serial, id;
    struct key key;
    if (r->m->reply_tag[0] != '\0' &&
        intake_secrets_tag_number(ctx->secrets, r->m->reply_tag, &yymm, &serial)) {
        intake_number_key(yymm, serial, &key);
        if (intake_register_get_u64(r->d->view, TABLE_NUMBERS, key_span(&key), &id) &&
            name_case(r, id, "tag"))
            return;
    }
    for (size_t i = 0; i < r->m->n_thread_keys; i++) {
        uint8_t hash[HASH_SHORT_BYTES];
        if (r->m->thread_keys[i][0] == '\0') continue;
        intake_secrets_thread(ctx->secrets, r->m->channel, r->m->thread_keys[i], hash);
        if (intake_register_get_u64(r->d->view, TABLE_THREADS, span_of(hash, sizeof(hash)), &id) &&
            name_case(r, id, "thread"))
            return;
    }
}

static bool belongs_to(const struct receive *r, const Kesu__V1__CaseState *s)
{
    for (unsigned i = 0; i < r->n_contacts; i++)
        for (size_t k = 0; k < s->n_contact_hashes; k++)
            if (s->contact_hashes[k].len == HASH_SHORT_BYTES &&
                hash_equal(r->contacts[i].data, s->contact_hashes[k].data, HASH_SHORT_BYTES))
                return true;
    return false;
}

static bool belongs(const struct receive *r)
{
    return belongs_to(r, r->named) || (r->first != r->named && belongs_to(r, r->first));
}

/* Who is known by the merged case only is forgotten with it, also in what they write to the other. */
static uint64_t key_of(const struct receive *r)
{
    bool sensitive = r->named->life != NULL && r->named->life->n_readers > 0;
    return sensitive || r->first == r->named || belongs_to(r, r->named) ? intake_decide_key(r->named)
                                                                        : intake_decide_key(r->first);
}

/* Which cases share an attachment can be told, without a word of what it is. */
int intake_decide_hash_files(struct decide *d, Kesu__V1__Attachment *const *files, size_t n,
                             ProtobufCBinaryData **ret)
{
    struct arena *arena = d->ctx->arena;
    ProtobufCBinaryData *list = arena_alloc(arena, sizeof(*list) * n);
    uint8_t *bytes = arena_alloc(arena, HASH_SHORT_BYTES * n);
    if (list == NULL || bytes == NULL) return intake_decide_no_memory(d);
    for (size_t i = 0; i < n; i++, bytes += HASH_SHORT_BYTES) {
        const ProtobufCBinaryData *name = &files[i]->blob;
        intake_secrets_attachment(d->ctx->secrets, span_of(name->data, name->len), bytes);
        list[i] = (ProtobufCBinaryData){HASH_SHORT_BYTES, bytes};
    }
    *ret = list;
    return 0;
}

static int hash_attachments(struct receive *r, size_t *ret_n, ProtobufCBinaryData **ret)
{
    const Kesu__V1__Personal *p = r->m->personal;
    if (p->n_attachments == 0) return 0;
    DECIDE_TRY(intake_decide_hash_files(r->d, p->attachments, p->n_attachments, ret));
    *ret_n = p->n_attachments;
    return 0;
}

/* ---- the events ----------------------------------------------------------- */

static Kesu__V1__CaseText *case_text(struct receive *r)
{
    Kesu__V1__CaseText *t = intake_decide_new(r->d, &kesu__v1__case_text__descriptor);
    if (t == NULL) return NULL;
    t->personal = r->m->personal;
    t->demand = r->m->demand;
    t->place = r->m->place;
    t->representative = r->m->representative;
    t->affected = r->m->affected;
    t->preferred = r->m->preferred;
    return t;
}

/* Who speaks for the customer, or is affected, may write to the case; it is not their contact that makes the
 * customer known. */
static int hash_others(struct receive *r, Kesu__V1__CaseOpened *body)
{
    const Kesu__V1__Personal *const others[] = {r->m->representative, r->m->affected};
    struct arena *arena = r->d->ctx->arena;
    size_t n = 0;
    for (unsigned i = 0; i < 2; i++) n += others[i] != NULL ? others[i]->n_contacts : 0;
    if (n == 0) return 0;
    uint8_t *bytes = arena_alloc(arena, HASH_SHORT_BYTES * n);
    body->other_contact_hashes = arena_alloc(arena, sizeof(*body->other_contact_hashes) * n);
    if (bytes == NULL || body->other_contact_hashes == NULL) return intake_decide_no_memory(r->d);
    for (unsigned i = 0; i < 2; i++)
        for (size_t k = 0; others[i] != NULL && k < others[i]->n_contacts; k++) {
            if (!intake_secrets_contact(r->d->ctx->secrets, others[i]->contacts[k], bytes)) continue;
            body->other_contact_hashes[body->n_other_contact_hashes++] =
                (ProtobufCBinaryData){HASH_SHORT_BYTES, bytes};
            bytes += HASH_SHORT_BYTES;
        }
    return 0;
}

static int own_thread(struct receive *r, ProtobufCBinaryData *ret)
{
    if (r->m->own_thread_key[0] == '\0') return 0;
    uint8_t *hash = arena_alloc(r->d->ctx->arena, HASH_SHORT_BYTES);
    if (hash == NULL) return intake_decide_no_memory(r->d);
    intake_secrets_thread(r->d->ctx->secrets, r->m->channel, r->m->own_thread_key, hash);
    *ret = (ProtobufCBinaryData){HASH_SHORT_BYTES, hash};
    return 0;
}

/* What the channel claims is kept within what can be true. */
static Kesu__V1__ExternalRef *bounded(struct receive *r)
{
    Kesu__V1__ExternalRef *e = r->m->external;
    if (e != NULL && e->sent_at > r->d->ctx->block_time) e->sent_at = r->d->ctx->block_time;
    if (e != NULL && e->sent_at < 0) e->sent_at = 0;
    return e;
}

static int join(struct receive *r)
{
    struct decide *d = r->d;
    DECIDE_TRY(intake_decide_version(d, r->named));
    Kesu__V1__MessageAdded *body = intake_decide_new(d, &kesu__v1__message_added__descriptor);
    Kesu__V1__Sealed *sealed = intake_decide_new(d, &kesu__v1__sealed__descriptor);
    Kesu__V1__CaseText *text = case_text(r);
    if (body == NULL || sealed == NULL || text == NULL) return intake_decide_no_memory(d);
    body->channel = r->m->channel;
    body->external = bounded(r);
    body->received_at = r->m->received_at;
    body->personal = sealed;
    body->language = r->m->language;
    body->automatic = r->m->automatic;
    body->joined_by = (char *)(uintptr_t)r->named_by;
    DECIDE_TRY(own_thread(r, &body->thread_hash));
    DECIDE_TRY(hash_attachments(r, &body->n_attachment_hashes, &body->attachment_hashes));
    if (body->n_attachment_hashes > 0) body->previous_attachment_seq = r->named->attachment_seq;
    d->state = r->named;
    struct decide_event *e = intake_decide_add(d, KESU__V1__EVENT__BODY_MESSAGE_ADDED, body);
    intake_decide_seal(e, text, sealed, key_of(r));
    d->out->accepted.joined = true;
    if (r->m->automatic || !life_is_open(r->named->stage)) return 0;
    return intake_decide_moments(d, e, "customer_message", r->m->received_at);
}

static uint64_t known_customer(struct receive *r)
{
    uint64_t id = 0;
    for (unsigned i = 0; i < r->n_contacts; i++)
        if (intake_register_get_u64(r->d->view, TABLE_CONTACTS,
                                    span_of(r->contacts[i].data, HASH_SHORT_BYTES), &id) &&
            id != 0)
            return id;
    return 0;
}

static int add_customer(struct receive *r, uint64_t *ret_id)
{
    struct decide *d = r->d;
    Kesu__V1__CustomerAdded *body = intake_decide_new(d, &kesu__v1__customer_added__descriptor);
    Kesu__V1__Sealed *sealed = intake_decide_new(d, &kesu__v1__sealed__descriptor);
    Kesu__V1__Personal *profile = intake_decide_new(d, &kesu__v1__personal__descriptor);
    if (body == NULL || sealed == NULL || profile == NULL) return intake_decide_no_memory(d);
    profile->name = r->m->personal->name;
    profile->n_contacts = r->m->personal->n_contacts;
    profile->contacts = r->m->personal->contacts;
    body->customer_id = d->ctx->next_seq + d->out->n_events;
    body->n_contact_hashes = r->n_contacts;
    body->contact_hashes = r->contacts;
    body->profile = sealed;
    struct decide_event *e = intake_decide_add(d, KESU__V1__EVENT__BODY_CUSTOMER_ADDED, body);
    intake_decide_seal(e, profile, sealed, d->ctx->next_key_id + d->out->new_keys++);
    *ret_id = body->customer_id;
    return 0;
}

int intake_decide_number(struct decide *d, Kesu__V1__CaseOpened *body)
{
    struct key key;
    uint64_t serial = 0;
    body->number = arena_alloc(d->ctx->arena, NUMBER_TEXT);
    body->reply_tag = arena_alloc(d->ctx->arena, REPLY_TAG_TEXT);
    if (body->number == NULL || body->reply_tag == NULL) return intake_decide_no_memory(d);
    key.n = 0;
    key_u32(&key, d->ctx->yymm);
    intake_register_get_u64(d->view, TABLE_SERIALS, key_span(&key), &serial);
    due_number(d->ctx->yymm, serial + 1, body->number);
    intake_secrets_tag(d->ctx->secrets, body->number, body->reply_tag);
    return 0;
}

static void copy_plain(const Kesu__V1__ReceiveMessage *m, Kesu__V1__CaseOpened *body)
{
    body->channel = m->channel;
    body->received_at = m->received_at;
    body->occurred_at = m->occurred_at;
    body->object = m->object;
    body->tier = m->tier;
    body->language = m->language;
    body->anonymous = m->anonymous;
    body->internal = m->internal;
    body->automatic = m->automatic;
    if (m->external != NULL) body->mailbox = m->external->mailbox;
}

static int open_case(struct receive *r)
{
    struct decide *d = r->d;
    uint64_t customer_id = known_customer(r);
    if (d->ctx->policy == NULL) return intake_decide_refuse(d, E_NO_POLICY, "", NULL);
    if (d->ctx->storage_low) return intake_decide_refuse(d, E_STORAGE_LOW, "", NULL);
    Kesu__V1__CustomerTraits traits = KESU__V1__CUSTOMER_TRAITS__INIT;
    (void)intake_person_traits(d->view, customer_id, d->ctx->arena, &traits);
    if (customer_id != 0 && r->n_contacts > 1)
        DECIDE_TRY(intake_decide_suggest(d, customer_id, r->contacts, r->n_contacts));
    if (customer_id == 0 && r->n_contacts > 0) DECIDE_TRY(add_customer(r, &customer_id));
    Kesu__V1__CaseOpened *body = intake_decide_new(d, &kesu__v1__case_opened__descriptor);
    Kesu__V1__Sealed *sealed = intake_decide_new(d, &kesu__v1__sealed__descriptor);
    Kesu__V1__CaseText *text = case_text(r);
    if (body == NULL || sealed == NULL || text == NULL) return intake_decide_no_memory(d);
    copy_plain(r->m, body);
    DECIDE_TRY(intake_decide_number(d, body));
    DECIDE_TRY(own_thread(r, &body->thread_hash));
    DECIDE_TRY(hash_attachments(r, &body->n_attachment_hashes, &body->attachment_hashes));
    DECIDE_TRY(hash_others(r, body));
    if (traits.tier > body->tier) body->tier = traits.tier;
    if (body->language == KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED) body->language = traits.language;
    body->customer_id = customer_id;
    body->external = bounded(r);
    body->personal = sealed;
    body->suspected_case = r->named != NULL ? r->named->case_id : 0;
    body->n_contact_hashes = r->n_contacts;
    body->contact_hashes = r->contacts;
    struct decide_event *e = intake_decide_add(d, KESU__V1__EVENT__BODY_CASE_OPENED, body);
    e->event.case_id = d->ctx->next_seq + d->out->n_events - 1;
    e->event.version = 1;
    intake_decide_seal(e, text, sealed, d->ctx->next_key_id + d->out->new_keys++);
    d->out->accepted.case_id = e->event.case_id;
    d->out->accepted.version = 1;
    d->out->accepted.number = body->number;
    return intake_decide_start_clocks(d, e, r->m->received_at);
}

/* The channel sent this very message before, under another command id. */
static bool known_before(struct decide *d, const Kesu__V1__ReceiveMessage *m)
{
    struct key key;
    uint64_t id;
    Kesu__V1__CaseState *state;
    if (m->external == NULL) return false;
    intake_external_key(m->channel, m->external, &key);
    if (!intake_register_get_u64(d->view, TABLE_EXTERNALS, key_span(&key), &id)) return false;
    if (intake_case_get(d->view, id, d->ctx->arena, &state) != 0) return false;
    d->out->accepted.case_id = id;
    d->out->accepted.number = state->number;
    d->out->accepted.version = state->version;
    d->out->accepted.duplicate = true;
    return true;
}

int intake_decide_receive(struct decide *d)
{
    struct receive r = {.d = d, .m = d->command->receive_message};
    DECIDE_TRY(check(d, r.m));
    if (known_before(d, r.m)) return 0;
    DECIDE_TRY(hash_contacts(&r));
    find_named(&r);
    if (r.named != NULL && (r.m->join_only || belongs(&r))) return join(&r);
    if (r.m->join_only && r.names_erased) return 0; /* nothing of an erased person is kept */
    if (r.m->join_only)
        return intake_decide_refuse(d, E_UNKNOWN, "receive_message.thread_keys", "names no case of ours");
    return open_case(&r);
}
