/* SPDX-License-Identifier: Apache-2.0 */
#include "first_policy.h"

#include "err.h"
#include "intake.h"
#include "log.h"
#include "policy.h"
#include "uuid.h"

#define PART_BYTES ((size_t)256 << 10)

static int own_command(struct intake *in, Kesu__V1__Command *command)
{
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    uint8_t id[UUID_BYTES];
    uuid_new(in->env, id);
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR;
    actor.name = (char *)(uintptr_t) "intake";
    command->id = (ProtobufCBinaryData){sizeof(id), id};
    command->actor = &actor;
    return intake_batch_own(in, command);
}

static int send_parts(struct intake *in, struct span bytes, uint8_t hash[HASH_BYTES])
{
    uint32_t count = (uint32_t)((bytes.n + PART_BYTES - 1) / PART_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
        Kesu__V1__StorePolicyPart part = KESU__V1__STORE_POLICY_PART__INIT;
        size_t at = i * PART_BYTES, n = bytes.n - at < PART_BYTES ? bytes.n - at : PART_BYTES;
        part.hash = (ProtobufCBinaryData){HASH_BYTES, hash};
        part.index = i;
        part.count = count;
        part.content = (ProtobufCBinaryData){n, (uint8_t *)(uintptr_t)(bytes.p + at)};
        command.body_case = KESU__V1__COMMAND__BODY_STORE_POLICY_PART;
        command.store_policy_part = &part;
        int err = own_command(in, &command);
        if (err != 0) return err;
    }
    Kesu__V1__Command command = KESU__V1__COMMAND__INIT;
    Kesu__V1__ActivatePolicy activate = KESU__V1__ACTIVATE_POLICY__INIT;
    activate.hash = (ProtobufCBinaryData){HASH_BYTES, hash};
    activate.name = (char *)(uintptr_t) "first";
    command.body_case = KESU__V1__COMMAND__BODY_ACTIVATE_POLICY;
    command.activate_policy = &activate;
    return own_command(in, &command);
}

int intake_first_policy(struct intake *in, const char *dir)
{
    struct arena arena;
    Kesu__V1__PolicyBundle *bundle = NULL;
    char *problems = NULL;
    uint8_t hash[HASH_BYTES];
    if (dir[0] == '\0' || in->policy.active != NULL) return 0;
    arena_init(&arena, &in->env->mem, POLICY_MAX_BYTES * 8);
    int err = policy_compile(in->env, dir, &arena, &bundle, &problems);
    if (err == 0) {
        struct span bytes = codec_pack(bundle, &arena);
        hash_bytes(bytes, hash);
        err = bytes.n > POLICY_MAX_BYTES ? E_TOO_BIG : send_parts(in, bytes, hash);
    }
    if (err != 0)
        log_error(in->env, "policy not taken", LOG_STR("dir", dir), LOG_ERR(err),
                  LOG_STR("problems", problems != NULL ? problems : ""));
    mem_free(&in->env->mem, problems);
    arena_deinit(&arena);
    return err;
}
