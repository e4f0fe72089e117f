/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: what operators ask of the register and the journal. */
#ifndef INTAKE_CONTROL_H
#define INTAKE_CONTROL_H

#include "codec.h"
#include "svc.h"

struct intake;
struct verify_task;

/* A question that may have to wait for the disk. */
struct control_asked {
    struct control_asked *next;
    bool (*tell)(struct intake *in, struct control_asked *a); /* false: not on disk yet */
    uint64_t peer, request_id, id;
    uint64_t last_seq; /* of what it is about, set by tell: it waits for this one */
    bool personal;
    char reader[65];   /* staff id, "" */
    uint64_t read_seq; /* of the event that says they read it, 0: not yet */
};

struct intake_control {
    struct verify_task *tasks;
    struct control_asked *waiting; /* for the disk */
    unsigned n_waiting;
    struct arena arena;
};

int intake_control_open(struct intake *in);
void intake_control_close(struct intake *in);
/* A step of what takes longer than a turn. */
void intake_control_turn(struct intake *in);
/* Tells it now, or when what it is about is on disk. field: of the request. */
void intake_control_ask(struct intake *in, const struct control_asked *asked, const char *field);
/* control_work.c */
void intake_control_eightd(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);
void intake_control_eightds(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);
void intake_control_handovers(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);
/* control_case.c: GetCase, and those who wait. */
void intake_control_case(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);
void intake_control_case_turn(struct intake *in);
void intake_control_case_close(struct intake *in);
/* control_customer.c: the row for GetCustomer. */
void intake_control_customer(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);
/* control_customers.c: the row for ListCustomers. */
void intake_control_customers(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);
/* control_incident.c: the rows for GetIncident and ListIncidents. */
void intake_control_incident(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);
void intake_control_incidents(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request);

#endif
