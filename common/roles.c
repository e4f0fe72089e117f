/* SPDX-License-Identifier: Apache-2.0 */
#include "roles.h"

#include <stdio.h>

#include "check.h"
#include "err.h"
#include "life.h"

#define BODY(name)    (UINT64_C(1) << KESU__V1__COMMAND__BODY_##name)
#define ACTOR(name)   (UINT64_C(1) << KESU__V1__ACTOR_KIND__ACTOR_KIND_##name)
#define CHANNEL(name) (UINT64_C(1) << KESU__V1__CHANNEL__CHANNEL_##name)
#define SOCKET(name)  (UINT64_C(1) << SOCKET_##name)
#define ASK(name)     (UINT64_C(1) << KESU__V1__CONTROL_REQUEST__BODY_##name)
#define ALL           UINT64_MAX

#define LOOK_AT_CASES (ASK(INFO) | ASK(GET_CASE) | ASK(LIST_CASES) | ASK(LIST_AGENTS) | ASK(GET_STATS))
#define READ          (SOCKET(FEED) | SOCKET(HINT) | SOCKET(CONTROL) | SOCKET(QUERY))

static const struct {
    const char *name;
    uint64_t sockets, commands, actors, channels, asks; /* bits by number */
    bool personal;                                      /* gets keys beside blocks, and opened texts */
    bool people; /* sends all that staff may do to cases, beside commands */
} table[N_ROLES] = {
    [ROLE_ADAPTER] = {"adapter", SOCKET(NEW), BODY(RECEIVE_MESSAGE), ACTOR(CUSTOMER), ~CHANNEL(INTERNAL), 0,
                      false, false},
    [ROLE_GATEWAY] = {"gateway", SOCKET(NEW) | SOCKET(PEOPLE) | READ,
                      BODY(RECEIVE_MESSAGE) | BODY(SET_PRESENCE), ACTOR(CUSTOMER) | ACTOR(STAFF), ALL,
                      LOOK_AT_CASES, true, true},
    [ROLE_SERVICE] = {"service", ALL, ALL, ALL, ALL, ALL, true, true},
    [ROLE_WORKER] = {"worker", SOCKET(TASKS), 0, 0, 0, 0, false, false},
    [ROLE_READER] = {"reader", READ, 0, 0, 0, LOOK_AT_CASES, false, false},
    [ROLE_READER_WITH_PERSONAL] = {"reader-with-personal", READ, 0, 0, 0, LOOK_AT_CASES, true, false},
};

static const struct {
    const char *name;
    bool silent; /* has no way to refuse */
} sockets[N_ROLE_SOCKETS] = {
    [SOCKET_SERVICES] = {"intake-services", false}, [SOCKET_PEOPLE] = {"intake-people", false},
    [SOCKET_NEW] = {"intake-new", false},           [SOCKET_FEED] = {"intake-feed", false},
    [SOCKET_HINT] = {"intake-hint", true},          [SOCKET_CONTROL] = {"intake-control", false},
    [SOCKET_TASKS] = {"routing-tasks", true},       [SOCKET_QUERY] = {"analytics-query", false},
};

const char *role_name(enum role role)
{
    CHECK(role < N_ROLES);
    return table[role].name;
}

bool role_find(struct span name, enum role *ret)
{
    for (unsigned i = 0; i < N_ROLES; i++) {
        if (!span_equal(name, span_str(table[i].name))) continue;
        *ret = (enum role)i;
        return true;
    }
    return false;
}

const char *role_socket_name(enum role_socket s)
{
    CHECK(s < N_ROLE_SOCKETS);
    return sockets[s].name;
}

bool role_socket_find(const char *name, enum role_socket *ret)
{
    for (unsigned i = 0; i < N_ROLE_SOCKETS; i++) {
        if (strcmp(name, sockets[i].name) != 0) continue;
        *ret = (enum role_socket)i;
        return true;
    }
    return false;
}

static bool has(uint64_t bits, unsigned number)
{
    return number < 64 && (bits >> number & 1) != 0;
}

bool role_may_use(enum role role, enum role_socket s)
{
    return has(table[role].sockets, s);
}

bool role_stays_out(enum role role, enum role_socket s)
{
    return sockets[s].silent && !role_may_use(role, s);
}

/* ---- checks ------------------------------------------------------------ */

static int refuse(const struct role_user *user, const char *field, struct codec_error *ret)
{
    ret->code = E_NOT_ALLOWED;
    snprintf(ret->field, sizeof(ret->field), "%s", field);
    snprintf(ret->reason, sizeof(ret->reason), "not with the role of this key: %s", table[user->role].name);
    return E_NOT_ALLOWED;
}

/* name, or name and a dash and more */
static bool begins_name(const char *whole, const char *name)
{
    size_t n = strlen(name);
    return n > 0 && strncmp(whole, name, n) == 0 && (whole[n] == '\0' || whole[n] == '-');
}

int roles_check_command(const struct role_user *user, enum role_socket s, const Kesu__V1__Command *c,
                        struct codec_error *ret)
{
    if (user == NULL) return 0;
    uint64_t channels = table[user->role].channels;
    if (user->channels != 0) channels &= user->channels;
    if (!role_may_use(user->role, s)) return refuse(user, "", ret);
    if (c->body_case == KESU__V1__COMMAND__BODY__NOT_SET) return 0; /* is refused as such */
    if (!has(table[user->role].commands, c->body_case) &&
        !(table[user->role].people && life_of_people((unsigned)c->body_case)))
        return refuse(user, "body", ret);
    if (c->actor != NULL && c->actor->kind != 0 && !has(table[user->role].actors, (unsigned)c->actor->kind))
        return refuse(user, "actor.kind", ret);
    if (c->actor != NULL && c->actor->kind == KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE &&
        !begins_name(user->name, c->actor->name))
        return refuse(user, "actor.name", ret);
    if (c->body_case == KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE && c->receive_message->channel != 0 &&
        !has(channels, (unsigned)c->receive_message->channel))
        return refuse(user, "receive_message.channel", ret);
    return 0;
}

int roles_check_feed(const struct role_user *user, const Kesu__V1__FeedRequest *q, struct codec_error *ret)
{
    if (user == NULL) return 0;
    if (!role_may_use(user->role, SOCKET_FEED)) return refuse(user, "", ret);
    if (table[user->role].personal) return 0;
    if (q->body_case == KESU__V1__FEED_REQUEST__BODY_SUBSCRIBE && q->subscribe->personal)
        return refuse(user, "subscribe.personal", ret);
    if (q->body_case == KESU__V1__FEED_REQUEST__BODY_WANT_KEYS) return refuse(user, "want_keys", ret);
    return 0;
}

int roles_check_control(const struct role_user *user, enum role_socket s, const Kesu__V1__ControlRequest *q,
                        struct codec_error *ret)
{
    if (user == NULL) return 0;
    if (!role_may_use(user->role, s)) return refuse(user, "", ret);
    if (q->body_case == KESU__V1__CONTROL_REQUEST__BODY__NOT_SET) return 0;
    if (!has(table[user->role].asks, q->body_case)) return refuse(user, "body", ret);
    if (q->body_case == KESU__V1__CONTROL_REQUEST__BODY_GET_CASE && q->get_case->personal &&
        !table[user->role].personal)
        return refuse(user, "get_case.personal", ret);
    return 0;
}

bool roles_worker_name(const struct role_user *user, const char *name)
{
    if (user == NULL || user->role == ROLE_SERVICE) return true;
    return begins_name(name, user->name);
}

/* ---- for people -------------------------------------------------------- */

/* The names of the fields or values whose bits are set, or "all", or "-". */
static char *list_names(struct mem *m, uint64_t bits, const char *(*name)(unsigned bit, char room[64]))
{
    char *text = mem_strdup(m, ""), room[64];
    bool all = true;
    for (unsigned i = 0; i < 64; i++) {
        const char *word = name(i, room);
        if (word == NULL) continue;
        if ((bits >> i & 1) == 0) {
            all = false;
            continue;
        }
        char *longer = mem_printf(m, "%s%s%s", text, text[0] != '\0' ? " " : "", word);
        mem_free(m, text);
        text = longer;
    }
    if (!all && text[0] != '\0') return text;
    mem_free(m, text);
    return mem_strdup(m, all ? "all" : "-");
}

static const char *name_of_socket(unsigned bit, char room[64])
{
    (void)room;
    return bit < N_ROLE_SOCKETS ? sockets[bit].name : NULL;
}

static const char *name_of_field(const ProtobufCMessageDescriptor *d, unsigned bit)
{
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(d, bit);
    return f != NULL && (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 ? f->name : NULL;
}

static const char *name_of_command(unsigned bit, char room[64])
{
    (void)room;
    return name_of_field(&kesu__v1__command__descriptor, bit);
}

static const char *name_of_ask(unsigned bit, char room[64])
{
    (void)room;
    return name_of_field(&kesu__v1__control_request__descriptor, bit);
}

static const char *name_of_actor(unsigned bit, char room[64])
{
    return bit != 0 ? codec_enum_name(&kesu__v1__actor_kind__descriptor, (int)bit, room, 64) : NULL;
}

static const char *name_of_channel(unsigned bit, char room[64])
{
    return bit != 0 ? codec_enum_name(&kesu__v1__channel__descriptor, (int)bit, room, 64) : NULL;
}

char *roles_table(struct mem *m)
{
    char *text = mem_strdup(m, "| role | sockets | commands | actors | channels | requests | keys |\n"
                               "| --- | --- | --- | --- | --- | --- | --- |\n");
    for (unsigned i = 0; i < N_ROLES; i++) {
        char *words[5] = {
            list_names(m, table[i].sockets, name_of_socket),
            list_names(m, table[i].commands, name_of_command), list_names(m, table[i].actors, name_of_actor),
            list_names(m, table[i].channels, name_of_channel), list_names(m, table[i].asks, name_of_ask)};
        char *longer =
            mem_printf(m, "%s| %s | %s | %s | %s | %s | %s | %s |\n", text, table[i].name, words[0], words[1],
                       words[2], words[3], words[4], table[i].personal ? "yes" : "no");
        for (unsigned k = 0; k < 5; k++) mem_free(m, words[k]);
        mem_free(m, text);
        text = longer;
    }
    return text;
}
