/* SPDX-License-Identifier: Apache-2.0 */
/* What a key may do that comes over TCP: one table, role by socket, command,
 * actor, channel, request. Who comes by a socket in the run directory has no
 * role and may everything: that directory is ours alone.
 *
 * All checks are pure and fill a refusal that names the field and the role. */
#ifndef KESU_ROLES_H
#define KESU_ROLES_H

#include "codec.h"

enum role {
    ROLE_ADAPTER,
    ROLE_GATEWAY,
    ROLE_SERVICE,
    ROLE_WORKER,
    ROLE_READER,
    ROLE_READER_WITH_PERSONAL,
    N_ROLES
};

/* The sockets that may be had over TCP; the port is tcp-port and the number. */
enum role_socket {
    SOCKET_SERVICES,
    SOCKET_PEOPLE,
    SOCKET_NEW,
    SOCKET_FEED,
    SOCKET_HINT,
    SOCKET_CONTROL, /* of intake */
    SOCKET_TASKS,
    SOCKET_QUERY,
    N_ROLE_SOCKETS
};

#define ROLE_NAME_MAX 64

/* Who sent a message: a line of the allow list. */
struct role_user {
    enum role role;
    uint32_t channels;            /* bits of Channel; 0: those of the role */
    char name[ROLE_NAME_MAX + 1]; /* of the key */
};

const char *role_name(enum role role);
bool role_find(struct span name, enum role *ret);
/* "intake-new"; its number by the name, or false: not to be had over TCP. */
const char *role_socket_name(enum role_socket s);
bool role_socket_find(const char *name, enum role_socket *ret);

bool role_may_use(enum role role, enum role_socket s);
/* Must it be turned away at the door? Sockets that answer let any key of the list in, and refuse. */
bool role_stays_out(enum role role, enum role_socket s);

/* 0 or E_NOT_ALLOWED, told in ret. user NULL: everything goes. A service acts under the name of its key, or
 * what stands before a dash in it: "sla-watch-2" as sla-watch. */
int roles_check_command(const struct role_user *user, enum role_socket s, const Kesu__V1__Command *c,
                        struct codec_error *ret);
int roles_check_feed(const struct role_user *user, const Kesu__V1__FeedRequest *q, struct codec_error *ret);
int roles_check_control(const struct role_user *user, enum role_socket s, const Kesu__V1__ControlRequest *q,
                        struct codec_error *ret);
/* Does it get the keys of what only named people read, too: sensitive cases, accountability records? */
bool roles_restricted(const struct role_user *user);
/* A worker goes by the name of its key, or that and a dash and more. */
bool roles_worker_name(const struct role_user *user, const char *name);

/* The table for people, as Markdown, to be freed with mem_free. */
char *roles_table(struct mem *m);

#endif
