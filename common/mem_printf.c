/* SPDX-License-Identifier: Apache-2.0 */
/* Formatted text of whatever length it needs. */
#include <stdarg.h>
#include <stdio.h>

#include "check.h"
#include "mem.h"

char *mem_printf(struct mem *m, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(n >= 0);
    char *text = mem_alloc(m, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}
