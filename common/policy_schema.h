/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the policy's YAML files, as const tables, and their walker.
 *
 * A row says everything of one key; a shape is the rows of one map and the
 * message they fill (a key's name is its field's). What the walker refuses,
 * the documentation and the tests all come from these rows. */
#ifndef KESU_POLICY_SCHEMA_H
#define KESU_POLICY_SCHEMA_H

#include "codec.h"
#include "yaml_doc.h"

#define POLICY_ID_MAX       64
#define POLICY_MAX_PROBLEMS 200
#define POLICY_PATH_MAX     200
#define POLICY_ALLOWED_MAX  600 /* of what a key may hold, in words */

enum policy_type {
    POLICY_TEXT,      /* min to max bytes, no control characters but line breaks and tabs */
    POLICY_ID,        /* a-z 0-9 and _ . - inside, at most POLICY_ID_MAX bytes */
    POLICY_INT,       /* min to max */
    POLICY_BOOL,      /* true, false */
    POLICY_DURATION,  /* min to max microseconds */
    POLICY_CHOICE,    /* one of choices, kept as text */
    POLICY_ENUM,      /* one of choices, kept as the value of that name */
    POLICY_ENUMS,     /* a list of such */
    POLICY_MONEY,     /* TWD 3000.50; none below zero */
    POLICY_TIME,      /* 2026-12-31, 2026-12-31T18:00:00Z or with an offset */
    POLICY_MINUTE,    /* 08:30, kept as minutes after midnight */
    POLICY_CHOICES,   /* a list of choices, or one; kept as text with spaces between */
    POLICY_LANGUAGE,  /* zh-Hant, zh-Hans, en */
    POLICY_EMAIL,     /* local@domain */
    POLICY_URL,       /* http:// or https:// */
    POLICY_TEXTS,     /* a list of texts, trimmed, no two the same; min to max bytes each */
    POLICY_LINES,     /* as TEXTS, for people and tests: not in the compiled form */
    POLICY_DURATIONS, /* a list of durations */
    POLICY_NAMES,     /* a map from language to text of min to max bytes */
    POLICY_DUES,      /* a map from S1, S2, S3, S4 or all to a duration */
    POLICY_MAP,       /* of shape */
    POLICY_MAPS,      /* a list of shape */
};

struct policy_shape;

struct policy_key {
    const char *key; /* NULL ends a table */
    enum policy_type type;
    bool required;
    int64_t min, max;
    const char *choices; /* "a|b|c" */
    const struct policy_shape *shape;
    const char *help; /* one line */
};

struct policy_shape {
    const ProtobufCMessageDescriptor *d;
    const struct policy_key *keys;
};

struct policy_file {
    const char *path; /* "org.yaml"; "rules/": all files of that folder */
    bool required;
    const struct policy_shape *shape;
    bool by_language; /* the file is a map from language to shape, one message of `list` each */
    const char *list; /* field of Policy those go to; the message's id is the file's name */
};

/* All files, in the order they are read; path NULL ends it. */
extern const struct policy_file policy_files[];

/* Of org.yaml, policy_authority.c: who may give how much, and the settings of the life of a case. */
extern const struct policy_shape policy_shift_shape, policy_authority_shape, policy_quota_shape,
    policy_compensation_shape, policy_delegation_shape, policy_life_shape;

extern const struct policy_shape policy_org_shape, policy_routing_shape, policy_rules_shape, policy_sla_shape,
    policy_notify_shape, policy_template_shape;

/* Where a field of the compiled policy came from. */
struct policy_place {
    char *field; /* "staff[3].manager" */
    char *path;  /* as in the file */
    const char *file;
    unsigned line;
};

/* One compilation. */
struct policy_walk {
    struct mem *m;
    struct arena *arena;
    Kesu__V1__Policy *policy;
    const struct yaml_doc *doc;
    char path[POLICY_PATH_MAX];  /* where the walk is in the file */
    char field[POLICY_PATH_MAX]; /* ... and in the policy */
    struct policy_place *places;
    size_t n_places, cap_places;
    char *problems; /* lines */
    size_t problems_bytes;
    unsigned n_problems;
};

void policy_walk_deinit(struct policy_walk *w);
/* Reads one document into the policy, noting problems. E_NOMEM when the arena is full. */
int policy_walk_file(struct policy_walk *w, const struct policy_file *def, const struct yaml_doc *doc);
void policy_walk_problem(struct policy_walk *w, const char *file, unsigned line, const char *path,
                         const char *format, ...) __attribute__((format(printf, 5, 6)));
void policy_walk_line(struct policy_walk *w, const char *line); /* already worded */
/* The place of a field, or of the nearest thing around it; NULL when there is none. */
const struct policy_place *policy_walk_place(const struct policy_walk *w, const char *field);
/* What a key allows, for people. */
void policy_key_allowed(const struct policy_key *k, char *ret, size_t n);

/* Scalars. */
int policy_parse_language(const char *s, Kesu__V1__Language *ret); /* E_ENUM */
const char *policy_language_name(Kesu__V1__Language language);     /* "zh-Hant"; "" when unknown */
bool policy_is_id(const char *s);
bool policy_is_email(const char *s);
bool policy_is_url(const char *s);
bool policy_is_choice(const char *choices, const char *s); /* "a|b|c" */
int policy_parse_enum(const struct policy_key *k, const ProtobufCEnumDescriptor *d, const char *s,
                      int *ret); /* E_ENUM */
bool policy_is_enum(const struct policy_key *k, const ProtobufCEnumDescriptor *d, int value);
int policy_parse_time(const char *s, int64_t *ret);              /* E_SYNTAX */
int policy_parse_minute(const char *s, uint32_t *ret);           /* E_SYNTAX */
bool policy_are_choices(const char *choices, const char *words); /* words with spaces between */

/* Every problem of a compiled policy; field as in policy_place. */
typedef void (*policy_on_problem)(void *self, const char *field, const char *reason);
void policy_check_each(const Kesu__V1__Policy *p, policy_on_problem on_problem, void *self);

#endif
