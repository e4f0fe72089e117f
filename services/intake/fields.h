/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of the same name in two messages. */
#ifndef INTAKE_FIELDS_H
#define INTAKE_FIELDS_H

#include <stdbool.h>

#include "codec.h"

/* What from has under this name, to has it then too; what is not plain is shared. false: they do not both
 * have a field of this name and type. */
bool intake_field_copy(const ProtobufCMessage *from, ProtobufCMessage *to, const char *name);

#endif
