// SPDX-License-Identifier: Apache-2.0
// Lines of text for a terminal: Latin words stay whole, Chinese characters are
// two columns wide and may be parted, but no line begins with what ends a phrase.
#include <stdio.h>

#include "explain.h"

enum { COLUMNS = 78 };

static size_t character(const char *at, unsigned *ret_width, bool *ret_wide)
{
    unsigned char first = (unsigned char)*at;
    size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    *ret_wide = n >= 3;
    *ret_width = n >= 3 ? 2 : 1;
    return n;
}

static bool ends_phrase(const char *at)
{
    static const char *const ends[] = {"，", "。", "；", "：", "、", "）", "」", "”", "！", "？"};
    for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (strncmp(at, ends[i], strlen(ends[i])) == 0) return true;
    return false;
}

// Bytes and columns of what must stay together from here on.
static size_t piece(const char *at, unsigned *ret_width)
{
    unsigned width;
    bool wide;
    size_t n = character(at, &width, &wide);
    *ret_width = width;
    while (at[n] != '\0' && at[n] != ' ' && at[n] != '\n') {
        bool next_wide;
        unsigned next_width;
        size_t more = character(at + n, &next_width, &next_wide);
        if ((wide || next_wide) && !ends_phrase(at + n)) break;
        n += more;
        *ret_width += next_width;
        wide = next_wide;
    }
    return n;
}

void explain_wrap(const char *text, unsigned indent)
{
    unsigned column = indent, width;
    printf("%*s", (int)indent, "");
    for (bool space = false; *text != '\0';) {
        if (*text == ' ' || *text == '\n') {
            space = true;
            text++;
            continue;
        }
        size_t n = piece(text, &width);
        if (column > indent && column + space + width > COLUMNS) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (space && column > indent) {
            putchar(' ');
            column++;
        }
        fwrite(text, 1, n, stdout);
        column += width;
        text += n;
        space = false;
    }
    putchar('\n');
}
