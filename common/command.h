/* SPDX-License-Identifier: Apache-2.0 */
/* Sending commands to intake until each is answered.
 *
 * In batches, within the credit intake gives, resent after a time without an
 * answer (the id makes that harmless). What was not answered when the process
 * ends is the caller's to remember: folds have an outbox, adapters a spool. */
#ifndef KESU_COMMAND_H
#define KESU_COMMAND_H

#include "bus.h"
#include "codec.h"

struct command_client;

/* The reply is valid during the call. Refusals with DISPOSITION_RETRY come
 * here too: whether to try again is the caller's. */
typedef void (*command_on_reply)(void *self, const Kesu__V1__Reply *reply);

struct command_client_opts {
    const char *endpoint; /* a lane of intake */
    const char *client;   /* scope of the ids */
    int64_t resend_us;    /* 0 = 2 s; doubles to 30 s, with jitter */
    unsigned max_batch;   /* commands a message; 0 = 1024 */
    const struct bus_keys *keys;
};

int command_client_open(struct env *env, const struct command_client_opts *opts, struct command_client **ret);
void command_client_close(struct command_client *c); /* accepts NULL; calls no one */
/* Copies the command (encoded, with its id). Sent at the end of the turn. */
void command_send(struct command_client *c, const uint8_t id[16], struct span encoded,
                  command_on_reply on_reply, void *self);
unsigned command_unanswered(const struct command_client *c);

#endif
