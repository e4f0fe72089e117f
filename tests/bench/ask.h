/* SPDX-License-Identifier: Apache-2.0 */
/* One question at a time to a control socket, asked again until answered. */
#ifndef KESU_BENCH_ASK_H
#define KESU_BENCH_ASK_H

#include "bus.h"
#include "codec.h"

struct ask;
typedef void (*ask_on_reply)(void *self, const Kesu__V1__ControlReply *reply);

int ask_open(struct env *env, const char *endpoint, struct ask **ret);
void ask_close(struct ask *a); /* accepts NULL */
/* The body is the request's; its id is set here. The reply is valid during the call. */
void ask_send(struct ask *a, Kesu__V1__ControlRequest *request, ask_on_reply on_reply, void *self);

#endif
