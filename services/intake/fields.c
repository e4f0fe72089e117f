/* SPDX-License-Identifier: Apache-2.0 */
#include "fields.h"

#include <string.h>

static size_t width(const ProtobufCFieldDescriptor *f)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED) return sizeof(void *);
    switch (f->type) {
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_UINT32:
        return sizeof(uint32_t);
    default:
        return 8;
    }
}

bool intake_field_copy(const ProtobufCMessage *from, ProtobufCMessage *to, const char *name)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(from->descriptor, name);
    const ProtobufCFieldDescriptor *t = protobuf_c_message_descriptor_get_field_by_name(to->descriptor, name);
    if (f == NULL || t == NULL || f->type != t->type || f->label != t->label ||
        f->descriptor != t->descriptor)
        return false;
    memcpy((uint8_t *)to + t->offset, (const uint8_t *)from + f->offset, width(f));
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        memcpy((uint8_t *)to + t->quantifier_offset, (const uint8_t *)from + f->quantifier_offset,
               sizeof(size_t));
    return true;
}
