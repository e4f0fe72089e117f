/* SPDX-License-Identifier: Apache-2.0 */
/* The real environment: libuv, ZeroMQ, LMDB, libcurl, POSIX files. */
#ifndef KESU_ENV_REAL_H
#define KESU_ENV_REAL_H

#include <stdatomic.h>

#include "env.h"

struct env_real;

/* One a process. E_IO when the loop cannot be made. */
int env_real_new(const char *name, struct env_real **ret);
void env_real_free(struct env_real **p);
struct env *env_real_env(struct env_real *r);

/* Runs the loop until env_stop; returns its status. SIGTERM and SIGINT call
 * on_signal (default: env_stop 0). */
int env_real_run(struct env_real *r);
void env_real_on_signal(struct env_real *r, void (*on_signal)(void *self, int signal), void *self);

/* Monotonic microseconds of the loop's last turn, for the health thread; it is
 * renewed every 250 ms at least while the loop is alive. */
const _Atomic int64_t *env_real_last_turn(struct env_real *r);

#endif
