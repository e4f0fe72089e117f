/* SPDX-License-Identifier: Apache-2.0 */
/* One suite over struct env: whatever a service may rely on holds in the real
 * world and in the simulated one. test_contract_real.c and
 * test_contract_sim.c give it their worlds. */
#ifndef KESU_TESTS_CONTRACT_H
#define KESU_TESTS_CONTRACT_H

#include "env.h"

struct contract_world {
    struct env *env;
    char dir[128]; /* empty, of this test */
    void *self;
    /* Runs until done says so: true; false after 20 s of this world in vain. */
    bool (*run)(struct contract_world *w, bool (*done)(void *arg), void *arg);
};

typedef void (*contract_test)(struct contract_world *w);

struct contract_row {
    const char *name;
    contract_test run;
};

/* Each ends with name NULL. */
extern const struct contract_row contract_sched_rows[];
extern const struct contract_row contract_bus_rows[];
extern const struct contract_row contract_store_rows[];
extern const struct contract_row contract_files_rows[];

/* Runs all in fresh worlds; the status of main. */
int contract_main(const char *name, void (*open)(struct contract_world *w),
                  void (*close)(struct contract_world *w));

/* Runs until *count >= n; fails the test when it does not come. */
void contract_wait(struct contract_world *w, const unsigned *count, unsigned n);
/* Lets this much time pass. */
void contract_pass(struct contract_world *w, int64_t us);
/* DIR/name; ipc://DIR/name. Good until the fourth call after it. */
const char *contract_path(struct contract_world *w, const char *name);
const char *contract_endpoint(struct contract_world *w, const char *name);

#endif
