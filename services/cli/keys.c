// SPDX-License-Identifier: Apache-2.0
// CURVE key pairs for tcp: Curve25519 keys, written in Z85 as ZeroMQ does.
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"

enum { KEY_BYTES = 32, KEY_TEXT = 41 };

static const char alphabet[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

// Four bytes are one number, written in base 85 with five characters.
static void z85_encode(const uint8_t key[KEY_BYTES], char ret[KEY_TEXT])
{
    for (int i = 0; i < KEY_BYTES / 4; i++) {
        uint32_t v = (uint32_t)key[4 * i] << 24 | (uint32_t)key[4 * i + 1] << 16 |
                     (uint32_t)key[4 * i + 2] << 8 | key[4 * i + 3];
        for (int k = 4; k >= 0; k--, v /= 85) ret[5 * i + k] = alphabet[v % 85];
    }
    ret[KEY_TEXT - 1] = '\0';
}

static bool z85_decode(const char *text, uint8_t ret[KEY_BYTES])
{
    if (strlen(text) != KEY_TEXT - 1) return false;
    for (int i = 0; i < KEY_BYTES / 4; i++) {
        uint64_t v = 0;
        for (int k = 0; k < 5; k++) {
            const char *place = strchr(alphabet, text[5 * i + k]);
            if (place == NULL || *place == '\0') return false;
            v = v * 85 + (uint64_t)(place - alphabet);
        }
        if (v > UINT32_MAX) return false;
        for (int k = 0; k < 4; k++) ret[4 * i + k] = (uint8_t)(v >> (8 * (3 - k)));
    }
    return true;
}

static int write_new(struct cli *c, const char *path, const char *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return cli_fail(c, CLI_CANNOT_CREATE, "cannot make %s: %s", path, strerror(errno));
    size_t n = strlen(content);
    bool ok = write(fd, content, n) == (ssize_t)n && fsync(fd) == 0;
    if (close(fd) != 0) ok = false;
    return ok ? 0 : cli_fail(c, CLI_CANNOT_CREATE, "cannot write %s", path);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int allow(struct cli *c, const char *path, const char *public_key)
{
    FILE *f = fopen(path, "a");
    if (f == NULL) return cli_fail(c, CLI_CANNOT_CREATE, "cannot open %s: %s", path, strerror(errno));
    fprintf(f, "%s %s %s\n", public_key, cli_flag(c, "role"), last_part(c->args[0]));
    bool ok = !ferror(f);
    if (fclose(f) != 0) ok = false;
    return ok ? 0 : cli_fail(c, CLI_CANNOT_CREATE, "cannot write %s", path);
}

int cli_keys_new(struct cli *c)
{
    static const char *const roles[] = {"adapter", "gateway", "service",
                                        "worker",  "reader",  "reader-with-personal"};
    uint8_t public_key[KEY_BYTES], secret_key[KEY_BYTES];
    char public_text[KEY_TEXT], secret_text[KEY_TEXT], content[256];
    bool known = false;
    for (unsigned i = 0; i < sizeof roles / sizeof roles[0]; i++)
        known = known || strcmp(roles[i], cli_flag(c, "role")) == 0;
    if (!known)
        return cli_fail(
            c, CLI_USAGE,
            "--role: found '%s', allowed are adapter, gateway, service, worker, reader, reader-with-personal",
            cli_flag(c, "role"));
    if (crypto_box_keypair(public_key, secret_key) != 0) return cli_fail(c, CLI_INTERNAL, "no key pair");
    z85_encode(public_key, public_text);
    z85_encode(secret_key, secret_text);
    snprintf(content, sizeof content, "public-key: '%s'\nsecret-key: '%s'\n", public_text, secret_text);
    int status = write_new(c, c->args[0], content);
    sodium_memzero(secret_key, sizeof secret_key);
    sodium_memzero(secret_text, sizeof secret_text);
    sodium_memzero(content, sizeof content);
    if (status == 0 && cli_flag(c, "allow") != NULL) status = allow(c, cli_flag(c, "allow"), public_text);
    if (status == 0) puts(public_text);
    return status;
}

int cli_keys_show(struct cli *c)
{
    struct span text;
    char public_text[KEY_TEXT] = "", secret_text[KEY_TEXT] = "", line[256];
    uint8_t public_key[KEY_BYTES], secret_key[KEY_BYTES], derived[KEY_BYTES];
    int status = cli_read_file(c, c->args[0], sizeof line - 1, &text);
    if (status != 0) return status;
    memcpy(line, text.p, text.n);
    line[text.n] = '\0';
    bool ok = sscanf(line, "public-key: '%40[^']'\nsecret-key: '%40[^']'", public_text, secret_text) == 2 &&
              z85_decode(public_text, public_key) && z85_decode(secret_text, secret_key);
    if (!ok) return cli_fail(c, CLI_DATA, "%s is not a key file", c->args[0]);
    crypto_scalarmult_base(derived, secret_key);
    ok = memcmp(derived, public_key, KEY_BYTES) == 0;
    sodium_memzero(secret_key, sizeof secret_key);
    sodium_memzero(secret_text, sizeof secret_text);
    if (!ok) return cli_fail(c, CLI_DATA, "%s: the keys do not belong together", c->args[0]);
    puts(public_text);
    return 0;
}

int cli_keys_list(struct cli *c)
{
    struct span text;
    int status = cli_read_file(c, c->args[0], 16 << 20, &text);
    if (status != 0) return status;
    unsigned number = 0, bad = 0;
    const char *p = (const char *)text.p, *end = p + text.n;
    for (; p < end; number++) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        size_t n = line_end != NULL ? (size_t)(line_end - p) : (size_t)(end - p);
        char line[256], key[64], role[32], name[65];
        uint8_t bytes[KEY_BYTES];
        snprintf(line, sizeof line, "%.*s", (int)n, p);
        p += n + 1;
        if (line[0] == '\0' || line[0] == '#') continue;
        if (sscanf(line, "%63s %31s %64s", key, role, name) != 3 || !z85_decode(key, bytes)) {
            bad++;
            cli_fail(c, CLI_DATA, "%s:%u: not KEY ROLE NAME", c->args[0], number + 1);
        } else {
            printf("%-24s %-22s %s\n", name, role, key);
        }
    }
    return bad == 0 ? 0 : CLI_DATA;
}
