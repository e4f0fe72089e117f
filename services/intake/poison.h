/* SPDX-License-Identifier: Apache-2.0 */
/* The commands in hand are noted in a small file before they are looked at.
 *
 * When the process dies, the next one finds there what it died of: those are
 * suspects, and each is noted alone when it comes again. A command that was in
 * hand at two deaths is refused from then on. Only the process's death
 * matters, so nothing is synced while working. */
#ifndef INTAKE_POISON_H
#define INTAKE_POISON_H

#include "env.h"

#define POISON_MAX 1024

struct intake_poison;

int intake_poison_open(struct env *env, const char *path, struct intake_poison **ret);
void intake_poison_close(struct intake_poison **p); /* an orderly end: nothing is in hand */

/* In hand from now on: n ids of 16 bytes, at most POISON_MAX. */
void intake_poison_note(struct intake_poison *p, const uint8_t (*ids)[16], unsigned n);
/* Nothing is in hand; a suspect that was noted alone is cleared. */
void intake_poison_done(struct intake_poison *p);
bool intake_poison_is_suspect(const struct intake_poison *p, const uint8_t id[16]);
/* Two deaths: refuse it. */
bool intake_poison_is_refused(const struct intake_poison *p, const uint8_t id[16]);
bool intake_poison_any(const struct intake_poison *p); /* is there any suspect at all? */

#endif
