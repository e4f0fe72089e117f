/* SPDX-License-Identifier: Apache-2.0 */
/* Files by POSIX calls. A file made here has its name on disk after its first
 * sync; names changed by rename, unlink and mkdir at once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "err.h"
#include "files.h"
#include "real.h"

struct file {
    struct env *env;
    int fd;
    char *unsynced_path; /* just made: its directory is to be synced too */
};

static int sync_directory_of(const char *path)
{
    char copy[PATH_MAX];
    if (strlen(path) >= sizeof(copy)) return E_RANGE;
    strcpy(copy, path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return real_error(errno);
    int e = fsync(fd) == 0 ? 0 : E_IO;
    close(fd);
    return e;
}

static int open_file(struct env *env, const char *path, enum file_mode mode, struct file **ret)
{
    int flags = O_CLOEXEC | (mode == FILE_READ ? O_RDONLY : O_RDWR);
    bool made = mode == FILE_EXCLUSIVE;
    if (mode == FILE_EXCLUSIVE) flags |= O_CREAT | O_EXCL;
    int fd = open(path, flags, 0600);
    if (fd < 0 && errno == ENOENT && mode == FILE_CREATE) {
        made = true;
        fd = open(path, flags | O_CREAT, 0600);
    }
    if (fd < 0) return real_error(errno);
    struct file *f = mem_alloc(&env->mem, sizeof(*f));
    *f = (struct file){.env = env, .fd = fd, .unsynced_path = made ? mem_strdup(&env->mem, path) : NULL};
    *ret = f;
    return 0;
}

static void close_file(struct file *f)
{
    if (f == NULL) return;
    close(f->fd);
    mem_free(&f->env->mem, f->unsynced_path);
    mem_free(&f->env->mem, f);
}

static int read_file(struct file *f, uint64_t offset, void *ret, size_t n, size_t *ret_n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(f->fd, (char *)ret + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return real_error(errno);
        if (got == 0) break;
        done += (size_t)got;
    }
    *ret_n = done;
    return 0;
}

static int write_file(struct file *f, uint64_t offset, const void *p, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = pwrite(f->fd, (const char *)p + done, n - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return real_error(errno);
        done += (size_t)put;
    }
    return 0;
}

static int sync_file(struct file *f)
{
    if (fdatasync(f->fd) != 0) return E_IO;
    if (f->unsynced_path == NULL) return 0;
    int e = sync_directory_of(f->unsynced_path);
    if (e < 0) return e;
    mem_free(&f->env->mem, f->unsynced_path);
    f->unsynced_path = NULL;
    return 0;
}

static int size_of_file(struct file *f, uint64_t *ret)
{
    struct stat st;
    if (fstat(f->fd, &st) != 0) return real_error(errno);
    *ret = (uint64_t)st.st_size;
    return 0;
}

static int resize_file(struct file *f, uint64_t size)
{
    return ftruncate(f->fd, (off_t)size) == 0 ? 0 : real_error(errno);
}

static int rename_file(struct env *env, const char *from, const char *to)
{
    (void)env;
    if (rename(from, to) != 0) return real_error(errno);
    int e = sync_directory_of(to);
    return e < 0 ? e : sync_directory_of(from);
}

static int unlink_file(struct env *env, const char *path)
{
    (void)env;
    if (unlink(path) != 0) return real_error(errno);
    return sync_directory_of(path);
}

static int make_one(const char *path)
{
    if (mkdir(path, 0700) == 0) return sync_directory_of(path);
    if (errno != EEXIST) return real_error(errno);
    struct stat st;
    if (stat(path, &st) != 0) return real_error(errno);
    return S_ISDIR(st.st_mode) ? 0 : E_EXISTS;
}

static int make_directory(struct env *env, const char *path)
{
    (void)env;
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(part)) return E_RANGE;
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != 0) continue;
        memcpy(part, path, i);
        part[i] = 0;
        int e = make_one(part);
        if (e < 0) return e;
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_directory(struct env *env, const char *path, int (*on_name)(void *self, const char *name),
                          void *self)
{
    DIR *dir = opendir(path);
    if (dir == NULL) return real_error(errno);
    char **names = NULL;
    size_t n = 0, room = 0;
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0) continue;
        if (n == room) {
            room = room == 0 ? 32 : room * 2;
            names = mem_realloc(&env->mem, names, room * sizeof(char *));
        }
        names[n++] = mem_strdup(&env->mem, d->d_name);
    }
    closedir(dir);
    if (n > 1) qsort(names, n, sizeof(char *), by_name);
    int e = 0;
    for (size_t i = 0; i < n; i++) {
        if (e == 0) e = on_name(self, names[i]);
        mem_free(&env->mem, names[i]);
    }
    mem_free(&env->mem, names);
    return e;
}

static int free_bytes(struct env *env, const char *path, uint64_t *ret)
{
    (void)env;
    struct statvfs st;
    if (statvfs(path, &st) != 0) return real_error(errno);
    *ret = (uint64_t)st.f_bavail * st.f_frsize;
    return 0;
}

const struct files_ops files_posix_ops = {
    .open = open_file,
    .close = close_file,
    .read = read_file,
    .write = write_file,
    .sync = sync_file,
    .size = size_of_file,
    .resize = resize_file,
    .rename = rename_file,
    .unlink = unlink_file,
    .mkdir = make_directory,
    .list = list_directory,
    .free_bytes = free_bytes,
};
