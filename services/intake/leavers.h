/* SPDX-License-Identifier: Apache-2.0 */
/* Looks for open work of people who have left: at start, when a policy comes
 * into force, and when somebody's time has ended. What is found follows from
 * the register, so it is found again after a crash. */
#ifndef INTAKE_LEAVERS_H
#define INTAKE_LEAVERS_H

#include <stdbool.h>
#include <stdint.h>

struct intake;

struct intake_leavers {
    uint8_t policy[32]; /* hash of the one last looked by */
    bool known;         /* there is such a one */
    bool looking;
    int64_t ends;    /* when the next person's time here does, INT64_MAX: nobody's */
    uint64_t before; /* cases from here on were looked at; 0: none yet */
};

/* From time to time: a portion of the cases, newest first. */
void intake_leavers_look(struct intake *in);

#endif
