/* SPDX-License-Identifier: Apache-2.0 */
/* Commands decided and folded against a register in memory, on one core, in process:
 *
 *     bench_register CASES SECONDS
 *
 * CASES are open, each with the clocks of a fresh one running; each command is of one of them at random.
 * decide_rate: commands a second of a core; decide_accepted: the share that was not refused. key=value. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../services/intake/decide.h"
#include "../../services/intake/evolve.h"
#include "check.h"
#include "clock.h"
#include "sim/sim.h"

#define NOW (INT64_C(1764000000) * 1000000)

static struct env *env;

static void on_boot(void *self, struct env *of)
{
    (void)self;
    env = of;
}

/* Seconds of a core: nothing here waits, so what else runs on the machine does not count. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *word(const char *s)
{
    return (char *)(uintptr_t)s;
}

/* What starts and stops each; the first of them run. */
#define RUNNING 5
static const char *const clocks[][3] = {
    {"receipt", "received", "receipt_delivered"},
    {"first_reply", "received", "replied progress_told opinion_sent withdrawn"},
    {"initial_review", "received reopened", "reviewed not_a_complaint withdrawn"},
    {"preliminary_opinion", "received", "opinion_sent progress_told executed not_a_complaint withdrawn"},
    {"resolution", "received reopened", "executed resolved deadlocked not_a_complaint withdrawn"},
    {"next_reply", "customer_message", "replied progress_told opinion_sent withdrawn"},
    {"progress", "progress_told", "progress_told executed deadlocked not_a_complaint withdrawn"},
    {"approval", "submitted", "decided withdrawn"},
    {"appeal_window", "opinion_sent", "answered appealed withdrawn"},
    {"appeal_decision", "appealed", "appeal_decided withdrawn"},
    {"refund", "inspected", "paid executed withdrawn"},
    {"call_back", "executed", "called_back withdrawn"},
};
#define N_CLOCKS (sizeof(clocks) / sizeof(clocks[0]))

static void fill_policy(Kesu__V1__Policy *p)
{
    static Kesu__V1__Clock all[N_CLOCKS], *list[N_CLOCKS];
    kesu__v1__policy__init(p);
    for (unsigned i = 0; i < N_CLOCKS; i++) {
        kesu__v1__clock__init(&all[i]);
        all[i].id = word(clocks[i][0]);
        all[i].starts = word(clocks[i][1]);
        all[i].stops = word(clocks[i][2]);
        list[i] = &all[i];
    }
    p->n_clocks = N_CLOCKS;
    p->clocks = list;
}

static void fill(struct intake_register *r, uint64_t cases)
{
    static int64_t ladder[] = {NOW + 4 * USEC_PER_HOUR, NOW + 24 * USEC_PER_HOUR, NOW + 72 * USEC_PER_HOUR};
    Kesu__V1__ClockState running[RUNNING], *list[RUNNING];
    for (unsigned i = 0; i < RUNNING; i++) {
        kesu__v1__clock_state__init(&running[i]);
        running[i].clock = word(clocks[i][0]);
        running[i].running = true;
        running[i].started_at = NOW;
        running[i].warn_at = NOW + USEC_PER_HOUR;
        running[i].due_at = NOW + 2 * USEC_PER_HOUR;
        running[i].n_escalate_at = 3;
        running[i].escalate_at = ladder;
        list[i] = &running[i];
    }
    for (uint64_t id = 1; id <= cases; id++) {
        Kesu__V1__CaseState s = KESU__V1__CASE_STATE__INIT;
        s.n_clocks = RUNNING;
        s.clocks = list;
        s.case_id = s.last_seq = id;
        s.number = word("2511-000001");
        s.version = 3;
        s.stage = KESU__V1__STAGE__STAGE_TRIAGED;
        s.received_at = NOW;
        s.key_id = id;
        s.department = word("logistics");
        s.category = word("damage.wet");
        s.agent = word("bo_lin");
        intake_case_put(r, &s);
    }
}

enum { HELD = 1, STARTED = 2 };

/* A note, work that begins, a hold and its end, in turn. Few are refused, which costs less: work that has
 * begun. was: what became of the case. */
static void command_of(uint64_t n, uint64_t id, uint8_t *was, Kesu__V1__Command *c,
                       Kesu__V1__StartWork *start, Kesu__V1__HoldCase *hold, Kesu__V1__AddNote *note)
{
    start->case_id = hold->case_id = note->case_id = id;
    if (n % 16 == 0 || (n % 4 == 0 && (*was & STARTED) == 0)) {
        c->body_case = KESU__V1__COMMAND__BODY_START_WORK;
        c->start_work = start;
        *was |= STARTED;
    } else if (n % 2 == 0) {
        c->body_case = KESU__V1__COMMAND__BODY_ADD_NOTE;
        c->add_note = note;
    } else {
        c->body_case = KESU__V1__COMMAND__BODY_HOLD_CASE;
        c->hold_case = hold;
        *was ^= HELD;
        hold->held = *was & HELD;
    }
}

static double rate(struct intake_register *r, uint64_t cases, double seconds, double *ret_accepted)
{
    struct arena arena;
    struct intake_secrets secrets = {0};
    Kesu__V1__Policy policy;
    struct decide_context ctx = {.block_time = NOW,
                                 .next_seq = cases + 1,
                                 .policy = &policy,
                                 .secrets = &secrets,
                                 .client = "bench",
                                 .arena = &arena};
    static struct decision out;
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    Kesu__V1__Command c = KESU__V1__COMMAND__INIT;
    Kesu__V1__StartWork start = KESU__V1__START_WORK__INIT;
    Kesu__V1__HoldCase hold = KESU__V1__HOLD_CASE__INIT;
    Kesu__V1__AddNote note = KESU__V1__ADD_NOTE__INIT;
    uint64_t n = 0, random = 1, accepted = 0;
    uint8_t *was = calloc(cases + 1, 1);
    CHECK(was != NULL);
    arena_init(&arena, &mem_libc, (size_t)16 << 20);
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    actor.name = word("bench");
    c.actor = &actor;
    hold.reason = word("the court asked for it");
    note.text = word("called, nobody answered");
    fill_policy(&policy);
    double begun = now(), at = begun;
    for (; at - begun < seconds; at = now())
        for (unsigned i = 0; i < 1000; i++, n++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            arena_reset(&arena);
            uint64_t id = 1 + (random >> 33) % cases;
            command_of(n, id, &was[id], &c, &start, &hold, &note);
            intake_decide(r, &c, &ctx, &out);
            accepted += out.err == 0 ? 1 : 0;
            for (unsigned k = 0; k < out.n_events; k++)
                CHECK(intake_evolve_decided(r, &out.events[k].event, ctx.next_seq++, NOW, &arena,
                                            out.state) == 0);
        }
    arena_deinit(&arena);
    free(was);
    *ret_accepted = (double)accepted / (double)n;
    return (double)n / (at - begun);
}

int main(int argc, char **argv)
{
    static const uint8_t uuid[16];
    static struct intake_register reg;
    if (argc != 3) return 64;
    uint64_t cases = strtoull(argv[1], NULL, 10);
    double accepted = 0;
    if (cases == 0) return 64;
    struct sim *sim = sim_new(1, NOW);
    sim_instance_new(sim, "bench", on_boot, NULL);
    CHECK(intake_register_open(&reg, env, NULL) == 0);
    CHECK(intake_register_follow(&reg, uuid, 0) == 0);
    fill(&reg, cases);
    double decided = rate(&reg, cases, strtod(argv[2], NULL), &accepted);
    CHECK(accepted > 0.9);
    printf("decide_rate=%.0f decide_accepted=%.3f\n", decided, accepted);
    intake_register_close(&reg, 0);
    sim_free(&sim);
    return 0;
}
