// SPDX-License-Identifier: Apache-2.0
// Names, texts and dispositions of the errors: one table in the header.
#include "err.h"

#include <stddef.h>

struct err_row {
    int number;
    const char *name, *text;
    enum err_disposition disposition;
};

static const struct err_row rows[] = {
#define X(name, number, disposition, text) {-(number), #name, text, ERR_##disposition},
    ERR_TABLE(X)
#undef X
};

static const struct err_row *find(int err)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].number == err) return &rows[i];
    return NULL;
}

const char *err_name(int err)
{
    if (err == 0) return "OK";
    const struct err_row *r = find(err);
    return r != NULL ? r->name : "E_?";
}

const char *err_text(int err)
{
    if (err == 0) return "no error";
    const struct err_row *r = find(err);
    return r != NULL ? r->text : "unknown error";
}

enum err_disposition err_disposition(int err)
{
    const struct err_row *r = find(err);
    return r != NULL ? r->disposition : ERR_NONE;
}
