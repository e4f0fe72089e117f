// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>

#include "cases.h"

enum { BAR_WIDTH = 30 };

void cli_progress(double share, const char *format, ...)
{
    va_list args;
    char bar[BAR_WIDTH + 1];
    int full = (int)(share * BAR_WIDTH);
    for (int i = 0; i < BAR_WIDTH; i++) bar[i] = i < full ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %3d %%  ", bar, (int)(share * 100));
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("  ", stderr);
}
