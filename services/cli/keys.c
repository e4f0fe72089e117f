// SPDX-License-Identifier: Apache-2.0
// Keys for TCP: pairs in files of their owner, the list of who may come, and
// changing both while everything runs. What a list or a file becomes is
// written aside, synced and put into place, so that a daemon that looks at it
// never sees half.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "allow.h"
#include "cli.h"
#include "err.h"

#define LINE_BYTES 512

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static int cannot(struct cli *c, const char *path, int err)
{
    const char *more = err == E_PERMISSION ? ": it must be ours, and open to nobody else (chmod 0600)" : "";
    int status = CLI_CANNOT_CREATE;
    if (err == E_NOT_FOUND || err == E_PERMISSION) status = CLI_NO_INPUT;
    if (err == E_SYNTAX || err == E_CRYPTO) status = CLI_DATA;
    return cli_fail(c, status, "%s: %s%s", path, err_text(err), more);
}

// The list the daemons of this data directory look at, unless another is meant.
static const char *list_path(struct cli *c)
{
    const char *given = cli_flag(c, "allow");
    return given != NULL ? given : arena_printf(&c->arena, "%s/keys/allow", c->data_dir);
}

// One change at a time. The lock stays with the process.
static int lock_list(struct cli *c, const char *path)
{
    const char *lock = arena_printf(&c->arena, "%s.lock", path);
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        return cli_fail(c, CLI_CANNOT_CREATE, "cannot lock %s: %s", lock, strerror(errno));
    return 0;
}

// A list that is not there is empty.
static int read_list(struct cli *c, const char *path, struct allow_list **ret)
{
    struct allow_error error = {0};
    int err = allow_read(&mem_libc, path, ret, &error);
    if (err == E_NOT_FOUND) err = allow_parse(&mem_libc, SPAN_NONE, ret, &error);
    if (err == E_SYNTAX || err == E_EXISTS)
        return cli_fail(c, CLI_DATA, "%s:%u: %s", path, error.line, error.reason);
    return err == 0 ? 0 : cannot(c, path, err);
}

// Without the entries whose place is marked, and with one more.
static int write_list(struct cli *c, const char *path, const struct allow_list *list, const bool *without,
                      const struct allow_entry *more)
{
    char *text = mem_strdup(&mem_libc, "# KEY ROLE NAME CHANNELS\n"), line[LINE_BYTES];
    for (unsigned i = 0; i <= list->n; i++) {
        const struct allow_entry *e = i < list->n ? &list->entries[i] : more;
        if (e == NULL || (i < list->n && without != NULL && without[i])) continue;
        allow_format(e, line, sizeof line);
        char *longer = mem_printf(&mem_libc, "%s%s", text, line);
        mem_free(&mem_libc, text);
        text = longer;
    }
    int err = keypair_replace_file(path, span_str(text));
    mem_free(&mem_libc, text);
    return err == 0 ? 0 : cannot(c, path, err);
}

static int take_user(struct cli *c, const char *name, struct role_user *ret)
{
    const char *role = cli_flag(c, "role"), *channels = cli_flag(c, "channels");
    *ret = (struct role_user){0};
    if (!role_find(span_str(role), &ret->role))
        return cli_fail(
            c, CLI_USAGE,
            "--role: found '%s', allowed are adapter, gateway, service, worker, reader, reader-with-personal",
            role);
    if (channels != NULL && !allow_parse_channels(span_str(channels), &ret->channels))
        return cli_fail(c, CLI_USAGE, "--channels: found '%s', allowed are names like email,chat", channels);
    size_t n = strlen(name);
    if (n == 0 || n > ROLE_NAME_MAX || strcspn(name, " \t\r\n") != n)
        return cli_fail(c, CLI_USAGE, "the name '%s' is not a word of at most %d letters", name,
                        ROLE_NAME_MAX);
    memcpy(ret->name, name, n + 1);
    return 0;
}

static int add(struct cli *c, const char *path, const char *public_key, const struct role_user *user)
{
    struct allow_entry entry = {.user = *user};
    struct allow_list *list = NULL;
    memcpy(entry.key, public_key, KEY_TEXT);
    int status = lock_list(c, path);
    if (status == 0) status = read_list(c, path, &list);
    if (status != 0) return status;
    if (allow_find(list, public_key) != NULL)
        status = cli_fail(c, CLI_CANNOT_CREATE, "%s has this key already", path);
    if (status == 0) status = write_list(c, path, list, NULL, &entry);
    mem_free(&mem_libc, list);
    return status;
}

int cli_keys_new(struct cli *c)
{
    struct keypair pair;
    struct role_user user;
    const char *name = cli_flag(c, "name") != NULL ? cli_flag(c, "name") : last_part(c->args[0]);
    int status = take_user(c, name, &user);
    if (status != 0) return status;
    if (keypair_new(&pair) != 0) return cli_fail(c, CLI_INTERNAL, "no key pair");
    int err = keypair_write(c->args[0], &pair, false);
    if (err != 0) status = cli_fail(c, CLI_CANNOT_CREATE, "cannot make %s: %s", c->args[0], err_text(err));
    if (status == 0 && cli_flag(c, "allow") != NULL)
        status = add(c, cli_flag(c, "allow"), pair.public_key, &user);
    if (status == 0) puts(pair.public_key);
    keypair_forget(&pair);
    return status;
}

int cli_keys_add(struct cli *c)
{
    struct role_user user;
    uint8_t bytes[KEY_BYTES];
    if (!keypair_decode(span_str(c->args[0]), bytes))
        return cli_fail(c, CLI_USAGE, "'%s' is not a public key of 40 characters", c->args[0]);
    int status = take_user(c, c->args[1], &user);
    return status == 0 ? add(c, list_path(c), c->args[0], &user) : status;
}

int cli_keys_remove(struct cli *c)
{
    const char *path = list_path(c);
    struct allow_list *list = NULL;
    int status = lock_list(c, path);
    if (status == 0) status = read_list(c, path, &list);
    if (status != 0) return status;
    bool *without = mem_zalloc(&mem_libc, list->n + 1);
    unsigned found = 0;
    for (unsigned i = 0; i < list->n; i++) {
        without[i] = strcmp(list->entries[i].key, c->args[0]) == 0 ||
                     strcmp(list->entries[i].user.name, c->args[0]) == 0;
        found += without[i];
    }
    if (found == 0)
        status = cli_fail(c, CLI_DATA, "%s has neither a key nor a name '%s'", path, c->args[0]);
    else
        status = write_list(c, path, list, without, NULL);
    if (status == 0) printf("%u removed\n", found);
    mem_free(&mem_libc, without);
    mem_free(&mem_libc, list);
    return status;
}

int cli_keys_show(struct cli *c)
{
    struct keypair pair;
    int err = keypair_read(c->args[0], &pair);
    if (err != 0) return cannot(c, c->args[0], err);
    puts(pair.public_key);
    keypair_forget(&pair);
    return 0;
}

int cli_keys_list(struct cli *c)
{
    struct allow_list *list = NULL;
    char line[LINE_BYTES];
    const char *path = c->n_args > 0 ? c->args[0] : list_path(c);
    int status = read_list(c, path, &list);
    for (unsigned i = 0; status == 0 && i < list->n; i++) {
        const struct allow_entry *e = &list->entries[i];
        allow_format(e, line, sizeof line);
        const char *channels = line + KEY_TEXT + strlen(role_name(e->user.role)) + 1 + strlen(e->user.name);
        printf("%-24s %-22s %s%.*s\n", e->user.name, role_name(e->user.role), e->key,
               (int)strcspn(channels, "\n"), channels);
    }
    mem_free(&mem_libc, list);
    return status;
}

// The list knows the new key before the file has it, and keeps the old one:
// whoever uses the file is let in with either.
int cli_keys_rotate(struct cli *c)
{
    const char *path = list_path(c);
    struct keypair old, fresh;
    struct allow_list *list = NULL;
    int err = keypair_read(c->args[0], &old);
    if (err != 0) return cannot(c, c->args[0], err);
    int status = read_list(c, path, &list);
    const struct allow_entry *e = status == 0 ? allow_find(list, old.public_key) : NULL;
    if (status == 0 && e == NULL)
        status = cli_fail(c, CLI_DATA, "%s does not have the key of %s", path, c->args[0]);
    if (status == 0 && keypair_new(&fresh) != 0) status = cli_fail(c, CLI_INTERNAL, "no key pair");
    if (status == 0) {
        status = add(c, path, fresh.public_key, &e->user);
        err = status == 0 ? keypair_write(c->args[0], &fresh, true) : 0;
        if (err != 0) status = cannot(c, c->args[0], err);
        keypair_forget(&fresh);
    }
    if (status == 0)
        printf(
            "the old key may still come; when nobody uses it any more:\nkesu keys remove --allow %s '%s'\n",
            path, old.public_key);
    keypair_forget(&old);
    mem_free(&mem_libc, list);
    return status;
}

static const char *pair_path(struct cli *c, const char *more)
{
    const char *pair =
        c->key_pair != NULL ? c->key_pair : arena_printf(&c->arena, "%s/keys/pair", c->data_dir);
    return arena_printf(&c->arena, "%s%s", pair, more);
}

int cli_keys_next(struct cli *c)
{
    struct keypair next;
    const char *path = pair_path(c, ".next");
    int err = keypair_ensure(path, &next);
    if (err != 0) return cannot(c, path, err);
    puts(next.public_key);
    keypair_forget(&next);
    return 0;
}

int cli_keys_switch(struct cli *c)
{
    struct keypair next;
    const char *from = pair_path(c, ".next"), *to = pair_path(c, "");
    int err = keypair_read(from, &next);
    if (err != 0) return cannot(c, from, err);
    err = keypair_write(to, &next, true);
    if (err == 0 && unlink(from) != 0) err = E_IO;
    if (err == 0) puts(next.public_key);
    keypair_forget(&next);
    return err == 0 ? 0 : cannot(c, to, err);
}

int cli_keys_roles(struct cli *c)
{
    (void)c;
    char *table = roles_table(&mem_libc);
    fputs(table, stdout);
    mem_free(&mem_libc, table);
    return 0;
}
