// SPDX-License-Identifier: Apache-2.0
// A backup of the running office. The journal comes over the feed, from where
// the last backup in this directory ended; everything in it is sealed. Keys are
// copied after it, so that none is missing, and only to a place of their own.
#include "backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env_real.h"
#include "err.h"
#include "feed.h"
#include "files.h"

char *cli_data_path(struct cli *c, const char *name)
{
    return arena_printf(&c->arena, "%s/%s", c->data_dir, name);
}

// ---- reading ---------------------------------------------------------------

int cli_backup_open(struct cli *c, const char *path, struct backup_reader *ret)
{
    *ret = (struct backup_reader){.fd = open(path, O_RDONLY | O_CLOEXEC), .next_seq = 1};
    if (ret->fd < 0 && errno != ENOENT)
        return cli_fail(c, CLI_NO_INPUT, "cannot open %s: %s", path, strerror(errno));
    ret->block = mem_alloc(&mem_libc, BLOCK_MAX_BYTES);
    return 0;
}

void cli_backup_close(struct backup_reader *r)
{
    if (r->fd >= 0) close(r->fd);
    mem_free(&mem_libc, r->block);
}

static bool read_whole(const struct backup_reader *r, uint8_t *to, size_t n, uint64_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(r->fd, to + done, n - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

int cli_backup_next(struct cli *c, struct backup_reader *r, struct span *ret)
{
    if (r->fd < 0 || !read_whole(r, r->block, BLOCK_HEADER_BYTES, r->bytes)) return 0;
    uint32_t total = (uint32_t)r->block[20] | (uint32_t)r->block[21] << 8 | (uint32_t)r->block[22] << 16 |
                     (uint32_t)r->block[23] << 24;
    bool fits = total >= BLOCK_HEADER_BYTES && total <= BLOCK_MAX_BYTES;
    if (fits && !read_whole(r, r->block + BLOCK_HEADER_BYTES, total - BLOCK_HEADER_BYTES,
                            r->bytes + BLOCK_HEADER_BYTES))
        return 0;
    struct span block = span_of(r->block, fits ? total : 0);
    if (!fits || block_verify(block, r->hash) != 0 || block_open(block, &r->head) != 0 ||
        r->head.first_seq != r->next_seq)
        return 1 + cli_fail(c, CLI_DATA,
                            "the backup is damaged: the block at byte %" PRIu64 " (event %" PRIu64
                            ") does not fit",
                            r->bytes, r->next_seq);
    r->bytes += total;
    r->next_seq += r->head.count;
    r->time_us = r->head.time_us;
    memcpy(r->hash, r->head.hash, HASH_BYTES);
    *ret = block;
    return 1;
}

// ---- writing ---------------------------------------------------------------

struct backing_up {
    struct cli *c;
    struct env *env;
    struct feed *feed;
    const char *path;
    int fd;
    uint64_t to, events, at;
    int status;
};

static void end(struct backing_up *b, int status)
{
    if (b->status == 0) b->status = status;
    env_stop(b->env, 0);
}

static void on_block(void *self, struct buf *block, const struct block_head *head)
{
    struct backing_up *b = self;
    uint64_t last = head->first_seq + head->count - 1;
    for (size_t done = 0; done < block->n;) {
        ssize_t put = pwrite(b->fd, block->p + done, block->n - done, (off_t)(b->at + done));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0)
            return end(b, cli_fail(b->c, CLI_CANNOT_CREATE, "cannot write %s: %s", b->path, strerror(errno)));
        done += (size_t)put;
    }
    b->at += block->n;
    b->events += head->count;
    feed_done(b->feed, block->n, last);
    if (last >= b->to) end(b, 0);
}

static void on_refused(void *self, int err)
{
    struct backing_up *b = self;
    if (err == E_MISMATCH)
        end(b,
            cli_fail(b->c, CLI_DATA, "%s is the backup of another journal: take another directory", b->path));
    else
        end(b, cli_fail(b->c, CLI_DATA, "intake refused: %s", err_text(err)));
}

// What is there, checked; what is not whole of its end is written anew.
static int find_end(struct cli *c, const char *path, struct backup_reader *r)
{
    struct span block;
    int got = 1, status = cli_backup_open(c, path, r);
    if (status != 0) return status;
    while (got == 1) got = cli_backup_next(c, r, &block);
    if (got != 0) cli_backup_close(r);
    return got == 0 ? 0 : got - 1;
}

static int follow(struct backing_up *b, const struct backup_reader *have)
{
    struct place place = cli_place(b->c, "intake-feed");
    struct feed_opts opts = {.endpoint = place.endpoint,
                             .keys = place.keys,
                             .name = "kesu-backup",
                             .from_seq = have->next_seq,
                             .compare_hash = have->next_seq > 1,
                             .self = b,
                             .on_block = on_block,
                             .on_refused = on_refused};
    memcpy(opts.last_hash, have->hash, HASH_BYTES);
    int err = feed_open(b->env, &opts, &b->feed);
    if (err != 0) return cli_fail(b->c, CLI_INTERNAL, "%s", err_text(err));
    env_real_run(b->c->real);
    feed_close(b->feed);
    if (b->status == 0 && have->next_seq + b->events <= b->to)
        return cli_fail(b->c, CLI_UNAVAILABLE, "interrupted: run it again, it goes on from here");
    return b->status;
}

static int backup_journal(struct cli *c, const char *path, uint64_t *ret_head, uint64_t *ret_events)
{
    struct backing_up b = {.c = c, .env = cli_env(c), .path = path};
    struct backup_reader have;
    Kesu__V1__Info *info = NULL;
    int status = cli_info(c, "intake", &info);
    if (status == 0) status = find_end(c, path, &have);
    if (status != 0) return status;
    b.to = info->head_seq;
    b.at = have.bytes;
    b.fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (b.fd < 0) status = cli_fail(c, CLI_CANNOT_CREATE, "cannot open %s: %s", path, strerror(errno));
    if (status == 0 && have.next_seq > b.to + 1)
        status = cli_fail(c, CLI_DATA, "%s is ahead of the journal: take another directory", path);
    if (status == 0 && have.next_seq == b.to + 1 && b.to > 0 && info->head_hash.len == HASH_BYTES &&
        memcmp(info->head_hash.data, have.hash, HASH_BYTES) != 0)
        status = cli_fail(c, CLI_DATA, "%s is the backup of another journal: take another directory", path);
    if (status == 0 && have.next_seq <= b.to) status = follow(&b, &have);
    if (status == 0 && (ftruncate(b.fd, (off_t)b.at) != 0 || fsync(b.fd) != 0))
        status = cli_fail(c, CLI_CANNOT_CREATE, "cannot write %s: %s", path, strerror(errno));
    if (b.fd >= 0) close(b.fd);
    cli_backup_close(&have);
    *ret_head = have.next_seq + b.events - 1;
    *ret_events = b.events;
    return status;
}

int cli_backup(struct cli *c)
{
    const char *dir = c->args[0], *keys = cli_flag(c, "keys");
    struct backup_passphrase pass = {.n = 0};
    uint64_t head = 0, events = 0, copied = 0;
    int status = keys != NULL ? cli_backup_passphrase(c, &pass) : 0;
    if (status != 0) return status;
    if (files_mkdir(cli_env(c), dir) != 0) return cli_fail(c, CLI_CANNOT_CREATE, "cannot make %s", dir);
    status = backup_journal(c, arena_printf(&c->arena, "%s/" BACKUP_JOURNAL, dir), &head, &events);
    if (status == 0)
        status = cli_backup_blobs(c, cli_data_path(c, "blobs"), arena_printf(&c->arena, "%s/blobs", dir),
                                  true, &copied);
    if (status == 0 && keys != NULL) status = cli_backup_keys_write(c, keys, &pass);
    memset(&pass, 0, sizeof pass);
    if (status != 0) return status;
    printf("%s: up to event %" PRIu64 ", %" PRIu64 " new; %" PRIu64 " new attachments; keys %s\n", dir, head,
           events, copied, keys != NULL ? keys : "not copied (see --keys)");
    return 0;
}
