/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "../check.h"
#include "world.h"

#define SIM_FAULT_NAME(upper, lower)  #lower,
#define SIM_FAULT_VALUE(upper, lower) f->lower,

const char *const sim_fault_names[SIM_N_FAULTS] = {SIM_FAULTS(SIM_FAULT_NAME)};

static unsigned chance_of(const struct sim_faults *f, unsigned fault)
{
    const unsigned chances[SIM_N_FAULTS] = {SIM_FAULTS(SIM_FAULT_VALUE)};
    return chances[fault];
}

static bool is_among(const uint32_t *numbers, unsigned n, uint32_t number)
{
    unsigned low = 0, high = n;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && numbers[low] == number;
}

bool sim_fire(struct sim *s)
{
    s->fires++;
    if (s->only != NULL && !is_among(s->only, s->n_only, s->fires)) return false;
    if ((s->n_fired & (s->n_fired - 1)) == 0) {
        s->fired = (uint32_t *)realloc(s->fired, (s->n_fired > 0 ? 2 * s->n_fired : 1) * sizeof(uint32_t));
        CHECK(s->fired != NULL);
    }
    s->fired[s->n_fired++] = s->fires;
    return true;
}

bool sim_fault(struct sim *s, unsigned fault)
{
    unsigned chance = chance_of(&s->faults, fault);
    if (chance == 0 || sim_mix(&s->fault_random) % 1000000 >= chance || !sim_fire(s)) return false;
    s->counts[fault]++;
    return true;
}

void sim_set_faults(struct sim *s, const struct sim_faults *f)
{
    s->faults = f != NULL ? *f : (struct sim_faults){0};
}

const uint64_t *sim_fault_counts(const struct sim *s)
{
    return s->counts;
}

void sim_only_fires(struct sim *s, const uint32_t *numbers, unsigned n)
{
    s->only = numbers;
    s->n_only = n;
}

uint32_t sim_fires(const struct sim *s)
{
    return s->fires;
}

unsigned sim_fired(const struct sim *s, const uint32_t **ret)
{
    *ret = s->fired;
    return s->n_fired;
}
