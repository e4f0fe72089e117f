/* SPDX-License-Identifier: Apache-2.0 */
#include "roles.h"

#include <stdio.h>

#include "err.h"

#define BODY(name)  (1u << KESU__V1__COMMAND__BODY_##name)
#define ACTOR(name) (1u << KESU__V1__ACTOR_KIND__ACTOR_KIND_##name)
#define WORK_ON_CASES                                                                                   \
    (BODY(CLASSIFY_CASE) | BODY(ASSIGN_CASE) | BODY(START_WORK) | BODY(ADD_NOTE) | BODY(RESOLVE_CASE) | \
     BODY(CLOSE_CASE) | BODY(SET_PRESENCE))

/* Any other role sends nothing. */
static const struct {
    const char *role;
    uint32_t bodies, actors;
} table[] = {
    {"adapter", BODY(RECEIVE_MESSAGE), ACTOR(CUSTOMER)},
    {"gateway", BODY(RECEIVE_MESSAGE) | WORK_ON_CASES, ACTOR(CUSTOMER) | ACTOR(STAFF)},
    {"service", UINT32_MAX, UINT32_MAX},
};
#define N_ROWS (sizeof(table) / sizeof(table[0]))

static void refuse(struct codec_error *e, const char *field)
{
    e->code = E_NOT_ALLOWED;
    snprintf(e->field, sizeof(e->field), "%s", field);
    snprintf(e->reason, sizeof(e->reason), "not with the role of this key");
}

void intake_roles_apply(const char *user, Kesu__V1__CommandBatch *batch, struct codec_error *errors)
{
    if (user == NULL) return;
    const char *name = strchr(user, ' ');
    size_t n = name != NULL ? (size_t)(name - user) : 0;
    uint32_t bodies = 0, actors = 0;
    for (unsigned i = 0; i < N_ROWS; i++) {
        if (strlen(table[i].role) != n || memcmp(table[i].role, user, n) != 0) continue;
        bodies = table[i].bodies;
        actors = table[i].actors;
    }
    batch->client = (char *)(uintptr_t)(name != NULL ? name + 1 : "");
    for (size_t i = 0; i < batch->n_commands; i++) {
        const Kesu__V1__Command *c = batch->commands[i];
        if (errors[i].code != 0 || c->body_case == KESU__V1__COMMAND__BODY__NOT_SET) continue;
        if ((bodies & (1u << c->body_case)) == 0)
            refuse(&errors[i], "body");
        else if (c->actor != NULL && (actors & (1u << c->actor->kind)) == 0 && c->actor->kind != 0)
            refuse(&errors[i], "actor.kind");
    }
}
