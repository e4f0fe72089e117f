/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of this office beside the journal: they make look-ups by contact
 * and thread possible without keeping either, and reply tags unforgeable. */
#ifndef INTAKE_SECRETS_H
#define INTAKE_SECRETS_H

#include "codec.h"
#include "due.h"
#include "env.h"
#include "hash.h"

#define REPLY_TAG_TEXT (NUMBER_TEXT + 20)

struct intake_secrets {
    uint8_t lookup[HASH_KEY_BYTES];
    uint8_t tag[HASH_KEY_BYTES];
    uint8_t command[HASH_KEY_BYTES];
    uint8_t sign_seed[32]; /* of the key that signs heads */
};

/* Made and synced at first use (0600). */
int intake_secrets_open(struct env *env, const char *path, struct intake_secrets *ret);

/* Of a contact in its plain form: mail addresses and chat ids without case,
 * phone numbers as digits. False when there is nothing to look up by. */
bool intake_secrets_contact(const struct intake_secrets *s, const Kesu__V1__Contact *contact,
                            uint8_t ret[HASH_SHORT_BYTES]);
void intake_secrets_thread(const struct intake_secrets *s, Kesu__V1__Channel channel, const char *thread_key,
                           uint8_t ret[HASH_SHORT_BYTES]);
/* Of a blob's name: which cases share it can be asked, but not from outside. */
void intake_secrets_attachment(const struct intake_secrets *s, struct span name,
                               uint8_t ret[HASH_SHORT_BYTES]);
uint64_t intake_secrets_command(const struct intake_secrets *s, struct span encoded);
/* "2611-000042.k7f3m2xdq4abcdef": the number, and 80 bits of MAC in base32. */
void intake_secrets_tag(const struct intake_secrets *s, const char *number, char ret[REPLY_TAG_TEXT]);
/* The number a tag names, in any case of letters; false when it is not ours. */
bool intake_secrets_tag_number(const struct intake_secrets *s, const char *tag, unsigned *ret_yymm,
                               uint64_t *ret_serial);

#endif
