// SPDX-License-Identifier: Apache-2.0
// UUIDv7: big-endian milliseconds in front, so that ids made together lie together.
#include "uuid.h"

#include "clock.h"
#include "err.h"
#include "hash.h"
#include "key.h"

static void stamp(uint8_t id[UUID_BYTES], int64_t time_ms)
{
    for (int i = 0; i < 6; i++) id[i] = (uint8_t)((uint64_t)time_ms >> (8 * (5 - i)));
    id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
}

void uuid_new(struct env *env, uint8_t ret[UUID_BYTES])
{
    env_random(env, ret, UUID_BYTES);
    stamp(ret, clock_wall_us(env) / USEC_PER_MS);
}

void uuid_derive(int64_t time_us, const char *service, uint64_t cause_seq, const char *purpose,
                 uint64_t target, uint8_t ret[UUID_BYTES])
{
    struct key numbers = {0};
    key_i64(&numbers, time_us);
    key_u64(&numbers, cause_seq);
    key_u64(&numbers, target);
    const struct span pieces[] = {
        key_span(&numbers),
        span_of(service, strlen(service) + 1),
        span_of(purpose, strlen(purpose) + 1),
    };
    uint8_t h[HASH_BYTES];
    hash_pieces(pieces, 3, h);
    memcpy(ret, h, UUID_BYTES);
    stamp(ret, time_us / USEC_PER_MS);
}

bool uuid_is_v7(const uint8_t id[UUID_BYTES])
{
    return (id[6] & 0xf0) == 0x70 && (id[8] & 0xc0) == 0x80;
}

int64_t uuid_time_ms(const uint8_t id[UUID_BYTES])
{
    int64_t ms = 0;
    for (int i = 0; i < 6; i++) ms = ms << 8 | id[i];
    return ms;
}

void uuid_text(const uint8_t id[UUID_BYTES], char ret[UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *p = ret;
    for (int i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *p++ = '-';
        *p++ = digits[id[i] >> 4];
        *p++ = digits[id[i] & 15];
    }
    *p = '\0';
}

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int uuid_parse(const char *text, uint8_t ret[UUID_BYTES])
{
    uint8_t id[UUID_BYTES];
    const char *p = text;
    if (strlen(text) != UUID_TEXT - 1) return E_SYNTAX;
    for (int i = 0; i < UUID_BYTES; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-') return E_SYNTAX;
        int high = digit(p[0]), low = digit(p[1]);
        if (high < 0 || low < 0) return E_SYNTAX;
        id[i] = (uint8_t)(high << 4 | low);
        p += 2;
    }
    memcpy(ret, id, UUID_BYTES);
    return 0;
}
