/* SPDX-License-Identifier: Apache-2.0 */
/* Control requests every fold answers. A verification answers when it is done. */
#include "fold_control.h"

#include <stdio.h>

#include "err.h"
#include "fold_internal.h"

struct fold_control {
    struct fold *fold;
    struct svc *svc;
    const struct svc_control_row *rows; /* the service's */
    unsigned n;
    void (*on_info)(void *self, Kesu__V1__Info *info);
    void *self;
    uint64_t verify_peer, verify_request;
    struct svc_control_row *all;
};

static void handle_service(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct fold_control *c = self;
    for (unsigned i = 0; i < c->n; i++) {
        if (c->rows[i].body != request->body_case) continue;
        c->rows[i].handle(c->self, peer, request);
        return;
    }
}

static void on_verified(void *self, int err, uint64_t seq, const char *difference)
{
    struct fold_control *c = self;
    if (err < 0) {
        svc_refuse(c->svc, c->verify_peer, c->verify_request, err, "verify_fold",
                   difference[0] != 0 ? difference : "the stores could not be compared");
        return;
    }
    Kesu__V1__FoldVerified verified = KESU__V1__FOLD_VERIFIED__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    verified.same = difference[0] == 0;
    verified.seq = seq;
    verified.difference = (char *)(uintptr_t)difference;
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_FOLD_VERIFIED;
    reply.fold_verified = &verified;
    svc_answer(c->svc, c->verify_peer, c->verify_request, &reply);
}

static void handle_verify(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct fold_control *c = self;
    int r = fold_verify_start(c->fold, on_verified, c);
    if (r < 0) {
        svc_refuse(c->svc, peer, request->id, r, "verify_fold",
                   r == E_AGAIN ? "a verification is under way, or the fold does not work now" : err_text(r));
        return;
    }
    c->verify_peer = peer;
    c->verify_request = request->id;
}

static void handle_rebuild(void *self, uint64_t peer, const Kesu__V1__ControlRequest *request)
{
    struct fold_control *c = self;
    Kesu__V1__Done done = KESU__V1__DONE__INIT;
    Kesu__V1__ControlReply reply = KESU__V1__CONTROL_REPLY__INIT;
    fold_restart(c->fold, true, 0, "a rebuild was asked for");
    reply.body_case = KESU__V1__CONTROL_REPLY__BODY_DONE;
    reply.done = &done;
    svc_answer(c->svc, peer, request->id, &reply);
}

static void fill_info(void *self, Kesu__V1__Info *info)
{
    struct fold_control *c = self;
    struct fold *f = c->fold;
    info->journal_uuid = (ProtobufCBinaryData){sizeof(f->at.uuid), f->at.uuid};
    info->head_seq = f->head > f->at.seq ? f->head : f->at.seq;
    info->folded_seq = f->at.seq;
    info->outbox = f->outbox.n;
    info->block_time = f->at.time_us;
    if (c->on_info != NULL) c->on_info(c->self, info);
}

static void control_free(struct fold *f)
{
    mem_free(&f->env->mem, f->control->all);
    mem_free(&f->env->mem, f->control);
    f->control = NULL;
}

int fold_control(struct fold *f, struct svc *svc, const struct svc_control_row *rows, unsigned n,
                 void (*on_info)(void *self, Kesu__V1__Info *info), void *self)
{
    struct fold_control *c = mem_zalloc(&f->env->mem, sizeof(*c));
    *c = (struct fold_control){.fold = f, .svc = svc, .rows = rows, .n = n, .on_info = on_info, .self = self};
    c->all = mem_alloc(&f->env->mem, (n + 2) * sizeof(*c->all));
    for (unsigned i = 0; i < n; i++) c->all[i] = (struct svc_control_row){rows[i].body, handle_service};
    c->all[n] = (struct svc_control_row){KESU__V1__CONTROL_REQUEST__BODY_VERIFY_FOLD, handle_verify};
    c->all[n + 1] = (struct svc_control_row){KESU__V1__CONTROL_REQUEST__BODY_REBUILD_FOLD, handle_rebuild};
    f->control = c;
    f->control_free = control_free;
    return svc_control(svc, c->all, n + 2, fill_info, c);
}

int fold_open_svc(struct svc *svc, const struct fold_def *def, bool sends, void *self, struct fold **ret)
{
    const struct conf *conf = svc_conf(svc);
    struct place feed, commands = {0};
    *ret = NULL;
    int e = svc_peer(svc, "intake-feed", &feed);
    if (e == 0 && sends) e = svc_peer(svc, "intake-services", &commands);
    if (e < 0) return e;
    const struct fold_opts opts = {.data_dir = conf_string(conf, "data-dir"),
                                   .pause_below_bytes = 2 * (uint64_t)conf_int(conf, "storage-reserve"),
                                   .feed_endpoint = feed.endpoint,
                                   .command_endpoint = commands.endpoint,
                                   .keys = feed.keys};
    return fold_open(svc_env(svc), def, &opts, self, ret);
}
