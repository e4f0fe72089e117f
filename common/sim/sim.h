/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated world: memory, virtual time, one seed.
 *
 * A world holds instances (one env each). sim_step runs one thing that is due
 * (a message delivered, a timer, a job, a turn's end) in an order drawn from
 * the seed; virtual time jumps to the next. The same seed gives the same run.
 * A crash drops the instance's allocator and brings its stores back to the
 * last synced commit (or, for STORE_SYNC_LATEST, the last or last but one) and
 * its files to what was synced. */
#ifndef KESU_SIM_H
#define KESU_SIM_H

#include "../env.h"
#include "../mail.h"

struct sim;
struct sim_instance;

/* Chances in 1,000,000 for each message, commit, or step. */
struct sim_faults {
    unsigned lose, duplicate, reorder, delay; /* a message */
    unsigned crash_step;                      /* after a step: one instance */
    unsigned crash_before_commit, crash_after_commit;
    unsigned slow_disk;  /* a job takes up to 2 s */
    unsigned disk_full;  /* a commit answers E_NOSPACE */
    unsigned clock_jump; /* a step: wall clock of all by up to +-1 h */
    unsigned mail_temporary, mail_permanent, mail_unknown;
};

/* How often each fired: same order as sim_fault_names. */
enum {
    SIM_LOSE,
    SIM_DUPLICATE,
    SIM_REORDER,
    SIM_DELAY,
    SIM_CRASH_STEP,
    SIM_CRASH_BEFORE_COMMIT,
    SIM_CRASH_AFTER_COMMIT,
    SIM_SLOW_DISK,
    SIM_DISK_FULL,
    SIM_CLOCK_JUMP,
    SIM_MAIL_TEMPORARY,
    SIM_MAIL_PERMANENT,
    SIM_MAIL_UNKNOWN,
    SIM_N_FAULTS
};
extern const char *const sim_fault_names[SIM_N_FAULTS];

struct sim *sim_new(uint64_t seed, int64_t wall_us);
void sim_free(struct sim **p);
void sim_set_faults(struct sim *s, const struct sim_faults *f);
const uint64_t *sim_fault_counts(const struct sim *s);
uint64_t sim_random(struct sim *s, uint64_t below); /* from the seed, for the test program too */
int64_t sim_now_us(const struct sim *s);            /* virtual monotonic time */
void sim_jump_wall(struct sim *s, int64_t by_us);

/* on_boot is called at once and after each crash (when a restart delay has
 * passed) with the instance's fresh env. disk survives crashes. */
struct sim_instance *sim_instance_new(struct sim *s, const char *name,
                                      void (*on_boot)(void *self, struct env *env), void *self);
void sim_crash(struct sim_instance *i);
bool sim_is_up(const struct sim_instance *i);
struct env *sim_env(struct sim_instance *i); /* NULL while down */
unsigned sim_boots(const struct sim_instance *i);

/* One step; false when nothing is left to do before until_us. */
bool sim_step(struct sim *s, int64_t until_us);
void sim_run(struct sim *s, int64_t for_us);

/* What the outside world got. */
struct sim_mail {
    char *from, *to, *url;
    struct span message;
    int64_t at_us;
    struct sim_instance *by;
};
unsigned sim_mails(const struct sim *s, const struct sim_mail **ret);

#endif
