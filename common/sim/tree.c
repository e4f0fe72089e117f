/* SPDX-License-Identifier: Apache-2.0 */
/* A treap with shared nodes: see tree.h. The priority is a hash of the key. */
#include "tree.h"

#include <stdlib.h>

#include "../check.h"

struct record {
    unsigned refs;
    size_t n_key, n_value;
    uint8_t p[]; /* key, then value */
};

struct sim_tree {
    unsigned refs;
    uint64_t priority;
    struct record *record;
    struct sim_tree *left, *right;
};

static struct span key_of(const struct sim_tree *t)
{
    return span_of(t->record->p, t->record->n_key);
}

static struct span value_of(const struct sim_tree *t)
{
    return span_of(t->record->p + t->record->n_key, t->record->n_value);
}

static uint64_t priority_of(struct span key)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a, then mixed */
    for (size_t i = 0; i < key.n; i++) h = (h ^ key.p[i]) * UINT64_C(0x100000001b3);
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    return h ^ (h >> 31);
}

static struct record *record_new(struct span key, struct span value)
{
    struct record *r = (struct record *)malloc(sizeof *r + key.n + value.n);
    CHECK(r != NULL);
    *r = (struct record){.refs = 1, .n_key = key.n, .n_value = value.n};
    if (key.n > 0) memcpy(r->p, key.p, key.n);
    if (value.n > 0) memcpy(r->p + key.n, value.p, value.n);
    return r;
}

static void record_drop(struct record *r)
{
    if (--r->refs == 0) free(r);
}

struct sim_tree *sim_tree_hold(struct sim_tree *t)
{
    if (t != NULL) t->refs++;
    return t;
}

void sim_tree_drop(struct sim_tree *t)
{
    if (t == NULL || --t->refs > 0) return;
    record_drop(t->record);
    sim_tree_drop(t->left);
    sim_tree_drop(t->right);
    free(t);
}

/* A node only we hold, with the same content. Takes over our hold of t. */
static struct sim_tree *own(struct sim_tree *t)
{
    if (t->refs == 1) return t;
    struct sim_tree *copy = (struct sim_tree *)malloc(sizeof *copy);
    CHECK(copy != NULL);
    *copy = *t;
    copy->refs = 1;
    copy->record->refs++;
    sim_tree_hold(copy->left);
    sim_tree_hold(copy->right);
    t->refs--;
    return copy;
}

static struct sim_tree *rotate_right(struct sim_tree *t)
{
    struct sim_tree *top = t->left;
    t->left = top->right;
    top->right = t;
    return top;
}

static struct sim_tree *rotate_left(struct sim_tree *t)
{
    struct sim_tree *top = t->right;
    t->right = top->left;
    top->left = t;
    return top;
}

static int64_t size_of(const struct record *r)
{
    return (int64_t)(r->n_key + r->n_value);
}

/* Nodes on the way are owned, so that a rotation changes nobody else's. */
static struct sim_tree *put(struct sim_tree *t, struct record *r, uint64_t priority, int64_t *size_delta)
{
    if (t == NULL) {
        t = (struct sim_tree *)malloc(sizeof *t);
        CHECK(t != NULL);
        *t = (struct sim_tree){.refs = 1, .priority = priority, .record = r};
        *size_delta += size_of(r);
        return t;
    }
    t = own(t);
    int c = span_compare(span_of(r->p, r->n_key), key_of(t));
    if (c == 0) {
        *size_delta += size_of(r) - size_of(t->record);
        record_drop(t->record);
        t->record = r;
    } else if (c < 0) {
        t->left = put(t->left, r, priority, size_delta);
        if (t->left->priority > t->priority) t = rotate_right(t);
    } else {
        t->right = put(t->right, r, priority, size_delta);
        if (t->right->priority > t->priority) t = rotate_left(t);
    }
    return t;
}

void sim_tree_put(struct sim_tree **root, struct span key, struct span value, int64_t *size_delta)
{
    *root = put(*root, record_new(key, value), priority_of(key), size_delta);
}

static struct sim_tree *merge(struct sim_tree *a, struct sim_tree *b)
{
    if (a == NULL) return b;
    if (b == NULL) return a;
    if (a->priority > b->priority) {
        a = own(a);
        a->right = merge(a->right, b);
        return a;
    }
    b = own(b);
    b->left = merge(a, b->left);
    return b;
}

static struct sim_tree *del(struct sim_tree *t, struct span key)
{
    t = own(t);
    int c = span_compare(key, key_of(t));
    if (c < 0) {
        t->left = del(t->left, key);
    } else if (c > 0) {
        t->right = del(t->right, key);
    } else {
        struct sim_tree *left = t->left, *right = t->right;
        t->left = t->right = NULL;
        sim_tree_drop(t);
        return merge(left, right);
    }
    return t;
}

bool sim_tree_del(struct sim_tree **root, struct span key, int64_t *size_delta)
{
    struct span value;
    if (!sim_tree_get(*root, key, &value)) return false;
    *size_delta -= (int64_t)(key.n + value.n);
    *root = del(*root, key);
    return true;
}

static bool give(const struct sim_tree *t, struct span *ret_key, struct span *ret_value)
{
    if (t == NULL) return false;
    *ret_key = key_of(t);
    *ret_value = value_of(t);
    return true;
}

bool sim_tree_get(const struct sim_tree *t, struct span key, struct span *ret_value)
{
    while (t != NULL) {
        int c = span_compare(key, key_of(t));
        if (c == 0) {
            *ret_value = value_of(t);
            return true;
        }
        t = c < 0 ? t->left : t->right;
    }
    return false;
}

bool sim_tree_after(const struct sim_tree *t, struct span key, bool past, struct span *ret_key,
                    struct span *ret_value)
{
    const struct sim_tree *best = NULL;
    while (t != NULL) {
        int c = span_compare(key_of(t), key);
        if (c > 0 || (c == 0 && !past)) {
            best = t;
            t = t->left;
        } else {
            t = t->right;
        }
    }
    return give(best, ret_key, ret_value);
}

bool sim_tree_before(const struct sim_tree *t, struct span key, struct span *ret_key, struct span *ret_value)
{
    const struct sim_tree *best = NULL;
    while (t != NULL) {
        if (span_compare(key_of(t), key) < 0) {
            best = t;
            t = t->right;
        } else {
            t = t->left;
        }
    }
    return give(best, ret_key, ret_value);
}

bool sim_tree_first(const struct sim_tree *t, struct span *ret_key, struct span *ret_value)
{
    while (t != NULL && t->left != NULL) t = t->left;
    return give(t, ret_key, ret_value);
}

bool sim_tree_last(const struct sim_tree *t, struct span *ret_key, struct span *ret_value)
{
    while (t != NULL && t->right != NULL) t = t->right;
    return give(t, ret_key, ret_value);
}
