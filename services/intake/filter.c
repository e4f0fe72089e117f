/* SPDX-License-Identifier: Apache-2.0 */
/* Each key sets six bits within one block of 64 bytes, so that a question costs
 * one cache line a layer. A layer takes a key for each 12 bits; the next is
 * four times as large. */
#include "filter.h"

#define FIRST_BLOCKS ((uint64_t)1 << 12) /* 256 KiB, 170,000 keys */
#define BLOCK_WORDS  8
#define BITS         6
#define BITS_A_KEY   12
#define BITS_A_BLOCK 512

static void add_layer(struct intake_filter *f)
{
    struct filter_layer *l = &f->layers[f->n_layers];
    l->n_blocks = f->n_layers == 0 ? FIRST_BLOCKS : l[-1].n_blocks * 4;
    l->room = l->n_blocks * BITS_A_BLOCK / BITS_A_KEY;
    l->words = mem_zalloc(f->mem, l->n_blocks * BLOCK_WORDS * sizeof(*l->words));
    f->n_layers++;
}

void intake_filter_init(struct intake_filter *f, struct mem *mem)
{
    *f = (struct intake_filter){.mem = mem};
    add_layer(f);
}

void intake_filter_deinit(struct intake_filter *f)
{
    for (unsigned i = 0; i < f->n_layers; i++) mem_free(f->mem, f->layers[i].words);
    *f = (struct intake_filter){0};
}

/* The block by the low bits, the places within it by the high ones. */
static uint64_t *block_of(const struct filter_layer *l, uint64_t hash)
{
    return l->words + (hash & (l->n_blocks - 1)) * BLOCK_WORDS;
}

static unsigned place(uint64_t hash, unsigned i)
{
    uint64_t mixed = hash * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(mixed >> (64 - 9 * (i + 1))) & (BITS_A_BLOCK - 1);
}

void intake_filter_prefetch(const struct intake_filter *f, uint64_t hash)
{
    for (unsigned k = 0; k < f->n_layers; k++) __builtin_prefetch(block_of(&f->layers[k], hash));
}

void intake_filter_add(struct intake_filter *f, uint64_t hash)
{
    if (intake_filter_may_have(f, hash)) return;
    struct filter_layer *l = &f->layers[f->n_layers - 1];
    uint64_t *block = block_of(l, hash);
    for (unsigned i = 0; i < BITS; i++) {
        unsigned at = place(hash, i);
        block[at / 64] |= UINT64_C(1) << (at % 64);
    }
    if (l->room > 0 && --l->room == 0 && f->n_layers < FILTER_MAX_LAYERS) add_layer(f);
}

bool intake_filter_may_have(const struct intake_filter *f, uint64_t hash)
{
    for (unsigned k = f->n_layers; k-- > 0;) {
        const uint64_t *block = block_of(&f->layers[k], hash);
        unsigned i = 0;
        while (i < BITS && (block[place(hash, i) / 64] >> (place(hash, i) % 64) & 1) != 0) i++;
        if (i == BITS) return true;
    }
    return false;
}
