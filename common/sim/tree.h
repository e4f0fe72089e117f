/* SPDX-License-Identifier: Apache-2.0 */
/* An ordered table in memory that shares what did not change: holding an old
 * root keeps the table as it was, so a snapshot and a way back cost nothing.
 *
 * A treap: nodes shared by two trees are copied on the way down, others are
 * changed in place. Its shape depends on the keys only. */
#ifndef KESU_SIM_TREE_H
#define KESU_SIM_TREE_H

#include "../span.h"

struct sim_tree; /* a root; NULL is the empty tree */

/* One more holder of the same root. */
struct sim_tree *sim_tree_hold(struct sim_tree *t);
void sim_tree_drop(struct sim_tree *t); /* accepts NULL */

/* Change *root; size_delta gets bytes of keys and values added to it. */
void sim_tree_put(struct sim_tree **root, struct span key, struct span value, int64_t *size_delta);
bool sim_tree_del(struct sim_tree **root, struct span key, int64_t *size_delta);

/* Spans into the tree: valid as long as somebody holds the root they are from. */
bool sim_tree_get(const struct sim_tree *t, struct span key, struct span *ret_value);
/* Smallest key >= key (or > key when past), largest key < key. */
bool sim_tree_after(const struct sim_tree *t, struct span key, bool past, struct span *ret_key,
                    struct span *ret_value);
bool sim_tree_before(const struct sim_tree *t, struct span key, struct span *ret_key, struct span *ret_value);
bool sim_tree_first(const struct sim_tree *t, struct span *ret_key, struct span *ret_value);
bool sim_tree_last(const struct sim_tree *t, struct span *ret_key, struct span *ret_value);

#endif
