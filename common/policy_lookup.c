/* SPDX-License-Identifier: Apache-2.0 */
/* Look-ups in a policy, and the way up the chain of command. */
#include "policy.h"

#define FIND(list, n, wanted)                                             \
    do {                                                                  \
        for (size_t i_ = 0; i_ < (n); i_++)                               \
            if (strcmp((list)[i_]->id, (wanted)) == 0) return (list)[i_]; \
        return NULL;                                                      \
    } while (0)

const Kesu__V1__Department *policy_department(const Kesu__V1__Policy *p, const char *id)
{
    FIND(p->departments, p->n_departments, id);
}

const Kesu__V1__Staff *policy_staff(const Kesu__V1__Policy *p, const char *id)
{
    FIND(p->staff, p->n_staff, id);
}

bool policy_is_here(const Kesu__V1__Staff *s, int64_t now)
{
    return s != NULL && (s->until == 0 || s->until >= now);
}

bool policy_is_recused(char *const *accused, size_t n, const Kesu__V1__Staff *s)
{
    for (size_t i = 0; s != NULL && i < n; i++)
        if (strcmp(accused[i], s->id) == 0 || strcmp(accused[i], s->manager) == 0) return true;
    return false;
}

const Kesu__V1__Category *policy_category(const Kesu__V1__Policy *p, const char *id)
{
    FIND(p->categories, p->n_categories, id);
}

const Kesu__V1__Clock *policy_clock(const Kesu__V1__Policy *p, const char *id)
{
    size_t n = strcspn(id, "#"); /* "department_task#3": of the third sub-task */
    for (size_t i = 0; i < p->n_clocks; i++)
        if (strncmp(p->clocks[i]->id, id, n) == 0 && p->clocks[i]->id[n] == '\0') return p->clocks[i];
    return NULL;
}

const Kesu__V1__Template *policy_template(const Kesu__V1__Policy *p, const char *id,
                                          Kesu__V1__Language language)
{
    Kesu__V1__Language second =
        p->office != NULL ? p->office->language : KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED;
    const Kesu__V1__Template *best = NULL;
    for (size_t i = 0; i < p->n_templates; i++) {
        const Kesu__V1__Template *t = p->templates[i];
        if (strcmp(t->id, id) != 0) continue;
        if (t->language == language) return t;
        if (best == NULL || t->language == second) best = t;
    }
    return best;
}

static bool is_language_skill(const char *skill)
{
    return strncmp(skill, "lang:", 5) == 0;
}

static bool speaks(const char *skill, Kesu__V1__Language language)
{
    const char *name = skill + strlen("lang:");
    switch (language) {
    case KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT:
        return strcmp(name, "zh") == 0 || strcmp(name, "zh-Hant") == 0;
    case KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS:
        return strcmp(name, "zh") == 0 || strcmp(name, "zh-Hans") == 0;
    case KESU__V1__LANGUAGE__LANGUAGE_EN:
        return strcmp(name, "en") == 0;
    default:
        return true; /* not known, or one nobody was asked for */
    }
}

bool policy_skill_covers(const char *skill, const char *category)
{
    size_t n = strlen(skill);
    if (strcmp(skill, "*") == 0) return true;
    if (n < 2 || strcmp(skill + n - 2, ".*") != 0) return strcmp(skill, category) == 0;
    return strncmp(skill, category, n - 2) == 0 && (category[n - 2] == '\0' || category[n - 2] == '.');
}

bool policy_has_skill(const Kesu__V1__Staff *s, const char *category, Kesu__V1__Language language)
{
    bool covers = false, understands = language != KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT &&
                                       language != KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS &&
                                       language != KESU__V1__LANGUAGE__LANGUAGE_EN;
    for (size_t i = 0; i < s->n_skills; i++) {
        if (is_language_skill(s->skills[i]))
            understands = understands || speaks(s->skills[i], language);
        else
            covers = covers || policy_skill_covers(s->skills[i], category);
    }
    return covers && understands;
}

/* The first person to be told: the manager of the agent's section, of their
 * department, or the agent's own when they lead it themselves. */
static const Kesu__V1__Staff *first_told(const Kesu__V1__Policy *p, const char *agent, const char *department)
{
    const Kesu__V1__Staff *who = policy_staff(p, agent);
    const Kesu__V1__Department *d = policy_department(p, who != NULL ? who->department : department);
    if (d == NULL && p->defaults != NULL) d = policy_department(p, p->defaults->department);
    const char *leader = d != NULL ? d->manager : "";
    for (size_t i = 0; who != NULL && d != NULL && i < d->n_sections; i++)
        if (strcmp(d->sections[i]->id, who->section) == 0) leader = d->sections[i]->manager;
    if (who != NULL && strcmp(leader, who->id) == 0) leader = who->manager;
    return policy_staff(p, leader);
}

const Kesu__V1__Staff *policy_escalate_to(const Kesu__V1__Policy *p, const char *agent,
                                          const char *department, unsigned level)
{
    const Kesu__V1__Staff *told = first_told(p, agent, department);
    for (unsigned i = 1; told != NULL && i < level; i++) {
        const Kesu__V1__Staff *next = policy_staff(p, told->manager);
        if (next == NULL) break; /* the top is told again rather than nobody */
        told = next;
    }
    return told;
}

bool policy_stands_above(const Kesu__V1__Policy *p, const char *who, const char *whom)
{
    if (strcmp(who, whom) == 0) return true;
    const Kesu__V1__Staff *staff = policy_staff(p, whom);
    for (unsigned depth = 0; staff != NULL && depth < 16; depth++) {
        if (strcmp(staff->id, who) == 0) return true;
        staff = staff->manager[0] != '\0' ? policy_staff(p, staff->manager) : NULL;
    }
    return false;
}

const char *policy_local_name(Kesu__V1__LocalName *const *names, size_t n, Kesu__V1__Language language)
{
    for (size_t i = 0; i < n; i++)
        if (names[i]->language == language) return names[i]->text;
    return n > 0 ? names[0]->text : "";
}
