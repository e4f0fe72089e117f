/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML document whose every node knows its line. */
#ifndef KESU_YAML_DOC_H
#define KESU_YAML_DOC_H

#include "mem.h"

struct yaml_doc;
struct yaml_node_s;
typedef const struct yaml_node_s *yaml_node; /* opaque; of the document */

enum yaml_kind { YAML_NULL, YAML_SCALAR, YAML_LIST, YAML_MAP };

/* At most 1 MiB, 64 levels; no aliases, no duplicate keys, one document.
 * name: for errors. ret_error as in conf.h: "NAME:LINE: what". */
int yaml_doc_parse(struct mem *m, const char *name, struct span text, struct yaml_doc **ret,
                   char **ret_error);
void yaml_doc_free(struct yaml_doc **p);
const char *yaml_doc_name(const struct yaml_doc *d);
yaml_node yaml_doc_root(const struct yaml_doc *d); /* NULL when empty */

enum yaml_kind yaml_kind(const struct yaml_doc *d, yaml_node n);
unsigned yaml_line(const struct yaml_doc *d, yaml_node n);      /* from 1 */
const char *yaml_scalar(const struct yaml_doc *d, yaml_node n); /* "" when not a scalar */
unsigned yaml_size(const struct yaml_doc *d, yaml_node n);      /* items or pairs */
yaml_node yaml_item(const struct yaml_doc *d, yaml_node n, unsigned i);
void yaml_pair(const struct yaml_doc *d, yaml_node n, unsigned i, yaml_node *ret_key, yaml_node *ret_value);
yaml_node yaml_get(const struct yaml_doc *d, yaml_node map, const char *key); /* NULL when missing */

#endif
