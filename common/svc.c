/* SPDX-License-Identifier: Apache-2.0 */
/* An instance of a service in an environment, real or simulated. */
#include "svc.h"

#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "err.h"
#include "log.h"
#include "svc_private.h"

#define ARENA_BYTES         ((size_t)256 << 10)
#define REQUEST_ARENA_BYTES ((size_t)8 << 20)

const struct conf_def svc_settings[] = {
    {"config", CONF_PATH, "", 0, 0, NULL, "YAML file of settings"},
    {"instance", CONF_STRING, "", 0, 0, NULL,
     "name of this instance where several of a daemon run; %H in it is the host's name"},
    {"run-dir", CONF_PATH, "./kesu-data/run", 0, 0, NULL, "directory of the sockets"},
    {"data-dir", CONF_PATH, "./kesu-data", 0, 0, NULL, "directory of what is kept"},
    {"peer", CONF_STRING, "", 0, 0, NULL,
     "HOST:PORT where intake (for a worker: routing) listens on another machine; empty: the run directory"},
    {"peer-keys", CONF_PATH, "", 0, 0, NULL, "its public keys, a line each; empty: DATA_DIR/keys/servers"},
    {"key-pair", CONF_PATH, "", 0, 0, NULL,
     "our key pair for TCP, made when missing; empty: DATA_DIR/keys/pair"},
    {"storage-reserve", CONF_SIZE, "256MiB", 0, INT64_C(1) << 50, NULL,
     "free space below which intake takes no new cases, and below twice which folds pause"},
    {"http-host", CONF_STRING, "127.0.0.1", 0, 0, NULL, "address of /metrics, /healthz and /readyz"},
    {"http-port", CONF_INT, "0", 0, 65535, NULL,
     "their port; 0 takes any and writes it to RUN_DIR/INSTANCE.port"},
    {"log-level", CONF_CHOICE, "info", 0, 0, "debug|info|warn|error", "least level that is logged"},
    {"log-format", CONF_CHOICE, "text", 0, 0, "text|json", "how a line of the log is written"},
    {NULL, CONF_STRING, NULL, 0, 0, NULL, NULL},
};

struct env *svc_env(struct svc *svc)
{
    return svc->env;
}

const struct conf *svc_conf(struct svc *svc)
{
    return svc->conf;
}

void svc_instance_name(const struct conf *conf, const struct svc_def *def, char ret[SVC_INSTANCE_BYTES])
{
    const char *given = conf_string(conf, "instance"), *host_place = strstr(given, "%H");
    char host[64] = "";
    if (host_place != NULL && gethostname(host, sizeof(host) - 1) != 0) host[0] = 0;
    if (host_place != NULL)
        snprintf(ret, SVC_INSTANCE_BYTES, "%.*s%s%s", (int)(host_place - given), given, host, host_place + 2);
    else
        snprintf(ret, SVC_INSTANCE_BYTES, "%s", given[0] != 0 ? given : def->name);
}

const char *svc_instance(struct svc *svc)
{
    return svc->instance;
}

const char *svc_endpoint(struct svc *svc, const char *name)
{
    const char *s = arena_printf(&svc->arena, "ipc://%s/%s.ipc", conf_string(svc->conf, "run-dir"), name);
    CHECK(s != NULL); /* a handful at start */
    return s;
}

const char *svc_path(struct svc *svc, const char *name)
{
    const char *s = arena_printf(&svc->arena, "%s/%s", conf_string(svc->conf, "data-dir"), name);
    CHECK(s != NULL);
    return s;
}

const char *svc_not_ready(struct svc *svc)
{
    if (!svc->started) return "starting";
    return svc->def->not_ready != NULL ? svc->def->not_ready(svc->self) : NULL;
}

bool svc_finishing(struct svc *svc)
{
    return svc->started && svc->def->finishing != NULL && svc->def->finishing(svc->self);
}

int svc_new(struct env *env, const struct svc_def *def, struct conf *conf, struct svc **ret)
{
    struct svc *svc = mem_zalloc(&env->mem, sizeof(*svc));
    svc->env = env;
    svc->def = def;
    svc->conf = conf;
    svc_instance_name(conf, def, svc->instance);
    svc->started_at_us = clock_wall_us(env);
    arena_init(&svc->arena, &env->mem, ARENA_BYTES);
    arena_init(&svc->request_arena, &env->mem, REQUEST_ARENA_BYTES);
    int e = svc_control_open(svc);
    if (e == 0) e = def->start(svc, &svc->self);
    if (e < 0) {
        svc_free(&svc);
        return e;
    }
    svc->started = true;
    *ret = svc;
    return 0;
}

void svc_free(struct svc **p)
{
    struct svc *svc = *p;
    if (svc == NULL) return;
    *p = NULL;
    if (svc->started) svc->def->stop(svc->self);
    svc_control_close(svc);
    arena_deinit(&svc->request_arena);
    arena_deinit(&svc->arena);
    mem_free(&svc->env->mem, svc);
}

void *svc_self(struct svc *svc)
{
    return svc->self;
}
