/* SPDX-License-Identifier: Apache-2.0 */
/* Text for matching only: never for showing.
 *
 * NFKC, case folding, traditional to simplified per code point (a table built
 * once from OpenCC), white space runs to one space (none between two Han
 * characters), no control characters, at most 16 combining marks in a row,
 * curly quotation marks as straight ones. */
#ifndef KESU_TEXT_H
#define KESU_TEXT_H

#include "codec.h"
#include "mem.h"

struct text_table; /* built once a process, about 0.1 s; constant, for all threads */

int text_table_new(struct mem *m, struct text_table **ret); /* E_IO: OpenCC's data is missing */
void text_table_free(struct text_table **p);
/* in: valid UTF-8. ret: from the arena, NUL after the end. E_NOMEM. */
int text_normalise(const struct text_table *t, struct span in, struct arena *arena, struct span *ret);
/* One code point, traditional to simplified; others as they are. */
uint32_t text_simplify(const struct text_table *t, uint32_t code);
/* By script and the share of characters only one script has. */
Kesu__V1__Language text_language(const struct text_table *t, struct span in);

#endif
