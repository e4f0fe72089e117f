/* SPDX-License-Identifier: Apache-2.0 */
#include "hint.h"

#include <stdio.h>

void intake_hint_add(struct hint_set *set, unsigned type, const char *department, uint64_t seq)
{
    for (unsigned i = 0; i < set->n; i++) {
        if (set->hints[i].type != type || strcmp(set->hints[i].department, department) != 0) continue;
        set->hints[i].seq = seq;
        return;
    }
    if (set->n == HINT_MAX) return;
    struct hint *h = &set->hints[set->n++];
    h->type = (uint16_t)type;
    h->seq = seq;
    snprintf(h->department, sizeof(h->department), "%s", department);
}

const char *intake_hint_event_name(unsigned type)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field(&kesu__v1__event__descriptor, type);
    if (f == NULL || f->type != PROTOBUF_C_TYPE_MESSAGE || (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
        return NULL;
    return ((const ProtobufCMessageDescriptor *)f->descriptor)->short_name;
}

void intake_hint_publish(struct env *env, struct bus_publisher *publisher, const struct hint_set *set)
{
    for (unsigned i = 0; i < set->n; i++) {
        const struct hint *h = &set->hints[i];
        const char *name = intake_hint_event_name(h->type);
        char topic[128];
        uint8_t seq[8];
        if (name == NULL) continue;
        for (unsigned b = 0; b < 8; b++) seq[b] = (uint8_t)(h->seq >> (56 - 8 * b));
        snprintf(topic, sizeof(topic), "%s.%s", name, h->department);
        bus_publish(env, publisher, topic, span_of(seq, sizeof(seq)));
    }
}
