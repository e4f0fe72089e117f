/* SPDX-License-Identifier: Apache-2.0 */
/* Files outside the stores: keys, blobs, spools, ballast. Paths are absolute
 * or relative to the working directory; modes are 0600 and 0700. */
#ifndef KESU_FILES_H
#define KESU_FILES_H

#include "env.h"

struct file;

enum file_mode {
    FILE_READ,
    FILE_WRITE,     /* and read; must exist */
    FILE_CREATE,    /* and read and write; made when missing */
    FILE_EXCLUSIVE, /* made now; E_EXISTS when there */
};

struct files_ops {
    int (*open)(struct env *env, const char *path, enum file_mode mode, struct file **ret);
    void (*close)(struct file *f);
    int (*read)(struct file *f, uint64_t offset, void *ret, size_t n, size_t *ret_n);
    int (*write)(struct file *f, uint64_t offset, const void *p, size_t n);
    int (*sync)(struct file *f);
    int (*size)(struct file *f, uint64_t *ret);
    int (*resize)(struct file *f, uint64_t size);
    int (*rename)(struct env *env, const char *from, const char *to);
    int (*unlink)(struct env *env, const char *path);
    int (*mkdir)(struct env *env, const char *path);
    int (*list)(struct env *env, const char *path, int (*on_name)(void *self, const char *name), void *self);
    int (*free_bytes)(struct env *env, const char *path, uint64_t *ret);
};

static inline int file_open(struct env *env, const char *path, enum file_mode mode, struct file **ret)
{
    return env->files->open(env, path, mode, ret);
}
/* accepts NULL */
static inline void file_close(struct env *env, struct file *f)
{
    env->files->close(f);
}
/* Short only at the end of the file. */
static inline int file_read(struct env *env, struct file *f, uint64_t offset, void *ret, size_t n,
                            size_t *ret_n)
{
    return env->files->read(f, offset, ret, n, ret_n);
}
static inline int file_write(struct env *env, struct file *f, uint64_t offset, const void *p, size_t n)
{
    return env->files->write(f, offset, p, n);
}
/* after a failure call env_die */
static inline int file_sync(struct env *env, struct file *f)
{
    return env->files->sync(f);
}
static inline int file_size(struct env *env, struct file *f, uint64_t *ret)
{
    return env->files->size(f, ret);
}
static inline int file_resize(struct env *env, struct file *f, uint64_t size)
{
    return env->files->resize(f, size);
}
/* These three are on disk when they return: the directory is synced. */
static inline int files_rename(struct env *env, const char *from, const char *to)
{
    return env->files->rename(env, from, to);
}
static inline int files_unlink(struct env *env, const char *path)
{
    return env->files->unlink(env, path);
}
/* and its parents; 0 when there */
static inline int files_mkdir(struct env *env, const char *path)
{
    return env->files->mkdir(env, path);
}
/* In order of name, without . and ..; a non-zero answer of on_name ends it and is returned. */
static inline int files_list(struct env *env, const char *path, int (*on_name)(void *self, const char *name),
                             void *self)
{
    return env->files->list(env, path, on_name, self);
}
static inline int files_free_bytes(struct env *env, const char *path, uint64_t *ret)
{
    return env->files->free_bytes(env, path, ret);
}

/* Whole files. read: at most max bytes (E_TOO_BIG), to be freed with
 * mem_free(&env->mem, ret->p). replace: written aside, synced, renamed. */
int files_read_all(struct env *env, const char *path, size_t max, struct span *ret);
int files_replace(struct env *env, const char *path, struct span content);
/* Zeros over it, synced, then its name goes. E_NOT_FOUND. */
int files_wipe(struct env *env, const char *path);

#endif
