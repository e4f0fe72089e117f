/* SPDX-License-Identifier: Apache-2.0 */
/* All services in one process on the simulated world, with faults.
 *
 *   scenario --seeds 200        seeds 1 to 200, two at a time, each in a process of its own
 *   scenario --seed 17          this one, here; -v shows the logs
 *
 * A run: people submit and work for some minutes while everything breaks by
 * turns; then no more faults, until all is quiet; then everything must agree
 * with everything. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "log.h"
#include "office.h"
#include "text.h"

#define MAX_SEEDS 100000
#define AT_ONCE   2

struct result { /* in memory shared with the children */
    bool done;
    uint64_t faults[SIM_N_FAULTS], disasters[N_DISASTERS];
    uint64_t cases, events, accepted, mails, boots;
    struct audit_counts counts;
    uint8_t head[4]; /* of the hash of the last block: the same run has the same */
    char broken[400];
};

struct options {
    const char *program, *policy_dir;
    unsigned long seeds, seed;
    bool verbose;
};

const char *__asan_default_options(void);
/* A crashed instance leaves what libraries and shared buffers had: the process of the seed ends soon. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

/* Every seed has its own mixture: a fault class is on in about half of the runs. */
static struct sim_faults draw_faults(struct sim *s)
{
    static const unsigned chances[SIM_N_FAULTS] = {
        [SIM_LOSE] = 3000,
        [SIM_DUPLICATE] = 5000,
        [SIM_REORDER] = 5000,
        [SIM_DELAY] = 3000,
        [SIM_CRASH_STEP] = 1500,
        [SIM_CRASH_BEFORE_COMMIT] = 6000,
        [SIM_CRASH_AFTER_COMMIT] = 6000,
        [SIM_SLOW_DISK] = 20000,
        [SIM_DISK_FULL] = 6000,
        [SIM_CLOCK_FORWARD] = 100,
        [SIM_CLOCK_BACK] = 100,
        [SIM_FREEZE] = 100,
        [SIM_FILE_FULL] = 3000,
        [SIM_MAIL_TEMPORARY] = 100000,
        [SIM_MAIL_PERMANENT] = 30000,
        [SIM_MAIL_UNKNOWN] = 50000,
    };
    unsigned drawn[SIM_N_FAULTS];
    for (unsigned k = 0; k < SIM_N_FAULTS; k++)
        drawn[k] = sim_random(s, 2) == 0 ? 0 : (unsigned)sim_random(s, 2 * chances[k]);
#define DRAWN(upper, lower) .lower = drawn[SIM_##upper],
    return (struct sim_faults){SIM_FAULTS(DRAWN)};
}

static void note_result(struct office *o, struct result *r)
{
    const struct sim_mail *mails;
    memcpy(r->faults, sim_fault_counts(o->sim), sizeof r->faults);
    memcpy(r->disasters, o->disasters, sizeof r->disasters);
    r->cases = o->audit.n_cases;
    r->events = o->audit.n_events;
    r->counts = o->audit.counts;
    r->accepted = people_accepted(o->people);
    r->mails = sim_mails(o->sim, &mails);
    for (unsigned k = 0; k < o->n_services; k++) r->boots += sim_boots(o->services[k].i);
    memcpy(r->broken, o->audit.broken, sizeof r->broken);
    memcpy(r->head, o->audit.hash, sizeof r->head);
    r->done = true;
}

static void run_seed(const struct options *opts, uint64_t seed, struct result *r)
{
    struct office *o = office_new(seed, opts->policy_dir);
    struct sim_faults faults = draw_faults(o->sim);
    sim_set_faults(o->sim, &faults);
    disasters_run(o, 90 * USEC_PER_SEC + (int64_t)sim_random(o->sim, 2 * USEC_PER_MIN));
    sim_set_faults(o->sim, NULL);
    finish(o);
    note_result(o, r);
    office_free(&o);
}

/* ---- many seeds ------------------------------------------------------------------------ */

struct child {
    pid_t pid;
    unsigned long seed;
    FILE *output;
};

static void start_child(const struct options *opts, struct child *c, unsigned long seed, struct result *r)
{
    *c = (struct child){.seed = seed, .output = tmpfile()};
    CHECK(c->output != NULL);
    fflush(stdout);
    c->pid = fork();
    CHECK(c->pid >= 0);
    if (c->pid > 0) return;
    dup2(fileno(c->output), STDERR_FILENO);
    alarm(120);
    run_seed(opts, seed, r);
    _exit(0);
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
        show_end(c->output);
        printf("seed %lu: %s\n  again: %s --seed %lu -v\n", c->seed,
               r->done ? r->broken : "the process ended by itself", opts->program, c->seed);
    }
    fclose(c->output);
    c->pid = 0;
    return good;
}

static struct child *child_of(struct child *children, pid_t pid)
{
    for (unsigned k = 0; k < AT_ONCE; k++)
        if (children[k].pid == pid) return &children[k];
    return NULL;
}

static unsigned long run_all(const struct options *opts, struct result *results)
{
    struct child children[AT_ONCE] = {{0}};
    unsigned long next = 1, failed = 0;
    for (unsigned running = 0; running > 0 || next <= opts->seeds;) {
        struct child *free_one = child_of(children, 0);
        if (free_one != NULL && next <= opts->seeds) {
            start_child(opts, free_one, next, &results[next - 1]);
            next++;
            running++;
            continue;
        }
        int status = 0;
        struct child *c = child_of(children, waitpid(-1, &status, 0));
        if (c == NULL) continue;
        running--;
        if (!end_child(opts, c, status, &results[c->seed - 1])) failed++;
    }
    return failed;
}

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

/* 1 when it never happened. */
static unsigned show_count(const char *name, uint64_t n)
{
    printf("  %-20s %8llu\n", name, (unsigned long long)n);
    return n == 0;
}

static int summarise(const struct options *opts, const struct result *results, unsigned long failed)
{
    struct result sum = {0};
    unsigned never = 0;
    for (unsigned long i = 0; i < opts->seeds; i++) {
        for (unsigned k = 0; k < SIM_N_FAULTS; k++) sum.faults[k] += results[i].faults[k];
        for (unsigned k = 0; k < N_DISASTERS; k++) sum.disasters[k] += results[i].disasters[k];
        sum.cases += results[i].cases;
        sum.events += results[i].events;
        sum.accepted += results[i].accepted;
        sum.mails += results[i].mails;
        sum.boots += results[i].boots;
        add_counts(&sum.counts, &results[i].counts);
    }
    printf("%lu seeds: %llu cases, %llu events, %llu commands accepted, %llu mails, %llu starts\n",
           opts->seeds, (unsigned long long)sum.cases, (unsigned long long)sum.events,
           (unsigned long long)sum.accepted, (unsigned long long)sum.mails, (unsigned long long)sum.boots);
    printf(
        "cases: %llu judged, %llu of them to the default queue; %llu assigned, %llu resolved, %llu closed; "
        "%llu breaches, %llu deliveries\n",
        (unsigned long long)sum.counts.classified, (unsigned long long)sum.counts.fallback,
        (unsigned long long)sum.counts.assigned, (unsigned long long)sum.counts.resolved,
        (unsigned long long)sum.counts.closed, (unsigned long long)sum.counts.breached,
        (unsigned long long)sum.counts.delivered);
    for (unsigned k = 0; k < SIM_N_FAULTS; k++) never += show_count(sim_fault_names[k], sum.faults[k]);
    for (unsigned k = 0; k < N_DISASTERS; k++) never += show_count(disaster_names[k], sum.disasters[k]);
    if (never > 0) printf("%u faults never happened: more seeds are needed\n", never);
    if (failed > 0) printf("%lu of %lu seeds failed\n", failed, opts->seeds);
    bool idle = sum.counts.closed == 0 || sum.counts.breached == 0 || sum.counts.delivered == 0;
    return failed > 0 || never > 0 || idle ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_many(const struct options *opts)
{
    size_t bytes = opts->seeds * sizeof(struct result);
    struct result *results = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(results != MAP_FAILED);
    struct text_table *table = NULL; /* built once, for all children */
    CHECK(text_table_new(&mem_libc, &table) == 0);
    unsigned long failed = run_all(opts, results);
    text_table_free(&table);
    int status = summarise(opts, results, failed);
    munmap(results, bytes);
    return status;
}

static int run_one(const struct options *opts)
{
    static struct result r;
    run_seed(opts, opts->seed, &r);
    printf("seed %lu: %llu cases, %llu events, %llu accepted, %llu mails, %llu starts, head "
           "%02x%02x%02x%02x: %s\n",
           opts->seed, (unsigned long long)r.cases, (unsigned long long)r.events,
           (unsigned long long)r.accepted, (unsigned long long)r.mails, (unsigned long long)r.boots,
           r.head[0], r.head[1], r.head[2], r.head[3], r.broken[0] != '\0' ? r.broken : "good");
    return r.broken[0] != '\0' ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool parse(int argc, char **argv, struct options *opts)
{
    for (int i = 1; i < argc; i++) {
        char *end = NULL;
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "-v") == 0) {
            opts->verbose = true;
        } else if (strcmp(argv[i], "--policy") == 0 && has_value) {
            opts->policy_dir = argv[++i];
        } else if ((strcmp(argv[i], "--seeds") == 0 || strcmp(argv[i], "--seed") == 0) && has_value) {
            unsigned long n = strtoul(argv[i + 1], &end, 10);
            if (*end != '\0' || n == 0 || n > MAX_SEEDS) return false;
            *(strcmp(argv[i], "--seeds") == 0 ? &opts->seeds : &opts->seed) = n;
            i++;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options opts = {.program = argv[0], .policy_dir = "tests/scenario/policy", .seeds = 20};
    if (!parse(argc, argv, &opts)) {
        fprintf(stderr, "usage: %s [--seeds N | --seed S [-v]] [--policy DIR]\n", argv[0]);
        return EXIT_FAILURE;
    }
    log_setup(opts.verbose ? LOG_DEBUG : LOG_ERROR, LOG_FORMAT_TEXT);
    return opts.seed > 0 ? run_one(&opts) : run_many(&opts);
}
