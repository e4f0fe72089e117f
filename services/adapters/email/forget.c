/* SPDX-License-Identifier: Apache-2.0 */
/* Mails kept beside lie open, for a person to look at: those that name
 * somebody who is erased are overwritten and removed, their reasons too. */
#include <ctype.h>
#include <stdio.h>

#include "email.h"
#include "err.h"
#include "files.h"
#include "log.h"

#define PATH_BYTES  1024
#define ARENA_BYTES (6 * 2 * EMAIL_MAX_BYTES + ((size_t)4 << 20))

struct forgetting {
    struct env *env;
    const char *dir;
    char *const *addresses;
    size_t n_addresses;
    unsigned n_found;
    char found[64][256]; /* names without .mail */
};

static bool holds(const char *text, size_t n, const char *address)
{
    size_t length = strlen(address);
    for (size_t i = 0; length > 0 && i + length <= n; i++) {
        size_t k = 0;
        while (k < length && tolower((unsigned char)text[i + k]) == tolower((unsigned char)address[k])) k++;
        if (k == length) return true;
    }
    return false;
}

static bool mail_holds(const struct mail_read *m, const char *address)
{
    const char *const texts[] = {m->from_address, m->reply_to, m->subject, m->text};
    for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (holds(texts[i], strlen(texts[i]), address)) return true;
    for (unsigned i = 0; i < m->n_recipients; i++)
        if (holds(m->recipients[i], strlen(m->recipients[i]), address)) return true;
    for (unsigned i = 0; i < m->n_attachments; i++)
        if (holds((const char *)m->attachments[i].content.p, m->attachments[i].content.n, address))
            return true;
    return false;
}

static bool names_any(const struct forgetting *f, struct span raw)
{
    struct arena arena;
    struct mail_read mail;
    bool found = false;
    arena_init(&arena, &f->env->mem, ARENA_BYTES);
    bool read = mail_read(&arena, raw, &mail) == 0;
    for (size_t i = 0; i < f->n_addresses && !found; i++)
        found = holds((const char *)raw.p, raw.n, f->addresses[i]) ||
                (read && mail_holds(&mail, f->addresses[i]));
    arena_deinit(&arena);
    return found;
}

static int on_name(void *self, const char *name)
{
    struct forgetting *f = self;
    char path[PATH_BYTES];
    struct span raw;
    size_t n = strlen(name);
    if (n < 6 || n > 200 || strcmp(name + n - 5, ".mail") != 0) return 0;
    snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    int err = files_read_all(f->env, path, 2 * EMAIL_MAX_BYTES, &raw);
    if (err != 0) return err;
    if (names_any(f, raw)) {
        memcpy(f->found[f->n_found], name, n - 5);
        f->found[f->n_found++][n - 5] = '\0';
    }
    mem_free(&f->env->mem, (void *)(uintptr_t)raw.p);
    return f->n_found == sizeof(f->found) / sizeof(f->found[0]) ? 1 : 0;
}

static int wipe_found(const struct forgetting *f)
{
    static const char *const ends[] = {"mail", "reason"};
    char path[PATH_BYTES];
    for (unsigned i = 0; i < f->n_found; i++)
        for (unsigned k = 0; k < 2; k++) {
            snprintf(path, sizeof(path), "%s/%s.%s", f->dir, f->found[i], ends[k]);
            int err = files_wipe(f->env, path);
            if (err != 0 && err != E_NOT_FOUND) return err;
        }
    return 0;
}

int email_forget(struct email *e, char *const *addresses, size_t n_addresses, unsigned *ret_n)
{
    const char *const dirs[] = {e->aside_dir, e->automatic_dir};
    unsigned n = 0;
    struct forgetting *f = mem_zalloc(&e->env->mem, sizeof(*f));
    int err = 0;
    for (unsigned i = 0; i < 2 && err == 0; i++) {
        do {
            *f = (struct forgetting){e->env, dirs[i], addresses, n_addresses, 0, {{0}}};
            err = files_list(e->env, dirs[i], on_name, f);
            if (err >= 0) {
                int wiped = wipe_found(f);
                n += f->n_found;
                if (wiped != 0) err = wiped;
            }
        } while (err == 1);
        if (err == E_NOT_FOUND) err = 0; /* nothing was ever kept there */
    }
    mem_free(&e->env->mem, f);
    log_info(e->env, "mails of a person were removed", LOG_U64("mails", n), LOG_ERR(err));
    if (err == 0) *ret_n = n;
    return err;
}
