/* SPDX-License-Identifier: Apache-2.0 */
/* What may go wrong in the simulated world, and how often.
 *
 * Whether a fault happens is drawn from a stream of its own, so that a run in
 * which some are left out stays near the one it was taken from. Each that is
 * drawn has a number, from 1; with sim_only_fires only those named happen. */
#ifndef KESU_SIM_FAULTS_H
#define KESU_SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

/* Chances in 1,000,000 for each message, commit, write, job, request, or step.
 *
 * A message: lose: it is gone, its connection stays. duplicate: it comes twice
 * in a row. delay: it and all behind it on its connection wait up to 5 s.
 * reorder: the connection breaks, the client has a new one (and peer number)
 * before what was under way on the old one arrives, up to 3 s later. Within
 * one live connection order always holds, as in ZeroMQ.
 * A commit of a store, a sync or renaming of a file: crash before or after it.
 * A commit, a write: disk_full, file_full answer E_NOSPACE. A job: slow_disk takes up to 2 s.
 * A step: crash of one instance; freeze of one for up to 20 s, as SIGSTOP does;
 * clock: the wall clock of all by up to an hour.
 * A mail or a web request: taken later, never, or nobody knows. */
#define SIM_FAULTS(X)                           \
    X(LOSE, lose)                               \
    X(DUPLICATE, duplicate)                     \
    X(REORDER, reorder)                         \
    X(DELAY, delay)                             \
    X(CRASH_STEP, crash_step)                   \
    X(CRASH_BEFORE_COMMIT, crash_before_commit) \
    X(CRASH_AFTER_COMMIT, crash_after_commit)   \
    X(FREEZE, freeze)                           \
    X(SLOW_DISK, slow_disk)                     \
    X(DISK_FULL, disk_full)                     \
    X(FILE_FULL, file_full)                     \
    X(CLOCK_FORWARD, clock_forward)             \
    X(CLOCK_BACK, clock_back)                   \
    X(MAIL_TEMPORARY, mail_temporary)           \
    X(MAIL_PERMANENT, mail_permanent)           \
    X(MAIL_UNKNOWN, mail_unknown)

#define SIM_FAULT_ENUM(upper, lower)  SIM_##upper,
#define SIM_FAULT_FIELD(upper, lower) unsigned lower;
enum { SIM_FAULTS(SIM_FAULT_ENUM) SIM_N_FAULTS };
struct sim_faults {
    SIM_FAULTS(SIM_FAULT_FIELD)
};
extern const char *const sim_fault_names[SIM_N_FAULTS];

struct sim;

void sim_set_faults(struct sim *s, const struct sim_faults *f); /* NULL: none any more */
/* How often each happened: same order as sim_fault_names. */
const uint64_t *sim_fault_counts(const struct sim *s);
/* Numbers in rising order, kept by the caller; NULL: all happen. */
void sim_only_fires(struct sim *s, const uint32_t *numbers, unsigned n);
uint32_t sim_fires(const struct sim *s); /* the last number given */
/* A number for a fault of the test program: false when it is left out. */
bool sim_fire(struct sim *s);
/* The numbers that happened since the beginning; valid until the next. */
unsigned sim_fired(const struct sim *s, const uint32_t **ret);

#endif
