/* SPDX-License-Identifier: Apache-2.0 */
/* One command of a batch, with what the codec said of it. */
#ifndef INTAKE_COMMAND_ONE_H
#define INTAKE_COMMAND_ONE_H

#include "codec.h"
#include "dedup.h"

struct intake;

struct command_one {
    const char *client;
    const Kesu__V1__Command *command;
    struct span encoded;
    const struct codec_error *error; /* code 0: it could be read */
};

/* 0 and *ret, or the refusal and *ret_refused. */
int intake_command_one(struct intake *in, const struct command_one *c, Kesu__V1__Accepted *ret,
                       Kesu__V1__Refused *ret_refused);

#endif
