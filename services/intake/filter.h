/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys are surely not in the store: a Bloom filter that grows by layers.
 *
 * Most look-ups of intake ask for what is not there (is this message, this
 * sender, this thread known?); each would walk a tree on disk. */
#ifndef INTAKE_FILTER_H
#define INTAKE_FILTER_H

#include "mem.h"

#define FILTER_MAX_LAYERS 8

struct intake_filter {
    struct mem *mem;
    unsigned n_layers;
    struct filter_layer {
        uint64_t *words;
        uint64_t n_blocks; /* of 64 bytes, a power of two */
        uint64_t room;     /* keys before the next layer is begun */
    } layers[FILTER_MAX_LAYERS];
};

void intake_filter_init(struct intake_filter *f, struct mem *mem);
void intake_filter_deinit(struct intake_filter *f);
/* What a question about this hash will look at is brought near. */
void intake_filter_prefetch(const struct intake_filter *f, uint64_t hash);
/* hash: well mixed, the same for the same key. */
void intake_filter_add(struct intake_filter *f, uint64_t hash);
/* False: it was never added. True: probably it was. */
bool intake_filter_may_have(const struct intake_filter *f, uint64_t hash);

#endif
