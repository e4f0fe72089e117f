/* SPDX-License-Identifier: Apache-2.0 */
/* The policy: compiled from a directory of YAML, checked, looked up.
 *
 * org.yaml, routing.yaml and the files of rules/, sla.yaml, notify.yaml, the
 * files of templates/. Compiling is pure but for reading the files: the same
 * source gives the same bytes. */
#ifndef KESU_POLICY_H
#define KESU_POLICY_H

#include "codec.h"
#include "env.h"

#define POLICY_MAX_BYTES ((size_t)16 << 20)

/* Source and compiled form, from the arena. ret_error: all problems, a line
 * each ("sla.yaml:12: clocks[0].warn_percent: found 'x', allowed 1 to 99"),
 * to be freed with mem_free. E_POLICY, E_IO. */
int policy_compile(struct env *env, const char *dir, struct arena *arena, Kesu__V1__PolicyBundle **ret,
                   char **ret_error);
/* The same from files already read; they become part of the bundle. Pure. E_POLICY. */
int policy_compile_files(struct mem *m, Kesu__V1__PolicyFile *const *files, size_t n, struct arena *arena,
                         Kesu__V1__PolicyBundle **ret, char **ret_error);
/* Do the rules of a bundle compile, and do their test lines (match, no_match in
 * the source) come out as written? About half a second. ret_error as above. E_POLICY, E_IO. */
int policy_try(struct mem *m, const Kesu__V1__PolicyBundle *bundle, char **ret_error);
/* Every key of the YAML files, from the tables the compiler goes by:
 * "notify.yaml", "notices[].on", "one of opened, ...". The strings are valid during the call. */
typedef void (*policy_on_key)(void *self, const char *file, const char *path, bool required,
                              const char *allowed, const char *help);
void policy_keys(policy_on_key on_key, void *self);
/* References and ranges of a compiled policy, whoever sent it. ret_reason names the field. */
int policy_check(const Kesu__V1__Policy *p, char *ret_reason, size_t n);
/* What changed for people, line by line; to be freed with mem_free. */
char *policy_diff(struct mem *m, const Kesu__V1__Policy *from, const Kesu__V1__Policy *to);

/* Look-ups; NULL when there is none. */
const Kesu__V1__Department *policy_department(const Kesu__V1__Policy *p, const char *id);
const Kesu__V1__Staff *policy_staff(const Kesu__V1__Policy *p, const char *id);
/* Is this one of the office now? Somebody temporary is until their last moment; NULL is not. */
bool policy_is_here(const Kesu__V1__Staff *s, int64_t now);
/* Who is accused takes no part, nor does who reports to one of them; NULL is not. */
bool policy_is_recused(char *const *accused, size_t n, const Kesu__V1__Staff *s);
const Kesu__V1__Category *policy_category(const Kesu__V1__Policy *p, const char *id);
/* "department_task" also for "department_task#3". */
const Kesu__V1__Clock *policy_clock(const Kesu__V1__Policy *p, const char *id);
/* In this language, else in the office's, else any. */
const Kesu__V1__Template *policy_template(const Kesu__V1__Policy *p, const char *id,
                                          Kesu__V1__Language language);
/* Does a skill ("damage.*", "damage.wet", "*") cover the category? */
bool policy_skill_covers(const char *skill, const char *category);
/* Does the skill list cover the category and language ("damage.*", "lang:zh")? */
bool policy_has_skill(const Kesu__V1__Staff *s, const char *category, Kesu__V1__Language language);
/* Who is told at this level of the ladder: 1 = the agent's section manager (or
 * the department's when nobody has the case), then up the chain of command. */
const Kesu__V1__Staff *policy_escalate_to(const Kesu__V1__Policy *p, const char *agent,
                                          const char *department, unsigned level);
/* Is who the same as whom, or anywhere above them in the chain of command? */
bool policy_stands_above(const Kesu__V1__Policy *p, const char *who, const char *whom);
/* The name in this language, else any. */
const char *policy_local_name(Kesu__V1__LocalName *const *names, size_t n, Kesu__V1__Language language);

#endif
