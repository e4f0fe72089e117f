/* SPDX-License-Identifier: Apache-2.0 */
/* A server's pair and list. Both are looked at a few times a second: a list
 * with a mistake, or that is gone, is not taken, the old one goes on: whoever
 * is refused meanwhile would not knock again. A list that takes something from
 * somebody, and a new pair, have the socket bound anew: ZeroMQ ends the
 * connections of a listener with it, and everybody knocks again. */
#include <sys/stat.h>
#include <zmq.h>

#include "bus_zmq.h"
#include "err.h"
#include "log.h"

int64_t bus_door_stamp(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) return -1;
    int64_t t = st.st_ctim.tv_sec * INT64_C(1000000007) + st.st_ctim.tv_nsec;
    return (t ^ ((int64_t)st.st_ino << 20) ^ (int64_t)st.st_size) & INT64_MAX;
}

static int read_list(struct bus_door *d, struct allow_list **ret)
{
    struct allow_error error;
    int e = allow_read(&d->env->mem, d->allow_path, ret, &error);
    if (e == E_NOT_FOUND && d->list == NULL) { /* as at first start: nobody may come yet */
        e = allow_parse(&d->env->mem, SPAN_NONE, ret, &error);
        log_warn(d->env, "no allow list: nobody may come", LOG_STR("file", d->allow_path));
    }
    if (e < 0)
        log_error(d->env, "cannot use the allow list", LOG_STR("file", d->allow_path),
                  LOG_U64("line", error.line), LOG_STR("because", error.reason), LOG_ERR(e));
    return e;
}

static int set_pair(struct bus_door *d, void *socket)
{
    struct keypair pair;
    int yes = 1;
    int e = keypair_read(d->pair_path, &pair);
    if (e < 0) {
        log_error(d->env, "cannot use the key pair", LOG_STR("file", d->pair_path), LOG_ERR(e));
        return e;
    }
    const char *domain = role_socket_name(d->name);
    if (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof(yes)) != 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, pair.secret_key, KEY_TEXT) != 0 ||
        zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) != 0)
        e = E_UNSUPPORTED;
    memcpy(d->public_key, pair.public_key, KEY_TEXT);
    keypair_forget(&pair);
    return e;
}

int bus_door_open(struct env *env, struct bus_context *c, void *socket, const struct bus_keys *keys,
                  struct bus_door **ret)
{
    if (keys->pair_path == NULL || keys->allow_path == NULL || keys->socket >= N_ROLE_SOCKETS) return E_RANGE;
    struct bus_door *d = mem_zalloc(&env->mem, sizeof(*d));
    struct allow_list *list = NULL;
    d->env = env;
    d->name = (enum role_socket)keys->socket;
    d->pair_path = mem_strdup(&env->mem, keys->pair_path);
    d->allow_path = mem_strdup(&env->mem, keys->allow_path);
    d->pair_stamp = bus_door_stamp(d->pair_path);
    int64_t stamp = bus_door_stamp(d->allow_path);
    bus_curve_add(c, d);
    int e = read_list(d, &list);
    if (e == 0) bus_curve_set_list(c, d, list, stamp);
    if (e == 0) e = set_pair(d, socket);
    if (e < 0)
        bus_door_close(c, &d);
    else
        *ret = d;
    return e;
}

void bus_door_close(struct bus_context *c, struct bus_door **p)
{
    struct bus_door *d = *p;
    if (d == NULL) return;
    *p = NULL;
    bus_curve_remove(c, d);
    mem_free(&d->env->mem, d->list);
    mem_free(&d->env->mem, d->pair_path);
    mem_free(&d->env->mem, d->allow_path);
    mem_free(&d->env->mem, d);
}

static bool look_at_list(struct bus_context *c, struct bus_door *d)
{
    struct allow_list *list = NULL;
    int64_t stamp = bus_door_stamp(d->allow_path);
    if (stamp == d->allow_stamp) return false;
    if (read_list(d, &list) != 0) {
        bus_curve_set_list(c, d, NULL, stamp);
        return false;
    }
    bool less = allow_takes_away(d->list, list);
    log_info(d->env, "allow list read", LOG_STR("socket", role_socket_name(d->name)),
             LOG_U64("keys", list->n));
    bus_curve_set_list(c, d, list, stamp);
    return less;
}

static bool look_at_pair(struct bus_door *d, void *socket)
{
    char was[KEY_TEXT];
    int64_t stamp = bus_door_stamp(d->pair_path);
    if (stamp == d->pair_stamp) return false;
    d->pair_stamp = stamp;
    memcpy(was, d->public_key, KEY_TEXT);
    if (set_pair(d, socket) != 0 || memcmp(was, d->public_key, KEY_TEXT) == 0) return false;
    log_info(d->env, "new key pair", LOG_STR("socket", role_socket_name(d->name)),
             LOG_STR("public_key", d->public_key));
    return true;
}

bool bus_door_look(struct bus_context *c, struct bus_door *d, void *socket)
{
    bool list = look_at_list(c, d), pair = look_at_pair(d, socket);
    return list || pair;
}

const struct role_user *bus_door_user(const struct bus_door *d, const char *key)
{
    const struct allow_entry *e = key != NULL ? allow_find(d->list, key) : NULL;
    return e != NULL ? &e->user : NULL;
}
