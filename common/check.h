/* SPDX-License-Identifier: Apache-2.0 */
/* CHECK(x): an invariant of ours, tested in every build. When broken the
 * process prints where and stops; input from outside must never reach it. */
#ifndef KESU_CHECK_H
#define KESU_CHECK_H

_Noreturn void check_failed(const char *what, const char *file, int line);

#define CHECK(x) ((x) ? (void)0 : check_failed(#x, __FILE__, __LINE__))

#endif
