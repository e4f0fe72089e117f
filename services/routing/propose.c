/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals of assign.h as commands of the fold, and their answers. */
#include "clock.h"
#include "err.h"
#include "log.h"
#include "routing.h"

static int get_case(void *self, uint64_t case_id, struct routing_case *ret)
{
    struct routing *r = self;
    return routing_rows_case(r->fold, case_id, ret);
}

static void propose(void *self, uint64_t case_id, const struct routing_case *c, const char *agent,
                    const char *reason)
{
    struct routing *r = self;
    Kesu__V1__AssignCase assign = KESU__V1__ASSIGN_CASE__INIT;
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    assign.case_id = case_id;
    assign.agent = (char *)(uintptr_t)agent;
    assign.reason = (char *)(uintptr_t)reason;
    command.expected_case = KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION;
    command.expected_version = c->version;
    command.body_case = KESU__V1__COMMAND__BODY_ASSIGN_CASE;
    command.assign_case = &assign;
    fold_send(r->fold, &command, case_id, routing_classify_id_time(r, c->changed_us), "assign", c->version,
              false);
    stats_add(r->m.proposed, 1);
}

void routing_propose_init(struct routing *r)
{
    routing_assign_init(&r->assign, &r->env->mem);
    r->assign.get_case = get_case;
    r->assign.propose = propose;
    r->assign.self = r;
}

void routing_propose_run(struct routing *r)
{
    if (r->policy == NULL || !fold_live(r->fold)) return;
    routing_assign_look(&r->assign, clock_wall_us(r->env));
    routing_assign_run(&r->assign, clock_mono_us(r->env));
}

void routing_propose_on_refused(struct routing *r, const Kesu__V1__AssignCase *sent,
                                const Kesu__V1__Refused *refused)
{
    bool stale = refused->code == KESU__V1__ERROR_CODE__E_STALE;
    bool over = refused->code == KESU__V1__ERROR_CODE__E_STAGE;
    bool recused = refused->code == KESU__V1__ERROR_CODE__E_RECUSED; /* somebody else may */
    bool full = recused || refused->code == KESU__V1__ERROR_CODE__E_CAPACITY ||
                refused->code == KESU__V1__ERROR_CODE__E_ABSENT;
    if (recused) routing_assign_bar(&r->assign, sent->case_id);
    stats_add(r->m.refused, 1);
    if (!stale && !over && !full)
        log_warn(r->env, "proposal refused", LOG_U64("case", sent->case_id), LOG_STR("agent", sent->agent),
                 LOG_STR("reason", refused->reason));
    routing_assign_refused(&r->assign, sent->case_id, !over, stale ? refused->version : 0,
                           clock_mono_us(r->env));
}

int routing_propose_write(struct routing *r)
{
    for (unsigned i = 0; i < r->assign.agents.n; i++) {
        struct routing_agent *one = r->assign.agents.list[i];
        if (one->changed) routing_rows_put_agent(r->fold, one->id, &one->row);
        one->changed = false;
    }
    return 0;
}
