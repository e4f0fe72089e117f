/* SPDX-License-Identifier: Apache-2.0 */
/* Complaints to a running intake, from a process of its own:
 *
 *     bench_accept ENDPOINT COUNT BATCH WINDOW RATE CONTACTS BYTES
 *
 * RATE 0: as fast as it goes. CONTACTS 1: each from another sender, so that
 * intake makes a customer of each. BYTES: of each text. Prints one line of key=value. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "env_real.h"
#include "load.h"

static void on_done(void *self, const struct load_result *result)
{
    (void)result;
    env_stop(self, 0);
}

int main(int argc, char **argv)
{
    struct env_real *real;
    struct load *load;
    if (argc != 8 || env_real_new("bench", &real) < 0) return EXIT_FAILURE;
    struct env *env = env_real_env(real);
    struct load_opts opts = {.endpoint = argv[1],
                             .count = strtoull(argv[2], NULL, 10),
                             .batch = (unsigned)strtoul(argv[3], NULL, 10),
                             .window = (unsigned)strtoul(argv[4], NULL, 10),
                             .rate = strtod(argv[5], NULL),
                             .contacts = argv[6][0] == '1',
                             .text_bytes = (unsigned)strtoul(argv[7], NULL, 10)};
    if (load_open(env, &opts, on_done, env, &load) < 0) return EXIT_FAILURE;
    int status = env_real_run(real);
    struct load_result *r = load_result(load);
    double seconds = (double)(r->last_reply_us - r->first_send_us) / 1e6;
    printf("accepted=%" PRIu64 " refused=%" PRIu64 " seconds=%.4f rate=%.0f p50_us=%u p99_us=%u\n",
           r->accepted, r->refused, seconds, (double)r->accepted / seconds, load_percentile(r, 500),
           load_percentile(r, 990));
    if (r->refused > 0) fprintf(stderr, "refused: %s\n", r->refusal);
    status = status != 0 || r->refused > 0;
    load_close(load);
    env_real_free(&real);
    return status;
}
