// SPDX-License-Identifier: Apache-2.0
// The policy: checked from its directory, compared with the one in force, and
// applied in parts.
#include "policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "cli.h"
#include "err.h"
#include "hash.h"

enum { PART_BYTES = 256 << 10, MAX_PARTS = 64 };

static int compile(struct cli *c, Kesu__V1__PolicyBundle **ret)
{
    char *problems = NULL;
    int err = policy_compile(cli_env(c), c->args[0], &c->arena, ret, &problems);
    if (err == 0) err = policy_try(&cli_env(c)->mem, *ret, &problems);
    if (err == 0) return 0;
    fflush(stdout);
    fputs(cli_or(problems, err_text(err)), stderr);
    if (problems == NULL || problems[0] == '\0' || problems[strlen(problems) - 1] != '\n')
        fputc('\n', stderr);
    if (problems != NULL) mem_free(&cli_env(c)->mem, problems);
    return err == E_IO || err == E_NOT_FOUND ? CLI_NO_INPUT : CLI_NO;
}

int cli_policy_check(struct cli *c)
{
    Kesu__V1__PolicyBundle *b = NULL;
    int status = compile(c, &b);
    if (status != 0) return status;
    const Kesu__V1__Policy *p = b->policy;
    if (c->json)
        cli_print_json(c, p);
    else
        printf("good: %zu departments, %zu staff, %zu categories, %zu rules, %zu clocks, %zu notices, %zu "
               "templates\n",
               p->n_departments, p->n_staff, p->n_categories, p->n_rules, p->n_clocks, p->n_notices,
               p->n_templates);
    return 0;
}

static void on_key(void *self, const char *file, const char *path, bool required, const char *allowed,
                   const char *help)
{
    const struct cli *c = self;
    if (c->json)
        printf("{\"file\":\"%s\",\"key\":\"%s\",\"required\":%s,\"allowed\":\"%s\",\"help\":\"%s\"}\n", file,
               path, required ? "true" : "false", allowed, help);
    else
        printf("%-12s %s%s\n             %s\n             %s\n", file, path, required ? " (required)" : "",
               help, allowed);
}

int cli_policy_keys(struct cli *c)
{
    policy_keys(on_key, c);
    return 0;
}

int cli_policy_diff(struct cli *c)
{
    Kesu__V1__PolicyBundle *now = NULL;
    const Kesu__V1__Policy *then = NULL;
    int status = compile(c, &now);
    if (status == 0) status = cli_policy_in_force(c, &then);
    if (status != 0) return status;
    if (then == NULL) {
        printf("no policy is in force yet\n");
        return CLI_NO;
    }
    char *difference = policy_diff(&mem_libc, then, now->policy);
    bool same = difference[0] == '\0';
    fputs(same ? "no difference\n" : difference, stdout);
    mem_free(&mem_libc, difference);
    return same ? 0 : CLI_NO;
}

static int send_part(struct cli *c, const uint8_t hash[HASH_BYTES], uint32_t index, uint32_t count,
                     struct span content)
{
    Kesu__V1__Command *k = cli_new(c, &kesu__v1__command__descriptor);
    Kesu__V1__StorePolicyPart part = KESU__V1__STORE_POLICY_PART__INIT;
    Kesu__V1__Reply *reply = NULL;
    part.hash = (ProtobufCBinaryData){HASH_BYTES, (uint8_t *)(uintptr_t)hash};
    part.index = index;
    part.count = count;
    part.content = (ProtobufCBinaryData){content.n, (uint8_t *)(uintptr_t)content.p};
    k->body_case = KESU__V1__COMMAND__BODY_STORE_POLICY_PART;
    k->store_policy_part = &part;
    return cli_send(c, "intake-people", k, &reply);
}

// The directory's own name, of at most 64 bytes.
static char *name_of(struct cli *c)
{
    if (cli_flag(c, "name") != NULL) return (char *)(uintptr_t)cli_flag(c, "name");
    char *path = realpath(c->args[0], NULL);
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    char *name = arena_strdup(&c->arena, slash != NULL && slash[1] != '\0' ? slash + 1 : "policy");
    free(path);
    name[codec_utf8_prefix(span_str(name), 64)] = '\0';
    return name;
}

int cli_policy_apply(struct cli *c)
{
    Kesu__V1__PolicyBundle *b = NULL;
    uint8_t hash[HASH_BYTES];
    int status = compile(c, &b);
    if (status != 0) return status;
    struct span all = codec_pack(b, &c->arena);
    uint32_t count = (uint32_t)((all.n + PART_BYTES - 1) / PART_BYTES);
    if (all.n > POLICY_MAX_BYTES || count > MAX_PARTS)
        return cli_fail(c, CLI_DATA, "%zu bytes, allowed are %zu", all.n, POLICY_MAX_BYTES);
    hash_bytes(all, hash);
    for (uint32_t i = 0; i < count && status == 0; i++) {
        size_t at = (size_t)i * PART_BYTES, n = all.n - at < PART_BYTES ? all.n - at : PART_BYTES;
        status = send_part(c, hash, i, count, span_of(all.p + at, n));
    }
    if (status != 0) return status;
    Kesu__V1__Command *k = cli_new(c, &kesu__v1__command__descriptor);
    Kesu__V1__ActivatePolicy activate = KESU__V1__ACTIVATE_POLICY__INIT;
    Kesu__V1__Reply *reply = NULL;
    activate.hash = (ProtobufCBinaryData){HASH_BYTES, hash};
    activate.name = name_of(c);
    k->body_case = KESU__V1__COMMAND__BODY_ACTIVATE_POLICY;
    k->activate_policy = &activate;
    status = cli_send(c, "intake-people", k, &reply);
    if (status != 0) return status;
    if (c->json)
        cli_print_json(c, reply);
    else
        printf("in force since event %" PRIu64 ", %u parts\n", reply->accepted->seq, (unsigned)count);
    return 0;
}
