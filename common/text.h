/* SPDX-License-Identifier: Apache-2.0 */
/* Text for matching only: never for showing.
 *
 * NFKC, case folding, traditional to simplified per code point (a table built
 * once from OpenCC), white space runs to one space, no control characters. */
#ifndef KESU_TEXT_H
#define KESU_TEXT_H

#include "codec.h"
#include "mem.h"

struct text_table; /* the t2s table; built in about 0.4 s */

int text_table_new(struct mem *m, struct text_table **ret); /* E_IO: OpenCC's data is missing */
void text_table_free(struct text_table **p);
/* in: valid UTF-8. ret: from the arena, NUL after the end. E_NOMEM. */
int text_normalise(const struct text_table *t, struct span in, struct arena *arena, struct span *ret);
/* By script and the share of characters only one script has. */
Kesu__V1__Language text_language(const struct text_table *t, struct span in);

#endif
