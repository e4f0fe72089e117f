/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "err.h"
#include "files.h"
#include "unit.h"

static struct file *open_file(struct contract_world *w, const char *name, enum file_mode mode)
{
    struct file *f = NULL;
    assert_int_equal(file_open(w->env, contract_path(w, name), mode, &f), 0);
    return f;
}

static int try_open(struct contract_world *w, const char *name, enum file_mode mode)
{
    struct file *f = NULL;
    int e = file_open(w->env, contract_path(w, name), mode, &f);
    if (e == 0) file_close(w->env, f);
    return e;
}

static void make(struct contract_world *w, const char *name, const char *text)
{
    struct file *f = open_file(w, name, FILE_CREATE);
    assert_int_equal(file_write(w->env, f, 0, text, strlen(text)), 0);
    assert_int_equal(file_sync(w->env, f), 0);
    file_close(w->env, f);
}

static void expect(struct contract_world *w, const char *name, const char *text)
{
    struct span got = SPAN_NONE;
    assert_int_equal(files_read_all(w->env, contract_path(w, name), 1000, &got), 0);
    assert_true(span_equal(got, span_str(text)));
    mem_free(&w->env->mem, (void *)(uintptr_t)got.p);
}

static void what_is_written_is_read(struct contract_world *w)
{
    struct file *f = open_file(w, "f", FILE_CREATE);
    char got[32] = "";
    size_t n = 99;
    uint64_t size = 99;
    assert_int_equal(file_read(w->env, f, 0, got, sizeof got, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(file_write(w->env, f, 5000, "later", 5), 0); /* zeros before it */
    assert_int_equal(file_write(w->env, f, 4094, "across", 6), 0);
    assert_int_equal(file_size(w->env, f, &size), 0);
    assert_int_equal(size, 5005);
    assert_int_equal(file_read(w->env, f, 4093, got, 8, &n), 0);
    assert_int_equal(n, 8);
    assert_memory_equal(got, "\0across\0", 8);
    assert_int_equal(file_read(w->env, f, 5003, got, sizeof got, &n), 0);
    assert_int_equal(n, 2); /* short at the end only */
    assert_memory_equal(got, "er", 2);
    assert_int_equal(file_read(w->env, f, 9000, got, sizeof got, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(file_sync(w->env, f), 0);
    file_close(w->env, f);
    file_close(w->env, NULL);
}

static void what_is_cut_off_comes_back_as_zeros(struct contract_world *w)
{
    struct file *f = open_file(w, "f", FILE_CREATE);
    char got[8] = "";
    size_t n = 0;
    assert_int_equal(file_write(w->env, f, 0, "abcdef", 6), 0);
    assert_int_equal(file_resize(w->env, f, 3), 0);
    assert_int_equal(file_resize(w->env, f, 6), 0);
    assert_int_equal(file_read(w->env, f, 0, got, sizeof got, &n), 0);
    assert_int_equal(n, 6);
    assert_memory_equal(got, "abc\0\0\0", 6);
    file_close(w->env, f);
}

static void modes_ask_for_the_file_to_be_there_or_not(struct contract_world *w)
{
    assert_int_equal(try_open(w, "f", FILE_READ), E_NOT_FOUND);
    assert_int_equal(try_open(w, "f", FILE_WRITE), E_NOT_FOUND);
    assert_int_equal(try_open(w, "no/f", FILE_CREATE), E_NOT_FOUND);
    assert_int_equal(try_open(w, "f", FILE_EXCLUSIVE), 0);
    assert_int_equal(try_open(w, "f", FILE_EXCLUSIVE), E_EXISTS);
    make(w, "f", "text");
    assert_int_equal(try_open(w, "f", FILE_CREATE), 0); /* and keeps what is in it */
    assert_int_equal(try_open(w, "f", FILE_WRITE), 0);
    expect(w, "f", "text");
}

static void renaming_replaces(struct contract_world *w)
{
    make(w, "from", "new");
    make(w, "to", "old");
    struct file *old = open_file(w, "to", FILE_READ);
    assert_int_equal(files_rename(w->env, contract_path(w, "from"), contract_path(w, "to")), 0);
    expect(w, "to", "new");
    assert_int_equal(try_open(w, "from", FILE_READ), E_NOT_FOUND);
    char got[3];
    size_t n = 0;
    assert_int_equal(file_read(w->env, old, 0, got, 3, &n), 0); /* who had it open still has it */
    assert_memory_equal(got, "old", 3);
    file_close(w->env, old);
    assert_int_equal(files_rename(w->env, contract_path(w, "from"), contract_path(w, "to")), E_NOT_FOUND);
}

static void unlinking_takes_the_name(struct contract_world *w)
{
    make(w, "f", "x");
    assert_int_equal(files_unlink(w->env, contract_path(w, "f")), 0);
    assert_int_equal(files_unlink(w->env, contract_path(w, "f")), E_NOT_FOUND);
    assert_int_equal(try_open(w, "f", FILE_READ), E_NOT_FOUND);
}

struct listed {
    char names[64];
    unsigned stop_after;
    unsigned n;
};

static int on_name(void *self, const char *name)
{
    struct listed *l = self;
    strcat(strcat(l->names, name), " ");
    return ++l->n == l->stop_after ? 7 : 0;
}

static void lists_are_in_order_of_name(struct contract_world *w)
{
    assert_int_equal(files_mkdir(w->env, contract_path(w, "d/e")), 0); /* and its parents */
    assert_int_equal(files_mkdir(w->env, contract_path(w, "d/e")), 0);
    make(w, "d/b", "");
    make(w, "d/a", "");
    make(w, "d/e/inner", "");
    make(w, "d/e-too", "");
    struct listed l = {.stop_after = 0};
    assert_int_equal(files_list(w->env, contract_path(w, "d"), on_name, &l), 0);
    assert_string_equal(l.names, "a b e e-too ");
    struct listed part = {.stop_after = 2};
    assert_int_equal(files_list(w->env, contract_path(w, "d"), on_name, &part), 7);
    assert_string_equal(part.names, "a b ");
    assert_int_equal(files_list(w->env, contract_path(w, "none"), on_name, &l), E_NOT_FOUND);
    assert_int_equal(files_mkdir(w->env, contract_path(w, "d/b/under-a-file")), E_EXISTS);
    assert_int_equal(try_open(w, "d/f", FILE_CREATE), 0);
}

static void whole_files_are_replaced_and_read(struct contract_world *w)
{
    assert_int_equal(files_replace(w->env, contract_path(w, "f"), SPAN_LIT("one")), 0);
    assert_int_equal(files_replace(w->env, contract_path(w, "f"), SPAN_LIT("three")), 0);
    expect(w, "f", "three");
    struct span got = SPAN_NONE;
    assert_int_equal(files_read_all(w->env, contract_path(w, "f"), 4, &got), E_TOO_BIG);
    assert_int_equal(files_read_all(w->env, contract_path(w, "g"), 4, &got), E_NOT_FOUND);
    assert_null(got.p);
    uint64_t free_bytes = 0;
    assert_int_equal(files_free_bytes(w->env, w->dir, &free_bytes), 0);
    assert_true(free_bytes > 0);
}

const struct contract_row contract_files_rows[] = {
    {"what_is_written_is_read", what_is_written_is_read},
    {"what_is_cut_off_comes_back_as_zeros", what_is_cut_off_comes_back_as_zeros},
    {"modes_ask_for_the_file_to_be_there_or_not", modes_ask_for_the_file_to_be_there_or_not},
    {"renaming_replaces", renaming_replaces},
    {"unlinking_takes_the_name", unlinking_takes_the_name},
    {"lists_are_in_order_of_name", lists_are_in_order_of_name},
    {"whole_files_are_replaced_and_read", whole_files_are_replaced_and_read},
    {NULL, NULL},
};
