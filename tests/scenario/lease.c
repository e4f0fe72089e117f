/* SPDX-License-Identifier: Apache-2.0 */
/* Credit, versions and leases: what a client may send, what a command was made
 * for, and whose task a worker answers. Learned from what is handed to them. */
#include "office.h"

static void lease_of(uint64_t epoch, uint64_t task_id, uint32_t attempt, uint8_t ret[16])
{
    memcpy(ret, &epoch, 8);
    for (unsigned i = 0; i < 4; i++) ret[8 + i] = (uint8_t)(task_id >> 8 * i);
    memcpy(ret + 12, &attempt, 4);
}

/* ---- commands ------------------------------------------------------------------------- */

/* The case that a command names; 0: none. */
static uint64_t case_of(const Kesu__V1__Command *c)
{
    const ProtobufCFieldDescriptor *body =
        protobuf_c_message_descriptor_get_field(&kesu__v1__command__descriptor, (unsigned)c->body_case);
    const ProtobufCFieldDescriptor *field =
        body != NULL ? protobuf_c_message_descriptor_get_field_by_name(body->descriptor, "case_id") : NULL;
    uint64_t case_id = 0;
    if (field != NULL) memcpy(&case_id, (const uint8_t *)c->start_work + field->offset, sizeof case_id);
    return case_id;
}

void lease_commands_handed(struct office *o, const Kesu__V1__CommandBatch *batch)
{
    for (size_t i = 0; i < batch->n_commands; i++) {
        const Kesu__V1__Command *c = batch->commands[i];
        uint64_t case_id = case_of(c);
        if (c->expected_case != KESU__V1__COMMAND__EXPECTED_EXPECTED_VERSION || c->id.len != 16 ||
            case_id == 0)
            continue;
        idset_add(&o->audit.expected, c->id.data, c->expected_version);
        idset_add(&o->audit.expected_cases, c->id.data, case_id);
    }
}

/* A store without room begins again with a client that knows of no credit. */
uint64_t lease_life(const struct office_service *s)
{
    return (uint64_t)sim_failed_commits(s->i) << 32 | sim_boots(s->i);
}

void lease_commands_sent(struct office *o, const struct office_service *s, size_t n)
{
    if (o->little_credit && s->heard_life == lease_life(s) && n > OFFICE_LITTLE_CREDIT)
        audit_broken(&o->audit, "%s sends %u commands, and has credit for %u", s->instance, (unsigned)n,
                     OFFICE_LITTLE_CREDIT);
}

/* ---- tasks ----------------------------------------------------------------------------- */

void lease_tasks_handed(struct office *o, const struct office_service *s, const Kesu__V1__ToWorker *m)
{
    uint8_t lease[16];
    if (m->epoch != s->epoch) return;
    for (size_t i = 0; i < m->n_tasks; i++) {
        lease_of(m->epoch, m->tasks[i]->task_id, m->tasks[i]->attempt, lease);
        idset_add(&o->leases, lease, 1);
    }
}

void lease_results_sent(struct office *o, struct office_service *s, const Kesu__V1__ToRouting *m)
{
    uint8_t lease[16];
    s->epoch = m->epoch;
    for (size_t i = 0; i < m->n_results; i++) {
        lease_of(m->epoch, m->results[i]->task_id, m->results[i]->attempt, lease);
        if (!idset_find(&o->leases, lease, NULL))
            audit_broken(&o->audit, "%s answers a task of case %llu, which it was not given in this life",
                         s->instance, (unsigned long long)m->results[i]->task_id);
    }
}
