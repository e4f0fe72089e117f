/* SPDX-License-Identifier: Apache-2.0 */
#include "storage.h"

#include "clock.h"
#include "err.h"
#include "files.h"
#include "log.h"

#define CHUNK        ((size_t)64 << 10)
#define BYTES_A_LOOK ((uint64_t)16 << 20) /* what a loop may write without a pause */

/* Written, not only sized: a sparse file holds no room. Best effort. */
static void make_ballast(struct intake_storage *s)
{
    struct file *f = NULL;
    uint64_t size = 0, until = 0;
    if (file_open(s->env, s->ballast_path, FILE_CREATE, &f) != 0) return;
    int err = file_size(s->env, f, &size);
    until = size + BYTES_A_LOOK < s->ballast_bytes ? size + BYTES_A_LOOK : s->ballast_bytes;
    uint8_t *zeros = mem_zalloc(&s->env->mem, CHUNK);
    for (; err == 0 && size < until; size += CHUNK) err = file_write(s->env, f, size, zeros, CHUNK);
    if (err != 0) log_warn(s->env, "no ballast", LOG_ERR(err));
    mem_free(&s->env->mem, zeros);
    file_close(s->env, f);
    s->has_ballast = err != 0 || size >= s->ballast_bytes;
}

int intake_storage_init(struct intake_storage *s, struct env *env, const char *dir, const char *ballast_path,
                        uint64_t reserve_bytes, uint64_t ballast_bytes)
{
    *s = (struct intake_storage){
        .env = env, .dir = dir, .reserve_bytes = reserve_bytes, .ballast_bytes = ballast_bytes};
    s->ballast_path = mem_strdup(&env->mem, ballast_path);
    intake_storage_look(s);
    return 0;
}

void intake_storage_deinit(struct intake_storage *s)
{
    if (s->env == NULL) return;
    mem_free(&s->env->mem, s->ballast_path);
    *s = (struct intake_storage){0};
}

static void set_low(struct intake_storage *s, bool low)
{
    if (low == s->low) return;
    s->low = low;
    if (low)
        log_error(s->env, "storage is below its reserve: no new cases", LOG_U64("free_bytes", s->free_bytes),
                  LOG_U64("reserve_bytes", s->reserve_bytes));
    else
        log_info(s->env, "storage is above its reserve again", LOG_U64("free_bytes", s->free_bytes));
}

void intake_storage_look(struct intake_storage *s)
{
    int64_t now = clock_mono_us(s->env);
    if (now < s->next_look_us) return;
    s->next_look_us = now + USEC_PER_SEC;
    if (files_free_bytes(s->env, s->dir, &s->free_bytes) != 0) return;
    set_low(s, s->free_bytes < s->reserve_bytes);
    if (!s->has_ballast && s->ballast_bytes > 0 && s->free_bytes >= s->reserve_bytes + s->ballast_bytes)
        make_ballast(s);
}

void intake_storage_full(struct intake_storage *s)
{
    files_unlink(s->env, s->ballast_path);
    s->has_ballast = false;
    set_low(s, true);
    s->next_look_us = clock_mono_us(s->env) + 10 * USEC_PER_SEC;
}
