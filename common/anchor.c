/* SPDX-License-Identifier: Apache-2.0 */
#include "anchor.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "check.h"
#include "err.h"
#include "uuid.h"

#define HEX_TEXT (2 * crypto_sign_BYTES + 1)

static const char *hex(const uint8_t *p, size_t n, char ret[HEX_TEXT])
{
    return sodium_bin2hex(ret, HEX_TEXT, p, n);
}

static bool take_hex(const char *text, uint8_t *ret, size_t n)
{
    size_t got = 0;
    return strlen(text) == 2 * n && sodium_hex2bin(ret, n, text, 2 * n, NULL, &got, NULL) == 0 && got == n;
}

/* The lines that are signed. */
static size_t body(const struct anchor *a, char ret[ANCHOR_TEXT])
{
    char hash[HEX_TEXT], key[HEX_TEXT], uuid[UUID_TEXT];
    uuid_text(a->journal_uuid, uuid);
    int n = snprintf(ret, ANCHOR_TEXT, "%" PRIu64 " %s\njournal %s\ntime %" PRId64 "\nkey %s\n", a->seq,
                     hex(a->hash, sizeof(a->hash), hash), uuid, a->time_us, hex(a->key, sizeof(a->key), key));
    CHECK(n > 0 && n < ANCHOR_TEXT);
    return (size_t)n;
}

void anchor_write(struct anchor *a, const uint8_t seed[ANCHOR_SEED_BYTES], char ret[ANCHOR_TEXT])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES], signature[crypto_sign_BYTES];
    char text[HEX_TEXT];
    _Static_assert(crypto_sign_SEEDBYTES == ANCHOR_SEED_BYTES &&
                       crypto_sign_PUBLICKEYBYTES == ANCHOR_KEY_BYTES,
                   "sizes");
    (void)crypto_sign_seed_keypair(a->key, secret, seed);
    a->is_signed = true;
    size_t n = body(a, ret);
    (void)crypto_sign_detached(signature, NULL, (const uint8_t *)ret, n, secret);
    sodium_memzero(secret, sizeof(secret));
    int more = snprintf(ret + n, ANCHOR_TEXT - n, "signature %s\n", hex(signature, sizeof(signature), text));
    CHECK(more > 0 && (size_t)more < ANCHOR_TEXT - n);
}

int anchor_read(const char *text, struct anchor *ret)
{
    char hash[65] = "", uuid[37] = "", key[65] = "", signature[129] = "", signed_text[ANCHOR_TEXT];
    uint8_t bytes[crypto_sign_BYTES];
    struct anchor a = {0};
    int n = sscanf(text,
                   "%" SCNu64 " %64[0-9a-f] journal %36[0-9a-f-] time %" SCNd64 " key %64[0-9a-f] signature "
                   "%128[0-9a-f]",
                   &a.seq, hash, uuid, &a.time_us, key, signature);
    if (n < 2 || !take_hex(hash, a.hash, sizeof(a.hash))) return E_SYNTAX;
    if (n == 2) {
        *ret = a;
        return 0;
    }
    if (n != 6 || uuid_parse(uuid, a.journal_uuid) != 0 || !take_hex(key, a.key, sizeof(a.key)) ||
        !take_hex(signature, bytes, sizeof(bytes)))
        return E_SYNTAX;
    size_t length = body(&a, signed_text);
    if (crypto_sign_verify_detached(bytes, (const uint8_t *)signed_text, length, a.key) != 0) return E_CRYPTO;
    a.is_signed = true;
    *ret = a;
    return 0;
}
