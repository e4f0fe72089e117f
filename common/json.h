/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf <-> ProtoJSON, by descriptor. Names are the .proto's own
 * (snake_case), 64-bit numbers are strings, bytes are base64, as ProtoJSON
 * says; when reading, lowerCamelCase and plain numbers are taken too. */
#ifndef KESU_JSON_H
#define KESU_JSON_H

#include "codec.h"

/* One line, no newline; to be freed with mem_free. indent 0 = compact. */
char *json_from_message(struct mem *m, const void *message, unsigned indent);
/* An unknown name, a wrong type, a value out of range: error names the field. */
int json_to_message(const ProtobufCMessageDescriptor *d, struct span text, struct arena *arena,
                    void *ret_message, struct codec_error *ret_error);

/* Bytes of one value of this type in a message of protobuf-c. */
size_t json_element_size(ProtobufCType type);

#endif
