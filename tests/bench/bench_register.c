/* SPDX-License-Identifier: Apache-2.0 */
/* Commands decided and folded against a register in memory, on one core, in process:
 *
 *     bench_register CASES SECONDS
 *
 * CASES are open; each command is of one of them at random. decide_rate: commands a second. key=value. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../services/intake/decide.h"
#include "../../services/intake/evolve.h"
#include "check.h"
#include "sim/sim.h"

#define NOW (INT64_C(1764000000) * 1000000)

static struct env *env;

static void on_boot(void *self, struct env *of)
{
    (void)self;
    env = of;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static char *word(const char *s)
{
    return (char *)(uintptr_t)s;
}

static void fill(struct intake_register *r, uint64_t cases)
{
    for (uint64_t id = 1; id <= cases; id++) {
        Kesu__V1__CaseState s = KESU__V1__CASE_STATE__INIT;
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

/* A note, or work that begins, or an end: whatever the case is ready for. */
static void command_of(uint64_t n, uint64_t id, Kesu__V1__Command *c, Kesu__V1__StartWork *start,
                       Kesu__V1__HoldCase *hold)
{
    c->body_case = n % 2 == 0 ? KESU__V1__COMMAND__BODY_START_WORK : KESU__V1__COMMAND__BODY_HOLD_CASE;
    start->case_id = hold->case_id = id;
    hold->held = true;
    if (n % 2 == 0)
        c->start_work = start;
    else
        c->hold_case = hold;
}

static double rate(struct intake_register *r, uint64_t cases, double seconds, uint64_t *ret_accepted)
{
    struct arena arena;
    struct intake_secrets secrets = {0};
    struct decide_context ctx = {
        .block_time = NOW, .next_seq = cases + 1, .secrets = &secrets, .client = "bench", .arena = &arena};
    static struct decision out;
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    Kesu__V1__Command c = KESU__V1__COMMAND__INIT;
    Kesu__V1__StartWork start = KESU__V1__START_WORK__INIT;
    Kesu__V1__HoldCase hold = KESU__V1__HOLD_CASE__INIT;
    uint64_t n = 0, random = 1;
    arena_init(&arena, &mem_libc, (size_t)16 << 20);
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    actor.name = word("bench");
    c.actor = &actor;
    hold.reason = word("the court asked for it");
    double begun = now(), at = begun;
    for (; at - begun < seconds; at = now())
        for (unsigned i = 0; i < 1000; i++, n++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            arena_reset(&arena);
            command_of(n, 1 + (random >> 33) % cases, &c, &start, &hold);
            intake_decide(r, &c, &ctx, &out);
            *ret_accepted += out.err == 0 ? 1 : 0;
            for (unsigned k = 0; k < out.n_events; k++)
                CHECK(intake_evolve_decided(r, &out.events[k].event, ctx.next_seq++, NOW, &arena,
                                            out.state) == 0);
        }
    arena_deinit(&arena);
    return (double)n / (at - begun);
}

int main(int argc, char **argv)
{
    static const uint8_t uuid[16];
    static struct intake_register reg;
    if (argc != 3) return 64;
    uint64_t cases = strtoull(argv[1], NULL, 10), accepted = 0;
    if (cases == 0) return 64;
    struct sim *sim = sim_new(1, NOW);
    sim_instance_new(sim, "bench", on_boot, NULL);
    CHECK(intake_register_open(&reg, env, NULL, uuid, 0) == 0);
    fill(&reg, cases);
    double decided = rate(&reg, cases, strtod(argv[2], NULL), &accepted);
    CHECK(accepted > 0);
    printf("decide_rate=%.0f decide_accepted=%llu\n", decided, (unsigned long long)accepted);
    intake_register_close(&reg, 0);
    sim_free(&sim);
    return 0;
}
