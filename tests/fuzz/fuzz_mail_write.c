/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a mail, divided by NUL: whatever they are, the head of what is
 * written has the lines it always has, and none is long. */
#include <string.h>

#include "check.h"
#include "codec.h"
#include "mail_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_head(struct span out, bool references, bool reply_to, bool html)
{
    unsigned lines = 0;
    size_t i = 0;
    for (;;) {
        const uint8_t *end = memmem(out.p + i, out.n - i, "\r\n", 2);
        CHECK(end != NULL);
        size_t line = (size_t)(end - (out.p + i));
        if (line == 0) break;
        CHECK(line <= 400); /* an address may be 254 */
        for (size_t k = 0; k < line; k++) CHECK(out.p[i + k] >= ' ' && out.p[i + k] < 0x7f);
        lines += out.p[i] != ' ';
        i += line + 2;
    }
    CHECK(lines == 9 + 2 * references + reply_to + !html);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *values[9];
    struct arena arena;
    arena_init(&arena, &mem_libc, (size_t)16 << 20);
    char *text = mem_zalloc(&mem_libc, n + 10), *at = text;
    if (n > 0) memcpy(text, data, n);
    for (size_t i = 0; i < 9; i++) {
        values[i] = at;
        if (at < text + n) at += strlen(at) + 1;
    }
    struct mail_write mail = {.message_id = "abc@kesu.example",
                              .from_address = "office@kesu.example",
                              .to_address = "lin@customer.example",
                              .from_name = values[0],
                              .to_name = values[1],
                              .subject = values[2],
                              .text = values[3],
                              .html = values[4]};
    struct span out = SPAN_NONE;
    CHECK(mail_write(&arena, &mail, &out) == 0);
    check_head(out, false, false, values[4][0] != '\0');
    mail.message_id = values[5];
    mail.reply_to = values[6];
    mail.references = values[7];
    mail.to_address = values[8];
    if (mail_write(&arena, &mail, &out) == 0) check_head(out, true, true, values[4][0] != '\0');
    mem_free(&mem_libc, text);
    arena_deinit(&arena);
    return 0;
}
