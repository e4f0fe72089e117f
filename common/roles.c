/* SPDX-License-Identifier: Apache-2.0 */
#include "roles.h"

#include <stdio.h>

#include "check.h"
#include "err.h"
#include "life.h"

#define BODY(name)    KESU__V1__COMMAND__BODY_##name
#define ACTOR(name)   (UINT64_C(1) << KESU__V1__ACTOR_KIND__ACTOR_KIND_##name)
#define CHANNEL(name) (UINT64_C(1) << KESU__V1__CHANNEL__CHANNEL_##name)
#define SOCKET(name)  (UINT64_C(1) << SOCKET_##name)
#define ASK(name)     (UINT64_C(1) << KESU__V1__CONTROL_REQUEST__BODY_##name)
#define ALL           UINT64_MAX

#define LOOK_AT_CASES                                                                                        \
    (ASK(INFO) | ASK(GET_CASE) | ASK(LIST_CASES) | ASK(LIST_AGENTS) | ASK(GET_STATS) | ASK(GET_EIGHTD) |     \
     ASK(LIST_EIGHTDS) | ASK(LIST_HANDOVERS) | ASK(GET_INCIDENT) | ASK(LIST_INCIDENTS) | ASK(GET_CUSTOMER) | \
     ASK(LIST_CUSTOMERS))
#define READ (SOCKET(FEED) | SOCKET(HINT) | SOCKET(CONTROL) | SOCKET(QUERY))

/* Of commands there are more than a word has bits: lists of numbers, 0 at the end. */
static const uint8_t no_command[] = {0}, any_command[] = {0};
static const uint8_t of_channels[] = {BODY(RECEIVE_MESSAGE), 0};
/* What staff sends beside what the table of the life of a case gives them. */
static const uint8_t of_people[] = {BODY(RECEIVE_MESSAGE),
                                    BODY(SET_PRESENCE),
                                    BODY(CHANGE_CUSTOMER),
                                    BODY(SUGGEST_MERGE),
                                    BODY(DISMISS_MERGE),
                                    BODY(MERGE_CUSTOMERS),
                                    BODY(UNMERGE_CUSTOMERS),
                                    BODY(CREATE_INCIDENT),
                                    BODY(CHANGE_INCIDENT),
                                    BODY(HOLD_LOT),
                                    BODY(ANSWER_INCIDENT),
                                    BODY(CLOSE_INCIDENT),
                                    BODY(PLAN_DISCIPLINE),
                                    BODY(RECORD_DISCIPLINE),
                                    BODY(OPEN_HANDOVER),
                                    BODY(ACCEPT_HANDOVER),
                                    0};

static const struct {
    const char *name;
    const uint8_t *commands;                  /* any_command: whichever */
    uint64_t sockets, actors, channels, asks; /* bits by number */
    bool personal;                            /* gets keys beside blocks, and opened texts */
    bool restricted;                          /* also those of what only named people read */
} table[N_ROLES] = {
    [ROLE_ADAPTER] = {"adapter", of_channels, SOCKET(NEW), ACTOR(CUSTOMER), ~CHANNEL(INTERNAL), 0, false,
                      false},
    [ROLE_GATEWAY] = {"gateway", of_people, SOCKET(NEW) | SOCKET(PEOPLE) | READ,
                      ACTOR(CUSTOMER) | ACTOR(STAFF), ALL, LOOK_AT_CASES, true, false},
    [ROLE_SERVICE] = {"service", any_command, ALL, ALL, ALL, ALL, true, true},
    [ROLE_WORKER] = {"worker", no_command, SOCKET(TASKS), 0, 0, 0, false, false},
    [ROLE_READER] = {"reader", no_command, READ, 0, 0, LOOK_AT_CASES, false, false},
    [ROLE_READER_WITH_PERSONAL] = {"reader-with-personal", no_command, READ, 0, 0, LOOK_AT_CASES, true,
                                   false},
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
    return bits == ALL || (number < 64 && (bits >> number & 1) != 0);
}

static bool may_send(enum role role, unsigned command)
{
    const uint8_t *list = table[role].commands;
    if (list == any_command) return true;
    if (list == of_people && life_of_people(command)) return true;
    while (*list != 0 && *list != command) list++;
    return *list != 0;
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
    if (!may_send(user->role, (unsigned)c->body_case)) return refuse(user, "body", ret);
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
    if (q->body_case == KESU__V1__CONTROL_REQUEST__BODY_GET_CUSTOMER && !table[user->role].personal) {
        if (q->get_customer->personal) return refuse(user, "get_customer.personal", ret);
        if (q->get_customer->contact != NULL) return refuse(user, "get_customer.contact", ret);
    }
    if (q->body_case == KESU__V1__CONTROL_REQUEST__BODY_GET_CASE && q->get_case->reader[0] != '\0' &&
        !has(table[user->role].actors, KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF))
        return refuse(user, "get_case.reader", ret);
    return 0;
}

bool roles_restricted(const struct role_user *user)
{
    return user == NULL || table[user->role].restricted;
}

bool roles_worker_name(const struct role_user *user, const char *name)
{
    if (user == NULL || user->role == ROLE_SERVICE) return true;
    return begins_name(name, user->name);
}

/* ---- for people -------------------------------------------------------- */

static char *join(struct mem *m, char *text, const char *word)
{
    char *longer = mem_printf(m, "%s%s%s", text, text[0] != '\0' ? " " : "", word);
    mem_free(m, text);
    return longer;
}

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
        text = join(m, text, word);
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

static char *list_commands(struct mem *m, const uint8_t *list)
{
    if (list == any_command) return mem_strdup(m, "all");
    char *text = mem_strdup(m, list[0] == 0        ? "-"
                               : list == of_people ? "all that staff may do to a case,"
                                                   : "");
    for (; *list != 0; list++) text = join(m, text, name_of_field(&kesu__v1__command__descriptor, *list));
    return text;
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
    char *text = mem_strdup(
        m, "| role | sockets | commands | actors | channels | requests | keys | restricted keys |\n"
           "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (unsigned i = 0; i < N_ROLES; i++) {
        char *words[5] = {list_names(m, table[i].sockets, name_of_socket),
                          list_commands(m, table[i].commands), list_names(m, table[i].actors, name_of_actor),
                          list_names(m, table[i].channels, name_of_channel),
                          list_names(m, table[i].asks, name_of_ask)};
        char *longer = mem_printf(m, "%s| %s | %s | %s | %s | %s | %s | %s | %s |\n", text, table[i].name,
                                  words[0], words[1], words[2], words[3], words[4],
                                  table[i].personal ? "yes" : "no", table[i].restricted ? "yes" : "no");
        for (unsigned k = 0; k < 5; k++) mem_free(m, words[k]);
        mem_free(m, text);
        text = longer;
    }
    return text;
}
