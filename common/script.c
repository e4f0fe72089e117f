/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <opencc/opencc.h>
#include <string.h>

#include "err.h"

int script_convert(const char *text, Kesu__V1__Language to, struct arena *arena, char **ret)
{
    const char *config = to == KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT   ? "s2t.json"
                         : to == KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS ? "t2s.json"
                                                                      : NULL;
    if (config == NULL) return E_RANGE;
    opencc_t opencc = opencc_open(config);
    if (opencc == (opencc_t)-1) return E_IO;
    char *converted = opencc_convert_utf8(opencc, text, strlen(text));
    bool done = converted != NULL && converted != (char *)-1;
    char *copy = done ? arena_strdup(arena, converted) : NULL;
    if (done) opencc_convert_utf8_free(converted);
    opencc_close(opencc);
    if (copy == NULL) return done ? E_NOMEM : E_IO;
    *ret = copy;
    return 0;
}
