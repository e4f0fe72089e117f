// SPDX-License-Identifier: Apache-2.0
// The program: find the subcommand, read its flags, run it. The real
// environment is only made by subcommands that talk to somebody.
#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "env_real.h"
#include "err.h"
#include "files.h"
#include "json.h"
#include "log.h"

enum { ARENA_BYTES = 512 << 20 };

int cli_main(int argc, char **argv)
{
    struct cli *c = mem_zalloc(&mem_libc, sizeof *c);
    arena_init(&c->arena, &mem_libc, ARENA_BYTES);
    log_setup(LOG_ERROR, LOG_FORMAT_TEXT);
    int status = cli_parse(c, argc, argv);
    if (status == 0 && c->command != NULL) status = c->command->run(c);
    if (fflush(stdout) != 0 && status == 0) status = CLI_CANNOT_CREATE;
    env_real_free(&c->real);
    arena_deinit(&c->arena);
    mem_free(&mem_libc, c);
    return status;
}

struct env *cli_env(struct cli *c)
{
    if (c->real == NULL && env_real_new("kesu", &c->real) != 0) {
        fprintf(stderr, "kesu: cannot make the event loop\n");
        exit(CLI_INTERNAL);
    }
    return env_real_env(c->real);
}

int cli_fail(const struct cli *c, int status, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    fprintf(stderr, "kesu%s%s: ", c->command != NULL ? " " : "", c->command != NULL ? c->command->name : "");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}

int cli_find_place(struct cli *c, const char *name, struct place *ret)
{
    const struct place_opts opts = {.run_dir = c->run_dir,
                                    .data_dir = c->data_dir,
                                    .address = c->peer,
                                    .pair = c->key_pair,
                                    .servers = c->peer_keys};
    return place_find(&opts, name, &c->arena, ret);
}

struct place cli_place(struct cli *c, const char *name)
{
    struct place place;
    int err = cli_find_place(c, name, &place);
    if (err == 0) return place;
    if (err == E_UNSUPPORTED)
        exit(cli_fail(c, CLI_USAGE, "%s is not to be had over TCP; ask on its own machine", name));
    exit(cli_fail(c, CLI_USAGE, "--peer: found '%s', allowed is HOST:PORT", c->peer));
}

void *cli_new(struct cli *c, const ProtobufCMessageDescriptor *d)
{
    ProtobufCMessage *m = arena_alloc(&c->arena, d->sizeof_message);
    CHECK(m != NULL);
    d->message_init(m);
    return m;
}

void cli_print_json(struct cli *c, const void *message)
{
    (void)c;
    char *text = json_from_message(&mem_libc, message, 0);
    puts(text);
    mem_free(&mem_libc, text);
}

static int read_stream(struct cli *c, FILE *f, const char *path, size_t max, struct span *ret)
{
    size_t n = 0, size = 64 << 10;
    uint8_t *p = mem_alloc(&mem_libc, size);
    for (size_t got; (got = fread(p + n, 1, size - n, f)) > 0;) {
        n += got;
        if (n > max) break;
        if (n < size) continue;
        size *= 2;
        p = mem_realloc(&mem_libc, p, size);
    }
    int status = 0;
    if (ferror(f)) status = cli_fail(c, CLI_NO_INPUT, "cannot read %s", path);
    if (status == 0 && n > max) status = cli_fail(c, CLI_DATA, "%s is larger than %zu bytes", path, max);
    uint8_t *kept = status == 0 ? arena_alloc(&c->arena, n) : NULL;
    if (kept != NULL) {
        memcpy(kept, p, n);
        *ret = span_of(kept, n);
    }
    mem_free(&mem_libc, p);
    return status;
}

int cli_read_file(struct cli *c, const char *path, size_t max, struct span *ret)
{
    if (strcmp(path, "-") == 0) return read_stream(c, stdin, "standard input", max, ret);
    FILE *f = fopen(path, "rb");
    if (f == NULL) return cli_fail(c, CLI_NO_INPUT, "cannot open %s", path);
    int status = read_stream(c, f, path, max, ret);
    (void)fclose(f);
    return status;
}
