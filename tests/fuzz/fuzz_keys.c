// SPDX-License-Identifier: Apache-2.0
// Key files, allow lists, lists of server keys, and addresses of other machines.
#include "allow.h"
#include "check.h"
#include "place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_pair(struct span text)
{
    struct keypair pair;
    uint8_t bytes[KEY_BYTES];
    if (keypair_parse(text, &pair) != 0) return;
    CHECK(keypair_decode(span_str(pair.public_key), bytes) &&
          keypair_decode(span_str(pair.secret_key), bytes));
}

static void try_servers(struct span text)
{
    char key[KEY_TEXT], again[KEY_TEXT];
    uint8_t bytes[KEY_BYTES];
    while (keypair_take_public(&text, key) > 0) {
        CHECK(keypair_decode(span_str(key), bytes));
        keypair_encode(bytes, again);
        CHECK(strcmp(key, again) == 0);
    }
}

// What is taken says the same when it is written and read again.
static void try_list(struct span text)
{
    struct allow_list *list = NULL, *one = NULL;
    struct allow_error error;
    char line[512];
    if (allow_parse(&mem_libc, text, &list, &error) != 0) {
        CHECK(list == NULL && error.reason != NULL);
        return;
    }
    for (unsigned i = 0; i < list->n; i++) {
        const struct allow_entry *e = &list->entries[i];
        CHECK(allow_find(list, e->key) == e && e->user.role < N_ROLES && e->user.name[0] != '\0');
        allow_format(e, line, sizeof line);
        CHECK(allow_parse(&mem_libc, span_str(line), &one, &error) == 0 && one->n == 1);
        CHECK(memcmp(&one->entries[0], e, sizeof *e) == 0);
        mem_free(&mem_libc, one);
    }
    CHECK(!allow_takes_away(list, list));
    mem_free(&mem_libc, list);
}

static void try_address(const char *text)
{
    struct arena a;
    struct place place;
    const struct place_opts opts = {.run_dir = "run", .data_dir = "data", .address = text};
    arena_init(&a, &mem_libc, 1 << 20);
    for (unsigned s = 0; s < N_ROLE_SOCKETS; s++)
        if (place_find(&opts, role_socket_name((enum role_socket)s), &a, &place) == 0)
            CHECK(text[0] == '\0' ? strncmp(place.endpoint, "ipc://", 6) == 0 && place.keys == NULL
                                  : strncmp(place.endpoint, "tcp://", 6) == 0 && place.keys != NULL);
    arena_deinit(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    char *line = mem_zalloc(&mem_libc, size + 1);
    if (size > 0) memcpy(line, data, size);
    try_pair(text);
    try_servers(text);
    try_list(text);
    try_address(line);
    mem_free(&mem_libc, line);
    return 0;
}
