// SPDX-License-Identifier: Apache-2.0
// The journal as a whole: its head, its chain, its bytes. Blocks come over the
// feed like to any reader; nobody but intake opens the stores.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "anchor.h"
#include "cli.h"
#include "clock.h"
#include "env_real.h"
#include "err.h"
#include "feed.h"
#include "uuid.h"

int cli_journal_info(struct cli *c)
{
    Kesu__V1__Info *i = NULL;
    char uuid[UUID_TEXT] = "", hash[CLI_TEXT + 1], time[CLI_TEXT];
    int status = cli_info(c, "intake", &i);
    if (status != 0) return status;
    if (c->json) {
        cli_print_json(c, i);
        return 0;
    }
    if (i->journal_uuid.len == UUID_BYTES) uuid_text(i->journal_uuid.data, uuid);
    printf("journal     %s\nhead        %" PRIu64 "\nhead hash   %s\nblock time  %s\n", uuid, i->head_seq,
           cli_hex(i->head_hash, hash, sizeof hash), cli_time(i->block_time, time));
    for (size_t k = 0; k < i->n_gauges; k++)
        printf("%-40s %" PRId64 "\n", i->gauges[k]->name, i->gauges[k]->value);
    for (size_t k = 0; k < i->n_readers; k++)
        printf("reader %-20s folded %" PRIu64 ", %" PRIu64 " behind\n", i->readers[k]->name,
               i->readers[k]->folded_seq, i->head_seq - i->readers[k]->folded_seq);
    return 0;
}

static int read_anchor(struct cli *c, const char *path, uint64_t *ret_seq, uint8_t ret_hash[HASH_BYTES])
{
    struct span text;
    char copy[ANCHOR_TEXT + 1], key[CLI_TEXT + 1];
    struct anchor a;
    int status = cli_read_file(c, path, ANCHOR_TEXT, &text);
    if (status != 0) return status;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    int err = anchor_read(copy, &a);
    if (err == E_CRYPTO) return cli_fail(c, CLI_DATA, "%s: the signature is not of this text", path);
    if (err != 0) return cli_fail(c, CLI_DATA, "%s: its first line is not 'SEQ HASH'", path);
    if (a.is_signed && !c->json)
        printf("anchor signed by %s\n", cli_hex((ProtobufCBinaryData){sizeof a.key, a.key}, key, sizeof key));
    *ret_seq = a.seq;
    memcpy(ret_hash, a.hash, HASH_BYTES);
    return 0;
}

static int say_verified(struct cli *c, const Kesu__V1__JournalVerified *v)
{
    char hash[CLI_TEXT + 1];
    if (c->json)
        cli_print_json(c, v);
    else if (v->intact)
        printf("intact: %" PRIu64 " blocks, %" PRIu64 " events\n%" PRIu64 " %s\n", v->blocks, v->events,
               v->head_seq, cli_hex(v->head_hash, hash, sizeof hash));
    else
        printf("NOT intact after %" PRIu64 " blocks, %" PRIu64 " events: %s\n", v->blocks, v->events,
               v->problem);
    return v->intact ? 0 : CLI_NO;
}

struct chain {
    uint8_t hash[HASH_BYTES], anchor[HASH_BYTES];
    uint64_t anchor_seq;
    bool has_anchor, anchor_seen;
};

// One block of a file: whole, in the chain, and the anchor's if it is.
static const char *check_block(struct chain *k, struct span bytes, Kesu__V1__JournalVerified *v)
{
    struct block_head head;
    if (block_open(bytes, &head) != 0) return "a block is damaged";
    if (block_verify(bytes, v->blocks > 0 ? k->hash : NULL) != 0) return "a hash does not fit";
    if (v->blocks > 0 && head.first_seq != v->head_seq + 1) return "events are missing";
    memcpy(k->hash, head.hash, HASH_BYTES);
    v->blocks++;
    v->events += head.count;
    v->head_seq = head.first_seq + head.count - 1;
    if (k->has_anchor && v->head_seq == k->anchor_seq) {
        k->anchor_seen = true;
        if (memcmp(k->hash, k->anchor, HASH_BYTES) != 0) return "the anchor's block has another hash";
    }
    return NULL;
}

static int verify_file(struct cli *c, struct chain *k)
{
    Kesu__V1__JournalVerified v = KESU__V1__JOURNAL_VERIFIED__INIT;
    const char *path = cli_flag(c, "file"), *problem = NULL;
    FILE *f = fopen(path, "rb");
    if (f == NULL) return cli_fail(c, CLI_NO_INPUT, "cannot open %s: %s", path, strerror(errno));
    uint8_t *block = mem_alloc(&mem_libc, BLOCK_MAX_BYTES);
    size_t n;
    while (problem == NULL && (n = fread(block, 1, BLOCK_HEADER_BYTES, f)) > 0) {
        uint32_t total = (uint32_t)block[20] | (uint32_t)block[21] << 8 | (uint32_t)block[22] << 16 |
                         (uint32_t)block[23] << 24;
        if (n < BLOCK_HEADER_BYTES || total < BLOCK_HEADER_BYTES || total > BLOCK_MAX_BYTES ||
            fread(block + n, 1, total - n, f) != total - n)
            problem = "the file ends in the middle of a block";
        else
            problem = check_block(k, span_of(block, total), &v);
    }
    if (problem == NULL && ferror(f)) problem = "the file cannot be read";
    if (problem == NULL && k->has_anchor && !k->anchor_seen) problem = "no block ends where the anchor says";
    mem_free(&mem_libc, block);
    (void)fclose(f);
    v.intact = problem == NULL;
    v.problem = (char *)(uintptr_t)cli_or(problem, "");
    v.head_hash = (ProtobufCBinaryData){HASH_BYTES, k->hash};
    return say_verified(c, &v);
}

int cli_journal_verify(struct cli *c)
{
    Kesu__V1__ControlRequest request = KESU__V1__CONTROL_REQUEST__INIT;
    Kesu__V1__VerifyJournal verify = KESU__V1__VERIFY_JOURNAL__INIT;
    Kesu__V1__ControlReply *reply = NULL;
    struct chain k = {.has_anchor = cli_flag(c, "anchor") != NULL};
    int status = k.has_anchor ? read_anchor(c, cli_flag(c, "anchor"), &k.anchor_seq, k.anchor) : 0;
    if (status != 0) return status;
    if (cli_flag(c, "file") != NULL) return verify_file(c, &k);
    if (k.has_anchor) {
        verify.anchor_seq = k.anchor_seq;
        verify.anchor_hash = (ProtobufCBinaryData){HASH_BYTES, k.anchor};
    }
    if (!cli_switch(c, "timeout")) c->timeout_us = 10 * USEC_PER_MIN; // it reads all
    request.body_case = KESU__V1__CONTROL_REQUEST__BODY_VERIFY_JOURNAL;
    request.verify_journal = &verify;
    status = cli_ask(c, "intake-control", &request, &c->arena, &reply);
    if (status != 0) return status;
    if (reply->body_case != KESU__V1__CONTROL_REPLY__BODY_JOURNAL_VERIFIED)
        return cli_fail(c, CLI_INTERNAL, "intake answered something else");
    return say_verified(c, reply->journal_verified);
}

struct exporting {
    struct cli *c;
    struct env *env;
    struct feed *feed;
    FILE *file;
    uint64_t to, events, bytes;
    int status;
};

static void on_block(void *self, struct buf *block, const struct block_head *head)
{
    struct exporting *x = self;
    uint64_t last = head->first_seq + head->count - 1;
    if (x->events > 0 && head->first_seq > x->to) return env_stop(x->env, 0);
    if (fwrite(block->p, 1, block->n, x->file) != block->n) {
        x->status = cli_fail(x->c, CLI_CANNOT_CREATE, "cannot write %s", x->c->args[0]);
        return env_stop(x->env, 0);
    }
    x->events += head->count;
    x->bytes += block->n;
    feed_done(x->feed, block->n, last);
    if (last >= x->to) env_stop(x->env, 0);
}

static void on_refused(void *self, int err)
{
    struct exporting *x = self;
    x->status = cli_fail(x->c, CLI_DATA, "intake refused: %s", err_text(err));
    env_stop(x->env, 0);
}

int cli_journal_export(struct cli *c)
{
    struct exporting x = {.c = c, .env = cli_env(c)};
    int64_t from = 1, to = 0;
    Kesu__V1__Info *info = NULL;
    int status = cli_flag_int(c, "from", 1, INT64_MAX, &from);
    if (status == 0) status = cli_flag_int(c, "to", 1, INT64_MAX, &to);
    if (status == 0) status = cli_info(c, "intake", &info);
    if (status != 0) return status;
    x.to = to > 0 && (uint64_t)to < info->head_seq ? (uint64_t)to : info->head_seq;
    if ((uint64_t)from > x.to) return cli_fail(c, CLI_DATA, "the newest event is %" PRIu64, info->head_seq);
    x.file = fopen(c->args[0], "wb");
    if (x.file == NULL)
        return cli_fail(c, CLI_CANNOT_CREATE, "cannot open %s: %s", c->args[0], strerror(errno));
    struct place place = cli_place(c, "intake-feed");
    struct feed_opts opts = {
        .endpoint = place.endpoint,
        .keys = place.keys,
        .name = "kesu-export",
        .from_seq = (uint64_t)from,
        .self = &x,
        .on_block = on_block,
        .on_refused = on_refused,
    };
    int err = feed_open(x.env, &opts, &x.feed);
    if (err == 0) env_real_run(c->real);
    feed_close(x.feed);
    if (err != 0) x.status = cli_fail(c, CLI_INTERNAL, "%s", err_text(err));
    bool synced = fflush(x.file) == 0 && fsync(fileno(x.file)) == 0;
    if (fclose(x.file) != 0 || !synced)
        if (x.status == 0) x.status = cli_fail(c, CLI_CANNOT_CREATE, "cannot write %s", c->args[0]);
    if (x.status == 0) printf("%" PRIu64 " events, %" PRIu64 " bytes\n", x.events, x.bytes);
    return x.status;
}
