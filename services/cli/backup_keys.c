// SPDX-License-Identifier: Apache-2.0
// The keys of an office in one file, sealed with a passphrase:
//
//   "KESUKEY1"  salt (16)  header (24)  { length (4)  sealed message } ...
//
// The key is Argon2id of passphrase and salt; the messages are a stream of
// libsodium (XChaCha20-Poly1305), so that none can be left out or put in. A
// message is the name of a file or a piece of it; a file ends with PUSH, all
// with FINAL.
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "backup.h"
#include "err.h"
#include "files.h"

enum {
    PIECE = 64 << 10,
    SEALED = PIECE + crypto_secretstream_xchacha20poly1305_ABYTES,
    HEADER = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    MIDDLE = crypto_secretstream_xchacha20poly1305_TAG_MESSAGE,
    LAST = crypto_secretstream_xchacha20poly1305_TAG_PUSH,
    FINAL = crypto_secretstream_xchacha20poly1305_TAG_FINAL,
    PASSPHRASE_MIN = 12,
};

static const char magic[8] = "KESUKEY1";

// Name in the archive and below DATA_DIR, and where it is put first.
static const struct {
    const char *name, *restored;
} members[] = {
    {"intake/keys/slots", "intake/keys.restoring/slots"},
    {"intake/keys/secrets", "intake/keys.restoring/secrets"},
    {"blobs/key", "blobs/key"},
};
enum { N_MEMBERS = sizeof members / sizeof members[0] };

int cli_backup_passphrase(struct cli *c, struct backup_passphrase *ret)
{
    const char *path = cli_flag(c, "passphrase-file");
    if (path == NULL) return cli_fail(c, CLI_USAGE, "--keys needs --passphrase-file");
    FILE *f = fopen(path, "r");
    if (f == NULL) return cli_fail(c, CLI_NO_INPUT, "cannot open %s: %s", path, strerror(errno));
    bool read = fgets(ret->text, sizeof ret->text, f) != NULL;
    fclose(f);
    ret->n = read ? strcspn(ret->text, "\n") : 0;
    if (ret->n < PASSPHRASE_MIN)
        return cli_fail(c, CLI_DATA, "%s: the first line must have %d bytes at least", path, PASSPHRASE_MIN);
    return 0;
}

static int derive(struct cli *c, const struct backup_passphrase *pass, const uint8_t *salt,
                  uint8_t ret[crypto_secretstream_xchacha20poly1305_KEYBYTES])
{
    if (crypto_pwhash(ret, crypto_secretstream_xchacha20poly1305_KEYBYTES, pass->text, pass->n, salt,
                      crypto_pwhash_OPSLIMIT_MODERATE, crypto_pwhash_MEMLIMIT_MODERATE,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return cli_fail(c, CLI_TEMPORARY, "not enough memory for the passphrase: 256 MiB are needed");
    return 0;
}

// ---- writing ----------------------------------------------------------------

struct sealing {
    FILE *file;
    crypto_secretstream_xchacha20poly1305_state state;
    uint8_t plain[PIECE], sealed[SEALED];
};

static bool put(struct sealing *s, const void *p, size_t n, uint8_t tag)
{
    unsigned long long sealed_n = 0;
    crypto_secretstream_xchacha20poly1305_push(&s->state, s->sealed, &sealed_n, p, n, NULL, 0, tag);
    uint8_t length[4];
    for (unsigned i = 0; i < 4; i++) length[i] = (uint8_t)(sealed_n >> (8 * i));
    return fwrite(length, 1, 4, s->file) == 4 && fwrite(s->sealed, 1, sealed_n, s->file) == sealed_n;
}

static bool put_file(struct sealing *s, const char *name, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT;
    bool good = put(s, name, strlen(name), LAST);
    ssize_t n = 1;
    while (good && n > 0) {
        n = read(fd, s->plain, sizeof s->plain);
        good = n >= 0 && put(s, s->plain, n > 0 ? (size_t)n : 0, n > 0 ? MIDDLE : LAST);
    }
    close(fd);
    return good;
}

static int write_all(struct cli *c, struct sealing *s, const struct backup_passphrase *pass)
{
    uint8_t salt[crypto_pwhash_SALTBYTES], header[HEADER];
    uint8_t key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
    randombytes_buf(salt, sizeof salt);
    int status = derive(c, pass, salt, key);
    if (status != 0) return status;
    crypto_secretstream_xchacha20poly1305_init_push(&s->state, header, key);
    sodium_memzero(key, sizeof key);
    bool good = fwrite(magic, 1, sizeof magic, s->file) == sizeof magic &&
                fwrite(salt, 1, sizeof salt, s->file) == sizeof salt &&
                fwrite(header, 1, sizeof header, s->file) == sizeof header;
    for (unsigned i = 0; i < N_MEMBERS && good; i++)
        good = put_file(s, members[i].name, cli_data_path(c, members[i].name));
    good = good && put(s, "", 0, FINAL) && fflush(s->file) == 0 && fsync(fileno(s->file)) == 0;
    return good ? 0 : cli_fail(c, CLI_CANNOT_CREATE, "the keys cannot be copied: %s", strerror(errno));
}

// An older copy may hold keys of people erased since: it is overwritten.
int cli_backup_keys_write(struct cli *c, const char *path, const struct backup_passphrase *pass)
{
    struct env *env = cli_env(c);
    char *aside = arena_printf(&c->arena, "%s.new", path);
    if (access(cli_data_path(c, members[0].name), R_OK) != 0)
        return cli_fail(c, CLI_NO_INPUT, "no key store at %s; --data-dir must be intake's",
                        cli_data_path(c, members[0].name));
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct sealing *s = mem_zalloc(&mem_libc, sizeof *s);
    s->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    int status = s->file != NULL
                     ? write_all(c, s, pass)
                     : cli_fail(c, CLI_CANNOT_CREATE, "cannot open %s: %s", aside, strerror(errno));
    if (s->file != NULL) fclose(s->file);
    sodium_memzero(s, sizeof *s);
    mem_free(&mem_libc, s);
    if (status != 0) return status;
    int err = files_wipe(env, path);
    if (err == 0 || err == E_NOT_FOUND) err = files_rename(env, aside, path);
    return err == 0 ? 0 : cli_fail(c, CLI_CANNOT_CREATE, "cannot write %s: %s", path, err_text(err));
}

// ---- reading ----------------------------------------------------------------

// -1: the file is not whole, or the passphrase another.
static int take(struct sealing *s, uint8_t *ret_tag, size_t *ret_n)
{
    uint8_t length[4];
    unsigned long long n = 0;
    if (fread(length, 1, 4, s->file) != 4) return -1;
    size_t sealed_n =
        (size_t)length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
    if (sealed_n < crypto_secretstream_xchacha20poly1305_ABYTES || sealed_n > SEALED) return -1;
    if (fread(s->sealed, 1, sealed_n, s->file) != sealed_n) return -1;
    if (crypto_secretstream_xchacha20poly1305_pull(&s->state, s->plain, &n, ret_tag, s->sealed, sealed_n,
                                                   NULL, 0) != 0)
        return -1;
    *ret_n = (size_t)n;
    return 0;
}

static int take_file(struct cli *c, struct sealing *s, const char *path)
{
    uint8_t tag = MIDDLE;
    size_t n = 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return cli_fail(c, CLI_CANNOT_CREATE, "cannot open %s: %s", path, strerror(errno));
    bool good = true;
    while (good && tag == MIDDLE) good = take(s, &tag, &n) == 0 && write(fd, s->plain, n) == (ssize_t)n;
    good = good && tag == LAST && fsync(fd) == 0;
    close(fd);
    return good ? 0 : cli_fail(c, CLI_DATA, "%s cannot be restored: the copy of the keys is not whole", path);
}

static int read_all(struct cli *c, struct sealing *s, const char *path, const struct backup_passphrase *pass)
{
    uint8_t head[sizeof magic + crypto_pwhash_SALTBYTES + HEADER], tag = LAST;
    uint8_t key[crypto_secretstream_xchacha20poly1305_KEYBYTES];
    size_t n = 0;
    if (fread(head, 1, sizeof head, s->file) != sizeof head || memcmp(head, magic, sizeof magic) != 0)
        return cli_fail(c, CLI_DATA, "%s is no copy of keys", path);
    int status = derive(c, pass, head + sizeof magic, key);
    if (status != 0) return status;
    int bad = crypto_secretstream_xchacha20poly1305_init_pull(
        &s->state, head + sizeof magic + crypto_pwhash_SALTBYTES, key);
    sodium_memzero(key, sizeof key);
    if (bad != 0 || take(s, &tag, &n) != 0)
        return cli_fail(c, CLI_DATA, "%s: another passphrase, or damaged", path);
    while (status == 0 && tag != FINAL) {
        const char *to = NULL;
        for (unsigned i = 0; i < N_MEMBERS; i++)
            if (strlen(members[i].name) == n && memcmp(members[i].name, s->plain, n) == 0)
                to = members[i].restored;
        if (to == NULL) return cli_fail(c, CLI_DATA, "%s holds what this version does not know", path);
        status = take_file(c, s, cli_data_path(c, to));
        if (status == 0 && take(s, &tag, &n) != 0) status = cli_fail(c, CLI_DATA, "%s is not whole", path);
    }
    return status;
}

int cli_backup_keys_read(struct cli *c, const char *path, const struct backup_passphrase *pass)
{
    struct env *env = cli_env(c);
    if (files_mkdir(env, cli_data_path(c, "intake/keys.restoring")) != 0 ||
        files_mkdir(env, cli_data_path(c, "blobs")) != 0)
        return cli_fail(c, CLI_CANNOT_CREATE, "cannot write below %s", c->data_dir);
    struct sealing *s = mem_zalloc(&mem_libc, sizeof *s);
    s->file = fopen(path, "rb");
    int status = s->file != NULL ? read_all(c, s, path, pass)
                                 : cli_fail(c, CLI_NO_INPUT, "cannot open %s: %s", path, strerror(errno));
    if (s->file != NULL) fclose(s->file);
    sodium_memzero(s, sizeof *s);
    mem_free(&mem_libc, s);
    return status;
}
