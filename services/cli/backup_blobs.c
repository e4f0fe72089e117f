// SPDX-License-Identifier: Apache-2.0
// Evidence files never change under their name, and go when a person is erased:
// what is new is copied, what is gone there is overwritten here.
#include <stdio.h>

#include "backup.h"
#include "blob.h"
#include "err.h"
#include "files.h"

enum { SEALED_MAX = BLOB_MAX_BYTES + 4096 };

struct copying {
    struct cli *c;
    struct env *env;
    const char *from, *to, *folder;
    uint64_t copied;
};

static bool is_name(const char *name, size_t n)
{
    return strlen(name) == n && strspn(name, "0123456789abcdef") == n;
}

static bool is_there(struct env *env, const char *path)
{
    struct file *f = NULL;
    if (file_open(env, path, FILE_READ, &f) != 0) return false;
    file_close(env, f);
    return true;
}

static int on_blob(void *self, const char *name)
{
    struct copying *k = self;
    char from[1200], to[1200];
    struct span bytes;
    if (!is_name(name, 62)) return 0;
    snprintf(from, sizeof from, "%s/%s/%s", k->from, k->folder, name);
    snprintf(to, sizeof to, "%s/%s/%s", k->to, k->folder, name);
    if (is_there(k->env, to)) return 0;
    int err = files_read_all(k->env, from, SEALED_MAX, &bytes);
    if (err == E_NOT_FOUND) return 0; // erased meanwhile
    if (err == 0) {
        err = files_replace(k->env, to, bytes);
        mem_free(&k->env->mem, (void *)(uintptr_t)bytes.p);
        k->copied += err == 0;
    }
    return err;
}

static int on_folder(void *self, const char *name)
{
    struct copying *k = self;
    char from[1100], to[1100];
    if (!is_name(name, 2)) return 0;
    snprintf(from, sizeof from, "%s/%s", k->from, name);
    snprintf(to, sizeof to, "%s/%s", k->to, name);
    k->folder = name;
    int err = files_mkdir(k->env, to);
    return err != 0 ? err : files_list(k->env, from, on_blob, k);
}

static int on_old_blob(void *self, const char *name)
{
    struct copying *k = self;
    char from[1200], to[1200];
    if (!is_name(name, 62)) return 0;
    snprintf(from, sizeof from, "%s/%s/%s", k->from, k->folder, name);
    snprintf(to, sizeof to, "%s/%s/%s", k->to, k->folder, name);
    return is_there(k->env, from) ? 0 : files_wipe(k->env, to);
}

static int on_old_folder(void *self, const char *name)
{
    struct copying *k = self;
    char to[1100];
    if (!is_name(name, 2)) return 0;
    snprintf(to, sizeof to, "%s/%s", k->to, name);
    k->folder = name;
    return files_list(k->env, to, on_old_blob, k);
}

int cli_backup_blobs(struct cli *c, const char *from, const char *to, bool mirror, uint64_t *ret_copied)
{
    struct copying k = {.c = c, .env = cli_env(c), .from = from, .to = to};
    if (strlen(from) > 1000 || strlen(to) > 1000) return cli_fail(c, CLI_USAGE, "too long a path");
    int err = files_list(k.env, from, on_folder, &k);
    if (err == E_NOT_FOUND) err = 0; // nobody ever sent evidence
    if (err == 0 && mirror) err = files_list(k.env, to, on_old_folder, &k);
    if (err == E_NOT_FOUND) err = 0;
    if (err != 0)
        return cli_fail(c, CLI_CANNOT_CREATE, "evidence cannot be copied to %s: %s", to, err_text(err));
    *ret_copied = k.copied;
    return 0;
}
