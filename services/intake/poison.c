/* SPDX-License-Identifier: Apache-2.0 */
/* The file: a head (magic, how many in hand, how many suspects), the suspects
 * with their deaths, then the ids in hand. At open, what is in hand gets one
 * death more each and the file is written anew. */
#include "poison.h"

#include "check.h"
#include "err.h"
#include "files.h"
#include "log.h"

#define MAGIC  UINT32_C(0x4b50534e)
#define DEATHS 2

struct head {
    uint32_t magic, n_suspects, n_in_hand, pad;
};

struct suspect {
    uint8_t id[16];
    uint32_t deaths;
};

#define IN_HAND_AT (sizeof(struct head) + sizeof(struct suspect) * POISON_MAX)

struct intake_poison {
    struct env *env;
    struct file *file;
    struct head head;
    struct suspect suspects[POISON_MAX];
    uint8_t in_hand[16]; /* the only one, when n_in_hand is 1 */
    int failed;          /* what the last write said */
};

static void write_at(struct intake_poison *p, uint64_t at, const void *bytes, size_t n)
{
    int err = file_write(p->env, p->file, at, bytes, n);
    if (err != 0 && err != p->failed) log_warn(p->env, "commands in hand are not noted", LOG_ERR(err));
    p->failed = err;
}

static struct suspect *find(const struct intake_poison *p, const uint8_t id[16])
{
    for (uint32_t i = 0; i < p->head.n_suspects; i++)
        if (memcmp(p->suspects[i].id, id, 16) == 0) return (struct suspect *)(uintptr_t)&p->suspects[i];
    return NULL;
}

/* The oldest suspect that died once gives way. */
static void add_death(struct intake_poison *p, const uint8_t id[16])
{
    struct suspect *s = find(p, id);
    if (s == NULL) {
        uint32_t at = p->head.n_suspects;
        if (at == POISON_MAX)
            for (at = 0; at < POISON_MAX - 1 && p->suspects[at].deaths >= DEATHS;) at++;
        else
            p->head.n_suspects++;
        s = &p->suspects[at];
        memcpy(s->id, id, 16);
        s->deaths = 0;
    }
    s->deaths++;
    if (s->deaths >= DEATHS) log_error(p->env, "a command stopped us twice: it is refused from now on");
}

static void take_over(struct intake_poison *p)
{
    size_t n = 0;
    static const struct head fresh = {.magic = MAGIC};
    int err = file_read(p->env, p->file, 0, &p->head, sizeof(p->head), &n);
    if (err != 0 || n < sizeof(p->head) || p->head.magic != MAGIC || p->head.n_suspects > POISON_MAX ||
        p->head.n_in_hand > POISON_MAX) {
        p->head = fresh;
        return;
    }
    file_read(p->env, p->file, sizeof(p->head), p->suspects, sizeof(p->suspects), &n);
    for (uint32_t i = 0; i < p->head.n_in_hand; i++) {
        uint8_t id[16];
        if (file_read(p->env, p->file, IN_HAND_AT + 16 * (uint64_t)i, id, 16, &n) != 0 || n < 16) break;
        add_death(p, id);
    }
    if (p->head.n_in_hand > 0)
        log_warn(p->env, "died with commands in hand", LOG_U64("commands", p->head.n_in_hand));
    p->head.n_in_hand = 0;
}

static void write_all(struct intake_poison *p)
{
    write_at(p, sizeof(p->head), p->suspects, sizeof(p->suspects));
    write_at(p, 0, &p->head, sizeof(p->head));
}

int intake_poison_open(struct env *env, const char *path, struct intake_poison **ret)
{
    struct intake_poison *p = mem_zalloc(&env->mem, sizeof(*p));
    p->env = env;
    int err = file_open(env, path, FILE_CREATE, &p->file);
    if (err != 0) {
        mem_free(&env->mem, p);
        return err;
    }
    take_over(p);
    write_all(p);
    *ret = p;
    return 0;
}

void intake_poison_close(struct intake_poison **p)
{
    if (*p == NULL) return;
    file_close((*p)->env, (*p)->file);
    mem_free(&(*p)->env->mem, *p);
    *p = NULL;
}

void intake_poison_note(struct intake_poison *p, const uint8_t (*ids)[16], unsigned n)
{
    CHECK(n <= POISON_MAX);
    if (n == 0) return;
    write_at(p, IN_HAND_AT, ids, 16 * (size_t)n);
    p->head.n_in_hand = n;
    memcpy(p->in_hand, ids[0], 16);
    write_at(p, 0, &p->head, sizeof(p->head));
}

void intake_poison_done(struct intake_poison *p)
{
    struct suspect *s = p->head.n_in_hand == 1 ? find(p, p->in_hand) : NULL;
    p->head.n_in_hand = 0;
    if (s != NULL && s->deaths < DEATHS) {
        *s = p->suspects[--p->head.n_suspects];
        write_all(p);
    }
    write_at(p, 0, &p->head, sizeof(p->head));
}

bool intake_poison_is_suspect(const struct intake_poison *p, const uint8_t id[16])
{
    return find(p, id) != NULL;
}

bool intake_poison_is_refused(const struct intake_poison *p, const uint8_t id[16])
{
    const struct suspect *s = find(p, id);
    return s != NULL && s->deaths >= DEATHS;
}

bool intake_poison_any(const struct intake_poison *p)
{
    return p->head.n_suspects > 0;
}
