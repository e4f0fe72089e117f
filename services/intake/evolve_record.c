/* SPDX-License-Identifier: Apache-2.0 */
/* What is put right in the record stands in the case; who it tells of, in the
 * event that says so. */
#include "err.h"
#include "evolve_internal.h"
#include "fields.h"

int intake_evolve_writers(struct evolve *e, const ProtobufCBinaryData *hashes, size_t n)
{
    Kesu__V1__CaseState *s = e->state;
    if (n == 0) return 0;
    ProtobufCBinaryData *all = arena_alloc(e->arena, sizeof(*all) * (s->n_contact_hashes + n));
    if (all == NULL) return E_NOMEM;
    if (s->n_contact_hashes > 0) memcpy(all, s->contact_hashes, sizeof(*all) * s->n_contact_hashes);
    memcpy(all + s->n_contact_hashes, hashes, sizeof(*all) * n);
    s->n_contact_hashes += n;
    s->contact_hashes = all;
    return 0;
}

int intake_evolve_record_amended(struct evolve *e)
{
    const Kesu__V1__RecordAmended *b = e->event->record_amended;
    for (size_t i = 0; i < b->n_set && b->fields != NULL; i++)
        (void)intake_field_copy(&b->fields->base, &e->state->base, b->set[i]);
    if (b->personal == NULL) return 0;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->personal_seq = e->seq;
    intake_evolve_key(e, b->personal);
    return intake_evolve_writers(e, b->contact_hashes, b->n_contact_hashes);
}

int intake_evolve_nature_set(struct evolve *e)
{
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    life->nature = e->event->nature_set->nature;
    return 0;
}

int intake_evolve_evidence_added(struct evolve *e)
{
    const Kesu__V1__EvidenceAdded *b = e->event->evidence_added;
    Kesu__V1__CaseLife *life = intake_evolve_life(e);
    if (life == NULL) return E_NOMEM;
    for (size_t i = 0; i < life->n_evidence; i++)
        if (strcmp(life->evidence[i], b->kind) == 0) return 0;
    life->evidence = intake_evolve_append(e, life->evidence, &life->n_evidence, b->kind);
    return life->evidence != NULL ? 0 : E_NOMEM;
}
