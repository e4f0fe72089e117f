/* SPDX-License-Identifier: Apache-2.0 */
/* Keyed hashes with one of two keys. The file holds a magic and the keys. */
#include "secrets.h"

#include <stdio.h>

#include "check.h"
#include "err.h"
#include "files.h"

static const char magic[8] = "KSECRET1";
#define FILE_BYTES (sizeof(magic) + sizeof(struct intake_secrets))

static int make(struct env *env, const char *path, struct intake_secrets *ret)
{
    uint8_t bytes[FILE_BYTES];
    struct intake_secrets fresh;
    env_random(env, &fresh, sizeof(fresh));
    memcpy(bytes, magic, sizeof(magic));
    memcpy(bytes + sizeof(magic), &fresh, sizeof(fresh));
    int err = files_replace(env, path, span_of(bytes, sizeof(bytes)));
    if (err == 0) *ret = fresh;
    return err;
}

int intake_secrets_open(struct env *env, const char *path, struct intake_secrets *ret)
{
    struct span bytes;
    int err = files_read_all(env, path, FILE_BYTES, &bytes);
    if (err == E_NOT_FOUND) return make(env, path, ret);
    if (err != 0) return err;
    bool ours = bytes.n == FILE_BYTES && memcmp(bytes.p, magic, sizeof(magic)) == 0;
    if (ours) memcpy(ret, bytes.p + sizeof(magic), sizeof(*ret));
    mem_free(&env->mem, (void *)(uintptr_t)bytes.p);
    return ours ? 0 : E_CORRUPT;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* At most 320 bytes come in; ret has room for them. */
static size_t plain_form(const Kesu__V1__Contact *contact, char ret[512])
{
    size_t n = 0;
    bool phone = contact->kind == KESU__V1__CONTACT__KIND__KIND_PHONE;
    for (const char *p = contact->value; *p != '\0' && n < 511; p++) {
        bool space = *p == ' ' || *p == '\t' || *p == '\r' || *p == '\n';
        bool digit = *p >= '0' && *p <= '9';
        if (space || (phone && !digit)) continue;
        ret[n++] = lower(*p);
    }
    return n;
}

bool intake_secrets_contact(const struct intake_secrets *s, const Kesu__V1__Contact *contact,
                            uint8_t ret[HASH_SHORT_BYTES])
{
    static const char *const kinds[] = {
        [KESU__V1__CONTACT__KIND__KIND_EMAIL] = "contact.email",
        [KESU__V1__CONTACT__KIND__KIND_PHONE] = "contact.phone",
        [KESU__V1__CONTACT__KIND__KIND_CHAT] = "contact.chat",
        [KESU__V1__CONTACT__KIND__KIND_CUSTOMER_ID] = "contact.customer_id",
    };
    unsigned kind = (unsigned)contact->kind;
    /* A postal address is shared by a household: it names nobody. */
    if (kind >= sizeof(kinds) / sizeof(kinds[0]) || kinds[kind] == NULL) return false;
    char plain[512];
    size_t n = plain_form(contact, plain);
    if (n == 0) return false;
    hash_keyed(s->lookup, kinds[kind], span_of(plain, n), ret);
    return true;
}

void intake_secrets_thread(const struct intake_secrets *s, Kesu__V1__Channel channel, const char *thread_key,
                           uint8_t ret[HASH_SHORT_BYTES])
{
    char kind[24];
    snprintf(kind, sizeof(kind), "thread.%u", (unsigned)channel);
    hash_keyed(s->lookup, kind, span_str(thread_key), ret);
}

void intake_secrets_attachment(const struct intake_secrets *s, struct span name,
                               uint8_t ret[HASH_SHORT_BYTES])
{
    hash_keyed(s->lookup, "attachment", name, ret);
}

uint64_t intake_secrets_command(const struct intake_secrets *s, struct span encoded)
{
    uint64_t v = hash_keyed_u64(s->command, encoded);
    return v != 0 ? v : 1; /* 0 says that an event is not its command's last */
}

void intake_secrets_tag(const struct intake_secrets *s, const char *number, char ret[REPLY_TAG_TEXT])
{
    static const char letters[33] = "abcdefghijklmnopqrstuvwxyz234567";
    uint8_t mac[HASH_SHORT_BYTES];
    size_t n = strlen(number);
    CHECK(n + 18 <= REPLY_TAG_TEXT);
    hash_keyed(s->tag, "tag", span_of(number, n), mac);
    memcpy(ret, number, n);
    ret[n] = '.';
    for (unsigned i = 0; i < 16; i++) {
        unsigned bit = i * 5, byte = bit / 8;
        unsigned pair = (unsigned)mac[byte] << 8 | mac[byte + 1];
        ret[n + 1 + i] = letters[(pair >> (11 - bit % 8)) & 31];
    }
    ret[n + 17] = '\0';
}

bool intake_secrets_tag_number(const struct intake_secrets *s, const char *tag, unsigned *ret_yymm,
                               uint64_t *ret_serial)
{
    char given[REPLY_TAG_TEXT] = {0}, made[REPLY_TAG_TEXT] = {0}, number[NUMBER_TEXT];
    size_t n = strlen(tag);
    const char *dot = strchr(tag, '.');
    if (n >= sizeof(given) || dot == NULL || (size_t)(dot - tag) >= sizeof(number)) return false;
    for (size_t i = 0; i < n; i++) given[i] = lower(tag[i]);
    memcpy(number, tag, (size_t)(dot - tag));
    number[dot - tag] = '\0';
    if (due_parse_number(number, ret_yymm, ret_serial) != 0) return false;
    intake_secrets_tag(s, number, made);
    return hash_equal(given, made, sizeof(made));
}
