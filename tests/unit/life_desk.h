/* SPDX-License-Identifier: Apache-2.0 */
/* An office for tests of the life of a case, with the register in memory:
 *
 *   gm ── dep ─┬─ lead ─┬─ ann    owner of each case
 *              │        ├─ ben
 *              │        └─ hand   handler
 *              └─ side            another section manager
 *   gm ── law                     legal
 *
 * Agents approve up to TWD 500 (at once: 400 a case, 600 and 3 cases a day),
 * section managers 3,000, the deputy 20,000, gm anything. Of damage at most
 * 10,000 is given, and what was declared; side stands in for dep up to 8,000,
 * hand for lead. */
#ifndef TESTS_UNIT_LIFE_DESK_H
#define TESTS_UNIT_LIFE_DESK_H

#include "../../services/intake/decide.h"
#include "clock.h"
#include "err.h"

#define LIFE_NOW (INT64_C(1764000000) * 1000000)

struct life_desk {
    struct sim *sim;
    struct env *env;
    struct intake_register view;
    struct intake_secrets secrets;
    struct arena arena;
    struct decide_context ctx;
    struct decision out;
    Kesu__V1__Policy policy;
    Kesu__V1__LifeSettings settings;
    Kesu__V1__Actor actor;
    uint64_t cases;
    uint8_t id[16], policy_hash[32];
};

int life_desk_open(void **state);
int life_desk_close(void **state);

/* Initialised, from the arena. */
void *life_desk_new(struct life_desk *d, const ProtobufCMessageDescriptor *descriptor);
#define NEW(d, name) life_desk_new((d), &kesu__v1__##name##__descriptor)
char *life_text(const char *s);
/* ten-thousandths are made of it */
Kesu__V1__Money *life_money(struct life_desk *d, const char *currency, int64_t units);
Kesu__V1__Words *life_words(struct life_desk *d, const char *text);

uint64_t life_case(struct life_desk *d, Kesu__V1__Stage stage);
Kesu__V1__CaseState *life_state(struct life_desk *d, uint64_t id);
void life_put(struct life_desk *d, Kesu__V1__CaseState *state);
/* Who acts from now on. NULL: the service of a fold. */
void life_as(struct life_desk *d, const char *staff);
/* 0 and its events applied, or the refusal. */
int life_decide(struct life_desk *d, Kesu__V1__Command__BodyCase type, void *body);
/* The last event it made. */
const Kesu__V1__Event *life_event(const struct life_desk *d);
/* It is refused so, at this field. */
void life_refused(struct life_desk *d, Kesu__V1__Command__BodyCase type, void *body, int err,
                  const char *field);
void life_done(struct life_desk *d, Kesu__V1__Command__BodyCase type, void *body, Kesu__V1__Stage stage);
#define REFUSED(d, type, body, err, field) \
    life_refused((d), KESU__V1__COMMAND__BODY_##type, (body), (err), (field))
#define DONE(d, type, body, stage) \
    life_done((d), KESU__V1__COMMAND__BODY_##type, (body), KESU__V1__STAGE__STAGE_##stage)

#endif
