/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, on any environment. */
#include "files.h"
#include "err.h"

int files_read_all(struct env *env, const char *path, size_t max, struct span *ret)
{
    struct file *f;
    int e = file_open(env, path, FILE_READ, &f);
    if (e < 0) return e;
    uint64_t size = 0;
    size_t n = 0;
    uint8_t *bytes = NULL;
    e = file_size(env, f, &size);
    if (e == 0 && size > max) e = E_TOO_BIG;
    if (e == 0) {
        bytes = mem_alloc(&env->mem, (size_t)size + 1);
        e = file_read(env, f, 0, bytes, (size_t)size, &n);
    }
    file_close(env, f);
    if (e < 0) {
        mem_free(&env->mem, bytes);
        return e;
    }
    bytes[n] = 0; /* of use for texts; not counted */
    *ret = span_of(bytes, n);
    return 0;
}

static int write_aside(struct env *env, const char *path, struct span content)
{
    struct file *f;
    int e = file_open(env, path, FILE_CREATE, &f);
    if (e < 0) return e;
    e = file_resize(env, f, 0);
    if (e == 0) e = file_write(env, f, 0, content.p, content.n);
    if (e == 0 && (e = file_sync(env, f)) < 0) env_die(env, "a sync failed");
    file_close(env, f);
    return e;
}

int files_replace(struct env *env, const char *path, struct span content)
{
    char *aside = mem_printf(&env->mem, "%s.new", path);
    int e = write_aside(env, aside, content);
    if (e == 0) e = files_rename(env, aside, path);
    mem_free(&env->mem, aside);
    return e;
}

int files_wipe(struct env *env, const char *path)
{
    static const uint8_t zeros[4096];
    struct file *f = NULL;
    uint64_t size = 0;
    int err = file_open(env, path, FILE_WRITE, &f);
    if (err != 0) return err;
    err = file_size(env, f, &size);
    for (uint64_t at = 0; at < size && err == 0; at += sizeof zeros)
        err = file_write(env, f, at, zeros, size - at < sizeof zeros ? (size_t)(size - at) : sizeof zeros);
    if (err == 0 && file_sync(env, f) != 0) err = E_IO;
    file_close(env, f);
    return err == 0 ? files_unlink(env, path) : err;
}
