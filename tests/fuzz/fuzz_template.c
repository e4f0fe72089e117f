/* SPDX-License-Identifier: Apache-2.0 */
/* A template and a value, divided by the first NUL, in every context. */
#include "check.h"
#include "err.h"
#include "template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_rendered(struct span out, enum template_context context, const char *source)
{
    CHECK(memchr(out.p, 0, out.n) == NULL);
    for (size_t i = 0; i < out.n; i++) {
        CHECK(out.p[i] == '\n' || out.p[i] == '\t' || out.p[i] >= 0x20);
        CHECK(context != TEMPLATE_HEADER || out.p[i] >= 0x20);
        /* Markup comes from the template or not at all. */
        CHECK(context != TEMPLATE_HTML || out.p[i] != '<' || strchr(source, '<') != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = mem_zalloc(&mem_libc, n + 2);
    if (n > 0) memcpy(text, data, n);
    const char *value = text + strlen(text) + 1;
    if (value > text + n) value = "";
    const char *values[TEMPLATE_N_VALUES];
    for (int i = 0; i < TEMPLATE_N_VALUES; i++) values[i] = i % 3 == 2 ? NULL : value;
    char reason[200];
    bool sound = template_check(text, reason, sizeof reason) == 0;
    struct arena arena;
    arena_init(&arena, &mem_libc, (size_t)8 << 20);
    for (int context = TEMPLATE_TEXT; context <= TEMPLATE_HEADER; context++) {
        struct span out = SPAN_NONE;
        int err = template_render(text, (enum template_context)context, values, &arena, &out);
        CHECK(err == E_NOMEM || (err == 0) == sound);
        if (err == 0) check_rendered(out, (enum template_context)context, text);
    }
    arena_deinit(&arena);
    mem_free(&mem_libc, text);
    return 0;
}
