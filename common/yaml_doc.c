/* SPDX-License-Identifier: Apache-2.0 */
/* YAML by libyaml, in two passes: the events are read once to refuse what we
 * do not take (depth, aliases, tags, several documents) before the document
 * is built from them in a second; then its maps are checked for duplicate
 * keys. Every refusal names the line. */
#include <stdlib.h>
#include <yaml.h>

#include "err.h"
#include "yaml_doc.h"

#define YAML_MAX_BYTES  ((size_t)1 << 20)
#define YAML_MAX_LEVELS 64

struct yaml_doc {
    struct mem *mem;
    char *name;
    yaml_document_t document;
    bool loaded;
};

static int refuse(struct mem *m, const char *name, size_t line, const char *what, char **ret_error)
{
    *ret_error = mem_printf(m, "%s:%zu: %s", name, line, what);
    return E_SYNTAX;
}

static int refuse_parser(struct mem *m, const char *name, const yaml_parser_t *p, char **ret_error)
{
    const char *what = p->problem != NULL ? p->problem : "not YAML";
    if (p->error == YAML_READER_ERROR) return refuse(m, name, p->mark.line + 1, what, ret_error);
    size_t line = p->problem_mark.line + 1;
    if (p->context == NULL) return refuse(m, name, line, what, ret_error);
    *ret_error = mem_printf(m, "%s:%zu: %s: %s", name, line, p->context, what);
    return E_SYNTAX;
}

/* NULL, or what is wrong with this event. */
static const char *event_problem(const yaml_event_t *e, unsigned *depth, unsigned *documents)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return ++*documents > 1 ? "a second document begins here; one is allowed" : NULL;
    case YAML_ALIAS_EVENT:
        return "aliases (*name) are not allowed";
    case YAML_SCALAR_EVENT:
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
        if (memchr(e->data.scalar.value, 0, e->data.scalar.length) != NULL) return "text holds NUL";
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
        ++*depth;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
        ++*depth;
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        --*depth;
        break;
    default:
        break;
    }
    if (*depth > YAML_MAX_LEVELS) return "nested deeper than 64 levels";
    if (anchor != NULL) return "anchors (&name) are not allowed";
    if (tag != NULL) return "tags (!name) are not allowed";
    return NULL;
}

static int check_events(struct mem *m, const char *name, struct span text, char **ret_error)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) abort();
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, text.p, text.n);
    unsigned depth = 0, documents = 0;
    int r = 0;
    for (bool end = false; !end && r == 0;) {
        yaml_event_t e;
        if (!yaml_parser_parse(&parser, &e)) {
            r = refuse_parser(m, name, &parser, ret_error);
            break;
        }
        const char *problem = event_problem(&e, &depth, &documents);
        if (problem != NULL) r = refuse(m, name, e.start_mark.line + 1, problem, ret_error);
        end = e.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&parser);
    return r;
}

static int load(struct yaml_doc *d, struct span text, char **ret_error)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) abort();
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, text.p, text.n);
    int r = 0;
    if (yaml_parser_load(&parser, &d->document))
        d->loaded = true;
    else
        r = refuse_parser(d->mem, d->name, &parser, ret_error);
    yaml_parser_delete(&parser);
    return r;
}

static int compare_keys(const void *a, const void *b)
{
    const yaml_node_t *x = *(const yaml_node_t *const *)a, *y = *(const yaml_node_t *const *)b;
    int c = strcmp((const char *)x->data.scalar.value, (const char *)y->data.scalar.value);
    return c != 0 ? c
                  : (x->start_mark.index > y->start_mark.index) - (x->start_mark.index < y->start_mark.index);
}

static int check_keys(struct yaml_doc *d, yaml_node map, char **ret_error)
{
    unsigned n = yaml_size(d, map);
    const yaml_node_t **keys = mem_alloc(d->mem, (n + 1) * sizeof(*keys));
    int r = 0;
    for (unsigned i = 0; i < n && r == 0; i++) {
        yaml_node value;
        yaml_pair(d, map, i, &keys[i], &value);
        if (keys[i]->type != YAML_SCALAR_NODE)
            r = refuse(d->mem, d->name, keys[i]->start_mark.line + 1, "a key must be text", ret_error);
    }
    if (r == 0) qsort(keys, n, sizeof(*keys), compare_keys);
    for (unsigned i = 1; i < n && r == 0; i++) {
        if (strcmp(yaml_scalar(d, keys[i - 1]), yaml_scalar(d, keys[i])) != 0) continue;
        *ret_error = mem_printf(d->mem, "%s:%u: key '%.100s' stands twice, first on line %u", d->name,
                                yaml_line(d, keys[i]), (const char *)keys[i]->data.scalar.value,
                                yaml_line(d, keys[i - 1]));
        r = E_SYNTAX;
    }
    mem_free(d->mem, keys);
    return r;
}

static int check_maps(struct yaml_doc *d, char **ret_error)
{
    for (yaml_node_t *n = d->document.nodes.start; n < d->document.nodes.top; n++) {
        if (n->type != YAML_MAPPING_NODE) continue;
        int r = check_keys(d, n, ret_error);
        if (r < 0) return r;
    }
    return 0;
}

int yaml_doc_parse(struct mem *m, const char *name, struct span text, struct yaml_doc **ret, char **ret_error)
{
    if (text.n > YAML_MAX_BYTES) {
        refuse(m, name, 1, "longer than 1 MiB", ret_error);
        return E_TOO_BIG;
    }
    if (text.p == NULL) text = SPAN_LIT("");
    int r = check_events(m, name, text, ret_error);
    if (r < 0) return r;
    struct yaml_doc *d = mem_zalloc(m, sizeof(*d));
    d->mem = m;
    d->name = mem_strdup(m, name);
    r = load(d, text, ret_error);
    if (r == 0) r = check_maps(d, ret_error);
    if (r < 0) {
        yaml_doc_free(&d);
        return r;
    }
    *ret = d;
    return 0;
}

void yaml_doc_free(struct yaml_doc **p)
{
    struct yaml_doc *d = *p;
    if (d == NULL) return;
    *p = NULL;
    if (d->loaded) yaml_document_delete(&d->document);
    mem_free(d->mem, d->name);
    mem_free(d->mem, d);
}

const char *yaml_doc_name(const struct yaml_doc *d)
{
    return d->name;
}

static yaml_node node_at(const struct yaml_doc *d, int index)
{
    return d->document.nodes.start + index - 1; /* libyaml counts from 1 */
}

yaml_node yaml_doc_root(const struct yaml_doc *d)
{
    return d->document.nodes.start < d->document.nodes.top ? node_at(d, 1) : NULL;
}

static bool is_null(yaml_node n)
{
    const char *s = (const char *)n->data.scalar.value;
    return n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (s[0] == 0 || strcmp(s, "~") == 0 || strcmp(s, "null") == 0);
}

enum yaml_kind yaml_kind(const struct yaml_doc *d, yaml_node n)
{
    (void)d;
    if (n == NULL || n->type == YAML_NO_NODE) return YAML_NULL;
    if (n->type == YAML_SEQUENCE_NODE) return YAML_LIST;
    if (n->type == YAML_MAPPING_NODE) return YAML_MAP;
    return is_null(n) ? YAML_NULL : YAML_SCALAR;
}

unsigned yaml_line(const struct yaml_doc *d, yaml_node n)
{
    (void)d;
    return n != NULL ? (unsigned)n->start_mark.line + 1 : 1;
}

const char *yaml_scalar(const struct yaml_doc *d, yaml_node n)
{
    (void)d;
    return n != NULL && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

unsigned yaml_size(const struct yaml_doc *d, yaml_node n)
{
    switch (yaml_kind(d, n)) {
    case YAML_LIST:
        return (unsigned)(n->data.sequence.items.top - n->data.sequence.items.start);
    case YAML_MAP:
        return (unsigned)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
    case YAML_NULL:
    case YAML_SCALAR:
        break;
    }
    return 0;
}

yaml_node yaml_item(const struct yaml_doc *d, yaml_node n, unsigned i)
{
    return node_at(d, n->data.sequence.items.start[i]);
}

void yaml_pair(const struct yaml_doc *d, yaml_node n, unsigned i, yaml_node *ret_key, yaml_node *ret_value)
{
    *ret_key = node_at(d, n->data.mapping.pairs.start[i].key);
    *ret_value = node_at(d, n->data.mapping.pairs.start[i].value);
}

yaml_node yaml_get(const struct yaml_doc *d, yaml_node map, const char *key)
{
    if (yaml_kind(d, map) != YAML_MAP) return NULL;
    for (unsigned i = 0; i < yaml_size(d, map); i++) {
        yaml_node k, v;
        yaml_pair(d, map, i, &k, &v);
        if (strcmp(yaml_scalar(d, k), key) == 0) return v;
    }
    return NULL;
}
