/* SPDX-License-Identifier: Apache-2.0 */
/* A real intake in the simulated world, and a client that remembers. */
#ifndef KESU_TESTS_INTAKE_RIG_H
#define KESU_TESTS_INTAKE_RIG_H

#include "../../services/intake/dedup.h"
#include "../../services/intake/intake.h"
#include "policy_fixture.h"
#include "sim/sim.h"

#define RIG_WALL_US (INT64_C(1764000000) * 1000000)
#define RIG_READERS 4

struct rig_reader {
    struct rig *rig;
    struct bus_client *client;
    uint64_t next_seq;                            /* after the last block */
    uint64_t bytes;                               /* of blocks */
    unsigned n_blocks, n_stored, n_keys, n_heads; /* keys that are not erased */
    Kesu__V1__ErrorCode refused;
    char refused_field[64];
    uint64_t subscribed_head;
    uint8_t uuid[16], last_hash[32];
    uint64_t skips[8];
    unsigned n_skips;
    bool subscribed, broken_order;
};

struct rig {
    struct sim *sim;
    struct sim_instance *intake, *outside;
    struct env *env, *client_env;
    struct svc *svc; /* NULL while down */
    struct conf *conf;
    struct bus_client *lanes[3], *control;
    struct arena arena; /* of replies and commands; reset by the test */
    const char *client;
    uint64_t batch;
    Kesu__V1__ReplyBatch *reply; /* the last */
    Kesu__V1__ControlReply *answer;
    struct rig_reader readers[RIG_READERS];
    struct policy_fixture policy;
    uint64_t ids;
};

enum { RIG_SERVICES, RIG_PEOPLE, RIG_NEW };

/* args: further arguments of intake, NULL-ended, or NULL. Runs until it is ready. */
void rig_open(struct rig *r, uint64_t seed, const char *const *args);
void rig_close(struct rig *r);
/* The small policy with a second agent, ben; both agents present with room for 7. */
/* Of cmocka: a rig with a policy in force as the state of each test. */
int rig_setup(void **state);
int rig_teardown(void **state);
void rig_policy(struct rig *r);
/* Crashes intake and runs until it is ready again. */
void rig_restart(struct rig *r);
/* The same without a loss. */
void rig_stop_and_start(struct rig *r);
struct intake *rig_intake(struct rig *r);

/* A fresh id of the world's time. */
void rig_id(struct rig *r, uint8_t ret[16]);
/* Commands from the arena, with id and actor. */
Kesu__V1__Command *rig_command(struct rig *r, Kesu__V1__ActorKind kind, const char *name,
                               Kesu__V1__Command__BodyCase body, const ProtobufCMessageDescriptor *d);
Kesu__V1__Command *rig_message(struct rig *r, const char *text, const char *mail);
#define RIG_NEW_COMMAND(r, kind, name, UPPER, lower)                                                   \
    rig_command((r), KESU__V1__ACTOR_KIND__ACTOR_KIND_##kind, (name), KESU__V1__COMMAND__BODY_##UPPER, \
                &kesu__v1__##lower##__descriptor)

/* Sends now, answer later; lane by number. */
void rig_send(struct rig *r, unsigned lane, Kesu__V1__Command **commands, size_t n);
/* Sends and runs until the answer. */
const Kesu__V1__Reply *rig_do(struct rig *r, unsigned lane, Kesu__V1__Command *command);
const Kesu__V1__Accepted *rig_accepted(struct rig *r, unsigned lane, Kesu__V1__Command *command);
const Kesu__V1__Refused *rig_refused(struct rig *r, unsigned lane, Kesu__V1__Command *command);
/* Raw bytes; the answer is in r->reply. */
void rig_raw(struct rig *r, unsigned lane, struct span bytes);
bool rig_run_until_reply(struct rig *r, int64_t for_us);
const Kesu__V1__ControlReply *rig_ask(struct rig *r, Kesu__V1__ControlRequest *request);
Kesu__V1__CaseState *rig_case(struct rig *r, uint64_t case_id);

struct rig_reader *rig_reader(struct rig *r, unsigned i);
void rig_request(struct rig_reader *reader, Kesu__V1__FeedRequest *request);
/* Subscribes and runs a second. */
void rig_subscribe(struct rig_reader *reader, Kesu__V1__Subscribe *s);

#endif
