// SPDX-License-Identifier: Apache-2.0
// BLAKE2b, SipHash and ChaCha20 by libsodium; a multiply-and-fold hash for tables in memory.
#include "hash.h"

#include <sodium.h>

#include "check.h"

// Before main: libsodium chooses its fastest code once, for all threads.
__attribute__((constructor)) static void prepare(void)
{
    CHECK(sodium_init() >= 0);
}

void hash_bytes(struct span in, uint8_t ret[HASH_BYTES])
{
    crypto_generichash(ret, HASH_BYTES, in.p, in.n, NULL, 0);
}

void hash_pieces(const struct span *in, unsigned n, uint8_t ret[HASH_BYTES])
{
    crypto_generichash_state s;
    crypto_generichash_init(&s, NULL, 0, HASH_BYTES);
    for (unsigned i = 0; i < n; i++)
        if (in[i].n > 0) crypto_generichash_update(&s, in[i].p, in[i].n);
    crypto_generichash_final(&s, ret, HASH_BYTES);
}

void hash_keyed(const uint8_t key[HASH_KEY_BYTES], const char *kind, struct span in,
                uint8_t ret[HASH_SHORT_BYTES])
{
    _Static_assert(crypto_shorthash_siphashx24_BYTES == HASH_SHORT_BYTES &&
                       crypto_shorthash_siphashx24_KEYBYTES <= HASH_KEY_BYTES,
                   "sizes");
    uint8_t room[1024];
    size_t n = strlen(kind) + 1;
    if (in.n <= 1000 && n <= sizeof room - 1000) {
        memcpy(room, kind, n);
        if (in.n > 0) memcpy(room + n, in.p, in.n);
        (void)crypto_shorthash_siphashx24(ret, room, n + in.n, key);
        return;
    }
    crypto_generichash_state s;
    crypto_generichash_init(&s, key, HASH_KEY_BYTES, HASH_SHORT_BYTES);
    crypto_generichash_update(&s, (const uint8_t *)kind, strlen(kind) + 1);
    if (in.n > 0) crypto_generichash_update(&s, in.p, in.n);
    crypto_generichash_final(&s, ret, HASH_SHORT_BYTES);
}

uint64_t hash_keyed_u64(const uint8_t key[HASH_KEY_BYTES], struct span in)
{
    _Static_assert(crypto_shorthash_BYTES == 8 && crypto_shorthash_KEYBYTES <= HASH_KEY_BYTES, "sizes");
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t v = 0;
    (void)crypto_shorthash(out, in.p, in.n, key);
    for (unsigned i = 0; i < sizeof(out); i++) v |= (uint64_t)out[i] << (8 * i);
    return v;
}

void hash_expand(const uint8_t seed[HASH_KEY_BYTES], uint8_t *ret, size_t n)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    _Static_assert(crypto_stream_chacha20_KEYBYTES == HASH_KEY_BYTES, "sizes");
    crypto_stream_chacha20(ret, n, nonce, seed);
}

bool hash_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t word(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

uint64_t hash_fast(struct span in)
{
    static const uint64_t a = 0xD6E8FEB86659FD93u, b = 0xA0761D6478BD642Fu;
    uint64_t h = 0x9E3779B97F4A7C15u ^ in.n;
    const uint8_t *p = in.p;
    size_t n = in.n;
    if (n >= 32) { // two at a time, which do not wait for each other
        uint64_t other = h ^ b;
        for (; n >= 32; p += 32, n -= 32) {
            h = fold(h ^ word(p), a ^ word(p + 8));
            other = fold(other ^ word(p + 16), b ^ word(p + 24));
        }
        h ^= other * a;
    }
    for (; n >= 8; p += 8, n -= 8) h = fold(h ^ word(p), a);
    uint64_t v = 0;
    if (n > 0) memcpy(&v, p, n);
    return fold(h ^ v, b);
}
