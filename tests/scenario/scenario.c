/* SPDX-License-Identifier: Apache-2.0 */
/* All services in one process on the simulated world, with faults.
 *
 *   scenario --seeds 200 --first 1    many, --jobs N at a time; a failing one is made smaller
 *   scenario --seed 17                this one, here; -v shows the logs
 *   scenario --seed 17 --shrink       makes it smaller
 *
 * --for, --acts and --fires make less happen in a seed: see plan.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "plan.h"

#define MAX_SEEDS 1000000

const char *__asan_default_options(void);
/* A crashed instance leaves what libraries and shared buffers had: the process of the seed ends soon. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static int run_one(const struct options *opts, bool trace)
{
    static struct result r;
    plan_run(opts, &opts->plan, &r, NULL);
    if (trace) printf("%016llx\n", (unsigned long long)r.trace);
    if (!trace)
        printf("seed %llu: %llu cases, %llu events, %llu accepted, %llu mails, %llu starts, %u faults, %llu "
               "steps, rest after %lld s, trace %016llx: %s\n",
               (unsigned long long)opts->plan.seed, (unsigned long long)r.cases, (unsigned long long)r.events,
               (unsigned long long)r.accepted, (unsigned long long)r.mails, (unsigned long long)r.boots,
               r.n_fires, (unsigned long long)r.steps, (long long)(r.rest_us / 1000000),
               (unsigned long long)r.trace, r.broken[0] != '\0' ? r.broken : "good");
    return r.broken[0] != '\0' ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool parse_number(const char *text, unsigned long most, unsigned long *ret)
{
    char *end = NULL;
    *ret = strtoul(text, &end, 10);
    return *end == '\0' && end != text && *ret <= most;
}

/* An option with a value; false: it is none, or the value is not right. */
static bool parse_value(struct options *opts, const char *name, const char *value)
{
    unsigned long n = 0;
    if (strcmp(name, "--policy") == 0) {
        opts->policy_dir = value;
        return true;
    }
    if (strcmp(name, "--fires") == 0) return plan_parse_fires(&opts->plan, value);
    if (!parse_number(value, strcmp(name, "--for") == 0 ? ULONG_MAX / 4 : UINT32_MAX, &n)) return false;
    if (strcmp(name, "--seeds") == 0)
        opts->seeds = n;
    else if (strcmp(name, "--first") == 0)
        opts->first = n;
    else if (strcmp(name, "--jobs") == 0)
        opts->jobs = n;
    else if (strcmp(name, "--seed") == 0)
        opts->plan.seed = n;
    else if (strcmp(name, "--for") == 0)
        opts->plan.for_us = (int64_t)n;
    else if (strcmp(name, "--acts") == 0)
        opts->plan.acts = (uint32_t)n;
    else
        return false;
    return true;
}

static bool parse(int argc, char **argv, struct options *opts, bool *ret_trace)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            opts->verbose = true;
        else if (strcmp(argv[i], "--shrink") == 0)
            opts->shrink = true;
        else if (strcmp(argv[i], "--trace") == 0)
            *ret_trace = true;
        else if (i + 1 < argc && parse_value(opts, argv[i], argv[i + 1]))
            i++;
        else
            return false;
    }
    return opts->seeds > 0 && opts->seeds <= MAX_SEEDS && opts->first > 0 && opts->jobs > 0;
}

int main(int argc, char **argv)
{
    static struct options opts;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    bool trace = false;
    opts = (struct options){.program = argv[0],
                            .policy_dir = "tests/scenario/policy",
                            .seeds = 20,
                            .first = 1,
                            .jobs = cores > 0 ? (unsigned long)cores : 1,
                            .plan.acts = PLAN_ALL_ACTS};
    if (!parse(argc, argv, &opts, &trace)) {
        fprintf(stderr,
                "usage: %s [--seeds N] [--first N] [--jobs N] [--shrink] |\n"
                "  --seed N [--for MICROSECONDS] [--acts N] [--fires 3,17-19] [--shrink] [--trace] [-v]\n"
                "  [--policy DIR]\n",
                argv[0]);
        return EXIT_FAILURE;
    }
    log_setup(opts.verbose ? LOG_DEBUG : LOG_ERROR, LOG_FORMAT_TEXT);
    if (opts.plan.seed == 0) return seeds_run(&opts);
    if (!opts.shrink) return run_one(&opts, trace);
    shrink_run(&opts, &opts.plan);
    return EXIT_SUCCESS;
}
