/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a mail (RFC 5322, MIME): the same input gives the same bytes.
 *
 * No value can become a header line: addresses and ids that could are
 * refused, texts are encoded (RFC 2047). */
#ifndef KESU_MAIL_WRITE_H
#define KESU_MAIL_WRITE_H

#include "mem.h"

struct mail_write {
    const char *message_id; /* without angle brackets */
    const char *references; /* one id, or NULL */
    int64_t date_us;
    const char *from_name, *from_address;
    const char *to_name, *to_address; /* names may be "" */
    const char *reply_to;             /* address, or NULL */
    const char *subject;
    const char *text;
    const char *html; /* NULL or "": text alone */
};

/* Can this be written to, as plain SMTP takes it: ASCII local@domain, at most 254 bytes. */
bool mail_write_is_address(const char *s);
/* local+tag@domain; NULL when the result would be no address. */
const char *mail_write_plus(struct arena *arena, const char *address, const char *tag);
/* With CRLF; marked Auto-Submitted: auto-generated. From the arena.
 * E_RANGE: an address or id cannot stand in a header; E_NOMEM. */
int mail_write(struct arena *arena, const struct mail_write *mail, struct span *ret);

#endif
