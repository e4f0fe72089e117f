/* SPDX-License-Identifier: Apache-2.0 */
/* YAML of a policy file -> compiled. The first byte says which file. */
#include "check.h"
#include "policy.h"
#include "policy_schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const paths[] = {"org.yaml",    "routing.yaml",     "rules/x.yaml", "sla.yaml",
                                        "notify.yaml", "templates/x.yaml", "other.yaml",   "rules/.yaml"};
    if (n == 0) return 0;
    struct arena arena;
    arena_init(&arena, &mem_libc, (size_t)4 << 20);
    Kesu__V1__PolicyFile file = KESU__V1__POLICY_FILE__INIT, *files[] = {&file};
    Kesu__V1__PolicyBundle *bundle = NULL;
    char *error = NULL;
    file.path = (char *)paths[data[0] % 8];
    file.content.data = (uint8_t *)data + 1;
    file.content.len = n - 1;
    /* One file alone never makes a whole policy, and the refusal always says why. */
    CHECK(policy_compile_files(&mem_libc, files, 1, &arena, &bundle, &error) != 0);
    CHECK(error != NULL && strchr(error, '\n') != NULL);
    mem_free(&mem_libc, error);
    arena_deinit(&arena);
    return 0;
}
