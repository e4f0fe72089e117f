/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a YAML document along the tables and fills the policy's messages.
 *
 * Each pair of a map is looked up among the rows of its shape, its value read
 * by the row's type and put into the field of that name. What does not fit is
 * noted with file, line, path, what was found and what is allowed, and the
 * walk goes on, so that one run tells all. */
#include <stdarg.h>
#include <stdio.h>

#include "check.h"
#include "conf.h"
#include "err.h"
#include "life.h"
#include "money.h"
#include "policy_schema.h"

static int walk_map(struct policy_walk *w, const struct policy_shape *shape, yaml_node node, void *message);

/* ---- where we are ---- */

struct mark {
    size_t path, field;
};

static struct mark enter(struct policy_walk *w, const char *path, const char *field)
{
    struct mark mark = {strlen(w->path), strlen(w->field)};
    (void)snprintf(w->path + mark.path, sizeof w->path - mark.path, "%s%s",
                   mark.path > 0 && path[0] != '[' ? "." : "", path);
    (void)snprintf(w->field + mark.field, sizeof w->field - mark.field, "%s%s",
                   mark.field > 0 && field[0] != '[' && field[0] != '\0' ? "." : "", field);
    return mark;
}

static struct mark enter_item(struct policy_walk *w, size_t in_file, size_t in_policy)
{
    char path[32], field[32];
    (void)snprintf(path, sizeof path, "[%zu]", in_file);
    (void)snprintf(field, sizeof field, "[%zu]", in_policy);
    return enter(w, path, field);
}

static void leave(struct policy_walk *w, struct mark mark)
{
    w->path[mark.path] = '\0';
    w->field[mark.field] = '\0';
}

static void note_place(struct policy_walk *w, yaml_node node)
{
    if (w->n_places == w->cap_places) {
        w->cap_places = w->cap_places == 0 ? 256 : w->cap_places * 2;
        w->places = mem_realloc(w->m, w->places, w->cap_places * sizeof *w->places);
    }
    w->places[w->n_places++] = (struct policy_place){mem_strdup(w->m, w->field), mem_strdup(w->m, w->path),
                                                     yaml_doc_name(w->doc), yaml_line(w->doc, node)};
}

const struct policy_place *policy_walk_place(const struct policy_walk *w, const char *field)
{
    const struct policy_place *best = NULL;
    size_t best_n = 0;
    for (size_t i = 0; i < w->n_places; i++) {
        size_t n = strlen(w->places[i].field);
        bool around = strncmp(w->places[i].field, field, n) == 0 &&
                      (field[n] == '\0' || field[n] == '.' || field[n] == '[');
        if (around && (best == NULL || n > best_n)) {
            best = &w->places[i];
            best_n = n;
        }
    }
    return best;
}

void policy_walk_deinit(struct policy_walk *w)
{
    for (size_t i = 0; i < w->n_places; i++) {
        mem_free(w->m, w->places[i].field);
        mem_free(w->m, w->places[i].path);
    }
    mem_free(w->m, w->places);
    mem_free(w->m, w->problems);
    *w = (struct policy_walk){0};
}

/* ---- problems ---- */

void policy_walk_line(struct policy_walk *w, const char *line)
{
    if (++w->n_problems > POLICY_MAX_PROBLEMS) return;
    size_t bytes = strlen(line);
    w->problems = mem_realloc(w->m, w->problems, w->problems_bytes + bytes + 2);
    memcpy(w->problems + w->problems_bytes, line, bytes);
    w->problems_bytes += bytes;
    w->problems[w->problems_bytes++] = '\n';
    w->problems[w->problems_bytes] = '\0';
}

void policy_walk_problem(struct policy_walk *w, const char *file, unsigned line, const char *path,
                         const char *format, ...)
{
    char text[1200];
    int n = snprintf(text, sizeof text, "%s:%u: %s%s", file, line, path, path[0] != '\0' ? ": " : "");
    size_t used = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text + used, sizeof text - used, format, args);
    va_end(args);
    policy_walk_line(w, text);
}

/* What was found, on one line and not too long. */
static void found_text(const struct policy_walk *w, yaml_node node, char *ret, size_t n)
{
    switch (node == NULL ? YAML_NULL : yaml_kind(w->doc, node)) {
    case YAML_NULL:
        (void)snprintf(ret, n, "nothing");
        return;
    case YAML_LIST:
        (void)snprintf(ret, n, "a list of %u", yaml_size(w->doc, node));
        return;
    case YAML_MAP:
        (void)snprintf(ret, n, "a map of %u", yaml_size(w->doc, node));
        return;
    case YAML_SCALAR:
        break;
    }
    const char *s = yaml_scalar(w->doc, node);
    size_t shown = codec_utf8_prefix(span_str(s), n - 8 < 60 ? n - 8 : 60);
    (void)snprintf(ret, n, "'%.*s%s'", (int)shown, s, s[shown] != '\0' ? "..." : "");
    for (char *c = ret; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
}

static void refuse(struct policy_walk *w, const struct policy_key *k, yaml_node node)
{
    char found[100], allowed[POLICY_ALLOWED_MAX];
    found_text(w, node, found, sizeof found);
    policy_key_allowed(k, allowed, sizeof allowed);
    policy_walk_problem(w, yaml_doc_name(w->doc), yaml_line(w->doc, node), w->path, "found %s, allowed %s",
                        found, allowed);
}

static void refuse_key(struct policy_walk *w, yaml_node key, const char *allowed)
{
    char found[100];
    found_text(w, key, found, sizeof found);
    policy_walk_problem(w, yaml_doc_name(w->doc), yaml_line(w->doc, key), w->path,
                        "found unknown key %s, allowed %s", found, allowed);
}

/* ---- fields of messages ---- */

static void *field_at(void *message, const ProtobufCFieldDescriptor *f)
{
    return (char *)message + f->offset;
}

static size_t *count_at(void *message, const ProtobufCFieldDescriptor *f)
{
    return (size_t *)(void *)((char *)message + f->quantifier_offset);
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *d, const char *name)
{
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(d, name);
    CHECK(f != NULL);
    return f;
}

static void set_number(void *message, const char *name, int64_t v)
{
    ProtobufCMessage *m = message;
    const ProtobufCFieldDescriptor *f = field_of(m->descriptor, name);
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT64:
        *(int64_t *)field_at(message, f) = v;
        break;
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_ENUM:
        *(int32_t *)field_at(message, f) = (int32_t)v;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)field_at(message, f) = (protobuf_c_boolean)v;
        break;
    default:
        CHECK(f->type == PROTOBUF_C_TYPE_UINT32);
        *(uint32_t *)field_at(message, f) = (uint32_t)v;
    }
}

/* Room for n more items after those that are there; NULL when the arena is full. */
static void *grow(struct policy_walk *w, void *message, const char *name, size_t n, size_t item)
{
    ProtobufCMessage *m = message;
    const ProtobufCFieldDescriptor *f = field_of(m->descriptor, name);
    size_t *count = count_at(message, f);
    void **list = field_at(message, f);
    char *bigger = arena_zalloc(w->arena, (*count + n) * item + 1);
    if (bigger == NULL) return NULL;
    if (*count > 0) memcpy(bigger, *list, *count * item);
    *list = bigger;
    char *first = bigger + *count * item;
    *count += n;
    return first;
}

static void *new_message(struct policy_walk *w, const ProtobufCMessageDescriptor *d)
{
    void *message = arena_alloc(w->arena, d->sizeof_message);
    if (message != NULL) protobuf_c_message_init(d, message);
    return message;
}

/* ---- values ---- */

static bool text_fits(const char *s, int64_t min, int64_t max)
{
    size_t n = strlen(s);
    if (n < (size_t)min || n > (size_t)max) return false;
    for (const char *c = s; *c != '\0'; c++)
        if (((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7f) return false;
    return true;
}

/* Without white space around it; NULL when the arena is full. */
static char *trimmed(struct policy_walk *w, const char *s)
{
    s += strspn(s, " \t\n");
    char *copy = arena_strdup(w->arena, s);
    if (copy == NULL) return NULL;
    size_t n = strlen(copy);
    while (n > 0 && strchr(" \t\n", copy[n - 1]) != NULL) copy[--n] = '\0';
    return copy;
}

static bool is_number(const struct policy_key *k, const char *s, int64_t *ret)
{
    Kesu__V1__Language language;
    uint32_t minute;
    bool yes;
    switch (k->type) {
    case POLICY_INT:
        return conf_parse_int(s, k->min, k->max, ret) == 0;
    case POLICY_BOOL:
        if (conf_parse_bool(s, &yes) != 0) return false;
        *ret = yes;
        return true;
    case POLICY_LANGUAGE:
        if (policy_parse_language(s, &language) != 0) return false;
        *ret = (int64_t)language;
        return true;
    case POLICY_TIME:
        return policy_parse_time(s, ret) == 0;
    case POLICY_MINUTE:
        if (policy_parse_minute(s, &minute) != 0) return false;
        *ret = minute;
        return true;
    default:
        return conf_parse_duration(s, ret) == 0 && *ret >= k->min && *ret <= k->max;
    }
}

static bool is_text(const struct policy_key *k, const char *s)
{
    switch (k->type) {
    case POLICY_ID:
        return policy_is_id(s);
    case POLICY_CHOICE:
    case POLICY_CHOICES:
        return policy_is_choice(k->choices, s);
    case POLICY_EMAIL:
        return policy_is_email(s);
    case POLICY_URL:
        return policy_is_url(s);
    default:
        return text_fits(s, k->min, k->max);
    }
}

static int read_scalar(struct policy_walk *w, const struct policy_key *k, yaml_node node, void *message)
{
    ProtobufCMessage *m = message;
    const char *s = yaml_scalar(w->doc, node);
    int64_t number = 0;
    bool scalar = yaml_kind(w->doc, node) == YAML_SCALAR;
    if (k->type == POLICY_INT || k->type == POLICY_BOOL || k->type == POLICY_LANGUAGE ||
        k->type == POLICY_DURATION || k->type == POLICY_TIME || k->type == POLICY_MINUTE) {
        if (scalar && is_number(k, s, &number))
            set_number(message, k->key, number);
        else
            refuse(w, k, node);
        return 0;
    }
    if (!scalar || !is_text(k, s)) {
        refuse(w, k, node);
        return 0;
    }
    char *copy = arena_strdup(w->arena, s);
    if (copy == NULL) return E_NOMEM;
    *(char **)field_at(message, field_of(m->descriptor, k->key)) = copy;
    return 0;
}

static int read_enum(struct policy_walk *w, const struct policy_key *k, yaml_node node, void *message)
{
    ProtobufCMessage *m = message;
    int value = 0;
    if (yaml_kind(w->doc, node) == YAML_SCALAR &&
        policy_parse_enum(k, field_of(m->descriptor, k->key)->descriptor, yaml_scalar(w->doc, node),
                          &value) == 0)
        set_number(message, k->key, value);
    else
        refuse(w, k, node);
    return 0;
}

static int read_enums(struct policy_walk *w, const struct policy_key *k, yaml_node node, void *message)
{
    ProtobufCMessage *m = message;
    if (yaml_kind(w->doc, node) != YAML_LIST) {
        refuse(w, k, node);
        return 0;
    }
    unsigned n = yaml_size(w->doc, node);
    int *list = grow(w, message, k->key, n, sizeof *list);
    if (list == NULL) return E_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        yaml_node item = yaml_item(w->doc, node, i);
        struct mark mark = enter_item(w, i, i);
        if (yaml_kind(w->doc, item) != YAML_SCALAR ||
            policy_parse_enum(k, field_of(m->descriptor, k->key)->descriptor, yaml_scalar(w->doc, item),
                              &list[i]) != 0)
            refuse(w, k, item);
        leave(w, mark);
    }
    return 0;
}

static int read_money(struct policy_walk *w, const struct policy_key *k, yaml_node node, void *message)
{
    ProtobufCMessage *m = message;
    Kesu__V1__Money *money = new_message(w, &kesu__v1__money__descriptor);
    if (money == NULL) return E_NOMEM;
    char currency[4];
    if (yaml_kind(w->doc, node) != YAML_SCALAR ||
        money_parse(yaml_scalar(w->doc, node), currency, &money->e4) != 0 || money->e4 < 0) {
        refuse(w, k, node);
        return 0;
    }
    money->currency = arena_strdup(w->arena, currency);
    if (money->currency == NULL) return E_NOMEM;
    *(void **)field_at(message, field_of(m->descriptor, k->key)) = money;
    return 0;
}

static int read_texts(struct policy_walk *w, const struct policy_key *k, yaml_node node, void *message)
{
    if (yaml_kind(w->doc, node) != YAML_LIST) {
        refuse(w, k, node);
        return 0;
    }
    unsigned n = yaml_size(w->doc, node);
    char **list = k->type == POLICY_LINES ? arena_zalloc(w->arena, n * sizeof *list + 1)
                                          : grow(w, message, k->key, n, sizeof *list);
    if (list == NULL) return E_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        yaml_node item = yaml_item(w->doc, node, i);
        struct mark mark = enter_item(w, i, i);
        list[i] = trimmed(w, yaml_scalar(w->doc, item));
        if (list[i] == NULL) return E_NOMEM;
        if (yaml_kind(w->doc, item) != YAML_SCALAR || !text_fits(list[i], k->min, k->max)) refuse(w, k, item);
        for (unsigned j = 0; j < i && k->type == POLICY_TEXTS; j++) {
            if (strcmp(list[i], list[j]) != 0) continue;
            policy_walk_problem(w, yaml_doc_name(w->doc), yaml_line(w->doc, item), w->path,
                                "found '%.60s' again, first as item %u, allowed once", list[i], j);
            break;
        }
        leave(w, mark);
    }
    return 0;
}

static int read_choices(struct policy_walk *w, const struct policy_key *k, yaml_node node, void *message)
{
    ProtobufCMessage *m = message;
    if (yaml_kind(w->doc, node) == YAML_SCALAR) return read_scalar(w, k, node, message);
    char *words = arena_strdup(w->arena, "");
    unsigned n = yaml_kind(w->doc, node) == YAML_LIST ? yaml_size(w->doc, node) : 0;
    if (n == 0) refuse(w, k, node);
    for (unsigned i = 0; i < n; i++) {
        yaml_node item = yaml_item(w->doc, node, i);
        struct mark mark = enter_item(w, i, i);
        const char *word = yaml_scalar(w->doc, item);
        if (yaml_kind(w->doc, item) != YAML_SCALAR || !policy_is_choice(k->choices, word) ||
            (words != NULL && life_has_word(words, word)))
            refuse(w, k, item);
        else if (words != NULL)
            words = arena_printf(w->arena, "%s%s%s", words, words[0] != '\0' ? " " : "", word);
        leave(w, mark);
    }
    if (words == NULL) return E_NOMEM;
    *(char **)field_at(message, field_of(m->descriptor, k->key)) = words;
    return 0;
}

static int read_durations(struct policy_walk *w, const struct policy_key *k, yaml_node node, void *message)
{
    if (yaml_kind(w->doc, node) != YAML_LIST) {
        refuse(w, k, node);
        return 0;
    }
    unsigned n = yaml_size(w->doc, node);
    int64_t *list = grow(w, message, k->key, n, sizeof *list);
    if (list == NULL) return E_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        yaml_node item = yaml_item(w->doc, node, i);
        struct mark mark = enter_item(w, i, i);
        if (yaml_kind(w->doc, item) != YAML_SCALAR || !is_number(k, yaml_scalar(w->doc, item), &list[i]))
            refuse(w, k, item);
        leave(w, mark);
    }
    return 0;
}

static int read_names(struct policy_walk *w, const struct policy_key *k, yaml_node node, void *message)
{
    unsigned n = yaml_size(w->doc, node);
    if (yaml_kind(w->doc, node) != YAML_MAP || n == 0) {
        refuse(w, k, node);
        return 0;
    }
    Kesu__V1__LocalName **list = grow(w, message, k->key, n, sizeof *list);
    if (list == NULL) return E_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        yaml_node key, value;
        yaml_pair(w->doc, node, i, &key, &value);
        list[i] = new_message(w, &kesu__v1__local_name__descriptor);
        if (list[i] == NULL) return E_NOMEM;
        if (policy_parse_language(yaml_scalar(w->doc, key), &list[i]->language) != 0) {
            refuse_key(w, key, "zh-Hant, zh-Hans, en");
            continue;
        }
        struct mark mark = enter(w, yaml_scalar(w->doc, key), "");
        list[i]->text = trimmed(w, yaml_scalar(w->doc, value));
        if (list[i]->text == NULL) return E_NOMEM;
        if (yaml_kind(w->doc, value) != YAML_SCALAR || !text_fits(list[i]->text, k->min, k->max))
            refuse(w, k, value);
        leave(w, mark);
    }
    return 0;
}

static int read_dues(struct policy_walk *w, const struct policy_key *k, yaml_node node, void *message)
{
    static const char *const names[] = {"all", "S1", "S2", "S3", "S4"}; /* as Severity is numbered */
    unsigned n = yaml_size(w->doc, node);
    if (yaml_kind(w->doc, node) != YAML_MAP || n == 0) {
        refuse(w, k, node);
        return 0;
    }
    Kesu__V1__ClockDue **list = grow(w, message, k->key, n, sizeof *list);
    if (list == NULL) return E_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        yaml_node key, value;
        yaml_pair(w->doc, node, i, &key, &value);
        list[i] = new_message(w, &kesu__v1__clock_due__descriptor);
        if (list[i] == NULL) return E_NOMEM;
        unsigned severity = 0;
        while (severity < 5 && strcmp(yaml_scalar(w->doc, key), names[severity]) != 0) severity++;
        if (severity == 5) {
            refuse_key(w, key, "S1, S2, S3, S4, all");
            continue;
        }
        list[i]->severity = (Kesu__V1__Severity)severity;
        struct mark mark = enter(w, names[severity], "");
        if (yaml_kind(w->doc, value) != YAML_SCALAR ||
            !is_number(k, yaml_scalar(w->doc, value), &list[i]->after))
            refuse(w, k, value);
        leave(w, mark);
    }
    return 0;
}

static int read_maps(struct policy_walk *w, const struct policy_key *k, yaml_node node, void *message)
{
    unsigned n = yaml_size(w->doc, node);
    if (yaml_kind(w->doc, node) != YAML_LIST || n < k->min || n > k->max) {
        refuse(w, k, node);
        return 0;
    }
    ProtobufCMessage *m = message;
    size_t before = *count_at(message, field_of(m->descriptor, k->key));
    void **list = grow(w, message, k->key, n, sizeof *list);
    if (list == NULL) return E_NOMEM;
    for (unsigned i = 0; i < n; i++) {
        list[i] = new_message(w, k->shape->d);
        if (list[i] == NULL) return E_NOMEM;
        struct mark mark = enter_item(w, i, before + i);
        int err = walk_map(w, k->shape, yaml_item(w->doc, node, i), list[i]);
        leave(w, mark);
        if (err != 0) return err;
    }
    return 0;
}

static int read_map(struct policy_walk *w, const struct policy_key *k, yaml_node node, void *message)
{
    ProtobufCMessage *m = message;
    void *child = new_message(w, k->shape->d);
    if (child == NULL) return E_NOMEM;
    *(void **)field_at(message, field_of(m->descriptor, k->key)) = child;
    return walk_map(w, k->shape, node, child);
}

static int read_value(struct policy_walk *w, const struct policy_key *k, yaml_node node, void *message)
{
    switch (k->type) {
    case POLICY_TEXTS:
    case POLICY_LINES:
        return read_texts(w, k, node, message);
    case POLICY_ENUM:
        return read_enum(w, k, node, message);
    case POLICY_ENUMS:
        return read_enums(w, k, node, message);
    case POLICY_MONEY:
        return read_money(w, k, node, message);
    case POLICY_CHOICES:
        return read_choices(w, k, node, message);
    case POLICY_DURATIONS:
        return read_durations(w, k, node, message);
    case POLICY_NAMES:
        return read_names(w, k, node, message);
    case POLICY_DUES:
        return read_dues(w, k, node, message);
    case POLICY_MAP:
        return read_map(w, k, node, message);
    case POLICY_MAPS:
        return read_maps(w, k, node, message);
    default:
        return read_scalar(w, k, node, message);
    }
}

/* ---- maps ---- */

static void refuse_unknown(struct policy_walk *w, const struct policy_shape *shape, yaml_node key)
{
    char allowed[512] = "";
    for (const struct policy_key *k = shape->keys; k->key != NULL; k++) {
        size_t used = strlen(allowed);
        (void)snprintf(allowed + used, sizeof allowed - used, "%s%s", used > 0 ? ", " : "", k->key);
    }
    refuse_key(w, key, allowed);
}

static int walk_map(struct policy_walk *w, const struct policy_shape *shape, yaml_node node, void *message)
{
    if (node == NULL || yaml_kind(w->doc, node) != YAML_MAP) {
        char found[100];
        found_text(w, node, found, sizeof found);
        policy_walk_problem(w, yaml_doc_name(w->doc), node == NULL ? 1 : yaml_line(w->doc, node), w->path,
                            "found %s, allowed a map", found);
        return 0;
    }
    if (w->field[0] != '\0') note_place(w, node);
    for (unsigned i = 0; i < yaml_size(w->doc, node); i++) {
        yaml_node key, value;
        yaml_pair(w->doc, node, i, &key, &value);
        const struct policy_key *k = shape->keys;
        while (k->key != NULL && strcmp(k->key, yaml_scalar(w->doc, key)) != 0) k++;
        if (k->key == NULL) {
            refuse_unknown(w, shape, key);
            continue;
        }
        struct mark mark = enter(w, k->key, k->key);
        note_place(w, key);
        int err = read_value(w, k, value, message);
        leave(w, mark);
        if (err != 0) return err;
    }
    for (const struct policy_key *k = shape->keys; k->key != NULL; k++) {
        if (!k->required || yaml_get(w->doc, node, k->key) != NULL) continue;
        char allowed[POLICY_ALLOWED_MAX];
        policy_key_allowed(k, allowed, sizeof allowed);
        struct mark mark = enter(w, k->key, k->key);
        policy_walk_problem(w, yaml_doc_name(w->doc), yaml_line(w->doc, node), w->path,
                            "missing (%s), allowed %s", k->help, allowed);
        leave(w, mark);
    }
    return 0;
}

/* templates/receipt.yaml: zh-Hant: {subject, text, html} ... */
static int walk_languages(struct policy_walk *w, const struct policy_file *def, yaml_node root)
{
    const char *base = strrchr(yaml_doc_name(w->doc), '/');
    base = base == NULL ? yaml_doc_name(w->doc) : base + 1;
    size_t id_n = strlen(base) - strlen(".yaml");
    if (root == NULL || yaml_kind(w->doc, root) != YAML_MAP || yaml_size(w->doc, root) == 0) {
        policy_walk_problem(w, yaml_doc_name(w->doc), 1, "", "found no map, allowed zh-Hant, zh-Hans, en");
        return 0;
    }
    for (unsigned i = 0; i < yaml_size(w->doc, root); i++) {
        yaml_node key, value;
        Kesu__V1__Language language;
        yaml_pair(w->doc, root, i, &key, &value);
        if (policy_parse_language(yaml_scalar(w->doc, key), &language) != 0) {
            refuse_key(w, key, "zh-Hant, zh-Hans, en");
            continue;
        }
        const ProtobufCFieldDescriptor *f = field_of(w->policy->base.descriptor, def->list);
        size_t before = *count_at(w->policy, f);
        void **list = grow(w, w->policy, def->list, 1, sizeof *list);
        if (list == NULL) return E_NOMEM;
        list[0] = new_message(w, def->shape->d);
        char *id = arena_printf(w->arena, "%.*s", (int)id_n, base);
        if (list[0] == NULL || id == NULL) return E_NOMEM;
        *(char **)field_at(list[0], field_of(def->shape->d, "id")) = id;
        set_number(list[0], "language", (int64_t)language);
        char field[64];
        (void)snprintf(field, sizeof field, "%s[%zu]", def->list, before);
        struct mark mark = enter(w, yaml_scalar(w->doc, key), field);
        int err = walk_map(w, def->shape, value, list[0]);
        leave(w, mark);
        if (err != 0) return err;
    }
    return 0;
}

int policy_walk_file(struct policy_walk *w, const struct policy_file *def, const struct yaml_doc *doc)
{
    w->doc = doc;
    w->path[0] = w->field[0] = '\0';
    yaml_node root = yaml_doc_root(doc);
    return def->by_language ? walk_languages(w, def, root) : walk_map(w, def->shape, root, w->policy);
}
