/* SPDX-License-Identifier: Apache-2.0 */
/* What operators ask: the clocks that are due next. */
#include <stdio.h>

#include "err.h"
#include "sla-watch.h"

#define MOST 1000

static Kesu__V1__ArmedClock *describe(struct sla_watch *w, struct arena *arena, const struct sla_due *due)
{
    struct sla_case row;
    struct sla_step step;
    Kesu__V1__ArmedClock *a = arena_alloc(arena, sizeof(*a));
    if (a == NULL || sla_rows_get(w->fold, due->case_id, &row) < 0) return NULL;
    const struct sla_clock *c = sla_rows_find(&row, due->name);
    if (c == NULL || !sla_clock_next(c, &step)) return NULL;
    kesu__v1__armed_clock__init(a);
    if (row.of_work)
        a->work_id = due->case_id;
    else
        a->case_id = due->case_id;
    a->next_at = due->at;
    a->clock = arena_strdup(arena, due->name);
    a->next = step.level > 0 ? arena_printf(arena, "%s %u", sla_step_name(step.step), step.level)
                             : arena_strdup(arena, sla_step_name(step.step));
    return a->clock != NULL && a->next != NULL ? a : NULL;
}

static void list_clocks(struct sla_watch *w, struct arena *arena, uint32_t limit, Kesu__V1__ClockList *list)
{
    struct store_cursor *c;
    struct span key, value;
    uint32_t most = limit == 0 || limit > MOST ? MOST : limit;
    list->armed = w->armed;
    list->clocks = arena_alloc(arena, most * sizeof(Kesu__V1__ArmedClock *));
    if (list->clocks == NULL || fold_cursor(w->fold, SLA_DUES, &c) < 0) return;
    while (list->n_clocks < most && store_step(w->env, c, +1, &key, &value) == 0) {
        struct sla_due due;
        Kesu__V1__ArmedClock *a = sla_due_of_key(key, &due) == 0 ? describe(w, arena, &due) : NULL;
        if (a == NULL) break;
        list->clocks[list->n_clocks++] = a;
    }
    store_cursor_close(w->env, c);
}

static void on_get_clocks(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct sla_watch *w = self;
    Kesu__V1__ClockList list = KESU__V1__CLOCK_LIST__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    struct arena arena;
    arena_init(&arena, &w->env->mem, (size_t)1 << 20);
    list_clocks(w, &arena, request->get_clocks->limit, &list);
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_CLOCK_LIST;
    reply.clock_list = &list;
    svc_answer(w->svc, peer, request->id, &reply);
    arena_deinit(&arena);
}

const struct svc_control_row sla_control_rows[1] = {
    {KESU__V1__CONTROL_REQUEST__BODY_GET_CLOCKS, on_get_clocks},
};

void sla_control_info(void *self, Kesu__V1__Info *info)
{
    struct sla_watch *w = self;
    static const char *const names[] = {"armed", "clock_alarm"};
    const int64_t values[] = {(int64_t)w->armed, w->wallclock.alarm};
    for (unsigned i = 0; i < 2; i++) {
        kesu__v1__gauge__init(&w->gauges[i]);
        w->gauges[i].name = (char *)(uintptr_t)names[i];
        w->gauges[i].value = values[i];
        w->gauge_list[i] = &w->gauges[i];
    }
    info->gauges = w->gauge_list;
    info->n_gauges = 2;
}
