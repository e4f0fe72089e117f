/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a daemon: every change of files below given directories is
 * logged with its content and its place in one order of all processes, so that
 * power.py can say what a disk may hold after the power failed in between.
 *
 *   KESU_RECORDER_ROOTS   directories, absolute, by ':'
 *   KESU_RECORDER_LOG     directory of the logs, one a process
 *   KESU_RECORDER_ORDER   file of 8 bytes: the last number given
 *   KESU_RECORDER_SYNC_US longest wait put into a sync, to widen what it covers
 *
 * A change is made and logged under one lock, so that no sync of another thread
 * begins in between; a sync is logged when it begins and when it has ended.
 * SIGRTMAX ends the process as SIGKILL does, but never between a change and its log. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS       65536
#define PATH_MAX_ 4096
#define ROOTS     4

enum kind {
    CREATED = 1,
    WRITTEN,
    RESIZED,
    SYNC_BEGAN,
    SYNCED,
    RENAMED,
    LINKED,
    UNLINKED,
    MADE,
    WRITE_SYNCED,
    MAPPED,
    UNKNOWN
};

/* As power.py reads it; then n bytes. */
struct record {
    uint64_t seq, ino, a, b;
    uint32_t kind, n;
};

static struct {
    pthread_mutex_t lock;
    bool ready;
    char *roots[ROOTS];
    unsigned n_roots;
    int log;
    _Atomic uint64_t *order;
    unsigned sync_us;
    uint8_t watched[FDS]; /* 1 below a root, 2 and O_DSYNC */
} rec = {.lock = PTHREAD_MUTEX_INITIALIZER, .log = -1};

/* POSIX has dlsym return functions as objects. */
#define REAL(f)                                                             \
    __extension__({                                                         \
        static __typeof__(&(f)) real_;                                      \
        if (real_ == NULL) real_ = (__typeof__(real_))dlsym(RTLD_NEXT, #f); \
        real_;                                                              \
    })

static _Noreturn void give_up(const char *what)
{
    dprintf(2, "recorder: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) give_up(name);
    return value;
}

static void *end_when_told(void *end)
{
    int got;
    sigwait(end, &got);
    pthread_mutex_lock(&rec.lock);
    raise(SIGKILL);
    return NULL;
}

__attribute__((constructor)) static void start(void)
{
    static sigset_t end;
    pthread_t ender;

    char path[PATH_MAX_], *roots = strdup(setting("KESU_RECORDER_ROOTS")), *rest = roots, *root;
    while ((root = strsep(&rest, ":")) != NULL && rec.n_roots < ROOTS) rec.roots[rec.n_roots++] = root;
    snprintf(path, sizeof(path), "%s/%d", setting("KESU_RECORDER_LOG"), getpid());
    rec.log = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, setting("KESU_RECORDER_ORDER"), O_RDWR | O_CLOEXEC, 0);
    if (rec.log < 0 || fd < 0) give_up("its files");
    void *order = REAL(mmap)(NULL, sizeof(*rec.order), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (order == MAP_FAILED) give_up("the order");
    rec.order = order;
    syscall(SYS_close, fd);
    const char *wait = getenv("KESU_RECORDER_SYNC_US");
    rec.sync_us = wait != NULL ? (unsigned)atoi(wait) : 0;
    sigemptyset(&end);
    sigaddset(&end, SIGRTMAX);
    pthread_sigmask(SIG_BLOCK, &end, NULL); /* before any other thread, which has it from here */
    if (pthread_create(&ender, NULL, end_when_told, &end) != 0) give_up("its thread");
    rec.ready = true;
}

/* ---- the log ------------------------------------------------------------- */

static void lock(void)
{
    pthread_mutex_lock(&rec.lock);
}

static void unlock(void)
{
    int e = errno;
    pthread_mutex_unlock(&rec.lock);
    errno = e;
}

/* Locked. Returns its number. */
static uint64_t put(enum kind kind, uint64_t ino, uint64_t a, uint64_t b, const void *bytes, size_t n)
{
    int e = errno;
    struct record r = {atomic_fetch_add(rec.order, 1) + 1, ino, a, b, kind, (uint32_t)n};
    union {
        const void *in;
        void *out;
    } p = {.in = bytes};
    struct iovec parts[2] = {{&r, sizeof(r)}, {p.out, n}};
    if (syscall(SYS_writev, rec.log, parts, 2) != (long)(sizeof(r) + n)) give_up("its log");
    errno = e;
    return r.seq;
}

static bool below_root(const char *path)
{
    for (unsigned i = 0; i < rec.n_roots; i++) {
        size_t n = strlen(rec.roots[i]);
        if (strncmp(path, rec.roots[i], n) == 0 && (path[n] == '/' || path[n] == 0)) return true;
    }
    return false;
}

/* The absolute path, when it lies below a root. */
static bool watched_path(int dir, const char *path, char ret[PATH_MAX_])
{
    char link[64], base[PATH_MAX_];
    if (!rec.ready) return false;
    if (path[0] == '/') return snprintf(ret, PATH_MAX_, "%s", path) < PATH_MAX_ && below_root(ret);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
    ssize_t n = readlink(dir == AT_FDCWD ? "/proc/self/cwd" : link, base, sizeof(base) - 1);
    if (n < 0) return false;
    base[n] = 0;
    return snprintf(ret, PATH_MAX_, "%.2000s/%.2000s", base, path) < PATH_MAX_ && below_root(ret);
}

static uint64_t inode(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static uint64_t inode_at(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_ino : 0;
}

static bool watched(int fd)
{
    return rec.ready && fd >= 0 && fd < FDS && rec.watched[fd] != 0;
}

/* A change that is not modelled: the reader of the log fails on it. */
static void unknown(const char *what)
{
    lock();
    put(UNKNOWN, 0, 0, 0, what, strlen(what));
    unlock();
}

/* ---- names --------------------------------------------------------------- */

static int open_any(int dir, const char *path, int flags, mode_t mode)
{
    char whole[PATH_MAX_];
    if (!watched_path(dir, path, whole)) return (int)syscall(SYS_openat, dir, path, flags, mode);
    lock();
    bool was = inode_at(whole) != 0;
    int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
    if (fd >= FDS) give_up("so many open files");
    if (fd >= 0) {
        rec.watched[fd] = (flags & O_DSYNC) != 0 ? 2 : 1;
        if (!was && (flags & O_CREAT) != 0) put(CREATED, inode(fd), 0, 0, whole, strlen(whole));
        if (was && (flags & O_TRUNC) != 0) put(RESIZED, inode(fd), 0, 0, NULL, 0);
        if ((flags & O_TMPFILE) == O_TMPFILE) put(UNKNOWN, 0, 0, 0, "O_TMPFILE", 9);
    }
    unlock();
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
}

#define OPEN(name)                                    \
    int name(const char *path, int flags, ...)        \
    {                                                 \
        va_list args;                                 \
        va_start(args, flags);                        \
        mode_t mode = mode_of(flags, args);           \
        va_end(args);                                 \
        return open_any(AT_FDCWD, path, flags, mode); \
    }
#define OPENAT(name)                                    \
    int name(int dir, const char *path, int flags, ...) \
    {                                                   \
        va_list args;                                   \
        va_start(args, flags);                          \
        mode_t mode = mode_of(flags, args);             \
        va_end(args);                                   \
        return open_any(dir, path, flags, mode);        \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

int __open_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}

int __openat_2(int dir, const char *path, int flags)
{
    return open_any(dir, path, flags, 0);
}

int __openat64_2(int dir, const char *path, int flags)
{
    return open_any(dir, path, flags, 0);
}

int creat(const char *path, mode_t mode)
{
    return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode)
{
    return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int close(int fd)
{
    if (rec.ready && fd >= 0 && fd < FDS) rec.watched[fd] = 0;
    return REAL(close)(fd);
}

/* Two paths are told with a NUL between. */
static int two_names(enum kind kind, int from_dir, const char *from, int to_dir, const char *to,
                     unsigned flags)
{
    char paths[2 * PATH_MAX_], a[PATH_MAX_], b[PATH_MAX_];
    bool from_watched = watched_path(from_dir, from, a), to_watched = watched_path(to_dir, to, b);
    lock();
    uint64_t ino = from_watched || to_watched ? inode_at(a) : 0;
    long r = kind == RENAMED ? syscall(SYS_renameat2, from_dir, from, to_dir, to, flags)
                             : syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
    if (r == 0 && (from_watched || to_watched)) {
        int n = snprintf(paths, sizeof(paths), "%s%c%s", a, 0, b);
        put(from_watched && to_watched && (kind == LINKED || flags == 0) ? kind : UNKNOWN, ino, 0, 0, paths,
            (size_t)n);
    }
    unlock();
    return (int)r;
}

int rename(const char *from, const char *to)
{
    return two_names(RENAMED, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return two_names(RENAMED, from_dir, from, to_dir, to, 0);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    return two_names(RENAMED, from_dir, from, to_dir, to, flags);
}

int link(const char *from, const char *to)
{
    return two_names(LINKED, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    return two_names(LINKED, from_dir, from, to_dir, to, (unsigned)flags);
}

static int unlink_any(int dir, const char *path, int flags)
{
    char whole[PATH_MAX_];
    if (!watched_path(dir, path, whole)) return (int)syscall(SYS_unlinkat, dir, path, flags);
    lock();
    uint64_t ino = inode_at(whole);
    int r = (int)syscall(SYS_unlinkat, dir, path, flags);
    if (r == 0) put(UNLINKED, ino, 0, 0, whole, strlen(whole));
    unlock();
    return r;
}

int unlink(const char *path)
{
    return unlink_any(AT_FDCWD, path, 0);
}

int unlinkat(int dir, const char *path, int flags)
{
    return unlink_any(dir, path, flags);
}

int rmdir(const char *path)
{
    return unlink_any(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path)
{
    struct stat st;
    bool folder = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
    return unlink_any(AT_FDCWD, path, folder ? AT_REMOVEDIR : 0);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
    char whole[PATH_MAX_];
    if (!watched_path(dir, path, whole)) return (int)syscall(SYS_mkdirat, dir, path, mode);
    lock();
    int r = (int)syscall(SYS_mkdirat, dir, path, mode);
    if (r == 0) put(MADE, inode_at(whole), 0, 0, whole, strlen(whole));
    unlock();
    return r;
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

/* ---- content ------------------------------------------------------------- */

static void wait_a_little(void)
{
    static _Thread_local unsigned seed;
    if (rec.sync_us == 0) return;
    if (seed == 0) seed = (unsigned)gettid();
    int e = errno;
    usleep((unsigned)rand_r(&seed) % rec.sync_us);
    errno = e;
}

/* What was written to a descriptor with O_DSYNC is on disk when the call ends, and nothing else is. */
static void after_write(int fd, uint64_t ino, uint64_t seq)
{
    if (rec.watched[fd] != 2) return;
    wait_a_little();
    lock();
    put(WRITE_SYNCED, ino, seq, 0, NULL, 0);
    unlock();
}

static uint64_t place(int fd)
{
    struct stat st;
    if ((fcntl(fd, F_GETFL) & O_APPEND) != 0 && fstat(fd, &st) == 0) return (uint64_t)st.st_size;
    return (uint64_t)lseek(fd, 0, SEEK_CUR);
}

/* at < 0: where the descriptor stands. */
static ssize_t write_one(int fd, const void *bytes, size_t n, off_t at)
{
    lock();
    uint64_t ino = inode(fd), from = at < 0 ? place(fd) : (uint64_t)at, seq = 0;
    ssize_t done = at < 0 ? syscall(SYS_write, fd, bytes, n) : syscall(SYS_pwrite64, fd, bytes, n, at);
    if (done > 0) seq = put(WRITTEN, ino, from, 0, bytes, (size_t)done);
    unlock();
    if (done > 0) after_write(fd, ino, seq);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    return watched(fd) ? write_one(fd, bytes, n, -1) : REAL(write)(fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return watched(fd) ? write_one(fd, bytes, n, at) : REAL(pwrite)(fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
    return watched(fd) ? write_one(fd, bytes, n, at) : REAL(pwrite64)(fd, bytes, n, at);
}

/* As one write of what the parts hold together. */
static ssize_t write_parts(int fd, const struct iovec *parts, int n_parts, off_t at)
{
    size_t n = 0, room = 0;
    for (int i = 0; i < n_parts; i++) room += parts[i].iov_len;
    char *whole = malloc(room + 1);
    if (whole == NULL) give_up("memory");
    for (int i = 0; i < n_parts; n += parts[i++].iov_len)
        memcpy(whole + n, parts[i].iov_base, parts[i].iov_len);
    ssize_t done = write_one(fd, whole, n, at);
    free(whole);
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    return watched(fd) ? write_parts(fd, parts, n, -1) : REAL(writev)(fd, parts, n);
}

ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t at)
{
    return watched(fd) ? write_parts(fd, parts, n, at) : REAL(pwritev)(fd, parts, n, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int n, off_t at)
{
    return watched(fd) ? write_parts(fd, parts, n, at) : REAL(pwritev64)(fd, parts, n, at);
}

int ftruncate(int fd, off_t size)
{
    if (!watched(fd)) return REAL(ftruncate)(fd, size);
    lock();
    int r = REAL(ftruncate)(fd, size);
    if (r == 0) put(RESIZED, inode(fd), (uint64_t)size, 0, NULL, 0);
    unlock();
    return r;
}

int ftruncate64(int fd, off_t size)
{
    return ftruncate(fd, size);
}

int truncate(const char *path, off_t size)
{
    char whole[PATH_MAX_];
    if (watched_path(AT_FDCWD, path, whole)) unknown("truncate");
    return REAL(truncate)(path, size);
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    if (watched(fd)) unknown("fallocate");
    return REAL(fallocate)(fd, mode, at, n);
}

int posix_fallocate(int fd, off_t at, off_t n)
{
    if (watched(fd)) unknown("posix_fallocate");
    return REAL(posix_fallocate)(fd, at, n);
}

/* The path of what is changed through memory: only a store's lock may be. */
void *mmap(void *address, size_t n, int protection, int flags, int fd, off_t at)
{
    void *p = REAL(mmap)(address, n, protection, flags, fd, at);
    bool changes = (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0;
    if (p != MAP_FAILED && changes && watched(fd)) {
        char link[64], path[PATH_MAX_];
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof(path));
        lock();
        put(MAPPED, inode(fd), 0, 0, path, length > 0 ? (size_t)length : 0);
        unlock();
    }
    return p;
}

void *mmap64(void *address, size_t n, int protection, int flags, int fd, off_t at)
{
    return mmap(address, n, protection, flags, fd, at);
}

/* ---- syncs ---------------------------------------------------------------- */

static int sync_any(int fd, int (*real)(int))
{
    if (!watched(fd)) return real(fd);
    uint64_t ino = inode(fd);
    lock();
    uint64_t began = put(SYNC_BEGAN, ino, 0, 0, NULL, 0);
    unlock();
    wait_a_little();
    int r = real(fd);
    lock();
    if (r == 0) put(SYNCED, ino, began, 0, NULL, 0);
    unlock();
    return r;
}

int fsync(int fd)
{
    return sync_any(fd, REAL(fsync));
}

int fdatasync(int fd)
{
    return sync_any(fd, REAL(fdatasync));
}

/* Promises nothing that we could count on; nobody here calls these. */
int sync_file_range(int fd, off_t at, off_t n, unsigned flags)
{
    if (watched(fd)) unknown("sync_file_range");
    return REAL(sync_file_range)(fd, at, n, flags);
}

int msync(void *p, size_t n, int flags)
{
    if (rec.ready) unknown("msync");
    return REAL(msync)(p, n, flags);
}

void sync(void)
{
    if (rec.ready) unknown("sync");
    REAL(sync)();
}

int syncfs(int fd)
{
    if (rec.ready) unknown("syncfs");
    return REAL(syncfs)(fd);
}
