/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer does with as many messages:
 *
 *     peer_NAME ADDRESS COUNT HOPS
 *
 * Puts COUNT messages, then takes and acknowledges them; then all at once, over
 * HOPS queues one behind the other, each emptied by a process of its own that
 * puts into the next before it acknowledges. The texts are distinct, and what
 * comes out at the end must be what was put in. Prints key=value. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "peer.h"

enum { HOPS_MAX = 16, SILENCE_SECONDS = 60 };

static const char *address;
static uint64_t count;

void peer_fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", peer_ops.name, what, why);
    _exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void put_all(struct peer *p, unsigned queue)
{
    char text[PEER_TEXT_BYTES], mark[17];
    for (unsigned i = 0; i < PEER_TEXT_BYTES; i++) text[i] = "the parcel came wet and torn "[i % 29];
    for (uint64_t i = 1; i <= count; i++) {
        (void)snprintf(mark, sizeof(mark), "%016" PRIx64, i);
        memcpy(text, mark, 16);
        peer_ops.put(p, queue, text);
    }
    peer_ops.flush(p);
}

/* Empties a queue, into the next if there is one. */
static void take_all(struct peer *p, unsigned queue, bool on)
{
    static char texts[PEER_BATCH][PEER_TEXT_BYTES];
    uint64_t got = 0, sum = 0;
    for (double last = now(); got < count;) {
        unsigned n = peer_ops.take(p, queue, texts);
        if (n == 0 && now() - last > SILENCE_SECONDS) peer_fail("take", "messages are missing");
        if (n == 0) continue;
        last = now();
        for (unsigned i = 0; i < n; i++) {
            char mark[17] = {0};
            memcpy(mark, texts[i], 16);
            sum += strtoull(mark, NULL, 16);
            if (on) peer_ops.put(p, queue + 1, texts[i]);
        }
        if (on) peer_ops.flush(p);
        peer_ops.done(p, queue);
        got += n;
    }
    if (got != count || sum != count * (count + 1) / 2) peer_fail("take", "not the messages that were put");
}

/* In a process of its own: 0 puts, the others empty a queue each. */
static pid_t start_hop(unsigned i, unsigned hops)
{
    pid_t child = fork();
    if (child != 0) return child;
    struct peer *p = peer_ops.open(address);
    if (i == 0)
        put_all(p, 0);
    else
        take_all(p, i - 1, i < hops);
    peer_ops.close(p);
    _exit(0);
}

static double run_pipeline(unsigned hops)
{
    pid_t children[HOPS_MAX + 1];
    double start = now();
    for (unsigned i = 0; i <= hops; i++) children[i] = start_hop(i, hops);
    for (unsigned i = 0; i <= hops; i++) {
        int status;
        if (children[i] < 0 || waitpid(children[i], &status, 0) < 0 || status != 0) exit(EXIT_FAILURE);
    }
    return (double)count / (now() - start);
}

static void run_one_after_the_other(double *ret_produce, double *ret_consume, double *ret_both)
{
    struct peer *p = peer_ops.open(address);
    peer_ops.make(p, 1);
    double start = now();
    put_all(p, 0);
    double between = now();
    take_all(p, 0, false);
    double end = now();
    peer_ops.close(p);
    *ret_produce = (double)count / (between - start);
    *ret_consume = (double)count / (end - between);
    *ret_both = (double)count / (end - start);
}

int main(int argc, char **argv)
{
    double produce, consume, both;
    if (argc != 4) return EXIT_FAILURE;
    address = argv[1];
    count = strtoull(argv[2], NULL, 10);
    unsigned hops = (unsigned)strtoul(argv[3], NULL, 10);
    if (hops == 0 || hops > HOPS_MAX) return EXIT_FAILURE;
    pid_t child = fork(); /* a library that was used may not live through the forks that follow */
    int status;
    if (child == 0) {
        run_one_after_the_other(&produce, &consume, &both);
        printf("produce=%.0f consume=%.0f hop=%.0f ", produce, consume, both);
        struct peer *p = peer_ops.open(address);
        peer_ops.make(p, hops);
        peer_ops.close(p);
        (void)fflush(stdout);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) return EXIT_FAILURE;
    printf("pipeline=%.0f\n", run_pipeline(hops));
    return 0;
}
