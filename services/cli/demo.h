/* SPDX-License-Identifier: Apache-2.0 */
/* `kesu demo`: what its files share. */
#ifndef KESU_CLI_DEMO_H
#define KESU_CLI_DEMO_H

#include "cli.h"

/* A stream of numbers from a seed. */
struct demo_random {
    uint64_t state;
};
uint64_t demo_random_below(struct demo_random *r, uint64_t n);

/* demo_text.c: one invented complaint, in the arena. serial: its place in the
 * run, run: eight hexadecimal digits; both stand in its address, NAME@example.com. */
struct demo_complaint {
    Kesu__V1__ReceiveMessage *message;
    const char *email;
    const char *gist; /* its first words */
};
void demo_invent(struct cli *c, struct demo_random *r, struct arena *arena, const char *run, unsigned serial,
                 struct demo_complaint *ret);

/* demo_mail.c: the complaint as a mail in a Maildir; 0 or an exit status. */
int demo_mail_drop(struct cli *c, const char *maildir, const struct demo_complaint *d, const char *run,
                   unsigned serial);
/* Marks found[serial] for each mail to a serial of this run. Returns how many were new. */
unsigned demo_mail_find(const char *maildir, const char *run, bool *found, unsigned n);

#endif
