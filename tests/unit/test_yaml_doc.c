/* SPDX-License-Identifier: Apache-2.0 */
#include "err.h"
#include "unit.h"
#include "yaml_doc.h"

static struct yaml_doc *parse(const char *text)
{
    struct yaml_doc *d = NULL;
    char *error = NULL;
    int e = yaml_doc_parse(&mem_libc, "f.yaml", span_str(text), &d, &error);
    if (e != 0) fail_msg("%s", error);
    return d;
}

static void every_node_knows_its_line(void **state)
{
    (void)state;
    struct yaml_doc *d = parse("# a comment\na: 1\nb:\n  - x\n  - 'y z'\nc: {d: ~}\ne:\nf: \"\"\n");
    yaml_node root = yaml_doc_root(d), b = yaml_get(d, root, "b"), c = yaml_get(d, root, "c");
    assert_int_equal(yaml_kind(d, root), YAML_MAP);
    assert_int_equal(yaml_size(d, root), 5);
    assert_string_equal(yaml_scalar(d, yaml_get(d, root, "a")), "1");
    assert_int_equal(yaml_line(d, yaml_get(d, root, "a")), 2);
    assert_int_equal(yaml_kind(d, b), YAML_LIST);
    assert_int_equal(yaml_size(d, b), 2);
    assert_string_equal(yaml_scalar(d, yaml_item(d, b, 1)), "y z");
    assert_int_equal(yaml_line(d, yaml_item(d, b, 1)), 5);
    assert_int_equal(yaml_kind(d, yaml_get(d, c, "d")), YAML_NULL);
    assert_int_equal(yaml_kind(d, yaml_get(d, root, "e")), YAML_NULL);
    assert_int_equal(yaml_kind(d, yaml_get(d, root, "f")), YAML_SCALAR);
    assert_null(yaml_get(d, root, "g"));
    assert_null(yaml_get(d, b, "a"));
    assert_string_equal(yaml_scalar(d, b), "");
    yaml_node key, value;
    yaml_pair(d, root, 1, &key, &value);
    assert_string_equal(yaml_scalar(d, key), "b");
    assert_ptr_equal(value, b);
    assert_string_equal(yaml_doc_name(d), "f.yaml");
    yaml_doc_free(&d);
    assert_null(d);
    yaml_doc_free(&d);
}

static void nothing_is_a_document_too(void **state)
{
    (void)state;
    static const char *const empty[] = {"", "\n", "# only words\n", "---\n"};
    for (unsigned i = 0; i < 4; i++) {
        struct yaml_doc *d = parse(empty[i]);
        assert_int_equal(yaml_kind(d, yaml_doc_root(d)), YAML_NULL);
        yaml_doc_free(&d);
    }
}

static void refusals_name_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"a: 1\nb: [1, 2\n", "f.yaml:3:"},
        {"a: 1\n\tb: 2\n", "f.yaml:2:"},
        {"a: 1\nb: 2\na: 3\n", "f.yaml:3: key 'a' stands twice, first on line 1"},
        {"a: &x 1\n", "f.yaml:1: anchors"},
        {"a: 1\nb: *a\n", "f.yaml:2: aliases"},
        {"a: 1\nb: !!int 2\n", "f.yaml:2: tags"},
        {"a: 1\n---\nb: 2\n", "f.yaml:2: a second document"},
        {"[x, y]: 1\n", "f.yaml:1: a key must be text"},
        {"a: 1\nb: \"x\\0y\"\n", "f.yaml:2: text holds NUL"},
        {"a: 1\nb: '\xff'\n", "f.yaml:"},
        {"a: 1\nb: '\xc3'\n", "f.yaml:"},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct yaml_doc *d = NULL;
        char *error = NULL;
        assert_int_equal(yaml_doc_parse(&mem_libc, "f.yaml", span_str(rows[i].text), &d, &error), E_SYNTAX);
        assert_null(d);
        if (strncmp(error, rows[i].error, strlen(rows[i].error)) != 0)
            fail_msg("row %u: %s, not %s", i, error, rows[i].error);
        mem_free(&mem_libc, error);
    }
}

static void depth_and_size_are_bounded(void **state)
{
    (void)state;
    struct yaml_doc *d = NULL;
    char text[201] = "", *error = NULL;
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    assert_int_equal(yaml_doc_parse(&mem_libc, "n", span_of(text, 128), &d, &error), 0);
    yaml_doc_free(&d);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert_int_equal(yaml_doc_parse(&mem_libc, "n", span_of(text, 130), &d, &error), E_SYNTAX);
    assert_string_equal(error, "n:1: nested deeper than 64 levels");
    mem_free(&mem_libc, error);
    size_t n = ((size_t)1 << 20) + 1;
    char *big = mem_alloc(&mem_libc, n);
    memset(big, '#', n);
    assert_int_equal(yaml_doc_parse(&mem_libc, "n", span_of(big, n - 1), &d, &error), 0);
    yaml_doc_free(&d);
    assert_int_equal(yaml_doc_parse(&mem_libc, "n", span_of(big, n), &d, &error), E_TOO_BIG);
    mem_free(&mem_libc, error);
    mem_free(&mem_libc, big);
}

UNIT_MAIN(cmocka_unit_test(every_node_knows_its_line), cmocka_unit_test(nothing_is_a_document_too),
          cmocka_unit_test(refusals_name_the_line), cmocka_unit_test(depth_and_size_are_bounded))
