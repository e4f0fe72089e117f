// SPDX-License-Identifier: Apache-2.0
// Evidence files: sealed with the directory's key, named by the hash of their
// plain content. A name is only ever written whole: aside, synced, renamed.
#include "blob.h"

#include <sodium.h>
#include <stdio.h>

#include "check.h"
#include "err.h"
#include "files.h"

enum {
    KEY_BYTES = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
    NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    NAME_BYTES = 2 * HASH_BYTES + 2, // "ab/cdef...", NUL
};

struct blob {
    struct env *env;
    char *dir;
    uint8_t key[KEY_BYTES];
};

static int load_key(struct blob *b)
{
    struct env *env = b->env;
    size_t n = strlen(b->dir) + sizeof "/key";
    char *path = mem_alloc(&env->mem, n);
    snprintf(path, n, "%s/key", b->dir);
    struct span key;
    int err = files_read_all(env, path, KEY_BYTES, &key);
    if (err == 0) {
        if (key.n == KEY_BYTES)
            memcpy(b->key, key.p, KEY_BYTES);
        else
            err = E_CORRUPT;
        mem_free(&env->mem, (void *)(uintptr_t)key.p);
    } else if (err == E_NOT_FOUND) {
        env_random(env, b->key, KEY_BYTES);
        err = files_replace(env, path, span_of(b->key, KEY_BYTES));
    }
    mem_free(&env->mem, path);
    return err;
}

int blob_open(struct env *env, const char *dir, struct blob **ret)
{
    struct blob *b = mem_zalloc(&env->mem, sizeof *b);
    b->env = env;
    b->dir = mem_strdup(&env->mem, dir);
    int err = files_mkdir(env, dir);
    if (err == 0) err = load_key(b);
    if (err != 0) {
        blob_close(b);
        return err;
    }
    *ret = b;
    return 0;
}

void blob_close(struct blob *b)
{
    if (b == NULL) return;
    struct env *env = b->env;
    sodium_memzero(b->key, KEY_BYTES);
    mem_free(&env->mem, b->dir);
    mem_free(&env->mem, b);
}

// DIR/ab/cdef..., or with folder only DIR/ab. To be freed with mem_free.
static char *path_of(const struct blob *b, const uint8_t name[HASH_BYTES], bool folder_only)
{
    char hex[2 * HASH_BYTES + 1];
    sodium_bin2hex(hex, sizeof hex, name, HASH_BYTES);
    size_t n = strlen(b->dir) + 1 + NAME_BYTES;
    char *path = mem_alloc(&b->env->mem, n);
    if (folder_only)
        snprintf(path, n, "%s/%.2s", b->dir, hex);
    else
        snprintf(path, n, "%s/%.2s/%s", b->dir, hex, hex + 2);
    return path;
}

static bool is_there(struct blob *b, const char *path)
{
    struct file *f = NULL;
    if (file_open(b->env, path, FILE_READ, &f) != 0) return false;
    file_close(b->env, f);
    return true;
}

static int write_sealed(struct blob *b, const char *path, struct span content, const uint8_t name[HASH_BYTES])
{
    struct mem *m = &b->env->mem;
    uint8_t *sealed = mem_alloc(m, NONCE_BYTES + content.n + TAG_BYTES);
    unsigned long long n = 0;
    env_random(b->env, sealed, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_BYTES, &n, content.p, content.n, name,
                                               HASH_BYTES, NULL, sealed, b->key);
    int err = files_replace(b->env, path, span_of(sealed, NONCE_BYTES + (size_t)n));
    mem_free(m, sealed);
    return err;
}

int blob_put(struct blob *b, struct span content, uint8_t ret_name[HASH_BYTES])
{
    uint8_t name[HASH_BYTES];
    if (content.n > BLOB_MAX_BYTES) return E_TOO_BIG;
    hash_bytes(content, name);
    char *folder = path_of(b, name, true), *path = path_of(b, name, false);
    int err = 0;
    if (!is_there(b, path)) {
        err = files_mkdir(b->env, folder);
        if (err == 0) err = write_sealed(b, path, content, name);
    }
    mem_free(&b->env->mem, folder);
    mem_free(&b->env->mem, path);
    if (err == 0) memcpy(ret_name, name, HASH_BYTES);
    return err;
}

int blob_get(struct blob *b, const uint8_t name[HASH_BYTES], struct span *ret)
{
    struct mem *m = &b->env->mem;
    char *path = path_of(b, name, false);
    struct span sealed;
    int err = files_read_all(b->env, path, BLOB_MAX_BYTES + NONCE_BYTES + TAG_BYTES, &sealed);
    mem_free(m, path);
    if (err != 0) return err;
    uint8_t *plain = mem_alloc(m, sealed.n);
    unsigned long long n = 0;
    if (sealed.n < NONCE_BYTES + TAG_BYTES ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &n, NULL, sealed.p + NONCE_BYTES,
                                                   sealed.n - NONCE_BYTES, name, HASH_BYTES, sealed.p,
                                                   b->key) != 0)
        err = E_CRYPTO;
    mem_free(m, (void *)(uintptr_t)sealed.p);
    if (err != 0) {
        mem_free(m, plain);
        return err;
    }
    *ret = span_of(plain, (size_t)n);
    return 0;
}

int blob_drop(struct blob *b, const uint8_t name[HASH_BYTES])
{
    char *path = path_of(b, name, false);
    int err = files_wipe(b->env, path);
    mem_free(&b->env->mem, path);
    return err;
}
