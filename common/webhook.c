/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 over "id.timestamp.body", base64, one signature a secret. */
#include "webhook.h"

#include <sodium.h>
#include <stdio.h>

#include "err.h"

#define SECRET_PREFIX    "whsec_"
#define SECRET_MAX_BYTES 64
#define SECRET_MIN_BYTES 24

static void sign_one(struct span secret, const char *signed_head, struct span body, char *ret, size_t n)
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, secret.p, secret.n);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)signed_head, strlen(signed_head));
    crypto_auth_hmacsha256_update(&state, body.p, body.n);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2base64(ret, n, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
}

static int read_secret(const char *line, size_t n, uint8_t ret[SECRET_MAX_BYTES], size_t *ret_n)
{
    size_t prefix = strlen(SECRET_PREFIX);
    if (n <= prefix || strncmp(line, SECRET_PREFIX, prefix) != 0) return E_SYNTAX;
    const char *end;
    if (sodium_base642bin(ret, SECRET_MAX_BYTES, line + prefix, n - prefix, NULL, ret_n, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != line + n || *ret_n < SECRET_MIN_BYTES)
        return E_SYNTAX;
    return 0;
}

int webhook_sign(struct arena *arena, const char *secrets, const char *id, int64_t timestamp_s,
                 struct span body, const char **ret)
{
    const char *made = "";
    const char *head = arena_printf(arena, "%s.%lld.", id, (long long)timestamp_s);
    if (head == NULL) return E_NOMEM;
    unsigned n_secrets = 0;
    for (const char *line = secrets; *line != '\0';) {
        size_t n = strcspn(line, "\r\n");
        if (n > 0) {
            uint8_t secret[SECRET_MAX_BYTES];
            char mac[sodium_base64_ENCODED_LEN(crypto_auth_hmacsha256_BYTES, sodium_base64_VARIANT_ORIGINAL)];
            size_t secret_n;
            if (++n_secrets > WEBHOOK_MAX_SECRETS || read_secret(line, n, secret, &secret_n) != 0)
                return E_SYNTAX;
            sign_one(span_of(secret, secret_n), head, body, mac, sizeof mac);
            sodium_memzero(secret, sizeof secret);
            made = arena_printf(arena, "%s%sv1,%s", made, made[0] != '\0' ? " " : "", mac);
            if (made == NULL) return E_NOMEM;
        }
        line += n + strspn(line + n, "\r\n");
    }
    if (n_secrets == 0) return E_SYNTAX;
    *ret = made;
    return 0;
}

const char *webhook_json_string(struct arena *arena, const char *text)
{
    char *made = arena_alloc(arena, 6 * strlen(text) + 3), *to = made;
    if (made == NULL) return NULL;
    *to++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            *to++ = '\\';
            *to++ = *text;
        } else if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            to += snprintf(to, 7, "\\u%04x", (unsigned)*text);
        } else {
            *to++ = *text;
        }
    }
    *to++ = '"';
    *to = '\0';
    return made;
}
