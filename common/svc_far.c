/* SPDX-License-Identifier: Apache-2.0 */
/* Other machines: where to listen for them, where to find them. The key pair
 * is made at the first start that needs it. */
#include "err.h"
#include "keypair.h"
#include "log.h"
#include "svc_private.h"

static int find(struct svc *svc, const struct place_opts *opts, const char *name, struct place *ret)
{
    struct keypair pair;
    int e = place_find(opts, name, &svc->arena, ret);
    if (e < 0) {
        log_error(svc->env, "this is no address of a socket", LOG_STR("found", opts->address),
                  LOG_STR("socket", name), LOG_ERR(e));
        return e;
    }
    if (ret->keys == NULL) return 0;
    e = keypair_ensure(ret->keys->pair_path, &pair);
    if (e == 0)
        log_info(svc->env, "over TCP with CURVE", LOG_STR("endpoint", ret->endpoint),
                 LOG_STR("public_key", pair.public_key));
    else
        log_error(svc->env, "cannot use the key pair: it must be a file of ours with mode 0600",
                  LOG_STR("file", ret->keys->pair_path), LOG_ERR(e));
    keypair_forget(&pair);
    return e;
}

static struct place_opts options(struct svc *svc)
{
    return (struct place_opts){.run_dir = conf_string(svc->conf, "run-dir"),
                               .data_dir = conf_string(svc->conf, "data-dir"),
                               .pair = conf_string(svc->conf, "key-pair")};
}

int svc_peer(struct svc *svc, const char *name, struct place *ret)
{
    struct place_opts opts = options(svc);
    opts.address = conf_string(svc->conf, "peer");
    opts.servers = conf_string(svc->conf, "peer-keys");
    return find(svc, &opts, name, ret);
}

int svc_far(struct svc *svc, const char *name, struct place *ret)
{
    struct place_opts opts = options(svc);
    const char *host = conf_string(svc->conf, "tcp-host");
    *ret = (struct place){0};
    if (host[0] == '\0') return 0;
    opts.address = arena_printf(&svc->arena, "%s:%lld", host, (long long)conf_int(svc->conf, "tcp-port"));
    opts.allow = conf_string(svc->conf, "allow-list");
    return opts.address != NULL ? find(svc, &opts, name, ret) : E_NOMEM;
}

int svc_far_listen(struct svc *svc, const char *name, struct bus_server_opts opts, struct bus_server **ret)
{
    struct place place;
    int e = svc_far(svc, name, &place);
    if (e < 0 || place.keys == NULL) return e;
    opts.endpoint = place.endpoint;
    opts.keys = place.keys;
    e = bus_listen(svc->env, &opts, ret);
    if (e < 0) log_error(svc->env, "cannot listen", LOG_STR("endpoint", place.endpoint), LOG_ERR(e));
    return e;
}
