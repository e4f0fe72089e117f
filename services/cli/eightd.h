/* SPDX-License-Identifier: Apache-2.0 */
/* An 8D as it stands: of each discipline what was recorded last. */
#ifndef KESU_CLI_EIGHTD_H
#define KESU_CLI_EIGHTD_H

#include <stdio.h>

#include "cli.h"
#include "tell.h"

#define EIGHTD_DISCIPLINES 9 /* D0 to D8 */

struct eightd {
    const Kesu__V1__EightDState *state;
    const char *number; /* of the case, "" when it is of an incident */
    const Kesu__V1__DisciplineState *planned[EIGHTD_DISCIPLINES];
    const Kesu__V1__DisciplineRecorded *recorded[EIGHTD_DISCIPLINES];
    const char *recorded_by[EIGHTD_DISCIPLINES];
    int64_t recorded_at[EIGHTD_DISCIPLINES];
    const char *close_reason;       /* "" while it is open */
    const Kesu__V1__Policy *policy; /* NULL: people go by their ids */
};

/* Prints a line for each 8D of an incident. */
int eightd_list_of_incident(struct cli *c, uint64_t incident_id);

/* eightd_words.c: a word of the report, "" when the word is not known. */
const char *eightd_word(const char *word, enum tell_language language);
/* "4000", "-0.5": ten-thousandths as people write them. */
const char *eightd_number(int64_t e4, char ret[CLI_TEXT]);

/* eightd_html.c: a page that needs nothing else and prints well. */
void eightd_html(FILE *out, const struct eightd *r, enum tell_language language);

#endif
