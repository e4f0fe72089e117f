/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated world: memory, virtual time, one seed.
 *
 * A world holds instances (one env each). sim_step runs one thing that is due
 * (a message delivered, a timer, a job, a turn's end) in an order drawn from
 * the seed; virtual time jumps to the next. The same seed gives the same run.
 * A crash drops the instance's allocator. Half of the crashes are a killed
 * process (what was written stays), half a power failure: stores go back to
 * the last synced commit (or, for STORE_SYNC_LATEST, the last or last but one)
 * and files to what was synced, or to a mixture of the pages.
 *
 * All instances see one disk: paths are the world's. */
#ifndef KESU_SIM_H
#define KESU_SIM_H

#include "../env.h"
#include "../mail.h"
#include "faults.h"

struct sim;
struct sim_instance;

struct sim *sim_new(uint64_t seed, int64_t wall_us);
void sim_free(struct sim **p);
uint64_t sim_random(struct sim *s, uint64_t below); /* from the seed, for the test program too */
int64_t sim_now_us(const struct sim *s);            /* virtual monotonic time */
int64_t sim_wall_us(const struct sim *s);           /* virtual wall clock, jumps and all */
void sim_jump_wall(struct sim *s, int64_t by_us);
void sim_set_free_bytes(struct sim *s, uint64_t n); /* what files_free_bytes answers */

/* on_boot is called at once and after each crash (when a restart delay has
 * passed) with the instance's fresh env. disk survives crashes. */
struct sim_instance *sim_instance_new(struct sim *s, const char *name,
                                      void (*on_boot)(void *self, struct env *env), void *self);
/* Called at the end of the turn in which the instance called env_stop; then it
 * is gone without a loss, and starts again like after a crash. */
void sim_on_stop(struct sim_instance *i, void (*on_stop)(void *self, struct env *env));
void sim_crash(struct sim_instance *i); /* a killed process or a power failure, by the seed */
void sim_power_failure(struct sim_instance *i);
bool sim_is_up(const struct sim_instance *i);
struct env *sim_env(struct sim_instance *i); /* NULL while down */
unsigned sim_boots(const struct sim_instance *i);
const char *sim_last_words(const struct sim_instance *i); /* of env_die; NULL if it never did */

/* One step; false when nothing is left to do before until_us. */
bool sim_step(struct sim *s, int64_t until_us);
void sim_run(struct sim *s, int64_t for_us);

/* What the outside world got. */
struct sim_mail {
    char *from, *to; /* NULL: a web request */
    char *url;
    char *headers; /* of a web request, a line each */
    struct span message;
    int64_t at_us;
    const struct sim_instance *by;
    unsigned boot;             /* of it */
    enum port_outcome outcome; /* what it will hear */
};
unsigned sim_mails(const struct sim *s, const struct sim_mail **ret);

#endif
