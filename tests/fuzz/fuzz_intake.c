/* SPDX-License-Identifier: Apache-2.0 */
/* The real intake in the simulated world gets arbitrary messages on its lanes,
 * its feed and its control socket, and commands that are right but for their
 * content: it stays up. One world serves many inputs; the first byte picks:
 * the socket, who sends a command, and whether it is of the case there is. */
#include <stdlib.h>

#include "../unit/policy_fixture.c"

#include "../../services/intake/intake.h"
#include "check.h"
#include "clock.h"
#include "fuzz.h"
#include "log.h"
#include "sim/sim.h"
#include "uuid.h"

#define INPUTS_A_WORLD 2000

static struct {
    struct sim *sim;
    struct sim_instance *intake, *outside;
    struct svc *svc;
    struct conf *conf;
    struct env *env;
    struct bus_client *sockets[5];
    struct arena arena;
    uint64_t case_id;
    unsigned inputs;
} world;

static void on_boot(void *self, struct env *env)
{
    (void)self;
    CHECK(svc_new(env, &intake_service, world.conf, &world.svc) == 0);
}

static void on_message(void *self, const struct bus_msg *msg)
{
    (void)self;
    (void)msg;
}

static void on_outside(void *self, struct env *env)
{
    static const char *const endpoints[5] = {"ipc://run/intake-services.ipc", "ipc://run/intake-people.ipc",
                                             "ipc://run/intake-new.ipc", "ipc://run/intake-feed.ipc",
                                             "ipc://run/intake-control.ipc"};
    (void)self;
    world.env = env;
    for (unsigned i = 0; i < 5; i++) {
        struct bus_client_opts opts = {.endpoint = endpoints[i], .on_message = on_message};
        CHECK(bus_connect(env, &opts, &world.sockets[i]) == 0);
    }
}

/* As a good client sends it, whatever is in it. */
static void send_command(unsigned lane, Kesu__V1__Command *command)
{
    static uint64_t count;
    Kesu__V1__CommandBatch batch = KESU__V1__COMMAND_BATCH__INIT;
    uint8_t id[UUID_BYTES];
    uuid_derive(clock_wall_us(world.env), "fuzz", ++count, "x", 0, id);
    command->id = (ProtobufCBinaryData){sizeof(id), id};
    batch.client = (char *)(uintptr_t) "fuzz";
    batch.n_commands = 1;
    batch.commands = &command;
    (void)bus_send(world.env, world.sockets[lane], codec_pack(&batch, &world.arena), NULL);
    sim_run(world.sim, 50 * USEC_PER_MS);
}

static void send_policy(void)
{
    struct policy_fixture f;
    uint8_t hash[HASH_BYTES];
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__StorePolicyPart part = KESU__V1__STORE_POLICY_PART__INIT;
    Kesu__V1__ActivatePolicy activate = KESU__V1__ACTIVATE_POLICY__INIT;
    policy_fixture_init(&f);
    CHECK(policy_fixture_compile(&f) == 0);
    struct span bytes = codec_pack(f.bundle, &f.arena);
    hash_bytes(bytes, hash);
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    actor.name = (char *)(uintptr_t) "fuzz";
    command.actor = &actor;
    part.hash = activate.hash = (ProtobufCBinaryData){sizeof(hash), hash};
    part.count = 1;
    part.content = (ProtobufCBinaryData){bytes.n, (uint8_t *)(uintptr_t)bytes.p};
    command.body_case = KESU__V1__COMMAND__BODY_STORE_POLICY_PART;
    command.store_policy_part = &part;
    send_command(1, &command);
    command.body_case = KESU__V1__COMMAND__BODY_ACTIVATE_POLICY;
    command.activate_policy = &activate;
    send_command(1, &command);
    struct intake *in = svc_self(world.svc);
    CHECK(in->policy.active != NULL);
    policy_fixture_deinit(&f);
}

/* A case that anna has, for commands of one. */
static void send_case(void)
{
    struct intake *in = svc_self(world.svc);
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__ReceiveMessage receive = KESU__V1__RECEIVE_MESSAGE__INIT;
    Kesu__V1__Personal personal = KESU__V1__PERSONAL__INIT;
    Kesu__V1__SetPresence presence = KESU__V1__SET_PRESENCE__INIT;
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    actor.name = personal.text = presence.agent = (char *)(uintptr_t) "anna";
    command.actor = &actor;
    command.body_case = KESU__V1__COMMAND__BODY_SET_PRESENCE;
    command.set_presence = &presence;
    presence.present = true;
    presence.capacity = 100;
    send_command(1, &command);
    receive.channel = KESU__V1__CHANNEL__CHANNEL_WEB;
    receive.received_at = clock_wall_us(world.env);
    receive.personal = &personal;
    command.body_case = KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE;
    command.receive_message = &receive;
    send_command(2, &command);
    world.case_id = in->reg.meta.seq;
    CHECK(world.case_id > 0);
}

/* Every body that touches a case has case_id first. */
static void of_the_case(Kesu__V1__Command *command)
{
    const ProtobufCFieldDescriptor *body =
        protobuf_c_message_descriptor_get_field(&kesu__v1__command__descriptor, command->body_case);
    const ProtobufCMessageDescriptor *d = body != NULL ? body->descriptor : NULL;
    if (d != NULL && d->n_fields > 0 && strcmp(d->fields[0].name, "case_id") == 0)
        command->start_work->case_id = world.case_id;
}

/* 0: whoever the input says. */
static void from(Kesu__V1__Command *command, unsigned who, Kesu__V1__Actor *actor)
{
    static const char *const names[] = {"", "anna", "boss", "top"};
    if (who == 0) return;
    kesu__v1__actor__init(actor);
    actor->kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF;
    actor->name = (char *)(uintptr_t)names[who];
    command->actor = actor;
}

static void open_world(void)
{
    const struct conf_def *tables[] = {svc_settings, intake_service.settings};
    static char *argv[] = {(char *)"kesu-intake", (char *)"--run-dir", (char *)"run", (char *)"--data-dir",
                           (char *)"data",        (char *)"--ballast", (char *)"0"};
    char *envp[] = {NULL}, *error = NULL;
    log_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    CHECK(conf_load(&mem_libc, tables, 2, "kesu-intake", 7, argv, envp, &world.conf, &error) == 0);
    world.sim = sim_new(1, INT64_C(1764000000) * USEC_PER_SEC);
    world.intake = sim_instance_new(world.sim, "intake", on_boot, NULL);
    world.outside = sim_instance_new(world.sim, "outside", on_outside, NULL);
    sim_run(world.sim, 10 * USEC_PER_SEC);
    CHECK(intake_service.not_ready(svc_self(world.svc)) == NULL);
    arena_init(&world.arena, &mem_libc, (size_t)64 << 20);
    send_policy();
    send_case();
}

static void close_world(void)
{
    svc_free(&world.svc);
    sim_free(&world.sim);
    conf_free(&world.conf);
    arena_deinit(&world.arena);
    world.inputs = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    if (world.sim == NULL) open_world();
    arena_reset(&world.arena);
    unsigned to = data[0] % 8;
    struct span rest = span_of(data + 1, size - 1);
    if (to < 5) {
        (void)bus_send(world.env, world.sockets[to], rest, NULL);
        sim_run(world.sim, 50 * USEC_PER_MS);
    } else {
        Kesu__V1__Command *command;
        struct codec_error error;
        if (codec_unpack(&kesu__v1__command__descriptor, rest, &world.arena, &command, &error) != 0)
            return -1;
        if (command->body_case == KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE)
            command->receive_message->received_at = clock_wall_us(world.env);
        Kesu__V1__Actor actor;
        from(command, data[0] >> 3 & 3, &actor);
        if ((data[0] & 0x80) == 0) of_the_case(command);
        send_command(to - 5, command);
    }
    CHECK(sim_is_up(world.intake) && sim_boots(world.intake) == 1);
    if (++world.inputs == INPUTS_A_WORLD) close_world();
    return 0;
}
