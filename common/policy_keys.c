/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the keys, for documentation. */
#include <stdio.h>

#include "policy.h"
#include "policy_schema.h"

struct listing {
    const char *file;
    policy_on_key on_key;
    void *self;
};

static void list_shape(const struct listing *l, const struct policy_shape *shape, const char *prefix)
{
    for (const struct policy_key *k = shape->keys; k->key != NULL; k++) {
        char path[POLICY_PATH_MAX], allowed[POLICY_ALLOWED_MAX];
        (void)snprintf(path, sizeof path, "%.100s%s%s%s", prefix, prefix[0] != '\0' ? "." : "", k->key,
                       k->type == POLICY_MAPS ? "[]" : "");
        policy_key_allowed(k, allowed, sizeof allowed);
        l->on_key(l->self, l->file, path, k->required, allowed, k->help);
        if (k->shape != NULL) list_shape(l, k->shape, path);
    }
}

void policy_keys(policy_on_key on_key, void *self)
{
    for (const struct policy_file *def = policy_files; def->path != NULL; def++) {
        struct listing l = {def->path, on_key, self};
        list_shape(&l, def->shape, def->by_language ? "LANGUAGE" : "");
    }
}
