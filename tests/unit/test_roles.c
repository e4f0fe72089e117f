/* SPDX-License-Identifier: Apache-2.0 */
/* What each role may do: the table of roles.c against one written here again,
 * for every role, socket, command, actor, channel and request there is. */
#include "roles.h"

#include <stdio.h>

#include "err.h"
#include "unit.h"

#define N_CHANNELS 16

static struct role_user user_of(unsigned role)
{
    struct role_user u = {.role = (enum role)role};
    snprintf(u.name, sizeof(u.name), "shop-1");
    return u;
}

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)) != NULL; p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0')) return true;
    return strcmp(list, "*") == 0;
}

#define LOOK                                                                  \
    "info get_case list_cases list_agents get_stats get_eightd list_eightds " \
    "list_handovers get_incident list_incidents get_customer list_customers"
/* All but what services and operators send alone. */
#define OF_PEOPLE                                                                                         \
    "receive_message classify_case assign_case start_work add_note resolve_case close_case set_presence " \
    "amend_record set_nature add_evidence return_file change_customer suggest_merge dismiss_merge "       \
    "merge_customers unmerge_customers claim_case name_accused record_statement reply_to_customer "       \
    "undo_reply start_reply record_call review_case open_task answer_task transfer_task waive_task "      \
    "propose_remedy submit_proposal decide_proposal confirm_reading send_opinion record_answer "          \
    "file_appeal admit_appeal assign_reviewer decide_appeal declare_deadlock refer_external "             \
    "record_external complete_step claim_recovery settle_recovery record_feedback record_accountability " \
    "reopen_case withdraw_case mark_conduct hold_case create_incident add_to_incident "                   \
    "remove_from_incident change_incident hold_lot answer_incident close_incident merge_case "            \
    "unmerge_case split_case link_cases unlink_cases open_eightd plan_discipline record_discipline "      \
    "close_eightd mark_sensitive read_case open_handover accept_handover"

static const struct {
    const char *role, *sockets, *commands, *actors, *requests;
    bool personal, restricted;
} expected[N_ROLES] = {
    {"adapter", "intake-new", "receive_message", "customer", "", false, false},
    {"gateway", "intake-people intake-new intake-feed intake-hint intake-control analytics-query", OF_PEOPLE,
     "customer staff", LOOK, true, false},
    {"service", "*", "*", "*", "*", true, true},
    {"worker", "routing-tasks", "", "", "", false, false},
    {"reader", "intake-feed intake-hint intake-control analytics-query", "", "", LOOK, false, false},
    {"reader-with-personal", "intake-feed intake-hint intake-control analytics-query", "", "", LOOK, true,
     false},
};

static void the_names_are_right(void **state)
{
    (void)state;
    enum role role;
    enum role_socket s;
    for (unsigned i = 0; i < N_ROLES; i++) {
        assert_string_equal(role_name((enum role)i), expected[i].role);
        assert_true(role_find(span_str(expected[i].role), &role) && role == (enum role)i);
    }
    assert_false(role_find(SPAN_LIT("king"), &role));
    assert_false(role_find(SPAN_NONE, &role));
    for (unsigned i = 0; i < N_ROLE_SOCKETS; i++)
        assert_true(role_socket_find(role_socket_name((enum role_socket)i), &s) && s == (enum role_socket)i);
    assert_false(role_socket_find("sla-watch-control", &s));
}

static void each_role_has_its_sockets(void **state)
{
    (void)state;
    for (unsigned r = 0; r < N_ROLES; r++) {
        for (unsigned s = 0; s < N_ROLE_SOCKETS; s++) {
            const char *name = role_socket_name((enum role_socket)s);
            bool may = has_word(expected[r].sockets, name);
            bool silent = s == SOCKET_HINT || s == SOCKET_TASKS;
            assert_int_equal(role_may_use((enum role)r, (enum role_socket)s), may);
            assert_int_equal(role_stays_out((enum role)r, (enum role_socket)s), silent && !may);
        }
    }
}

/* Each command of the descriptor with each actor, on each lane. */
static void each_role_sends_what_it_may(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *d = &kesu__v1__command__descriptor;
    Kesu__V1__ReceiveMessage message = KESU__V1__RECEIVE_MESSAGE__INIT;
    unsigned walked = 0;
    message.channel = KESU__V1__CHANNEL__CHANNEL_WEB;
    for (unsigned r = 0; r < N_ROLES; r++) {
        struct role_user u = user_of(r);
        for (unsigned f = 0; f < d->n_fields; f++) {
            if ((d->fields[f].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) continue;
            for (int kind = 1; kind <= 4; kind++) {
                static const char *const actors[] = {"", "customer", "staff", "service", "operator"};
                Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
                Kesu__V1__Command c = KESU__V1__COMMAND__INIT;
                struct codec_error e = {0};
                actor.kind = (Kesu__V1__ActorKind)kind;
                actor.name = (char *)(uintptr_t) "shop";
                c.actor = &actor;
                c.body_case = (Kesu__V1__Command__BodyCase)d->fields[f].id;
                c.receive_message = &message;
                bool command = has_word(expected[r].commands, d->fields[f].name);
                bool may = command && has_word(expected[r].actors, actors[kind]);
                enum role_socket lane = r == ROLE_READER || r == ROLE_WORKER ? SOCKET_FEED : SOCKET_NEW;
                if (!role_may_use(u.role, lane)) continue;
                int err = roles_check_command(&u, lane, &c, &e);
                assert_int_equal(err, may ? 0 : E_NOT_ALLOWED);
                assert_int_equal(e.code, err);
                if (!may) assert_string_equal(e.field, command ? "actor.kind" : "body");
                if (!may) assert_non_null(strstr(e.reason, expected[r].role));
                assert_int_equal(roles_check_command(NULL, lane, &c, &e), 0); /* of the run directory */
                walked++;
            }
        }
    }
    assert_true(walked > 200);
}

static void other_lanes_are_refused_as_a_whole(void **state)
{
    (void)state;
    Kesu__V1__Command c = KESU__V1__COMMAND__INIT;
    Kesu__V1__ReceiveMessage message = KESU__V1__RECEIVE_MESSAGE__INIT;
    c.body_case = KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE;
    c.receive_message = &message;
    for (unsigned r = 0; r < N_ROLES; r++) {
        struct role_user u = user_of(r);
        for (unsigned s = SOCKET_SERVICES; s <= SOCKET_NEW; s++) {
            struct codec_error e = {0};
            if (role_may_use(u.role, (enum role_socket)s)) continue;
            assert_int_equal(roles_check_command(&u, (enum role_socket)s, &c, &e), E_NOT_ALLOWED);
            assert_string_equal(e.field, "");
        }
    }
}

static bool takes_channel(const struct role_user *u, int channel)
{
    Kesu__V1__Command c = KESU__V1__COMMAND__INIT;
    Kesu__V1__ReceiveMessage message = KESU__V1__RECEIVE_MESSAGE__INIT;
    struct codec_error e = {0};
    message.channel = (Kesu__V1__Channel)channel;
    c.body_case = KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE;
    c.receive_message = &message;
    bool yes = roles_check_command(u, SOCKET_NEW, &c, &e) == 0;
    if (!yes) assert_string_equal(e.field, "receive_message.channel");
    return yes;
}

static void channels_narrow_the_role(void **state)
{
    (void)state;
    struct role_user adapter = user_of(ROLE_ADAPTER), gateway = user_of(ROLE_GATEWAY);
    for (int channel = 1; channel < N_CHANNELS; channel++) {
        bool internal = channel == KESU__V1__CHANNEL__CHANNEL_INTERNAL;
        adapter.channels = 0;
        assert_int_equal(takes_channel(&adapter, channel), !internal);
        assert_true(takes_channel(&gateway, channel));
        adapter.channels = UINT32_C(1) << KESU__V1__CHANNEL__CHANNEL_EMAIL |
                           UINT32_C(1) << KESU__V1__CHANNEL__CHANNEL_INTERNAL;
        assert_int_equal(takes_channel(&adapter, channel), channel == KESU__V1__CHANNEL__CHANNEL_EMAIL);
    }
    assert_false(takes_channel(&adapter, 99));
    assert_false(takes_channel(&adapter, -1));
}

static void services_act_under_their_own_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool may;
    } names[] = {{"shop", true}, {"shop-1", true},   {"sho", false},
                 {"", false},    {"shop-11", false}, {"shop-", false}};
    struct role_user u = user_of(ROLE_SERVICE);
    Kesu__V1__Actor actor = KESU__V1__ACTOR__INIT;
    Kesu__V1__Command c = KESU__V1__COMMAND__INIT;
    actor.kind = KESU__V1__ACTOR_KIND__ACTOR_KIND_SERVICE;
    c.actor = &actor;
    c.body_case = KESU__V1__COMMAND__BODY_ADD_NOTE;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct codec_error e = {0};
        actor.name = (char *)(uintptr_t)names[i].name;
        assert_int_equal(roles_check_command(&u, SOCKET_NEW, &c, &e), names[i].may ? 0 : E_NOT_ALLOWED);
        if (!names[i].may) assert_string_equal(e.field, "actor.name");
    }
    struct role_user worker = user_of(ROLE_WORKER);
    assert_true(roles_worker_name(&worker, "shop-1") && roles_worker_name(&worker, "shop-1-7"));
    assert_false(roles_worker_name(&worker, "shop-17") || roles_worker_name(&worker, "shop"));
    assert_true(roles_worker_name(NULL, "x") && roles_worker_name(&u, "x"));
}

static void keys_are_for_some_readers(void **state)
{
    (void)state;
    Kesu__V1__FeedRequest q = KESU__V1__FEED_REQUEST__INIT;
    Kesu__V1__Subscribe s = KESU__V1__SUBSCRIBE__INIT;
    Kesu__V1__WantKeys want = KESU__V1__WANT_KEYS__INIT;
    for (unsigned r = 0; r < N_ROLES; r++) {
        struct role_user u = user_of(r);
        bool reads = has_word(expected[r].sockets, "intake-feed"), personal = expected[r].personal;
        struct codec_error e = {0};
        q.body_case = KESU__V1__FEED_REQUEST__BODY_SUBSCRIBE;
        q.subscribe = &s;
        s.personal = false;
        assert_int_equal(roles_check_feed(&u, &q, &e), reads ? 0 : E_NOT_ALLOWED);
        s.personal = true;
        assert_int_equal(roles_check_feed(&u, &q, &e), reads && personal ? 0 : E_NOT_ALLOWED);
        q.body_case = KESU__V1__FEED_REQUEST__BODY_WANT_KEYS;
        q.want_keys = &want;
        assert_int_equal(roles_check_feed(&u, &q, &e), reads && personal ? 0 : E_NOT_ALLOWED);
        assert_int_equal(roles_check_feed(NULL, &q, &e), 0);
        assert_int_equal(roles_restricted(&u), expected[r].restricted);
    }
    assert_true(roles_restricted(NULL));
}

/* Whose contact something is, and what contacts somebody has, only who may read what is personal. */
static void asks_of_a_customer(const struct role_user *u, Kesu__V1__ControlRequest q, bool may, bool personal)
{
    Kesu__V1__GetCustomer get = KESU__V1__GET_CUSTOMER__INIT;
    Kesu__V1__Contact contact = KESU__V1__CONTACT__INIT;
    struct codec_error e = {0};
    q.get_customer = &get;
    assert_int_equal(roles_check_control(u, SOCKET_CONTROL, &q, &e), may ? 0 : E_NOT_ALLOWED);
    get.personal = true;
    assert_int_equal(roles_check_control(u, SOCKET_CONTROL, &q, &e), personal ? 0 : E_NOT_ALLOWED);
    get.personal = false;
    get.contact = &contact;
    assert_int_equal(roles_check_control(u, SOCKET_CONTROL, &q, &e), personal ? 0 : E_NOT_ALLOWED);
}

static void each_role_asks_what_it_may(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *d = &kesu__v1__control_request__descriptor;
    Kesu__V1__GetCase get = KESU__V1__GET_CASE__INIT;
    for (unsigned r = 0; r < N_ROLES; r++) {
        struct role_user u = user_of(r);
        for (unsigned f = 0; f < d->n_fields; f++) {
            if ((d->fields[f].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) continue;
            Kesu__V1__ControlRequest q = KESU__V1__CONTROL_REQUEST__INIT;
            struct codec_error e = {0};
            bool here = has_word(expected[r].sockets, "intake-control");
            bool may = here && has_word(expected[r].requests, d->fields[f].name);
            q.body_case = (Kesu__V1__ControlRequest__BodyCase)d->fields[f].id;
            q.get_case = &get;
            get.personal = false;
            if (q.body_case == KESU__V1__CONTROL_REQUEST__BODY_GET_CUSTOMER) {
                asks_of_a_customer(&u, q, may, may && expected[r].personal);
                continue;
            }
            assert_int_equal(roles_check_control(&u, SOCKET_CONTROL, &q, &e), may ? 0 : E_NOT_ALLOWED);
            if (q.body_case != KESU__V1__CONTROL_REQUEST__BODY_GET_CASE) continue;
            get.personal = true;
            may = may && expected[r].personal;
            assert_int_equal(roles_check_control(&u, SOCKET_CONTROL, &q, &e), may ? 0 : E_NOT_ALLOWED);
            get.reader = (char *)(uintptr_t) "li.wei";
            may = may && has_word(expected[r].actors, "staff");
            assert_int_equal(roles_check_control(&u, SOCKET_CONTROL, &q, &e), may ? 0 : E_NOT_ALLOWED);
            if (!may && expected[r].personal && here) assert_string_equal(e.field, "get_case.reader");
            get.reader = (char *)(uintptr_t) "";
        }
    }
}

static void the_table_is_for_people(void **state)
{
    (void)state;
    char *table = roles_table(&mem_libc);
    assert_non_null(strstr(table, "| adapter | intake-new | receive_message | customer |"));
    assert_non_null(strstr(table, "| service | all | all | all | all | all | yes | yes |"));
    assert_non_null(strstr(table, "| worker | routing-tasks | - | - | - | - | no | no |"));
    assert_non_null(strstr(table, "| all that staff may do to a case, receive_message set_presence "));
    mem_free(&mem_libc, table);
}

#define TEST(f) cmocka_unit_test(f)
UNIT_MAIN(TEST(the_names_are_right), TEST(each_role_has_its_sockets), TEST(each_role_sends_what_it_may),
          TEST(other_lanes_are_refused_as_a_whole), TEST(channels_narrow_the_role),
          TEST(services_act_under_their_own_names), TEST(keys_are_for_some_readers),
          TEST(each_role_asks_what_it_may), TEST(the_table_is_for_people))
