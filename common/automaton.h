/* SPDX-License-Identifier: Apache-2.0 */
/* Finding many byte strings in a text in one pass (Aho and Corasick, 1975),
 * with the trie in a double array (Aoe, 1989): small, and without a table of
 * 256 entries a state. */
#ifndef KESU_AUTOMATON_H
#define KESU_AUTOMATON_H

#include "mem.h"

struct automaton;

typedef void (*automaton_on_match)(void *self, uint32_t pattern, size_t begin, size_t end);

/* Patterns: not empty, no two the same, at most 2^20 bytes in all (E_TOO_BIG);
 * only read here. The number of a pattern is its place. */
int automaton_new(struct mem *m, const struct span *patterns, uint32_t n, struct automaton **ret);
void automaton_free(struct automaton **p);
/* Every occurrence of every pattern, overlapping ones too, by their end. */
void automaton_scan(const struct automaton *a, struct span text, automaton_on_match on_match, void *self);

#endif
