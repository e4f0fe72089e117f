/* SPDX-License-Identifier: Apache-2.0 */
/* A message store of somebody else, as the drivers see it: durable queues with
 * acknowledgement. Every failure ends the program. */
#ifndef KESU_BENCH_PEER_H
#define KESU_BENCH_PEER_H

#include <stdint.h>

#define PEER_TEXT_BYTES 512
#define PEER_BATCH      512  /* taken at once */
#define PEER_WINDOW     1024 /* put and not yet acknowledged, at most */

struct peer;

struct peer_ops {
    const char *name;
    struct peer *(*open)(const char *address);
    void (*close)(struct peer *p);
    /* Makes queues 0 to n - 1, empty. */
    void (*make)(struct peer *p, unsigned n);
    /* Puts one; may return before it is acknowledged. */
    void (*put)(struct peer *p, unsigned queue, const char text[PEER_TEXT_BYTES]);
    /* Returns when all that were put are acknowledged. */
    void (*flush)(struct peer *p);
    /* Up to PEER_BATCH; 0 when none came for a while. They stay there until done. */
    unsigned (*take)(struct peer *p, unsigned queue, char (*texts)[PEER_TEXT_BYTES]);
    /* Acknowledges what the last take gave, after what was put since. */
    void (*done)(struct peer *p, unsigned queue);
};

extern const struct peer_ops peer_ops;

_Noreturn void peer_fail(const char *what, const char *why);

#endif
