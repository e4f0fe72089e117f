// SPDX-License-Identifier: Apache-2.0
// protobuf in and out. In: the encoded bytes are checked and unpacked into the
// arena (wire.c). Out: written from the end (pack.c).
#include "codec.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "check.h"
#include "err.h"
#include "pack.h"
#include "wire.h"

enum { PACK_ROOM = 8 << 10 };

static int fail(struct codec_error *e, int code, const char *field, const char *reason)
{
    e->code = code;
    snprintf(e->field, sizeof e->field, "%s", field);
    snprintf(e->reason, sizeof e->reason, "%s", reason);
    return code;
}

int codec_unpack(const ProtobufCMessageDescriptor *d, struct span bytes, struct arena *arena,
                 void *ret_message, struct codec_error *ret_error)
{
    return wire_unpack(d, bytes, WIRE_CHECKED, 0, arena, ret_message, ret_error);
}

int codec_unpack_own(const ProtobufCMessageDescriptor *d, struct span bytes, struct arena *arena,
                     void *ret_message)
{
    struct codec_error error;
    return wire_unpack(d, bytes, WIRE_TRUSTED, 0, arena, ret_message, &error);
}

int codec_unpack_brief(const ProtobufCMessageDescriptor *d, struct span bytes, unsigned without,
                       struct arena *arena, void *ret_message)
{
    struct codec_error error;
    return wire_unpack(d, bytes, WIRE_TRUSTED, without, arena, ret_message, &error);
}

// The id of a command that is refused, so that the reply can name it.
static struct span find_id(struct span bytes)
{
    struct wire_field w;
    while (bytes.n > 0 && wire_take(&bytes, &w))
        if (w.tag == 1 && w.type == 2 && w.bytes.n == 16) return w.bytes;
    return SPAN_NONE;
}

static int unpack_command(struct span bytes, struct arena *arena, Kesu__V1__Command **ret,
                          struct codec_error *ret_error)
{
    int err = codec_unpack(&kesu__v1__command__descriptor, bytes, arena, ret, ret_error);
    if (err == 0) return 0;
    if (err == E_NOMEM) fail(ret_error, E_TOO_BIG, "", "the batch takes more memory than allowed");
    Kesu__V1__Command *c = arena_alloc(arena, sizeof *c);
    if (c == NULL) return E_NOMEM;
    kesu__v1__command__init(c);
    struct span id = find_id(bytes);
    c->id.data = (uint8_t *)(uintptr_t)id.p;
    c->id.len = id.n;
    *ret = c;
    return 0;
}

// The frame of the batch: client and number, and how many commands.
static int batch_head(struct span bytes, struct arena *arena, Kesu__V1__CommandBatch *batch,
                      struct codec_error *e)
{
    struct wire_field w;
    while (bytes.n > 0) {
        if (!wire_take(&bytes, &w)) return fail(e, E_MALFORMED, "", "truncated, or not a message");
        if (w.tag == 1) {
            if (w.type != 2) return fail(e, E_MALFORMED, "client", "not of the field's type");
            if (w.bytes.n > 64) return fail(e, E_TOO_BIG, "client", "more than 64 bytes");
            if (!codec_is_utf8(w.bytes)) return fail(e, E_UTF8, "client", "not UTF-8, or holds NUL");
            char *client = arena_alloc(arena, w.bytes.n + 1);
            if (client == NULL) return fail(e, E_NOMEM, "", "takes more memory than allowed");
            memcpy(client, w.bytes.p, w.bytes.n);
            client[w.bytes.n] = '\0';
            batch->client = client;
        } else if (w.tag == 2) {
            if (w.type != 0) return fail(e, E_MALFORMED, "batch", "not of the field's type");
            batch->batch = w.number;
        } else if (w.tag == 3) {
            if (w.type != 2) return fail(e, E_MALFORMED, "commands", "not of the field's type");
            if (++batch->n_commands > 1024) return fail(e, E_TOO_BIG, "commands", "more than 1024");
        }
    }
    return 0;
}

int codec_unpack_commands(struct span bytes, struct arena *arena, Kesu__V1__CommandBatch **ret,
                          struct codec_error **ret_errors, struct codec_error *ret_error)
{
    Kesu__V1__CommandBatch *batch = arena_alloc(arena, sizeof *batch);
    if (batch == NULL) return fail(ret_error, E_NOMEM, "", "takes more memory than allowed");
    kesu__v1__command_batch__init(batch);
    int err = batch_head(bytes, arena, batch, ret_error);
    if (err != 0) return err;

    size_t n = batch->n_commands;
    batch->commands = arena_alloc(arena, n * sizeof *batch->commands);
    struct codec_error *errors = arena_alloc(arena, n * sizeof *errors);
    if (batch->commands == NULL || errors == NULL)
        return fail(ret_error, E_NOMEM, "", "takes more memory than allowed");
    struct wire_field w;
    for (size_t i = 0; bytes.n > 0 && wire_take(&bytes, &w);) {
        if (w.tag != 3) continue;
        errors[i].code = 0;
        err = unpack_command(w.bytes, arena, &batch->commands[i], &errors[i]);
        if (err != 0) return fail(ret_error, E_NOMEM, "", "takes more memory than allowed");
        i++;
    }
    *ret = batch;
    *ret_errors = errors;
    return 0;
}

size_t codec_size(const void *message)
{
    return protobuf_c_message_get_packed_size(message);
}

// Most messages fit into a room on the stack; for others it grows until they do.
struct packed {
    struct span bytes;
    uint8_t *grown;
    uint8_t room[PACK_ROOM];
};

static void pack(const void *message, struct packed *ret)
{
    ret->grown = NULL;
    ret->bytes = pack_end(message, ret->room, sizeof ret->room);
    for (size_t n = (size_t)PACK_ROOM * 16; ret->bytes.p == NULL; n *= 16) {
        mem_free(&mem_libc, ret->grown);
        ret->grown = mem_alloc(&mem_libc, n);
        ret->bytes = pack_end(message, ret->grown, n);
    }
}

struct span codec_pack(const void *message, struct arena *arena)
{
    struct packed packed;
    pack(message, &packed);
    size_t n = packed.bytes.n;
    uint8_t *p = arena_alloc(arena, n);
    if (p != NULL) memcpy(p, packed.bytes.p, n);
    mem_free(&mem_libc, packed.grown);
    return p != NULL ? span_of(p, n) : SPAN_NONE;
}

struct buf *codec_pack_buf(const void *message)
{
    struct packed packed;
    pack(message, &packed);
    struct buf *b = buf_copy(packed.bytes);
    mem_free(&mem_libc, packed.grown);
    return b;
}

// Room for n more bytes.
static uint8_t *pile_room(struct codec_pile *p, struct mem *mem, size_t n)
{
    if (p->room - p->n < n) {
        p->room = 2 * p->room + n;
        p->bytes = mem_realloc(mem, p->bytes, p->room);
    }
    uint8_t *at = p->bytes + p->n;
    p->n += n;
    return at;
}

void codec_pile_start(struct codec_pile *p, struct mem *mem, const void *message)
{
    struct packed packed;
    pack(message, &packed);
    p->n = 0;
    memcpy(pile_room(p, mem, packed.bytes.n + 1), packed.bytes.p, packed.bytes.n);
    p->n = packed.bytes.n;
    mem_free(&mem_libc, packed.grown);
}

bool codec_pile_add(struct codec_pile *p, struct mem *mem, unsigned tag, const void *element, size_t most)
{
    enum { LENGTH_DELIMITED = 2 };
    struct packed packed;
    CHECK(tag > 0 && tag < 16);
    pack(element, &packed);
    size_t size = packed.bytes.n, bytes_of_size = 1;
    if (size <= most) {
        for (size_t v = size; v > 0x7f; v >>= 7) bytes_of_size++;
        uint8_t *to = pile_room(p, mem, 1 + bytes_of_size + size);
        *to++ = (uint8_t)(tag << 3 | LENGTH_DELIMITED);
        for (size_t v = size; bytes_of_size > 0; v >>= 7)
            *to++ = (uint8_t)((v & 0x7f) | (--bytes_of_size > 0 ? 0x80 : 0));
        if (size > 0) memcpy(to, packed.bytes.p, size);
    }
    mem_free(&mem_libc, packed.grown);
    return size <= most;
}

void codec_pile_free(struct codec_pile *p, struct mem *mem)
{
    mem_free(mem, p->bytes);
    *p = (struct codec_pile){0};
}

// Bytes of the character at p, 0 when there is none that is legal here.
static inline size_t utf8_char(const uint8_t *p, size_t n)
{
    uint8_t c = p[0];
    if (c < 0x80) return c != 0;
    if (c < 0xc2) return 0;
    if (c < 0xe0) return n >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if (c < 0xf0) {
        if (n < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80) return 0;
        if (c == 0xe0 && p[1] < 0xa0) return 0;
        if (c == 0xed && p[1] >= 0xa0) return 0;
        return 3;
    }
    if (c > 0xf4 || n < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
        return 0;
    if (c == 0xf0 && p[1] < 0x90) return 0;
    if (c == 0xf4 && p[1] >= 0x90) return 0;
    return 4;
}

// Bytes from the front that are good.
static size_t utf8_valid(struct span text)
{
    static const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    size_t i = 0;
    while (i < text.n) {
        while (text.n - i >= 8) {
            uint64_t v;
            memcpy(&v, text.p + i, 8);
            // A top bit: not ASCII. The other term has a top bit where a byte is zero.
            if ((v & tops) != 0 || ((v - ones) & ~v & tops) != 0) break;
            i += 8;
        }
        if (i == text.n) break;
        size_t n = utf8_char(text.p + i, text.n - i);
        if (n == 0) break;
        i += n;
        while (i < text.n && text.p[i] >= 0x80) {
            n = utf8_char(text.p + i, text.n - i);
            if (n == 0) return i;
            i += n;
        }
    }
    return i;
}

bool codec_is_utf8(struct span text)
{
    return utf8_valid(text) == text.n;
}

size_t codec_utf8_prefix(struct span text, size_t max)
{
    if (text.n > max) text.n = max;
    return utf8_valid(text);
}

// "CHANNEL_" of CHANNEL_UNSPECIFIED.
static size_t prefix_length(const ProtobufCEnumDescriptor *d)
{
    static const char unspecified[] = "UNSPECIFIED";
    const char *name = d->values[0].name;
    const char *end = strstr(name, unspecified);
    return end != NULL ? (size_t)(end - name) : 0;
}

static const char *without_prefix(const ProtobufCEnumDescriptor *d, const char *name)
{
    size_t n = prefix_length(d);
    return strncmp(name, d->values[0].name, n) == 0 ? name + n : name;
}

const char *codec_enum_name(const ProtobufCEnumDescriptor *d, int value, char *ret, size_t n)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, value);
    if (v == NULL) return NULL;
    const char *name = without_prefix(d, v->name);
    size_t i = 0;
    for (; name[i] != '\0' && i + 1 < n; i++) ret[i] = (char)tolower((unsigned char)name[i]);
    ret[i] = '\0';
    return ret;
}

int codec_enum_value(const ProtobufCEnumDescriptor *d, const char *name, int *ret)
{
    for (unsigned i = 0; i < d->n_values; i++) {
        if (strcasecmp(without_prefix(d, d->values[i].name), name) != 0) continue;
        *ret = d->values[i].value;
        return 0;
    }
    return E_ENUM;
}
