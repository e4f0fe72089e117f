/* SPDX-License-Identifier: Apache-2.0 */
/* From a directory of YAML to a bundle.
 *
 * The files are read in the order of their names, those of folders last; each goes through the walker into
 * one policy. When all were sound, the whole is checked and its problems are traced back to file and line. */
#include <stdio.h>

#include "clock.h"
#include "err.h"
#include "files.h"
#include "policy.h"
#include "policy_schema.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define MAX_FILES      256

const struct policy_file policy_files[] = {
    {"org.yaml", true, &policy_org_shape, false, NULL},
    {"routing.yaml", true, &policy_routing_shape, false, NULL},
    {"rules/", false, &policy_rules_shape, false, NULL},
    {"sla.yaml", true, &policy_sla_shape, false, NULL},
    {"notify.yaml", true, &policy_notify_shape, false, NULL},
    {"templates/", false, &policy_template_shape, true, "templates"},
    {NULL, false, NULL, false, NULL},
};

static bool is_folder(const struct policy_file *def)
{
    return def->path[strlen(def->path) - 1] == '/';
}

static bool ends_in(const char *s, const char *end)
{
    return strlen(s) > strlen(end) && strcmp(s + strlen(s) - strlen(end), end) == 0;
}

static const struct policy_file *def_of(const char *path)
{
    for (const struct policy_file *def = policy_files; def->path != NULL; def++) {
        if (strcmp(def->path, path) == 0) return def;
        if (is_folder(def) && strncmp(def->path, path, strlen(def->path)) == 0 && ends_in(path, ".yaml"))
            return def;
    }
    return NULL;
}

/* ---- from files that were read ---- */

static void on_check_problem(void *self, const char *field, const char *reason)
{
    struct policy_walk *w = self;
    const struct policy_place *place = policy_walk_place(w, field);
    char path[2 * POLICY_PATH_MAX];
    if (place == NULL) {
        policy_walk_problem(w, "policy", 1, field, "%s", reason);
        return;
    }
    (void)snprintf(path, sizeof path, "%s%s", place->path, field + strlen(place->field));
    policy_walk_problem(w, place->file, place->line, path, "%s", reason);
}

static int compile_file(struct policy_walk *w, const Kesu__V1__PolicyFile *file, struct yaml_doc **ret_doc)
{
    const struct policy_file *def = def_of(file->path);
    char *error = NULL;
    if (def == NULL) {
        policy_walk_problem(w, file->path, 1, "",
                            "found unknown file, allowed org.yaml, routing.yaml, rules/*.yaml, sla.yaml, "
                            "notify.yaml, templates/*.yaml");
        return 0;
    }
    int err =
        yaml_doc_parse(w->m, file->path, span_of(file->content.data, file->content.len), ret_doc, &error);
    if (err == 0) return policy_walk_file(w, def, *ret_doc);
    policy_walk_line(w, error != NULL ? error : err_text(err)); /* says file and line itself */
    mem_free(w->m, error);
    return 0;
}

static void check_required(struct policy_walk *w, Kesu__V1__PolicyFile *const *files, size_t n)
{
    for (const struct policy_file *def = policy_files; def->path != NULL; def++) {
        size_t i = 0;
        while (i < n && strcmp(files[i]->path, def->path) != 0) i++;
        if (def->required && i == n)
            policy_walk_problem(w, def->path, 1, "", "missing, allowed a file of this name");
    }
}

static bool leads(const Kesu__V1__Policy *p, const char *id)
{
    for (size_t i = 0; i < p->n_departments; i++) {
        const Kesu__V1__Department *d = p->departments[i];
        if (strcmp(d->manager, id) == 0) return true;
        for (size_t j = 0; j < d->n_sections; j++)
            if (strcmp(d->sections[j]->manager, id) == 0) return true;
    }
    for (size_t i = 0; i < p->n_staff; i++)
        if (strcmp(p->staff[i]->manager, id) == 0) return true;
    return false;
}

/* Whose role is not said: by whether they take cases, and by their place in the chain of command. */
static Kesu__V1__StaffRole role_of(const Kesu__V1__Policy *p, const Kesu__V1__Staff *s)
{
    if (s->agent) return KESU__V1__STAFF_ROLE__STAFF_ROLE_AGENT;
    if (!leads(p, s->id)) return KESU__V1__STAFF_ROLE__STAFF_ROLE_HANDLER;
    return s->manager[0] == '\0' ? KESU__V1__STAFF_ROLE__STAFF_ROLE_GENERAL_MANAGER
                                 : KESU__V1__STAFF_ROLE__STAFF_ROLE_SECTION_MANAGER;
}

static void fill_defaults(Kesu__V1__Policy *p)
{
    for (size_t i = 0; i < p->n_staff; i++)
        if (p->staff[i]->role == KESU__V1__STAFF_ROLE__STAFF_ROLE_UNSPECIFIED)
            p->staff[i]->role = role_of(p, p->staff[i]);
    for (size_t i = 0; i < p->n_staff; i++)
        if (p->staff[i]->agent && p->staff[i]->capacity == 0) p->staff[i]->capacity = p->defaults->capacity;
}

static int finish(struct policy_walk *w, int err, char **ret_error)
{
    if (err == E_NOMEM) policy_walk_problem(w, "policy", 1, "", "over the memory limit");
    if (w->n_problems > POLICY_MAX_PROBLEMS) {
        unsigned more = w->n_problems - POLICY_MAX_PROBLEMS;
        w->n_problems = 0; /* room for one more line */
        policy_walk_problem(w, "policy", 1, "", "and %u more problems", more);
    }
    if (w->problems == NULL) return 0;
    *ret_error = w->problems;
    w->problems = NULL;
    return E_POLICY;
}

int policy_compile_files(struct mem *m, Kesu__V1__PolicyFile *const *files, size_t n, struct arena *arena,
                         Kesu__V1__PolicyBundle **ret, char **ret_error)
{
    struct policy_walk w = {.m = m, .arena = arena};
    Kesu__V1__PolicyBundle *bundle = arena_alloc(arena, sizeof *bundle);
    w.policy = arena_alloc(arena, sizeof *w.policy);
    struct yaml_doc *docs[MAX_FILES] = {NULL}; /* places borrow their names until the end */
    int err = bundle == NULL || w.policy == NULL ? E_NOMEM : 0;
    if (n > MAX_FILES) policy_walk_problem(&w, "policy", 1, "", "found %zu files, allowed %d", n, MAX_FILES);
    if (err == 0) {
        kesu__v1__policy_bundle__init(bundle);
        kesu__v1__policy__init(w.policy);
        check_required(&w, files, n);
    }
    for (size_t i = 0; i < n && n <= MAX_FILES && err == 0; i++) err = compile_file(&w, files[i], &docs[i]);
    if (err == 0 && w.n_problems == 0) {
        fill_defaults(w.policy);
        policy_check_each(w.policy, on_check_problem, &w);
    }
    err = finish(&w, err, ret_error);
    if (err == 0) {
        bundle->policy = w.policy;
        bundle->n_files = n;
        bundle->files = arena_alloc(arena, n * sizeof(void *) + 1);
        if (bundle->files != NULL) memcpy(bundle->files, files, n * sizeof(void *));
        *ret = bundle;
    }
    policy_walk_deinit(&w);
    for (size_t i = 0; i < MAX_FILES; i++) yaml_doc_free(&docs[i]);
    return err;
}

/* ---- reading them ---- */

struct reading {
    struct env *env;
    const char *dir;
    const char *folder; /* "" or "rules/" */
    struct arena *arena;
    Kesu__V1__PolicyFile *files[MAX_FILES + 1];
    size_t n;
    char *failed; /* path of what could not be read */
};

static int read_file(struct reading *r, const char *path)
{
    char *full = arena_printf(r->arena, "%s/%s", r->dir, path);
    Kesu__V1__PolicyFile *file = arena_alloc(r->arena, sizeof *file);
    if (full == NULL || file == NULL) return E_NOMEM;
    struct span content;
    int err = files_read_all(r->env, full, FILE_MAX_BYTES, &content);
    if (err != 0) {
        r->failed = arena_strdup(r->arena, path);
        return err;
    }
    kesu__v1__policy_file__init(file);
    file->path = arena_strdup(r->arena, path);
    file->content.len = content.n;
    file->content.data = arena_alloc(r->arena, content.n + 1);
    if (file->content.data != NULL && content.n > 0) memcpy(file->content.data, content.p, content.n);
    mem_free(&r->env->mem, (void *)content.p);
    if (file->path == NULL || file->content.data == NULL) return E_NOMEM;
    r->files[r->n++] = file;
    return 0;
}

static int on_name(void *self, const char *name)
{
    struct reading *r = self;
    if (!ends_in(name, ".yaml") && !ends_in(name, ".yml")) return 0;
    if (r->n >= MAX_FILES) return E_TOO_BIG;
    char *path = arena_printf(r->arena, "%s%s", r->folder, name);
    return path == NULL ? E_NOMEM : read_file(r, path);
}

static int read_folder(struct reading *r, const char *folder)
{
    char *path = arena_printf(r->arena, "%s/%s", r->dir, folder);
    if (path == NULL) return E_NOMEM;
    r->folder = folder;
    int err = files_list(r->env, path, on_name, r);
    if (err != 0 && r->failed == NULL) r->failed = arena_strdup(r->arena, folder);
    return err;
}

int policy_compile(struct env *env, const char *dir, struct arena *arena, Kesu__V1__PolicyBundle **ret,
                   char **ret_error)
{
    struct reading r = {.env = env, .dir = dir, .arena = arena};
    int err = read_folder(&r, "");
    for (const struct policy_file *def = policy_files; def->path != NULL && err == 0; def++) {
        if (!is_folder(def)) continue;
        err = read_folder(&r, def->path);
        if (err == E_NOT_FOUND && r.failed != NULL && is_folder(&(struct policy_file){.path = r.failed})) {
            err = 0; /* a policy without rules or templates of its own */
            r.failed = NULL;
        }
    }
    if (err == 0) return policy_compile_files(&env->mem, r.files, r.n, arena, ret, ret_error);
    char text[512];
    int n =
        snprintf(text, sizeof text, "%s/%s:1: %s\n", dir, r.failed != NULL ? r.failed : "", err_text(err));
    (void)n;
    *ret_error = mem_strdup(&env->mem, text);
    return err == E_NOMEM || err == E_TOO_BIG ? E_POLICY : E_IO;
}
