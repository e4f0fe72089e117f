/* SPDX-License-Identifier: Apache-2.0 */
#include "allow.h"

#include <stdio.h>
#include <stdlib.h>

#include "err.h"

#define CHANNELS_TEXT 256

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span take_word(struct span *line)
{
    size_t i = 0, end;
    while (i < line->n && is_space(line->p[i])) i++;
    for (end = i; end < line->n && !is_space(line->p[end]);) end++;
    struct span word = span_of(line->p + i, end - i);
    *line = span_of(line->p + end, line->n - end);
    return word;
}

bool allow_parse_channels(struct span text, uint32_t *ret)
{
    uint32_t bits = 0;
    while (text.n > 0) {
        const uint8_t *comma = memchr(text.p, ',', text.n);
        size_t n = comma != NULL ? (size_t)(comma - text.p) : text.n;
        size_t used = comma != NULL ? n + 1 : n;
        char name[32];
        int value = 0;
        if (n == 0 || n >= sizeof(name)) return false;
        memcpy(name, text.p, n);
        name[n] = '\0';
        if (codec_enum_value(&kesu__v1__channel__descriptor, name, &value) != 0 || value <= 0 || value >= 32)
            return false;
        bits |= UINT32_C(1) << value;
        if (used == text.n && comma != NULL) return false; /* nothing behind it */
        text = span_of(text.p + used, text.n - used);
    }
    if (bits == 0) return false;
    *ret = bits;
    return true;
}

/* Names go into logs, events and routing: letters a person can read. */
static bool is_name(struct span s)
{
    if (s.n == 0 || s.n > ROLE_NAME_MAX) return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 127) return false;
    return true;
}

static const char *parse_line(struct span line, struct allow_entry *ret)
{
    uint8_t key[KEY_BYTES];
    struct span words[5];
    for (unsigned i = 0; i < 5; i++) words[i] = take_word(&line);
    memset(ret, 0, sizeof(*ret));
    if (!keypair_decode(words[0], key)) return "KEY is not a public key of 40 characters";
    if (!role_find(words[1], &ret->user.role)) return "ROLE is not one of the roles";
    if (!is_name(words[2])) return "NAME is not a word of at most 64 letters";
    if (words[3].n > 0 && !allow_parse_channels(words[3], &ret->user.channels))
        return "CHANNEL is not one of the channels";
    if (words[4].n > 0) return "more than KEY ROLE NAME CHANNELS";
    memcpy(ret->key, words[0].p, KEY_TEXT - 1);
    memcpy(ret->user.name, words[2].p, words[2].n);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct allow_entry *)a)->key, ((const struct allow_entry *)b)->key);
}

/* Or an empty line. */
static bool is_comment(struct span line)
{
    struct span rest = line;
    return take_word(&rest).n == 0 || line.p[0] == '#';
}

static unsigned count_lines(struct span text)
{
    unsigned n = 0;
    for (size_t i = 0; i < text.n; i++) n += text.p[i] == '\n';
    return n;
}

int allow_parse(struct mem *m, struct span text, struct allow_list **ret, struct allow_error *ret_error)
{
    size_t room = count_lines(text) + 1;
    struct allow_list *list = mem_zalloc(m, sizeof(*list) + room * sizeof(list->entries[0]));
    *ret_error = (struct allow_error){0};
    for (unsigned line = 1; text.n > 0; line++) {
        const uint8_t *end = memchr(text.p, '\n', text.n);
        size_t n = end != NULL ? (size_t)(end - text.p) : text.n, used = end != NULL ? n + 1 : n;
        struct span one = span_of(text.p, n);
        text = span_of(text.p + used, text.n - used);
        if (is_comment(one)) continue;
        const char *reason = parse_line(one, &list->entries[list->n]);
        if (reason != NULL) {
            *ret_error = (struct allow_error){line, reason};
            mem_free(m, list);
            return E_SYNTAX;
        }
        list->n++;
    }
    qsort(list->entries, list->n, sizeof(list->entries[0]), compare);
    for (unsigned i = 1; i < list->n; i++) {
        if (compare(&list->entries[i - 1], &list->entries[i]) != 0) continue;
        *ret_error = (struct allow_error){0, "a key stands there twice"};
        mem_free(m, list);
        return E_EXISTS;
    }
    *ret = list;
    return 0;
}

/* Cut short a line could still be one, of another name or of more channels. */
static int parse_file(struct mem *m, struct span text, struct allow_list **ret, struct allow_error *ret_error)
{
    if (text.n == 0) {
        *ret_error = (struct allow_error){0, "it is empty"};
        return E_NOT_FOUND;
    }
    if (text.p[text.n - 1] != '\n') {
        *ret_error = (struct allow_error){count_lines(text) + 1, "the last line has no end"};
        return E_SYNTAX;
    }
    return allow_parse(m, text, ret, ret_error);
}

int allow_read(struct mem *m, const char *path, struct allow_list **ret, struct allow_error *ret_error)
{
    struct span text;
    *ret_error = (struct allow_error){0, "it cannot be read, or others may write it"};
    int e = keypair_read_trusted(m, path, ALLOW_MAX_BYTES, &text);
    if (e < 0) return e;
    e = parse_file(m, text, ret, ret_error);
    mem_free(m, (void *)(uintptr_t)text.p);
    return e;
}

const struct allow_entry *allow_find(const struct allow_list *list, const char *key)
{
    for (unsigned low = 0, high = list != NULL ? list->n : 0; low < high;) {
        unsigned middle = low + (high - low) / 2;
        int c = strcmp(key, list->entries[middle].key);
        if (c == 0) return &list->entries[middle];
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool allow_takes_away(const struct allow_list *old, const struct allow_list *new)
{
    for (unsigned i = 0; old != NULL && i < old->n; i++) {
        const struct allow_entry *was = &old->entries[i], *is = allow_find(new, was->key);
        if (is == NULL || is->user.role != was->user.role || is->user.channels != was->user.channels ||
            strcmp(is->user.name, was->user.name) != 0)
            return true;
    }
    return false;
}

void allow_format(const struct allow_entry *e, char *ret, size_t n)
{
    char channels[CHANNELS_TEXT] = "", name[32];
    size_t at = 0;
    for (int i = 1; i < 32; i++) {
        if ((e->user.channels >> i & 1) == 0) continue;
        if (codec_enum_name(&kesu__v1__channel__descriptor, i, name, sizeof(name)) == NULL) continue;
        at += (size_t)snprintf(channels + at, sizeof(channels) - at, "%s%s", at > 0 ? "," : " ", name);
    }
    snprintf(ret, n, "%s %s %s%s\n", e->key, role_name(e->user.role), e->user.name, channels);
}
