// SPDX-License-Identifier: Apache-2.0
// Many complaints, a line each: read as answers come, so that at most --window
// are unanswered and memory stays small. What is refused for now goes again
// after a pause; a bar on standard error shows how far it is.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cases.h"
#include "check.h"
#include "clock.h"
#include "command.h"
#include "env_real.h"
#include "err.h"
#include "json.h"
#include "sched.h"
#include "submit.h"
#include "uuid.h"

enum { ARENA_BYTES = 16 << 20 };
#define PAUSE_US (500 * USEC_PER_MS)

struct line {
    struct lines *all;
    struct line *next; // waits to be sent again
    uint64_t number;
    uint8_t id[UUID_BYTES];
    size_t n;
    uint8_t encoded[];
};

struct lines {
    struct cli *c;
    struct env *env;
    struct command_client *client;
    struct timer *timer;
    FILE *file;
    const char *base; // file name without directory
    char *text;
    size_t text_size;
    struct line *again;
    int64_t bytes, bytes_read;
    uint64_t number, unanswered, window;
    uint64_t accepted, joined, duplicate, refused, later;
    int64_t start_us, progress_us;
    bool at_end, show_bar;
    int status;
};

static void note(struct lines *l, int status)
{
    if (l->status == 0 || l->status == CLI_TEMPORARY) l->status = status;
}

static void draw(struct lines *l)
{
    if (!l->show_bar) return;
    double share = l->bytes > 0 ? (double)l->bytes_read / (double)l->bytes : 0;
    double seconds = (double)(clock_mono_us(l->env) - l->start_us) / 1e6;
    uint64_t done = l->accepted + l->refused;
    cli_progress(share, "%" PRIu64 " accepted, %" PRIu64 " refused, %.0f/s", l->accepted, l->refused,
                 seconds > 0 ? (double)done / seconds : 0);
}

static void on_reply(void *self, const Kesu__V1__Reply *reply);

static void send_line(struct line *line)
{
    command_send(line->all->client, line->id, span_of(line->encoded, line->n), on_reply, line);
}

static void refuse_line(struct lines *l, uint64_t number, const char *code, const char *field,
                        const char *reason)
{
    l->refused++;
    note(l, CLI_DATA);
    if (l->show_bar) fputc('\n', stderr);
    fprintf(stderr, "line %" PRIu64 ": %s%s%s: %s\n", number, code, field[0] != '\0' ? " at " : "", field,
            reason);
}

static void read_more(struct lines *l);

static void on_reply(void *self, const Kesu__V1__Reply *reply)
{
    struct line *line = self;
    struct lines *l = line->all;
    l->progress_us = clock_mono_us(l->env);
    if (reply->result_case == KESU__V1__REPLY__RESULT_REFUSED) {
        const Kesu__V1__Refused *r = reply->refused;
        if (r->disposition == KESU__V1__DISPOSITION__DISPOSITION_RETRY) {
            l->later++;
            line->next = l->again;
            l->again = line;
            return;
        }
        refuse_line(l, line->number, err_name(-(int)r->code), r->field,
                    cli_or(r->reason, err_text(-(int)r->code)));
    } else {
        l->accepted++;
        if (reply->accepted->joined) l->joined++;
        if (reply->accepted->duplicate) l->duplicate++;
    }
    if (l->c->json) cli_print_json(l->c, reply);
    l->unanswered--;
    mem_free(&mem_libc, line);
    read_more(l);
}

static void send_text(struct lines *l, struct span text)
{
    struct cli *c = l->c;
    struct codec_error e;
    Kesu__V1__ReceiveMessage *m = NULL;
    struct arena kept = c->arena; // everything of this line comes from an arena of its own
    arena_init(&c->arena, &mem_libc, ARENA_BYTES);
    if (json_to_message(&kesu__v1__receive_message__descriptor, text, &c->arena, &m, &e) == 0) {
        Kesu__V1__Command *k = cli_new(c, &kesu__v1__command__descriptor);
        cli_submit_complete(c, m);
        char number[24];
        snprintf(number, sizeof number, "%" PRIu64, l->number);
        const struct span pieces[] = {span_str(l->base), SPAN_LIT("\0"), span_str(number), SPAN_LIT("\0"),
                                      text};
        if (m->external == NULL) cli_submit_identity(c, m, cli_flag(c, "mailbox"), pieces, 5);
        k->body_case = KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE;
        k->receive_message = m;
        cli_command_prepare(c, k);
        size_t n = codec_size(k);
        struct line *line = mem_zalloc(&mem_libc, sizeof *line + n);
        line->all = l;
        line->number = l->number;
        line->n = n;
        memcpy(line->id, k->id.data, UUID_BYTES);
        protobuf_c_message_pack(&k->base, line->encoded);
        l->unanswered++;
        send_line(line);
    } else {
        refuse_line(l, l->number, err_name(e.code), e.field, e.reason);
    }
    arena_deinit(&c->arena);
    c->arena = kept;
}

static void read_more(struct lines *l)
{
    while (!l->at_end && l->unanswered < l->window) {
        ssize_t n = getline(&l->text, &l->text_size, l->file);
        if (n < 0) {
            l->at_end = true;
            if (ferror(l->file)) note(l, cli_fail(l->c, CLI_NO_INPUT, "reading failed"));
            break;
        }
        l->number++;
        l->bytes_read += n;
        while (n > 0 && (l->text[n - 1] == '\n' || l->text[n - 1] == '\r' || l->text[n - 1] == ' ')) n--;
        if (n > 0) send_text(l, span_of(l->text, (size_t)n));
    }
    if (l->at_end && l->unanswered == 0) env_stop(l->env, 0);
}

static void on_tick(void *self)
{
    struct lines *l = self;
    int64_t now = clock_mono_us(l->env);
    struct line *again = l->again;
    l->again = NULL;
    for (struct line *next; again != NULL; again = next) {
        next = again->next;
        send_line(again);
    }
    draw(l);
    if (now - l->progress_us > l->c->timeout_us) {
        note(l, cli_fail(l->c, CLI_UNAVAILABLE, "no answer from intake; %" PRIu64 " lines are unanswered",
                         l->unanswered));
        env_stop(l->env, 0);
        return;
    }
    timer_set(l->env, l->timer, now + PAUSE_US / 2);
}

static void summary(struct lines *l)
{
    double seconds = (double)(clock_mono_us(l->env) - l->start_us) / 1e6;
    if (l->show_bar) {
        draw(l);
        fputc('\n', stderr);
    }
    if (l->unanswered > 0) note(l, l->later > 0 ? CLI_TEMPORARY : CLI_UNAVAILABLE);
    fprintf(l->c->json ? stderr : stdout,
            "%" PRIu64 " accepted (%" PRIu64 " joined, %" PRIu64 " taken before), %" PRIu64
            " refused, %" PRIu64 " unanswered, %.1f s, %.0f/s\n",
            l->accepted, l->joined, l->duplicate, l->refused, l->unanswered, seconds,
            seconds > 0 ? (double)l->accepted / seconds : 0);
}

static int run(struct lines *l)
{
    struct place place = cli_place(l->c, "intake-new");
    struct command_client_opts opts = {.endpoint = place.endpoint, .client = "kesu", .keys = place.keys};
    int err = command_client_open(l->env, &opts, &l->client);
    if (err != 0) return cli_fail(l->c, CLI_INTERNAL, "%s", err_text(err));
    l->timer = timer_new(l->env, on_tick, l);
    l->start_us = l->progress_us = clock_mono_us(l->env);
    timer_set(l->env, l->timer, l->start_us + PAUSE_US / 2);
    read_more(l);
    if (!l->at_end || l->unanswered > 0) {
        sched_wake(l->env);
        env_real_run(l->c->real);
    }
    timer_free(l->env, l->timer);
    command_client_close(l->client);
    summary(l);
    return l->status;
}

int cli_submit_lines(struct cli *c, const char *path)
{
    struct lines l = {.c = c, .env = cli_env(c)};
    int64_t window = 0;
    int status = cli_flag_int(c, "window", 1, 1 << 20, &window);
    if (status != 0) return status;
    bool is_stdin = strcmp(path, "-") == 0;
    l.window = (uint64_t)window;
    l.file = is_stdin ? stdin : fopen(path, "rb");
    if (l.file == NULL) return cli_fail(c, CLI_NO_INPUT, "cannot open %s", path);
    const char *slash = strrchr(path, '/');
    l.base = slash != NULL ? slash + 1 : path;
    if (!is_stdin && fseek(l.file, 0, SEEK_END) == 0) {
        l.bytes = ftell(l.file);
        rewind(l.file);
    }
    l.show_bar = isatty(STDERR_FILENO) == 1 && l.bytes > 0;
    status = run(&l);
    free(l.text);
    if (!is_stdin) (void)fclose(l.file);
    return status;
}
