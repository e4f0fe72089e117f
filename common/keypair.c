/* SPDX-License-Identifier: Apache-2.0 */
/* Files are opened first and judged by their descriptor, so that nothing is
 * swapped between the look and the reading. New ones are written aside, synced
 * and renamed or linked into place. */
#include "keypair.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"

#define PAIR_BYTES 256
#define OPEN_READ  (O_RDONLY | O_CLOEXEC | O_NONBLOCK) /* a fifo must not hold us up */

/* ---- Z85 ---------------------------------------------------------------- */

static const char alphabet[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/* Four bytes are one number, written in base 85 with five characters. */
void keypair_encode(const uint8_t key[KEY_BYTES], char ret[KEY_TEXT])
{
    for (int i = 0; i < KEY_BYTES / 4; i++) {
        uint32_t v = (uint32_t)key[4 * i] << 24 | (uint32_t)key[4 * i + 1] << 16 |
                     (uint32_t)key[4 * i + 2] << 8 | key[4 * i + 3];
        for (int k = 4; k >= 0; k--, v /= 85) ret[5 * i + k] = alphabet[v % 85];
    }
    ret[KEY_TEXT - 1] = '\0';
}

bool keypair_decode(struct span text, uint8_t ret[KEY_BYTES])
{
    uint8_t key[KEY_BYTES];
    if (text.n != KEY_TEXT - 1) return false;
    for (int i = 0; i < KEY_BYTES / 4; i++) {
        uint64_t v = 0;
        for (int k = 0; k < 5; k++) {
            const char *place = memchr(alphabet, text.p[5 * i + k], sizeof(alphabet) - 1);
            if (place == NULL) return false;
            v = v * 85 + (uint64_t)(place - alphabet);
        }
        if (v > UINT32_MAX) return false;
        for (int k = 0; k < 4; k++) key[4 * i + k] = (uint8_t)(v >> (8 * (3 - k)));
    }
    memcpy(ret, key, KEY_BYTES);
    return true;
}

/* ---- pairs -------------------------------------------------------------- */

int keypair_new(struct keypair *ret)
{
    uint8_t public_key[KEY_BYTES], secret_key[KEY_BYTES];
    if (crypto_box_keypair(public_key, secret_key) != 0) return E_CRYPTO;
    keypair_encode(public_key, ret->public_key);
    keypair_encode(secret_key, ret->secret_key);
    sodium_memzero(secret_key, sizeof(secret_key));
    return 0;
}

void keypair_forget(struct keypair *k)
{
    sodium_memzero(k, sizeof(*k));
}

static bool take_line(struct span *text, struct span *ret)
{
    if (text->n == 0) return false;
    const uint8_t *end = memchr(text->p, '\n', text->n);
    size_t n = end != NULL ? (size_t)(end - text->p) : text->n;
    size_t used = end != NULL ? n + 1 : n;
    *ret = span_of(text->p, n > 0 && text->p[n - 1] == '\r' ? n - 1 : n);
    *text = span_of(text->p + used, text->n - used);
    return true;
}

/* NAME: 'KEY' */
static bool take_named_key(struct span *text, const char *name, char ret[KEY_TEXT])
{
    struct span line;
    uint8_t bytes[KEY_BYTES];
    size_t n = strlen(name);
    if (!take_line(text, &line) || line.n != n + 4 + KEY_TEXT - 1) return false;
    bool ok = memcmp(line.p, name, n) == 0 && memcmp(line.p + n, ": '", 3) == 0 &&
              line.p[line.n - 1] == '\'' && keypair_decode(span_of(line.p + n + 3, KEY_TEXT - 1), bytes);
    sodium_memzero(bytes, sizeof(bytes));
    if (!ok) return false;
    memcpy(ret, line.p + n + 3, KEY_TEXT - 1);
    ret[KEY_TEXT - 1] = '\0';
    return true;
}

int keypair_parse(struct span text, struct keypair *ret)
{
    struct keypair k = {0};
    uint8_t public_key[KEY_BYTES], secret_key[KEY_BYTES], derived[KEY_BYTES];
    int e = take_named_key(&text, "public-key", k.public_key) &&
                    take_named_key(&text, "secret-key", k.secret_key) && text.n == 0
                ? 0
                : E_SYNTAX;
    if (e == 0) {
        (void)keypair_decode(span_str(k.public_key), public_key);
        (void)keypair_decode(span_str(k.secret_key), secret_key);
        if (crypto_scalarmult_base(derived, secret_key) != 0 || memcmp(derived, public_key, KEY_BYTES) != 0)
            e = E_CRYPTO;
        sodium_memzero(secret_key, sizeof(secret_key));
    }
    if (e == 0) *ret = k;
    keypair_forget(&k);
    return e;
}

int keypair_take_public(struct span *text, char ret[KEY_TEXT])
{
    struct span line;
    uint8_t bytes[KEY_BYTES];
    while (take_line(text, &line)) {
        if (line.n == 0 || line.p[0] == '#') continue; /* no key begins so: it would be above 32 bits */
        if (!keypair_decode(line, bytes)) return E_SYNTAX;
        memcpy(ret, line.p, KEY_TEXT - 1);
        ret[KEY_TEXT - 1] = '\0';
        return 1;
    }
    return 0;
}

/* ---- files -------------------------------------------------------------- */

static int error_of(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return E_NOT_FOUND;
    case EACCES:
    case EPERM:
        return E_PERMISSION;
    case EEXIST:
        return E_EXISTS;
    case ENOSPC:
        return E_NOSPACE;
    default:
        return E_IO;
    }
}

/* forbidden: bits of the mode that would let others at it. */
static int open_ours(const char *path, mode_t forbidden, int *ret)
{
    struct stat st;
    int fd = open(path, OPEN_READ);
    if (fd < 0) return error_of(errno);
    int e = fstat(fd, &st) != 0 ? E_IO : 0;
    if (e == 0 &&
        (!S_ISREG(st.st_mode) || (st.st_mode & forbidden) != 0 || (st.st_uid != geteuid() && st.st_uid != 0)))
        e = E_PERMISSION;
    if (e < 0)
        close(fd);
    else
        *ret = fd;
    return e;
}

/* E_TOO_BIG when there is more than n. */
static int read_whole(int fd, uint8_t *p, size_t n, size_t *ret_n)
{
    size_t done = 0;
    for (;;) {
        uint8_t extra;
        ssize_t got = done < n ? read(fd, p + done, n - done) : read(fd, &extra, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return E_IO;
        if (got == 0) break;
        if (done == n) return E_TOO_BIG;
        done += (size_t)got;
    }
    *ret_n = done;
    return 0;
}

int keypair_read(const char *path, struct keypair *ret)
{
    uint8_t text[PAIR_BYTES];
    size_t n = 0;
    int fd;
    int e = open_ours(path, S_IRWXG | S_IRWXO, &fd);
    if (e < 0) return e;
    e = read_whole(fd, text, sizeof(text), &n);
    close(fd);
    if (e == E_TOO_BIG) e = E_SYNTAX;
    if (e == 0) e = keypair_parse(span_of(text, n), ret);
    sodium_memzero(text, sizeof(text));
    return e;
}

int keypair_read_trusted(struct mem *m, const char *path, size_t max, struct span *ret)
{
    size_t n = 0;
    int fd;
    int e = open_ours(path, S_IWGRP | S_IWOTH, &fd);
    if (e < 0) return e;
    uint8_t *p = mem_alloc(m, max > 0 ? max : 1);
    e = read_whole(fd, p, max, &n);
    close(fd);
    if (e < 0)
        mem_free(m, p);
    else
        *ret = span_of(p, n);
    return e;
}

static int sync_directory(const char *path)
{
    char directory[4096];
    const char *slash = strrchr(path, '/');
    int n = slash != NULL ? (int)(slash - path) : 1;
    snprintf(directory, sizeof(directory), "%.*s", n > 0 ? n : 1, slash != NULL ? path : ".");
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return error_of(errno);
    int e = fsync(fd) == 0 ? 0 : E_IO;
    close(fd);
    return e;
}

/* replace: renamed over what is there; else linked, which fails when there is something. */
static int write_whole(const char *path, struct span content, bool replace)
{
    char aside[4096];
    if (snprintf(aside, sizeof(aside), "%s.%ld.new", path, (long)getpid()) >= (int)sizeof(aside))
        return E_RANGE;
    (void)unlink(aside);
    int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return error_of(errno);
    int e = write(fd, content.p, content.n) == (ssize_t)content.n && fsync(fd) == 0 ? 0 : E_IO;
    if (close(fd) != 0) e = E_IO;
    if (e == 0 && (replace ? rename(aside, path) : link(aside, path)) != 0) e = error_of(errno);
    if (e < 0 || !replace) (void)unlink(aside);
    return e == 0 ? sync_directory(path) : e;
}

int keypair_replace_file(const char *path, struct span content)
{
    return write_whole(path, content, true);
}

int keypair_write(const char *path, const struct keypair *k, bool replace)
{
    char text[PAIR_BYTES];
    int n =
        snprintf(text, sizeof(text), "public-key: '%s'\nsecret-key: '%s'\n", k->public_key, k->secret_key);
    int e = write_whole(path, span_of(text, (size_t)n), replace);
    sodium_memzero(text, sizeof(text));
    return e;
}

int keypair_ensure(const char *path, struct keypair *ret)
{
    int e = keypair_read(path, ret);
    if (e != E_NOT_FOUND) return e;
    char directory[4096];
    const char *slash = strrchr(path, '/');
    if (slash != NULL && slash != path) {
        snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path), path);
        if (mkdir(directory, 0700) != 0 && errno != EEXIST) return error_of(errno);
    }
    struct keypair fresh;
    e = keypair_new(&fresh);
    if (e == 0) e = keypair_write(path, &fresh, false);
    keypair_forget(&fresh);
    /* Another daemon may have been first: then its pair is ours. */
    return e == 0 || e == E_EXISTS ? keypair_read(path, ret) : e;
}
