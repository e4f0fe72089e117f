/* SPDX-License-Identifier: Apache-2.0 */
/* Many seeds, each in a process of its own. Some run a second time in a new
 * program, at other addresses: the same seed must give the same run. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "life.h"
#include "plan.h"
#include "text.h"

#define MAX_JOBS       64
#define MOST_SHRUNK    3
#define TWICE_EVERY    100 /* seeds */
#define SECONDS_A_SEED 120
#define SEEDS_FOR_ALL  200 /* in so many each kind of event must happen */

struct child {
    pid_t pid;
    unsigned long seed;
    FILE *output;
};

static void *shared(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    return p;
}

static void start_child(const struct options *opts, struct child *c, unsigned long seed, struct result *r)
{
    struct plan plan = opts->plan;
    *c = (struct child){.seed = seed, .output = tmpfile()};
    CHECK(c->output != NULL);
    fflush(stdout);
    c->pid = fork();
    CHECK(c->pid >= 0);
    if (c->pid > 0) return;
    dup2(fileno(c->output), STDERR_FILENO);
    alarm(SECONDS_A_SEED);
    plan.seed = seed;
    plan_run(opts, &plan, r, NULL);
    _exit(0);
}

bool seeds_try(const struct options *opts, const struct plan *plan, struct result *r, uint32_t *ret_fires)
{
    size_t bytes = sizeof *r + PLAN_MAX_FIRES * sizeof(uint32_t);
    struct result *result = shared(bytes);
    int status = 0;
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
        alarm(SECONDS_A_SEED);
        plan_run(opts, plan, result, (uint32_t *)(result + 1));
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    *r = *result;
    if (ret_fires != NULL) memcpy(ret_fires, result + 1, r->n_fires * sizeof(uint32_t));
    munmap(result, bytes);
    return status == 0 && r->done && r->broken[0] == '\0';
}

static void show_end(FILE *output)
{
    char text[4001];
    long size = (fseek(output, 0, SEEK_END), ftell(output));
    fseek(output, size > 4000 ? size - 4000 : 0, SEEK_SET);
    size_t n = fread(text, 1, sizeof text - 1, output);
    text[n] = '\0';
    printf("%s\n", text);
}

/* false when the seed failed, after saying why. */
static bool end_child(const struct options *opts, struct child *c, int status, const struct result *r)
{
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0 && r->done && r->broken[0] == '\0';
    if (!good) {
        struct plan plan = opts->plan;
        plan.seed = c->seed;
        show_end(c->output);
        printf("seed %lu: %s\n", c->seed, r->done ? r->broken : "the process ended by itself");
        plan_print(opts, &plan);
    }
    fclose(c->output);
    c->pid = 0;
    return good;
}

static struct child *child_of(struct child *children, unsigned long n, pid_t pid)
{
    for (unsigned long k = 0; k < n; k++)
        if (children[k].pid == pid) return &children[k];
    return NULL;
}

/* The failed ones get a mark in bad. */
static unsigned long run_all(const struct options *opts, struct result *results, bool *bad)
{
    struct child children[MAX_JOBS] = {{0}};
    unsigned long jobs = opts->jobs < MAX_JOBS ? opts->jobs : MAX_JOBS, next = 0, failed = 0;
    for (unsigned running = 0; running > 0 || next < opts->seeds;) {
        struct child *free_one = child_of(children, jobs, 0);
        if (free_one != NULL && next < opts->seeds) {
            start_child(opts, free_one, opts->first + next, &results[next]);
            next++;
            running++;
            continue;
        }
        int status = 0;
        struct child *c = child_of(children, jobs, waitpid(-1, &status, 0));
        if (c == NULL) continue;
        running--;
        unsigned long at = c->seed - opts->first;
        bad[at] = !end_child(opts, c, status, &results[at]);
        failed += bad[at];
    }
    return failed;
}

/* ---- the same again ----------------------------------------------------------------------- */

static bool same_again(const struct options *opts, unsigned long seed, const struct result *r)
{
    char command[1000], line[64] = "";
    snprintf(command, sizeof command, "%s --seed %lu --policy %s --trace 2>/dev/null", opts->program, seed,
             opts->policy_dir);
    FILE *f = popen(command, "r"); // NOLINT(cert-env33-c): our own program
    CHECK(f != NULL);
    bool same = fgets(line, sizeof line, f) != NULL && strtoull(line, NULL, 16) == r->trace;
    pclose(f);
    if (!same)
        printf("seed %lu: the second run is another one: %016llx, then %s\n", seed,
               (unsigned long long)r->trace, line);
    return same;
}

static unsigned long run_twice(const struct options *opts, const struct result *results, const bool *bad)
{
    unsigned long differ = 0, n = 0;
    for (unsigned long i = 0; i < opts->seeds; i += TWICE_EVERY) {
        if (bad[i]) continue;
        n++;
        differ += !same_again(opts, opts->first + i, &results[i]);
    }
    printf("%lu seeds ran twice, %lu of them differently\n", n, differ);
    return differ;
}

/* ---- the sum ------------------------------------------------------------------------------- */

static void add_counts(struct audit_counts *sum, const struct audit_counts *c)
{
    sum->classified += c->classified;
    sum->fallback += c->fallback;
    sum->assigned += c->assigned;
    sum->resolved += c->resolved;
    sum->closed += c->closed;
    sum->breached += c->breached;
    sum->delivered += c->delivered;
}

static void add_result(struct result *sum, const struct result *r)
{
    for (unsigned k = 0; k < SIM_N_FAULTS; k++) sum->faults[k] += r->faults[k];
    for (unsigned k = 0; k < N_DISASTERS; k++) sum->disasters[k] += r->disasters[k];
    sum->cases += r->cases;
    sum->events += r->events;
    sum->accepted += r->accepted;
    sum->mails += r->mails;
    sum->boots += r->boots;
    sum->steps += r->steps;
    if (r->rest_us > sum->rest_us) sum->rest_us = r->rest_us;
    for (unsigned k = 0; k < SHADOW_KINDS; k++) {
        sum->kinds[k].accepted += r->kinds[k].accepted;
        sum->kinds[k].refused += r->kinds[k].refused;
        sum->happened[k] += r->happened[k];
    }
    add_counts(&sum->counts, &r->counts);
}

/* 1 when it never happened. */
static unsigned show_count(const char *name, uint64_t n)
{
    printf("  %-20s %8llu\n", name, (unsigned long long)n);
    return n == 0;
}

/* What people of the scenario have no part in, and what happens by faults of ours only. */
static bool is_seldom(const char *name)
{
    static const char *const seldom[] = {"skip_event", "event_skipped", "journal_restored"};
    for (unsigned i = 0; i < sizeof seldom / sizeof seldom[0]; i++)
        if (strcmp(seldom[i], name) == 0) return true;
    return false;
}

/* Each kind of event, and what people were answered; how many kinds never happened. */
static unsigned show_kinds(const struct result *sum)
{
    unsigned never = 0;
    for (unsigned k = 0; k < SHADOW_KINDS; k++) {
        const struct people_count *c = &sum->kinds[k];
        if (c->accepted + c->refused > 0)
            printf("  %-24s %8llu accepted %8llu refused\n", life_command_name(k),
                   (unsigned long long)c->accepted, (unsigned long long)c->refused);
    }
    for (unsigned k = 20; k < SHADOW_KINDS; k++) {
        const char *name = life_event_name(k);
        if (name[0] == '\0' || sum->happened[k] > 0 || is_seldom(name)) continue;
        printf("  %-24s never happened\n", name);
        never++;
    }
    return never;
}

static bool summarise(const struct options *opts, const struct result *results)
{
    struct result sum = {0};
    unsigned never = 0;
    for (unsigned long i = 0; i < opts->seeds; i++) add_result(&sum, &results[i]);
    const struct audit_counts *c = &sum.counts;
    printf("seeds %lu to %lu: %llu cases, %llu events, %llu commands accepted, %llu mails, %llu starts, %llu "
           "steps; rest came within %lld s\n",
           opts->first, opts->first + opts->seeds - 1, (unsigned long long)sum.cases,
           (unsigned long long)sum.events, (unsigned long long)sum.accepted, (unsigned long long)sum.mails,
           (unsigned long long)sum.boots, (unsigned long long)sum.steps,
           (long long)(sum.rest_us / USEC_PER_SEC));
    printf(
        "cases: %llu judged, %llu of them to the default queue; %llu assigned, %llu resolved, %llu closed; "
        "%llu breaches, %llu deliveries\n",
        (unsigned long long)c->classified, (unsigned long long)c->fallback, (unsigned long long)c->assigned,
        (unsigned long long)c->resolved, (unsigned long long)c->closed, (unsigned long long)c->breached,
        (unsigned long long)c->delivered);
    unsigned kinds = show_kinds(&sum);
    for (unsigned k = 0; k < SIM_N_FAULTS; k++) never += show_count(sim_fault_names[k], sum.faults[k]);
    for (unsigned k = 0; k < N_DISASTERS; k++) never += show_count(disaster_names[k], sum.disasters[k]);
    if (never > 0) printf("%u faults never happened: more seeds are needed\n", never);
    if (kinds > 0) printf("%u kinds of events never happened: more seeds are needed\n", kinds);
    return never == 0 && (kinds == 0 || opts->seeds < SEEDS_FOR_ALL) && c->closed > 0 && c->breached > 0 &&
           c->delivered > 0;
}

int seeds_run(const struct options *opts)
{
    size_t bytes = opts->seeds * sizeof(struct result);
    struct result *results = shared(bytes);
    bool *bad = calloc(opts->seeds, sizeof *bad);
    struct text_table *table = NULL; /* built once, for all children */
    CHECK(bad != NULL && text_table_new(&mem_libc, &table) == 0);
    unsigned long failed = run_all(opts, results, bad), shrunk = 0;
    for (unsigned long i = 0; opts->shrink && i < opts->seeds && shrunk < MOST_SHRUNK; i++) {
        struct plan plan = opts->plan;
        plan.seed = opts->first + i;
        if (bad[i]) shrink_run(opts, &plan);
        shrunk += bad[i];
    }
    bool good = summarise(opts, results);
    if (run_twice(opts, results, bad) > 0) good = false;
    if (failed > 0) printf("%lu of %lu seeds failed\n", failed, opts->seeds);
    text_table_free(&table);
    munmap(results, bytes);
    free(bad);
    return good && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
