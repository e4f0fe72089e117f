/* SPDX-License-Identifier: Apache-2.0 */
/* Persons who are forgotten: from the moment anybody is told of it their keys
 * are zeros on disk, no reader gets them, no letter leaves, nothing they wrote
 * can be read. */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "life.h"
#include "office.h"

#define SLOT_BYTES   64 /* of the key store; the secret comes first */
#define SECRET_BYTES 32
#define MOST_ASKED   4
#define ARENA_BYTES  ((size_t)8 << 20)

static void key_of(uint64_t key_id, uint8_t ret[16])
{
    memset(ret, 0, 16);
    memcpy(ret, &key_id, sizeof key_id);
}

static bool is_zero_on_disk(struct office *o, uint64_t key_id)
{
    static const uint8_t zeros[SECRET_BYTES];
    uint8_t secret[SECRET_BYTES];
    uint64_t at = (key_id - 1) * SLOT_BYTES;
    return sim_disk_read(o->sim, OFFICE_DATA "/intake/keys/slots", true, at, secret, sizeof secret) &&
           memcmp(secret, zeros, sizeof zeros) == 0;
}

void erase_told(struct office *o, uint64_t first_seq, uint64_t last_seq)
{
    for (unsigned i = 0; i < o->audit.n_erasures; i++) {
        const struct audit_erasure *x = &o->audit.erasures[i];
        if (x->seq < first_seq || x->seq > last_seq) continue;
        for (unsigned k = 0; k < x->n_keys; k++) {
            uint8_t key[16];
            key_of(x->key_ids[k], key);
            if (!is_zero_on_disk(o, x->key_ids[k]))
                audit_broken(&o->audit, "seq %llu is told, but key %llu is not zero on disk",
                             (unsigned long long)x->seq, (unsigned long long)x->key_ids[k]);
            if (idset_add(&o->erased_keys, key, x->seq)) o->disasters[PERSON_ERASED]++;
        }
    }
}

void erase_check_keys(struct office *o, Kesu__V1__Key *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t key[16];
        key_of(keys[i]->key_id, key);
        if (keys[i]->secret.len > 0 && idset_find(&o->erased_keys, key, NULL))
            audit_broken(&o->audit, "a reader gets key %llu, which was erased",
                         (unsigned long long)keys[i]->key_id);
    }
}

/* The answer's address names the case: office+YYMM-NNNNNN.code@... */
void erase_check_mail(struct office *o, const struct sim_mail *m, uint64_t folded_seq)
{
    char address[320];
    if (m->headers != NULL) return;
    mails_header(m->message, "reply-to:", address);
    const char *plus = strchr(address, '+');
    if (plus == NULL) return;
    for (unsigned i = 0; i < o->audit.n_cases; i++) {
        const struct audit_case *c = &o->audit.cases[i];
        if (c->erased_seq == 0 || c->erased_seq > folded_seq) continue;
        if (strncmp(c->number, plus + 1, strlen(c->number)) == 0)
            audit_broken(&o->audit, "a letter of case %s leaves after it was erased", c->number);
    }
}

static void check_case(struct office *o, const struct audit_case *c, struct arena *arena)
{
    Kesu__V1__GetCase get = KESU__V1__GET_CASE__INIT;
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    get.which_case = KESU__V1__GET_CASE__WHICH_CASE_ID;
    get.case_id = c->id;
    get.personal = true;
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_GET_CASE;
    request.get_case = &get;
    const Kesu__V1__ControlReply *reply = ask(o, "intake-control", &request, 2 * USEC_PER_MIN, arena);
    if (reply == NULL || reply->body_case != KESU__V1__CONTROL_REPLY__BODY_CASE_DETAIL) {
        audit_broken(&o->audit, "intake does not show case %s", c->number);
        return;
    }
    const Kesu__V1__CaseDetail *detail = reply->case_detail;
    for (size_t k = 0; k < detail->n_opened; k++) {
        uint64_t seq = detail->events[k]->seq;
        uint16_t type = o->audit.events[seq - 1].type;
        /* Who wrote to a case that goes on as this one may be another, who is not forgotten with it. */
        bool of_another = c->absorbed && type == KESU__V1__EVENT__BODY_MESSAGE_ADDED;
        if (detail->opened[k].len > 0 && seq <= c->erased_seq && !of_another)
            audit_broken(&o->audit, "case %s was erased, and seq %llu can be read: %s", c->number,
                         (unsigned long long)seq, life_event_name(type));
    }
}

void erase_check(struct office *o)
{
    struct arena arena;
    unsigned asked = 0;
    arena_init(&arena, &mem_libc, ARENA_BYTES);
    erase_told(o, 1, o->audit.n_events);
    for (unsigned i = 0; i < o->audit.n_cases && asked < MOST_ASKED; i++) {
        if (o->audit.cases[i].erased_seq == 0) continue;
        arena_reset(&arena);
        check_case(o, &o->audit.cases[i], &arena);
        asked++;
    }
    arena_deinit(&arena);
}
