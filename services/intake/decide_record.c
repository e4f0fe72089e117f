/* SPDX-License-Identifier: Apache-2.0 */
/* The record: what is put right in it, its nature, the evidence it needs.
 *
 * What the category's checklist asks for and nobody has given yet is what an
 * incomplete file lacks: it goes back to the customer with that list. */
#include "decide_life.h"
#include "err.h"
#include "fields.h"
#include "hash.h"
#include "policy.h"

#define MAX_KINDS    64
#define MAX_CONTACTS 64 /* of a case, with those of its customer */

/* ---- put right ------------------------------------------------------------------ */

static bool has_field(const ProtobufCMessageDescriptor *of, const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(of, name) != NULL;
}

static int check_set(struct decide *d, const Kesu__V1__AmendRecord *c, bool *ret_plain, bool *ret_personal)
{
    for (size_t i = 0; i < c->n_set; i++) {
        char *field = arena_printf(d->ctx->arena, "amend_record.set[%zu]", i);
        bool plain = has_field(&kesu__v1__record_fields__descriptor, c->set[i]);
        bool personal = has_field(&kesu__v1__record_personal__descriptor, c->set[i]);
        if (!plain && !personal) return intake_decide_refuse(d, E_RANGE, field, "not a field of the record");
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->set[k], c->set[i]) == 0)
                return intake_decide_refuse(d, E_RANGE, field, "named twice");
        *ret_plain = *ret_plain || plain;
        *ret_personal = *ret_personal || personal;
    }
    return 0;
}

static bool sets(const Kesu__V1__AmendRecord *c, const char *name)
{
    for (size_t i = 0; i < c->n_set; i++)
        if (strcmp(c->set[i], name) == 0) return true;
    return false;
}

static int check_object(struct decide *d, const Kesu__V1__Object *o)
{
    if (o == NULL) return 0;
    if (o->declared_value != NULL)
        DECIDE_TRY(intake_decide_money(d, "fields.object.declared_value", o->declared_value));
    if (o->carriage != NULL) DECIDE_TRY(intake_decide_money(d, "fields.object.carriage", o->carriage));
    if (o->quantity != 0 && o->defective_quantity > o->quantity)
        return intake_decide_refuse(d, E_RANGE, "amend_record.fields.object.defective_quantity",
                                    "no more than the quantity");
    if (o->signed_at != 0 && o->shipped_at > o->signed_at)
        return intake_decide_refuse(d, E_RANGE, "amend_record.fields.object.signed_at",
                                    "not before shipped_at");
    return 0;
}

static int check_fields(struct decide *d, const Kesu__V1__AmendRecord *c)
{
    const Kesu__V1__RecordFields *f = c->fields;
    if (f == NULL) return intake_decide_refuse(d, E_MISSING, "amend_record.fields", NULL);
    if (sets(c, "channel") && f->channel == KESU__V1__CHANNEL__CHANNEL_UNSPECIFIED)
        return intake_decide_refuse(d, E_MISSING, "amend_record.fields.channel", NULL);
    if (f->occurred_at < 0 || f->occurred_at > d->ctx->block_time)
        return intake_decide_refuse(d, E_RANGE, "amend_record.fields.occurred_at", "not in the future");
    return check_object(d, f->object);
}

static void hash_people(struct decide *d, const Kesu__V1__Personal *p, Kesu__V1__RecordAmended *body,
                        uint8_t *bytes)
{
    for (size_t i = 0; p != NULL && i < p->n_contacts; i++) {
        uint8_t *at = bytes + body->n_contact_hashes * HASH_SHORT_BYTES;
        if (p->contacts[i]->kind == 0 || !intake_secrets_contact(d->ctx->secrets, p->contacts[i], at))
            continue;
        body->contact_hashes[body->n_contact_hashes++] = (ProtobufCBinaryData){HASH_SHORT_BYTES, at};
    }
}

/* Of the personal part only what is named; sealed with the case's key. */
static int seal_personal(struct decide *d, const Kesu__V1__AmendRecord *c, Kesu__V1__RecordAmended *body,
                         Kesu__V1__RecordPersonal **ret)
{
    struct arena *arena = d->ctx->arena;
    if (c->personal == NULL) return intake_decide_refuse(d, E_MISSING, "amend_record.personal", NULL);
    if (d->state->erased_seq != 0) return intake_decide_refuse(d, E_ERASED, "amend_record.personal", NULL);
    Kesu__V1__RecordPersonal *named = intake_decide_new(d, &kesu__v1__record_personal__descriptor);
    body->personal = intake_decide_new(d, &kesu__v1__sealed__descriptor);
    if (named == NULL || body->personal == NULL) return intake_decide_no_memory(d);
    for (size_t i = 0; i < c->n_set; i++)
        (void)intake_field_copy(&c->personal->base, &named->base, c->set[i]);
    const char *files = named->representative != NULL && named->representative->n_attachments > 0
                            ? "amend_record.personal.representative.attachments"
                        : named->affected != NULL && named->affected->n_attachments > 0
                            ? "amend_record.personal.affected.attachments"
                            : NULL;
    if (files != NULL) return intake_decide_refuse(d, E_RANGE, files, "files are evidence of their own");
    size_t n = (named->representative != NULL ? named->representative->n_contacts : 0) +
               (named->affected != NULL ? named->affected->n_contacts : 0);
    if (d->state->n_contact_hashes + n > MAX_CONTACTS)
        return intake_decide_refuse(d, E_TOO_BIG, "amend_record.personal", "the case knows 64 contacts");
    uint8_t *bytes = n > 0 ? arena_alloc(arena, HASH_SHORT_BYTES * n) : NULL;
    body->contact_hashes = n > 0 ? arena_alloc(arena, sizeof(*body->contact_hashes) * n) : NULL;
    if (n > 0 && (bytes == NULL || body->contact_hashes == NULL)) return intake_decide_no_memory(d);
    hash_people(d, named->representative, body, bytes);
    hash_people(d, named->affected, body, bytes);
    *ret = named;
    return 0;
}

int intake_decide_amend(struct decide *d)
{
    const Kesu__V1__AmendRecord *c = d->command->amend_record;
    Kesu__V1__RecordPersonal *named = NULL;
    bool plain = false, personal = false;
    DECIDE_TRY(check_set(d, c, &plain, &personal));
    if (plain) DECIDE_TRY(check_fields(d, c));
    Kesu__V1__RecordAmended *body = intake_decide_new(d, &kesu__v1__record_amended__descriptor);
    if (body == NULL) return intake_decide_no_memory(d);
    body->n_set = c->n_set;
    body->set = c->set;
    body->reason = c->reason;
    if (plain) {
        body->fields = intake_decide_new(d, &kesu__v1__record_fields__descriptor);
        body->before = intake_decide_new(d, &kesu__v1__record_fields__descriptor);
        if (body->fields == NULL || body->before == NULL) return intake_decide_no_memory(d);
    }
    for (size_t i = 0; plain && i < c->n_set; i++) {
        (void)intake_field_copy(&c->fields->base, &body->fields->base, c->set[i]);
        (void)intake_field_copy(&d->state->base, &body->before->base, c->set[i]);
    }
    if (personal) DECIDE_TRY(seal_personal(d, c, body, &named));
    if (personal && d->state->life != NULL) body->before_seq = d->state->life->personal_seq;
    DECIDE_TRY(intake_decide_event(d, KESU__V1__EVENT__BODY_RECORD_AMENDED, body));
    if (named != NULL)
        intake_decide_seal(intake_decide_last(d), named, body->personal, intake_decide_key(d->state));
    return 0;
}

/* ---- what it is ------------------------------------------------------------------ */

int intake_decide_nature(struct decide *d)
{
    const Kesu__V1__SetNature *c = d->command->set_nature;
    Kesu__V1__Nature before = d->state->life != NULL ? d->state->life->nature : 0;
    if (c->nature != KESU__V1__NATURE__NATURE_UNSPECIFIED && c->nature == before)
        return intake_decide_refuse(d, E_EXISTS, "set_nature.nature", NULL);
    Kesu__V1__NatureSet *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_NATURE_SET);
    if (body == NULL) return intake_decide_no_memory(d);
    body->before = before;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_NATURE_SET, body);
}

/* ---- evidence -------------------------------------------------------------------- */

static bool has_come(const Kesu__V1__CaseLife *life, const char *kind)
{
    for (size_t i = 0; life != NULL && i < life->n_evidence; i++)
        if (strcmp(life->evidence[i], kind) == 0) return true;
    return false;
}

static int check_evidence(struct decide *d, Kesu__V1__EvidenceAdded *body)
{
    static const char *const givers[] = {"customer", "staff", "third_party"};
    const Kesu__V1__CaseLife *life = d->state->life;
    bool known = body->given_by[0] == '\0'; /* what is missing, the table of the life tells */
    for (unsigned i = 0; i < sizeof(givers) / sizeof(givers[0]); i++)
        known = known || strcmp(body->given_by, givers[i]) == 0;
    if (!known)
        return intake_decide_refuse(d, E_RANGE, "add_evidence.given_by", "customer, staff or third_party");
    if (body->given_at < 0 || body->given_at > d->ctx->block_time)
        return intake_decide_refuse(d, E_RANGE, "add_evidence.given_at", "not in the future");
    if (body->given_at == 0) body->given_at = d->ctx->block_time;
    if (life != NULL && life->n_evidence >= MAX_KINDS && !has_come(life, body->kind))
        return intake_decide_refuse(d, E_TOO_BIG, "add_evidence.kind", "the case has 64 kinds of evidence");
    return 0;
}

int intake_decide_evidence(struct decide *d)
{
    Kesu__V1__EvidenceAdded *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_EVIDENCE_ADDED);
    if (body == NULL) return intake_decide_no_memory(d);
    DECIDE_TRY(check_evidence(d, body));
    return intake_decide_event(d, KESU__V1__EVENT__BODY_EVIDENCE_ADDED, body);
}

int intake_decide_return_file(struct decide *d)
{
    const Kesu__V1__Category *category =
        d->ctx->policy != NULL ? policy_category(d->ctx->policy, d->state->category) : NULL;
    Kesu__V1__FileReturned *body = intake_decide_copy(d, KESU__V1__EVENT__BODY_FILE_RETURNED);
    size_t n = category != NULL ? category->n_evidence : 0;
    if (n == 0)
        return intake_decide_refuse(d, E_EXISTS, "return_file.case_id", "its category asks for no evidence");
    char **missing = arena_alloc(d->ctx->arena, sizeof(*missing) * n);
    if (body == NULL || missing == NULL) return intake_decide_no_memory(d);
    for (size_t i = 0; i < n && body->n_missing < MAX_KINDS; i++)
        if (!has_come(d->state->life, category->evidence[i]))
            missing[body->n_missing++] = category->evidence[i];
    if (body->n_missing == 0)
        return intake_decide_refuse(d, E_EXISTS, "return_file.case_id", "the file is complete");
    body->missing = missing;
    return intake_decide_event(d, KESU__V1__EVENT__BODY_FILE_RETURNED, body);
}
