/* SPDX-License-Identifier: Apache-2.0 */
/* Events in words, from catalogs: a sentence an event, a word an enum value,
 * each in English, traditional and simplified Chinese.
 *
 * A sentence holds {FIELD} of the event, inner ones with dots; {FIELD|TEXT}:
 * TEXT when it is empty; {#FIELD}: how many; {FIELD?TEXT}, {FIELD=VALUE?TEXT},
 * {!FIELD?TEXT}: TEXT only if so. What stands in [brackets] goes when one of its
 * fields is empty. */
#ifndef KESU_CLI_TELL_H
#define KESU_CLI_TELL_H

#include "cli.h"

enum tell_language { TELL_EN, TELL_HANT, TELL_HANS, TELL_LANGUAGES };

struct teller {
    struct cli *c;
    enum tell_language language;
    const Kesu__V1__Policy *policy; /* NULL: ids instead of names */
    bool numbers;                   /* ids of cases become their numbers: intake is asked */
};

#define TELL_TEXT 8192

struct tell_sentence {
    unsigned event;
    unsigned variant; /* as life_variant tells, or LIFE_ANY */
    const char *text[TELL_LANGUAGES];
};
struct tell_entry {
    const char *key;
    const char *text[TELL_LANGUAGES];
};
extern const struct tell_sentence tell_sentences[]; /* sentences.c; ends with event 0 */
extern const struct tell_entry tell_entries[];      /* dictionary.c; ends with key NULL */

/* A pattern with the fields of a message, into ret. */
void tell(const struct teller *t, const char *pattern, const ProtobufCMessage *m, char ret[TELL_TEXT]);
/* The sentence of an event; NULL when this version has none. */
const char *tell_sentence_of(const struct teller *t, const Kesu__V1__Event *e);
/* A word or phrase of the dictionary; what is not in it stays as it is. */
const char *tell_word(const struct teller *t, const char *key);
const char *tell_enum(const struct teller *t, const ProtobufCEnumDescriptor *d, int value,
                      char ret[CLI_TEXT]);
/* The body of an event: its one message. */
const ProtobufCMessage *tell_body(const Kesu__V1__Event *e);

/* tell_value.c: one field of a message in words, appended to ret at n; the new n. */
size_t tell_value(const struct teller *t, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                  char *ret, size_t n);
size_t tell_put(char *ret, size_t n, const char *text);
const char *tell_staff(const struct teller *t, const char *id);

#endif
