/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include "conf.h"
#include "err.h"
#include "roles.h"

#define PORT_MAX 65535

/* HOST:PORT, [ADDRESS]:PORT */
static const char *tcp_endpoint(const char *address, unsigned number, struct arena *arena)
{
    const char *colon = strrchr(address, ':');
    int64_t port;
    if (colon == NULL || colon == address || conf_parse_int(colon + 1, 1, PORT_MAX, &port) != 0) return NULL;
    if (port + number > PORT_MAX || strchr(address, '/') != NULL) return NULL;
    return arena_printf(arena, "tcp://%.*s:%lld", (int)(colon - address), address,
                        (long long)(port + number));
}

static const char *key_file(const char *given, const struct place_opts *opts, const char *name,
                            struct arena *arena)
{
    if (given != NULL && given[0] != '\0') return given;
    return arena_printf(arena, "%s/keys/%s", opts->data_dir, name);
}

int place_find(const struct place_opts *opts, const char *name, struct arena *arena, struct place *ret)
{
    enum role_socket s;
    if (opts->address == NULL || opts->address[0] == '\0') {
        *ret = (struct place){.endpoint = arena_printf(arena, "ipc://%s/%s.ipc", opts->run_dir, name)};
        return ret->endpoint != NULL ? 0 : E_NOMEM;
    }
    if (!role_socket_find(name, &s)) return E_UNSUPPORTED;
    const char *endpoint = tcp_endpoint(opts->address, s, arena);
    struct bus_keys *keys = arena_zalloc(arena, sizeof(*keys));
    if (endpoint == NULL) return E_RANGE;
    if (keys == NULL) return E_NOMEM;
    keys->socket = s;
    keys->pair_path = key_file(opts->pair, opts, "pair", arena);
    keys->servers_path = key_file(opts->servers, opts, "servers", arena);
    keys->allow_path = key_file(opts->allow, opts, "allow", arena);
    if (keys->pair_path == NULL || keys->servers_path == NULL || keys->allow_path == NULL) return E_NOMEM;
    *ret = (struct place){.endpoint = endpoint, .keys = keys};
    return 0;
}
