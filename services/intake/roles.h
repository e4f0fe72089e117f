/* SPDX-License-Identifier: Apache-2.0 */
/* What a key may send that came in over TCP: its line of the allow file says
 * KEY ROLE NAME. The name is the client, whatever the batch claims. */
#ifndef INTAKE_ROLES_H
#define INTAKE_ROLES_H

#include "codec.h"

/* user: "ROLE NAME" of the bus, NULL: from the near sockets, everything goes.
 * Sets the batch's client (borrowed from user), and E_NOT_ALLOWED in the error
 * of each command the role may not send. */
void intake_roles_apply(const char *user, Kesu__V1__CommandBatch *batch, struct codec_error *errors);

#endif
