/* SPDX-License-Identifier: Apache-2.0 */
/* Who is on shift. A shift that ends before it begins goes over midnight. */
#ifndef KESU_SHIFT_H
#define KESU_SHIFT_H

#include "codec.h"

/* Minutes after the office's midnight. */
unsigned shift_minute(const Kesu__V1__Policy *p, int64_t now);
/* Always, when they have none; minute: as above. */
bool shift_is_on(const Kesu__V1__Policy *p, const Kesu__V1__Staff *staff, unsigned minute);

#endif
