// SPDX-License-Identifier: Apache-2.0
// What comes over TCP with a role: the first byte is the role, the second the
// socket, the rest a subscription, a batch of commands and a request.
#include "roles.h"

#include "err.h"
#include "fuzz.h"

static void check(int err, const struct role_user *user, const struct codec_error *e)
{
    CHECK(err == 0 ||
          (err == E_NOT_ALLOWED && e->code == err && strstr(e->reason, role_name(user->role)) != NULL));
    CHECK(err == 0 || user->role != ROLE_SERVICE || strcmp(e->field, "actor.name") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct codec_error e = {0}, *errors = NULL;
    if (size < 2) return -1;
    struct role_user user = {.role = (enum role)(data[0] % N_ROLES), .name = "one-1"};
    enum role_socket socket = (enum role_socket)(data[1] % N_ROLE_SOCKETS);
    struct span rest = span_of(data + 2, size - 2);
    bool personal =
        user.role == ROLE_SERVICE || user.role == ROLE_GATEWAY || user.role == ROLE_READER_WITH_PERSONAL;
    Kesu__V1__FeedRequest *feed = NULL;
    Kesu__V1__ControlRequest *request = NULL;
    Kesu__V1__CommandBatch *batch = NULL;
    if (data[0] >= 128) user.channels = (uint32_t)data[1] << 1;
    arena_init(&a, &mem_libc, 32 << 20);
    if (codec_unpack(&kesu__v1__feed_request__descriptor, rest, &a, &feed, &e) == 0) {
        int err = roles_check_feed(&user, feed, &e);
        check(err, &user, &e);
        if (err == 0 && feed->body_case == KESU__V1__FEED_REQUEST__BODY_SUBSCRIBE)
            CHECK(personal || !feed->subscribe->personal);
        if (err == 0) CHECK(personal || feed->body_case != KESU__V1__FEED_REQUEST__BODY_WANT_KEYS);
    }
    if (codec_unpack(&kesu__v1__control_request__descriptor, rest, &a, &request, &e) == 0) {
        int err = roles_check_control(&user, socket, request, &e);
        check(err, &user, &e);
        if (err == 0 && request->body_case == KESU__V1__CONTROL_REQUEST__BODY_GET_CASE)
            CHECK(personal || !request->get_case->personal);
    }
    if (codec_unpack_commands(rest, &a, &batch, &errors, &e) == 0)
        for (size_t i = 0; i < batch->n_commands; i++) {
            const Kesu__V1__Command *c = batch->commands[i];
            int err = roles_check_command(&user, socket, c, &e);
            check(err, &user, &e);
            if (err == 0 && c->actor != NULL && user.role != ROLE_SERVICE)
                CHECK(c->body_case == KESU__V1__COMMAND__BODY__NOT_SET ||
                      c->actor->kind != KESU__V1__ACTOR_KIND__ACTOR_KIND_OPERATOR);
        }
    arena_deinit(&a);
    return 0;
}
