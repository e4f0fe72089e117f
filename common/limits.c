// SPDX-License-Identifier: Apache-2.0
// The limits of the protocol, as the comments of proto/kesu/v1 say them.
#include <string.h>

#include "wire.h"

#define OF(type, name) .message = &kesu__v1__##type##__descriptor, .field = #name
#define BYTES(type, name, most)             \
    {                                       \
        OF(type, name), .max_bytes = (most) \
    }
#define EXACT(type, name, n)                               \
    {                                                      \
        OF(type, name), .min_bytes = (n), .max_bytes = (n) \
    }
#define COUNT(type, name, most)             \
    {                                       \
        OF(type, name), .max_count = (most) \
    }
#define EACH(type, name, n, least, most)                                            \
    {                                                                               \
        OF(type, name), .max_count = (n), .min_bytes = (least), .max_bytes = (most) \
    }
#define RANGE(type, name, least, most)                                \
    {                                                                 \
        OF(type, name), .ranged = true, .min = (least), .max = (most) \
    }
#define ID(type, name) BYTES(type, name, 64)

const struct limit limits_table[] = {
    // types.proto
    BYTES(actor, name, 64),
    BYTES(actor, on_behalf_of, 64),
    BYTES(contact, value, 320),
    BYTES(personal, name, 256),
    COUNT(personal, contacts, 16),
    BYTES(personal, subject, 1000),
    BYTES(personal, text, 64 << 10),
    COUNT(personal, attachments, 64),
    EXACT(attachment, blob, 32),
    BYTES(attachment, file_name, 255),
    BYTES(attachment, media_type, 127),
    EXACT(sealed, nonce, 24),
    BYTES(object, product, 128),
    BYTES(object, part_number, 128),
    BYTES(object, order, 128),
    BYTES(object, lot, 128),
    BYTES(object, waybill, 128),
    BYTES(object, branch, 128),
    BYTES(object, employee, 128),
    BYTES(external_ref, mailbox, 320),
    EXACT(external_ref, hash, 32),
    ID(clock_change, clock),
    COUNT(clock_change, escalate_at, 8),
    ID(evidence, factor),
    ID(evidence, rule),
    BYTES(evidence, matched, 256),
    ID(judgement, category),
    ID(judgement, department),
    COUNT(judgement, evidence, 64),
    EXACT(judgement, policy_hash, 32),

    // command.proto
    BYTES(command_batch, client, 64),
    COUNT(command_batch, commands, 1024),
    EXACT(command, id, 16),
    BYTES(receive_message, demand, 1000),
    BYTES(receive_message, place, 256),
    EACH(receive_message, thread_keys, 64, 0, 1000),
    BYTES(receive_message, own_thread_key, 1000),
    BYTES(receive_message, reply_tag, 128),
    BYTES(classify_case, reason, 1000),
    ID(assign_case, agent),
    BYTES(assign_case, reason, 1000),
    BYTES(add_note, text, 64 << 10),
    BYTES(resolve_case, summary, 64 << 10),
    ID(close_case, cause),
    BYTES(close_case, lesson, 4 << 10),
    ID(set_presence, agent),
    RANGE(set_presence, capacity, 0, 1000),
    ID(fire_clock, clock),
    RANGE(fire_clock, level, 0, 8),
    ID(record_delivery, kind),
    ID(record_delivery, transport),
    ID(record_delivery, told),
    BYTES(record_delivery, message_id, 1000),
    BYTES(record_delivery, detail, 1000),
    EXACT(store_policy_part, hash, 32),
    RANGE(store_policy_part, index, 0, 63),
    RANGE(store_policy_part, count, 1, 64),
    BYTES(store_policy_part, content, 256 << 10),
    EXACT(activate_policy, hash, 32),
    BYTES(activate_policy, name, 64),
    ID(skip_event, fold),
    BYTES(skip_event, reason, 1000),
    BYTES(accept_clock, reason, 1000),
    BYTES(erase_customer, reason, 1000),
    EXACT(reply, id, 16),

    // event.proto
    EXACT(event, command_id, 16),
    BYTES(event, client, 64),
    EACH(customer_added, contact_hashes, 16, 16, 16),
    EXACT(case_opened, thread_hash, 16),
    EACH(case_opened, contact_hashes, 16, 16, 16),
    EACH(case_opened, attachment_hashes, 64, 16, 16),
    EXACT(message_added, thread_hash, 16),
    EACH(message_added, attachment_hashes, 64, 16, 16),
    EXACT(delivery_recorded, thread_hash, 16),
    EXACT(policy_part_stored, hash, 32),
    BYTES(policy_part_stored, content, 256 << 10),
    EXACT(policy_activated, hash, 32),
    COUNT(customer_erased, case_ids, 16384),
    COUNT(customer_erased, key_ids, 16385),
    BYTES(journal_restored, reason, 1000),

    // feed.proto
    BYTES(subscribe, name, 64),
    EXACT(subscribe, journal_uuid, 16),
    EXACT(subscribe, last_hash, 32),
    COUNT(want_keys, key_ids, 1024),
    EXACT(subscribed, journal_uuid, 16),
    EXACT(key, secret, 32),

    // query.proto
    EXACT(info, journal_uuid, 16),
    EXACT(info, head_hash, 32),
    BYTES(get_case, number, 32),
    EACH(case_state, contact_hashes, 16, 16, 16),
    EACH(forget_mails, addresses, 64, 0, 320),
    RANGE(list_cases, limit, 1, 1000),
    ID(list_cases, department),
    ID(list_cases, agent),
    EXACT(verify_journal, anchor_hash, 32),
    EXACT(journal_verified, head_hash, 32),
    RANGE(get_clocks, limit, 1, 1000),
    RANGE(list_dead_letters, limit, 1, 1000),
    EACH(get_stats, by, 5, 0, 64),

    // task.proto
    BYTES(worker_hello, name, 64),
    RANGE(worker_hello, credit, 1, 1024),
    EXACT(worker_hello, policy_hash, 32),
    EXACT(rules_follow, policy_hash, 32),
    COUNT(to_worker, tasks, 1024),
    COUNT(to_routing, results, 1024),
    EXACT(task, policy_hash, 32),
    BYTES(task_failed, reason, 1000),
};

const unsigned limits_count = sizeof limits_table / sizeof limits_table[0];

const struct limit *limits_find(const ProtobufCMessageDescriptor *message, const char *field)
{
    for (unsigned i = 0; i < limits_count; i++)
        if (limits_table[i].message == message && strcmp(limits_table[i].field, field) == 0)
            return &limits_table[i];
    return NULL;
}
