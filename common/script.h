/* SPDX-License-Identifier: Apache-2.0 */
/* Chinese text from one script to the other, by words, for people to read. */
#ifndef KESU_SCRIPT_H
#define KESU_SCRIPT_H

#include "codec.h"
#include "mem.h"

/* to: ZH_HANT or ZH_HANS. Takes a noticeable time: the dictionaries are read each time. E_RANGE: another
 * language; E_IO: OpenCC's data is missing; E_NOMEM. */
int script_convert(const char *text, Kesu__V1__Language to, struct arena *arena, char **ret);

#endif
