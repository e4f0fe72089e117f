// SPDX-License-Identifier: Apache-2.0
// The rows of limits.c against the comments of proto/kesu/v1.
#include "unit.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

// Of the rows: a message that has none is not found.
static const ProtobufCMessageDescriptor *message_named(const char *name)
{
    for (unsigned i = 0; i < limits_count; i++)
        if (strcmp(limits_table[i].message->short_name, name) == 0) return limits_table[i].message;
    return NULL;
}

// "1,000 bytes", "64 KiB", "16" at p.
static unsigned long number_at(const char *p)
{
    char digits[24];
    size_t n = 0;
    for (; isdigit((unsigned char)*p) || *p == ','; p++)
        if (*p != ',' && n + 1 < sizeof digits) digits[n++] = *p;
    digits[n] = '\0';
    unsigned long v = strtoul(digits, NULL, 10);
    return strncmp(p, " KiB", 4) == 0 ? v << 10 : v;
}

static unsigned checked;

static void check_line(const char *file, const char *message, const char *line)
{
    char type[64], name[64];
    const char *comment = strstr(line, "//");
    const char *semicolon = strchr(line, ';');
    if (comment == NULL || semicolon == NULL || semicolon > comment) return;
    bool repeated = sscanf(line, " repeated %63s %63s =", type, name) == 2;
    if (!repeated && sscanf(line, " %63s %63s =", type, name) != 2) return;
    const char *most = strstr(comment, "at most ");
    if (most == NULL) return;
    unsigned long n = number_at(most + 8);
    const ProtobufCMessageDescriptor *d = message_named(message);
    const struct limit *l = d != NULL ? limits_find(d, name) : NULL;
    if (l == NULL) fail_msg("%s: %s.%s has no row in limits.c", file, message, name);
    unsigned long row = repeated ? l->max_count : l->max_bytes;
    if (row != n) fail_msg("%s: %s.%s: comment says %lu, limits.c %lu", file, message, name, n, row);
    checked++;
}

static void comments_and_rows_agree(void **state)
{
    (void)state;
    glob_t g;
    assert_int_equal(glob("proto/kesu/v1/*.proto", 0, NULL, &g), 0);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        FILE *f = fopen(g.gl_pathv[i], "r");
        assert_non_null(f);
        char line[512], message[64] = "";
        while (fgets(line, sizeof line, f) != NULL) {
            sscanf(line, "message %63[A-Za-z0-9]", message);
            check_line(g.gl_pathv[i], message, line);
        }
        fclose(f);
    }
    globfree(&g);
    assert_true(checked >= 25);
}

static void rows_name_fields(void **state)
{
    (void)state;
    for (unsigned i = 0; i < limits_count; i++) {
        const struct limit *l = &limits_table[i];
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field_by_name(l->message, l->field);
        if (f == NULL) fail_msg("%s.%s: no such field", l->message->short_name, l->field);
        assert_ptr_equal(limits_find(l->message, l->field), l);
        bool sized = f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_BYTES;
        if (l->max_bytes > 0 && !sized)
            fail_msg("%s.%s: a size of a number", l->message->short_name, l->field);
        if (l->max_count > 0) assert_int_equal(f->label, PROTOBUF_C_LABEL_REPEATED);
    }
    assert_null(limits_find(&kesu__v1__start_work__descriptor, "case_id"));
}

UNIT_MAIN(cmocka_unit_test(comments_and_rows_agree), cmocka_unit_test(rows_name_fields))
