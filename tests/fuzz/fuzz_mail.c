/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a mail: headers, MIME, HTML, and what the adapter makes of it. */
#include "../../services/adapters/email/email.h"
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    arena_init(&arena, &mem_libc, (size_t)8 << 20);
    struct mail_read mail;
    if (mail_read(&arena, span_of(data, size), &mail) == 0 && email_unreadable(&mail) == NULL) {
        const char *reason;
        enum email_kind kind = email_kind(&mail, "complaints@example.com", false, &reason);
        Kesu__V1__Command *c = email_command(&mail, "complaints@example.com", kind, 1, NULL, 0, &arena);
        /* What we make of a mail is always a message our own reader takes. */
        struct codec_error error;
        struct span packed = c != NULL ? codec_pack(c, &arena) : SPAN_NONE;
        Kesu__V1__Command back;
        CHECK(packed.p == NULL ||
              codec_unpack(&kesu__v1__command__descriptor, packed, &arena, &back, &error) == 0);
    }
    arena_deinit(&arena);
    return 0;
}
