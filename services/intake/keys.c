/* SPDX-License-Identifier: Apache-2.0 */
/* The newest secrets stay in a ring in memory; older ones are read from the file. */
#include "keys.h"

#include "check.h"
#include "err.h"
#include "key_slot.h"
#include "log.h"

#define SLOT    64
#define AT_ONCE 128 /* keys drawn in one call */

struct refill {
    struct job job;
    struct intake_keys *keys;
    uint64_t first_id;
    unsigned n;
    uint8_t *slots;
    int status;
};

struct intake_keys {
    struct env *env;
    struct file *file;      /* the loop's */
    struct file *lane_file; /* the lane's */
    struct lane *lane;
    uint64_t made; /* ids below are on disk */
    uint64_t pool, n_ring;
    bool refilling;
    struct refill refill;
    uint8_t (*ring)[SEAL_KEY_BYTES]; /* secrets of ids above made - n_ring, zeros: look at the file */
};

static int read_slot(struct intake_keys *k, uint64_t id, struct key_slot *ret)
{
    size_t n = 0;
    if (id == 0) return E_NOT_FOUND;
    if (file_read(k->env, k->file, (id - 1) * SLOT, ret, SLOT, &n) != 0) return E_IO;
    return n == SLOT && key_slot_is(ret, id) ? 0 : E_NOT_FOUND;
}

/* A slot of a key that was used is torn only where its erasing was. */
static bool has_slot(struct intake_keys *k, uint64_t id)
{
    struct key_slot slot;
    size_t n = 0;
    return file_read(k->env, k->file, (id - 1) * SLOT, &slot, SLOT, &n) == 0 && n == SLOT;
}

/* A crash may have left the tail half written: what is not whole is made anew. */
static int find_made(struct intake_keys *k, uint64_t next_id)
{
    uint64_t bytes = 0;
    struct key_slot slot;
    int err = file_size(k->env, k->file, &bytes);
    if (err != 0) return err;
    uint64_t end = bytes / SLOT + 1;
    if (next_id > 1 && !has_slot(k, next_id - 1)) return E_CORRUPT;
    for (k->made = next_id; k->made < end; k->made++)
        if (read_slot(k, k->made, &slot) != 0 || slot.state != KEY_SLOT_LIVE) break;
    return 0;
}

int intake_keys_open(struct env *env, const char *path, uint64_t next_id, unsigned pool,
                     struct intake_keys **ret)
{
    struct intake_keys *k = mem_zalloc(&env->mem, sizeof(*k));
    k->env = env;
    k->pool = pool;
    k->n_ring = 4 * k->pool; /* more than are ever made ahead */
    k->ring = mem_zalloc(&env->mem, sizeof(*k->ring) * k->n_ring);
    int err = file_open(env, path, FILE_CREATE, &k->file);
    /* The lane syncs what it writes; the name of the file belongs to this handle. */
    if (err == 0) err = file_sync(env, k->file);
    if (err == 0) err = file_open(env, path, FILE_WRITE, &k->lane_file);
    if (err == 0) err = find_made(k, next_id);
    if (err != 0) {
        intake_keys_close(&k);
        return err;
    }
    k->lane = lane_open(env, "keys");
    *ret = k;
    return 0;
}

void intake_keys_close(struct intake_keys **p)
{
    struct intake_keys *k = *p;
    if (k == NULL) return;
    lane_close(k->env, k->lane);
    file_close(k->env, k->lane_file);
    file_close(k->env, k->file);
    memset(k->ring, 0, sizeof(*k->ring) * k->n_ring);
    mem_free(&k->env->mem, k->ring);
    mem_free(&k->env->mem, k);
    *p = NULL;
}

uint64_t intake_keys_ahead(const struct intake_keys *k, uint64_t next_id)
{
    return k->made > next_id ? k->made - next_id : 0;
}

static void on_refill_work(struct job *job)
{
    struct refill *r = (struct refill *)job;
    struct env *env = r->keys->env;
    uint8_t drawn[AT_ONCE][SEAL_KEY_BYTES];
    for (unsigned i = 0; i < r->n; i++) {
        struct key_slot *slot = (struct key_slot *)(void *)(r->slots + (size_t)i * SLOT);
        if (i % AT_ONCE == 0) env_random(env, drawn, sizeof(drawn));
        memcpy(slot->secret, drawn[i % AT_ONCE], sizeof(slot->secret));
        slot->id = r->first_id + i;
        slot->state = KEY_SLOT_LIVE;
        key_slot_seal(slot);
    }
    memset(drawn, 0, sizeof(drawn));
    r->status = file_write(env, r->keys->lane_file, (r->first_id - 1) * SLOT, r->slots, (size_t)r->n * SLOT);
    if (r->status == 0 && file_sync(env, r->keys->lane_file) != 0) r->status = E_IO;
}

static void on_refill_done(struct job *job)
{
    struct refill *r = (struct refill *)job;
    struct intake_keys *k = r->keys;
    k->refilling = false;
    if (r->status == 0) {
        for (unsigned i = 0; i < r->n; i++)
            memcpy(k->ring[(r->first_id + i) % k->n_ring], r->slots + (size_t)i * SLOT, SEAL_KEY_BYTES);
        k->made = r->first_id + r->n;
    } else if (r->status == E_IO) {
        env_die(k->env, "the key store could not be synced");
    } else {
        log_error(k->env, "no keys made", LOG_ERR(r->status));
    }
    memset(r->slots, 0, (size_t)r->n * SLOT);
    mem_free(&k->env->mem, r->slots);
    r->slots = NULL;
}

bool intake_keys_few(const struct intake_keys *k, uint64_t next_id)
{
    return intake_keys_ahead(k, next_id) < k->pool / 2;
}

void intake_keys_refill(struct intake_keys *k, uint64_t next_id)
{
    if (k->refilling || intake_keys_ahead(k, next_id) >= k->pool / 2 * 3) return;
    struct refill *r = &k->refill;
    *r = (struct refill){.job = {.work = on_refill_work, .done = on_refill_done},
                         .keys = k,
                         .first_id = k->made,
                         .n = (unsigned)k->pool};
    r->slots = mem_alloc(&k->env->mem, (size_t)k->pool * SLOT);
    k->refilling = true;
    lane_post(k->env, k->lane, &r->job);
}

int intake_keys_get(struct intake_keys *k, uint64_t id, struct seal_key *ret)
{
    static const uint8_t zeros[SEAL_KEY_BYTES];
    struct key_slot slot;
    if (id == 0 || id >= k->made) return E_NOT_FOUND;
    uint8_t *kept = k->ring[id % k->n_ring];
    bool young = id + k->n_ring > k->made;
    if (young && memcmp(kept, zeros, sizeof(zeros)) != 0) {
        ret->id = id;
        memcpy(ret->secret, kept, SEAL_KEY_BYTES);
        return 0;
    }
    int err = read_slot(k, id, &slot);
    if (err == 0 && slot.state == KEY_SLOT_ERASED) return E_ERASED;
    if (err != 0) return err;
    if (young) memcpy(kept, slot.secret, SEAL_KEY_BYTES);
    ret->id = id;
    memcpy(ret->secret, slot.secret, SEAL_KEY_BYTES);
    return 0;
}

static int erase_slot(struct intake_keys *k, uint64_t id)
{
    struct key_slot slot = key_slot_erased(id);
    if (id == 0 || id >= k->made) return E_NOT_FOUND;
    int err = file_write(k->env, k->file, (id - 1) * SLOT, &slot, SLOT);
    if (err == 0 && id + k->n_ring > k->made) memset(k->ring[id % k->n_ring], 0, SEAL_KEY_BYTES);
    return err;
}

int intake_keys_erase(struct intake_keys *k, const uint64_t *ids, size_t n)
{
    int missing = 0;
    for (size_t i = 0; i < n; i++) {
        int err = erase_slot(k, ids[i]);
        if (err != 0 && err != E_NOT_FOUND) return err;
        if (err != 0) missing = err;
    }
    return file_sync(k->env, k->file) == 0 ? missing : E_IO;
}

bool intake_keys_any_alive(struct env *env, const char *path, const uint64_t *ids, size_t n)
{
    struct intake_keys k = {.env = env};
    struct key_slot slot;
    bool alive = false;
    int err = file_open(env, path, FILE_WRITE, &k.file);
    if (err != 0) return err != E_NOT_FOUND; /* who cannot look does not know */
    for (size_t i = 0; i < n && !alive; i++) {
        bool whole = read_slot(&k, ids[i], &slot) == 0;
        alive = ids[i] != 0 && (whole ? slot.state == KEY_SLOT_LIVE : has_slot(&k, ids[i]));
    }
    /* Whoever wrote the zeros may have died before they were on disk. */
    if (!alive && file_sync(env, k.file) != 0) alive = true;
    memset(&slot, 0, sizeof(slot));
    file_close(env, k.file);
    return alive;
}
