/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: what operators ask of the register and the journal. */
#ifndef INTAKE_CONTROL_H
#define INTAKE_CONTROL_H

#include "codec.h"
#include "svc.h"

struct intake;
struct verify_task;
struct case_asked;

struct intake_control {
    struct verify_task *tasks;
    struct case_asked *waiting; /* for the disk */
    unsigned n_waiting;
    struct arena arena;
};

int intake_control_open(struct intake *in);
void intake_control_close(struct intake *in);
/* A step of what takes longer than a turn. */
void intake_control_turn(struct intake *in);
/* control_case.c: GetCase, and those of it that wait. */
void intake_control_case(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);
void intake_control_case_turn(struct intake *in);
void intake_control_case_close(struct intake *in);
/* control_customer.c: the row for GetCustomer. */
void intake_control_customer(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);

#endif
