/* SPDX-License-Identifier: Apache-2.0 */
/* Files in memory, in pages: what was written and what was synced.
 *
 * A power failure brings each file its instance wrote back to what was synced,
 * or leaves what was written, or some pages of each. A file made and never
 * synced may be gone. Names (rename, unlink, mkdir) are on disk at once. */
#include <stdlib.h>

#include "../check.h"
#include "../err.h"
#include "world.h"

#define PAGE ((size_t)4096)

struct page {
    unsigned refs;
    uint8_t p[PAGE];
};

struct content {
    uint64_t size;
    size_t n_pages;
    struct page **pages; /* NULL: zeros */
};

/* An inode. */
struct node {
    unsigned refs; /* names and open files */
    struct content now, synced;
    bool was_synced;
    struct sim_instance *unsynced_by;
};

struct sim_disk_entry {
    char *path;
    struct node *node; /* NULL: a directory */
};

struct file {
    struct file *next;
    struct sim_instance *i;
    struct node *node;
    bool writable;
};

/* ---- content ----------------------------------------------------------------------- */

static void page_drop(struct page *p)
{
    if (p != NULL && --p->refs == 0) free(p);
}

static void content_resize(struct content *c, uint64_t size)
{
    size_t n = (size_t)((size + PAGE - 1) / PAGE);
    for (size_t i = n; i < c->n_pages; i++) page_drop(c->pages[i]);
    if (n != c->n_pages) {
        c->pages = (struct page **)realloc((void *)c->pages, (n > 0 ? n : 1) * sizeof(struct page *));
        CHECK(c->pages != NULL);
        for (size_t i = c->n_pages; i < n; i++) c->pages[i] = NULL;
        c->n_pages = n;
    }
    c->size = size;
}

static void content_set_page(struct content *c, size_t i, struct page *p)
{
    if (p != NULL) p->refs++;
    page_drop(c->pages[i]);
    c->pages[i] = p;
}

static void content_copy(struct content *to, const struct content *from)
{
    content_resize(to, from->size);
    for (size_t i = 0; i < from->n_pages; i++)
        if (to->pages[i] != from->pages[i]) content_set_page(to, i, from->pages[i]);
}

static void content_free(struct content *c)
{
    content_resize(c, 0);
    free((void *)c->pages);
    *c = (struct content){0};
}

/* A page of our own to write to. */
static struct page *own_page(struct content *c, size_t i)
{
    struct page *p = c->pages[i];
    if (p != NULL && p->refs == 1) return p;
    struct page *copy = (struct page *)sim_alloc(sizeof *copy);
    if (p != NULL) memcpy(copy->p, p->p, PAGE);
    content_set_page(c, i, copy); /* refs: 1 */
    return copy;
}

static void node_drop(struct node *n)
{
    if (n == NULL || --n->refs > 0) return;
    content_free(&n->now);
    content_free(&n->synced);
    free(n);
}

/* ---- names --------------------------------------------------------------------------- */

char *sim_files_path(const char *path)
{
    char *clean = (char *)sim_alloc(strlen(path) + 2);
    size_t n = 0;
    for (const char *at = path; *at != '\0';) {
        size_t length = strcspn(at, "/");
        bool is_first = at == path;
        if (length == 0 && is_first) {
            clean[n++] = '/';
        } else if (length > 0 && !(length == 1 && at[0] == '.')) {
            if (n > 0 && clean[n - 1] != '/') clean[n++] = '/';
            memcpy(clean + n, at, length);
            n += length;
        }
        at += length;
        if (*at == '/') at++;
    }
    clean[n] = '\0';
    return clean; /* "" is the working directory */
}

/* Place of the path, or where it would stand. */
static size_t entry_place(const struct sim *s, const char *path, bool *ret_found)
{
    size_t low = 0, high = s->n_entries;
    *ret_found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int c = strcmp(s->entries[middle]->path, path);
        if (c == 0) {
            *ret_found = true;
            return middle;
        }
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct sim_disk_entry *entry_find(const struct sim *s, const char *path)
{
    bool found;
    size_t at = entry_place(s, path, &found);
    return found ? s->entries[at] : NULL;
}

static void entry_add(struct sim *s, const char *path, struct node *node)
{
    bool found;
    size_t at = entry_place(s, path, &found);
    CHECK(!found);
    if (s->n_entries == s->entries_size) {
        s->entries_size = s->entries_size > 0 ? 2 * s->entries_size : 32;
        s->entries = (struct sim_disk_entry **)realloc((void *)s->entries,
                                                       s->entries_size * sizeof(struct sim_disk_entry *));
        CHECK(s->entries != NULL);
    }
    memmove((void *)(s->entries + at + 1), (void *)(s->entries + at),
            (s->n_entries - at) * sizeof(struct sim_disk_entry *));
    s->entries[at] = (struct sim_disk_entry *)sim_alloc(sizeof(struct sim_disk_entry));
    *s->entries[at] = (struct sim_disk_entry){sim_copy_text(path), node};
    s->n_entries++;
}

static void entry_remove(struct sim *s, const char *path)
{
    bool found;
    size_t at = entry_place(s, path, &found);
    if (!found) return;
    struct sim_disk_entry *e = s->entries[at];
    s->n_entries--;
    memmove((void *)(s->entries + at), (void *)(s->entries + at + 1),
            (s->n_entries - at) * sizeof(struct sim_disk_entry *));
    node_drop(e->node);
    free(e->path);
    free(e);
}

static bool is_top(const char *path)
{
    return path[0] == '\0' || strcmp(path, "/") == 0;
}

static bool is_dir(const struct sim *s, const char *path)
{
    const struct sim_disk_entry *e = entry_find(s, path);
    return is_top(path) || (e != NULL && e->node == NULL);
}

/* In place: "a/b" is "a", "a" is "". */
static void cut_name(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        path[0] = '\0';
    else
        slash[slash == path ? 1 : 0] = '\0';
}

static bool has_parent(const struct sim *s, const char *path)
{
    char *parent = sim_copy_text(path);
    cut_name(parent);
    bool there = is_dir(s, parent);
    free(parent);
    return there;
}

void sim_files_add_dir(struct sim *s, const char *path)
{
    if (is_dir(s, path)) return;
    char *parent = sim_copy_text(path);
    cut_name(parent);
    sim_files_add_dir(s, parent);
    free(parent);
    entry_add(s, path, NULL);
}

void sim_files_remove_dir(struct sim *s, const char *path)
{
    entry_remove(s, path);
}

/* ---- files ----------------------------------------------------------------------------- */

static int open_path(struct sim *s, const char *path, enum file_mode mode, struct node **ret)
{
    const struct sim_disk_entry *e = entry_find(s, path);
    if (is_top(path) || (e != NULL && e->node == NULL)) return E_IO;
    if (e != NULL && mode == FILE_EXCLUSIVE) return E_EXISTS;
    if (e == NULL && (mode == FILE_READ || mode == FILE_WRITE)) return E_NOT_FOUND;
    if (e == NULL && !has_parent(s, path)) return E_NOT_FOUND;
    struct node *node = e != NULL ? e->node : NULL;
    if (node == NULL) {
        node = (struct node *)sim_alloc(sizeof *node);
        node->refs = 1;
        entry_add(s, path, node);
    }
    *ret = node;
    return 0;
}

static int sim_file_open(struct env *env, const char *path, enum file_mode mode, struct file **ret)
{
    struct sim_instance *i = sim_of(env);
    char *clean = sim_files_path(path);
    struct node *node = NULL;
    int err = open_path(i->sim, clean, mode, &node);
    free(clean);
    if (err != 0) return err;
    if (!node->was_synced) node->unsynced_by = i;
    node->refs++;
    struct file *f = (struct file *)sim_alloc(sizeof *f);
    *f = (struct file){.next = i->files, .i = i, .node = node, .writable = mode != FILE_READ};
    i->files = f;
    *ret = f;
    return 0;
}

static void sim_file_close(struct file *f)
{
    if (f == NULL) return;
    struct file **at = &f->i->files;
    while (*at != f) at = &(*at)->next;
    *at = f->next;
    node_drop(f->node);
    free(f);
}

static size_t content_read(const struct content *c, uint64_t offset, void *ret, size_t n)
{
    if (offset >= c->size) n = 0;
    if (n > 0 && n > c->size - offset) n = (size_t)(c->size - offset);
    for (size_t at = 0; at < n;) {
        size_t page = (size_t)((offset + at) / PAGE), from = (size_t)((offset + at) % PAGE);
        size_t part = PAGE - from < n - at ? PAGE - from : n - at;
        if (c->pages[page] != NULL)
            memcpy((uint8_t *)ret + at, c->pages[page]->p + from, part);
        else
            memset((uint8_t *)ret + at, 0, part);
        at += part;
    }
    return n;
}

static int sim_read(struct file *f, uint64_t offset, void *ret, size_t n, size_t *ret_n)
{
    *ret_n = content_read(&f->node->now, offset, ret, n);
    return 0;
}

bool sim_disk_read(struct sim *s, const char *path, bool safe, uint64_t offset, void *ret, size_t n)
{
    const struct sim_disk_entry *e = entry_find(s, path);
    if (e == NULL || e->node == NULL) return false;
    return content_read(safe ? &e->node->synced : &e->node->now, offset, ret, n) == n;
}

/* The instance crashes at this point of its work with files. */
static void crash_point(struct sim_instance *i, unsigned fault)
{
    if (i->sim->running != NULL && !i->spared && sim_fault(i->sim, fault)) sim_crash_here(i->sim);
}

static int sim_write(struct file *f, uint64_t offset, const void *p, size_t n)
{
    struct content *c = &f->node->now;
    CHECK(f->writable);
    f->node->unsynced_by = f->i;
    bool full = !f->i->spared && sim_fault(f->i->sim, SIM_FILE_FULL);
    if (full) n = (size_t)sim_random(f->i->sim, n); /* what found room */
    if (offset + n > c->size) content_resize(c, offset + n);
    for (size_t at = 0; at < n;) {
        size_t page = (size_t)((offset + at) / PAGE), from = (size_t)((offset + at) % PAGE);
        size_t part = PAGE - from < n - at ? PAGE - from : n - at;
        memcpy(own_page(c, page)->p + from, (const uint8_t *)p + at, part);
        at += part;
    }
    return full ? E_NOSPACE : 0;
}

static int sim_sync(struct file *f)
{
    crash_point(f->i, SIM_CRASH_BEFORE_COMMIT);
    content_copy(&f->node->synced, &f->node->now);
    f->node->was_synced = true;
    f->node->unsynced_by = NULL;
    crash_point(f->i, SIM_CRASH_AFTER_COMMIT);
    return 0;
}

static int sim_size(struct file *f, uint64_t *ret)
{
    *ret = f->node->now.size;
    return 0;
}

static int sim_resize(struct file *f, uint64_t size)
{
    struct content *c = &f->node->now;
    CHECK(f->writable);
    f->node->unsynced_by = f->i;
    uint64_t before = c->size;
    content_resize(c, size);
    if (size < before && size % PAGE != 0) { /* what is cut off reads as zeros later */
        struct page *p = own_page(c, c->n_pages - 1);
        memset(p->p + size % PAGE, 0, PAGE - size % PAGE);
    }
    return 0;
}

/* ---- directories ------------------------------------------------------------------------ */

static int sim_rename(struct env *env, const char *from, const char *to)
{
    struct sim *s = sim_of(env)->sim;
    crash_point(sim_of(env), SIM_CRASH_BEFORE_COMMIT);
    char *clean_from = sim_files_path(from), *clean_to = sim_files_path(to);
    struct sim_disk_entry *e = entry_find(s, clean_from);
    const struct sim_disk_entry *over = entry_find(s, clean_to);
    int err = 0;
    if (e == NULL || !has_parent(s, clean_to))
        err = E_NOT_FOUND;
    else if (e->node == NULL || (over != NULL && over->node == NULL))
        err = E_IO; /* directories stay where they are */
    if (err == 0 && strcmp(clean_from, clean_to) != 0) {
        struct node *node = e->node;
        node->refs++;
        entry_remove(s, clean_from);
        entry_remove(s, clean_to);
        entry_add(s, clean_to, node);
        if (s->watch != NULL && s->watch->on_renamed != NULL)
            s->watch->on_renamed(s->watch->self, sim_of(env), clean_from, clean_to);
    }
    free(clean_from);
    free(clean_to);
    if (err == 0) crash_point(sim_of(env), SIM_CRASH_AFTER_COMMIT);
    return err;
}

static int sim_unlink(struct env *env, const char *path)
{
    struct sim *s = sim_of(env)->sim;
    char *clean = sim_files_path(path);
    const struct sim_disk_entry *e = entry_find(s, clean);
    int err = e == NULL ? E_NOT_FOUND : e->node == NULL ? E_IO : 0;
    if (err == 0) entry_remove(s, clean);
    free(clean);
    return err;
}

static int sim_mkdir(struct env *env, const char *path)
{
    struct sim *s = sim_of(env)->sim;
    char *clean = sim_files_path(path), *part = sim_copy_text(clean);
    int err = 0;
    for (; !is_top(part); cut_name(part)) {
        const struct sim_disk_entry *e = entry_find(s, part);
        if (e != NULL && e->node != NULL) err = E_EXISTS; /* a file is in the way */
    }
    free(part);
    if (err == 0) sim_files_add_dir(s, clean);
    free(clean);
    return err;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int sim_list(struct env *env, const char *path, int (*on_name)(void *self, const char *name),
                    void *self)
{
    struct sim *s = sim_of(env)->sim;
    char *clean = sim_files_path(path);
    if (!is_dir(s, clean)) {
        free(clean);
        return E_NOT_FOUND;
    }
    size_t skip = is_top(clean) ? strlen(clean) : strlen(clean) + 1, n = 0;
    char **names = (char **)sim_alloc(s->n_entries * sizeof(char *));
    for (size_t k = 0; k < s->n_entries; k++) {
        const char *p = s->entries[k]->path;
        bool is_in = strlen(p) > skip && strncmp(p, clean, strlen(clean)) == 0 &&
                     (is_top(clean) || p[skip - 1] == '/') && strchr(p + skip, '/') == NULL;
        if (is_in && !(clean[0] == '\0' && p[0] == '/')) names[n++] = sim_copy_text(p + skip);
    }
    free(clean);
    qsort((void *)names, n, sizeof names[0], compare_names);
    int err = 0;
    for (size_t k = 0; k < n; k++) {
        if (err == 0) err = on_name(self, names[k]);
        free(names[k]);
    }
    free((void *)names);
    return err;
}

static int sim_free_bytes(struct env *env, const char *path, uint64_t *ret)
{
    (void)path;
    *ret = sim_of(env)->sim->free_bytes;
    return 0;
}

const struct files_ops sim_files_ops = {
    .open = sim_file_open,
    .close = sim_file_close,
    .read = sim_read,
    .write = sim_write,
    .sync = sim_sync,
    .size = sim_size,
    .resize = sim_resize,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .mkdir = sim_mkdir,
    .list = sim_list,
    .free_bytes = sim_free_bytes,
};

/* ---- crash --------------------------------------------------------------------------------- */

/* false: the file itself is gone. */
static bool lose_unsynced(struct sim *s, struct node *n)
{
    uint64_t how = sim_random(s, 3);
    if (how == 0 && !n->was_synced) return false;
    if (how == 0) content_copy(&n->now, &n->synced);
    if (how == 1) { /* pages of each */
        uint64_t size = sim_random(s, 2) == 0 ? n->now.size : n->synced.size;
        content_resize(&n->now, size);
        for (size_t i = 0; i < n->now.n_pages; i++)
            if (sim_random(s, 2) == 0)
                content_set_page(&n->now, i, i < n->synced.n_pages ? n->synced.pages[i] : NULL);
    }
    content_copy(&n->synced, &n->now);
    n->was_synced = true;
    n->unsynced_by = NULL;
    return true;
}

void sim_files_drop(struct sim_instance *i, bool power)
{
    struct sim *s = i->sim;
    while (i->files != NULL) sim_file_close(i->files);
    for (size_t k = 0; k < s->n_entries;) {
        struct node *n = s->entries[k]->node;
        bool gone = n != NULL && n->unsynced_by == i && power && !lose_unsynced(s, n);
        if (gone)
            entry_remove(s, s->entries[k]->path);
        else
            k++;
    }
}

void sim_files_free_all(struct sim *s)
{
    while (s->n_entries > 0) entry_remove(s, s->entries[s->n_entries - 1]->path);
    free((void *)s->entries);
}
