/* SPDX-License-Identifier: Apache-2.0 */
/* Is a compiled policy sound, whoever sent it?
 *
 * First every value against the range its key has in the tables; then ids,
 * references, the chain of command, and what one part asks of another. */
#include <stdarg.h>
#include <stdio.h>

#include "check.h"
#include "due.h"
#include "err.h"
#include "life.h"
#include "policy.h"
#include "policy_schema.h"
#include "template.h"

struct checking {
    const Kesu__V1__Policy *p;
    policy_on_problem on_problem;
    void *self;
    unsigned n_problems;
};

static void __attribute__((format(printf, 3, 4)))
problem(struct checking *c, const char *field, const char *format, ...)
{
    char reason[900];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    c->n_problems++;
    c->on_problem(c->self, field, reason);
}

#define AT(c_field, ...)           \
    char c_field[POLICY_PATH_MAX]; \
    (void)snprintf(c_field, sizeof c_field, __VA_ARGS__)

/* ---- ranges, from the tables ---- */

static void check_shape(struct checking *c, const struct policy_shape *shape, const ProtobufCMessage *message,
                        const char *prefix);

static void check_number(struct checking *c, const struct policy_key *k, int64_t v, const char *field)
{
    char allowed[POLICY_ALLOWED_MAX];
    bool fits;
    if (k->type == POLICY_BOOL || k->type == POLICY_TIME) return;
    if (k->type == POLICY_MINUTE && v >= 0 && v < 24 * 60) return;
    if (k->type == POLICY_LANGUAGE)
        fits = policy_language_name((Kesu__V1__Language)v)[0] != '\0';
    else
        fits = (v >= k->min && v <= k->max) || (v == 0 && !k->required);
    if (fits) return;
    policy_key_allowed(k, allowed, sizeof allowed);
    problem(c, field, "found %lld, allowed %s", (long long)v, allowed);
}

static void check_string(struct checking *c, const struct policy_key *k, const char *s, const char *field)
{
    char allowed[POLICY_ALLOWED_MAX];
    bool fits;
    if (s[0] == '\0' && !k->required) return;
    if (k->type == POLICY_ID)
        fits = policy_is_id(s);
    else if (k->type == POLICY_EMAIL)
        fits = policy_is_email(s);
    else if (k->type == POLICY_URL)
        fits = policy_is_url(s);
    else if (k->type == POLICY_CHOICE)
        fits = policy_is_choice(k->choices, s);
    else if (k->type == POLICY_CHOICES)
        fits = policy_are_choices(k->choices, s);
    else
        fits = strlen(s) >= (size_t)k->min && strlen(s) <= (size_t)k->max;
    if (fits) return;
    policy_key_allowed(k, allowed, sizeof allowed);
    problem(c, field, "found '%.60s', allowed %s", s, allowed);
}

static void check_enum(struct checking *c, const struct policy_key *k, const ProtobufCFieldDescriptor *f,
                       int v, const char *field)
{
    char allowed[300];
    if (policy_is_enum(k, f->descriptor, v) || (v == 0 && !k->required)) return;
    policy_key_allowed(k, allowed, sizeof allowed);
    problem(c, field, "found %d, allowed %s", v, allowed);
}

static void check_money(struct checking *c, const Kesu__V1__Money *m, const char *field)
{
    bool currency = strlen(m->currency) == 3;
    for (size_t i = 0; currency && i < 3; i++) currency = m->currency[i] >= 'A' && m->currency[i] <= 'Z';
    if (!currency || m->e4 < 0) problem(c, field, "found no money, allowed a currency and an amount");
}

static int64_t number_at(const ProtobufCFieldDescriptor *f, const void *at)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT64:
        return *(const int64_t *)at;
    case PROTOBUF_C_TYPE_UINT32:
        return *(const uint32_t *)at;
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)at;
    default:
        return *(const int32_t *)at;
    }
}

static void check_names(struct checking *c, const struct policy_key *k, Kesu__V1__LocalName *const *names,
                        size_t n, const char *field)
{
    if (n == 0 && k->required) problem(c, field, "found no name, allowed one a language");
    for (size_t i = 0; i < n; i++) {
        AT(at, "%.150s[%zu]", field, i);
        if (policy_language_name(names[i]->language)[0] == '\0')
            problem(c, at, "found an unknown language, allowed zh-Hant, zh-Hans, en");
        if (names[i]->text[0] == '\0' || strlen(names[i]->text) > (size_t)k->max)
            problem(c, at, "found a name of %zu bytes, allowed 1 to %lld", strlen(names[i]->text),
                    (long long)k->max);
        for (size_t j = 0; j < i; j++)
            if (names[j]->language == names[i]->language)
                problem(c, at, "found a language twice, allowed once");
    }
}

static void check_dues(struct checking *c, const struct policy_key *k, Kesu__V1__ClockDue *const *dues,
                       size_t n, const char *field)
{
    bool seen[5] = {false};
    for (size_t i = 0; i < n; i++) {
        unsigned severity = (unsigned)dues[i]->severity;
        if (severity > 4 || seen[severity])
            problem(c, field, "found severity %u twice or unknown, allowed each once", severity);
        else
            seen[severity] = true;
        if (dues[i]->after < k->min || dues[i]->after > k->max)
            problem(c, field, "found %lld microseconds, allowed %lld to %lld", (long long)dues[i]->after,
                    (long long)k->min, (long long)k->max);
    }
    if (!seen[0]) problem(c, field, "missing all, allowed a duration for every severity not named");
}

static void check_list(struct checking *c, const struct policy_key *k, const ProtobufCFieldDescriptor *f,
                       const void *at, size_t n, const char *field)
{
    void *const *items = *(void *const *const *)at;
    if (k->type == POLICY_NAMES) {
        check_names(c, k, (Kesu__V1__LocalName *const *)items, n, field);
        return;
    }
    if (k->type == POLICY_DUES) {
        check_dues(c, k, (Kesu__V1__ClockDue *const *)items, n, field);
        return;
    }
    if (k->type == POLICY_MAPS && k->max > 0 && (n < (size_t)k->min || (n == 0 && k->required && k->min > 0)))
        problem(c, field, "found %zu, allowed %lld at least", n, (long long)k->min);
    struct policy_key each = *k;
    each.required = true; /* an item that is there is not empty */
    for (size_t i = 0; i < n; i++) {
        AT(item, "%.150s[%zu]", field, i);
        if (f->type == PROTOBUF_C_TYPE_MESSAGE)
            check_shape(c, k->shape, items[i], item);
        else if (f->type == PROTOBUF_C_TYPE_STRING)
            check_string(c, &each, items[i], item);
        else if (f->type == PROTOBUF_C_TYPE_ENUM)
            check_enum(c, &each, f, (*(const int *const *)at)[i], item);
        else
            check_number(c, &each, (*(const int64_t *const *)at)[i], item);
    }
}

static void check_shape(struct checking *c, const struct policy_shape *shape, const ProtobufCMessage *message,
                        const char *prefix)
{
    for (const struct policy_key *k = shape->keys; k->key != NULL; k++) {
        if (k->type == POLICY_LINES) continue;
        const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(shape->d, k->key);
        CHECK(f != NULL);
        const char *at = (const char *)message + f->offset;
        AT(field, "%.120s%s%s", prefix, prefix[0] != '\0' ? "." : "", k->key);
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t n = *(const size_t *)(const void *)((const char *)message + f->quantifier_offset);
            check_list(c, k, f, at, n, field);
        } else if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
            const ProtobufCMessage *child = *(const ProtobufCMessage *const *)(const void *)at;
            if (child != NULL && k->type == POLICY_MONEY)
                check_money(c, (const Kesu__V1__Money *)(const void *)child, field);
            else if (child != NULL)
                check_shape(c, k->shape, child, field);
            else if (k->required)
                problem(c, field, "missing, allowed %s", k->help);
        } else if (f->type == PROTOBUF_C_TYPE_STRING) {
            check_string(c, k, *(const char *const *)(const void *)at, field);
        } else if (k->type == POLICY_ENUM) {
            check_enum(c, k, f, (int)number_at(f, at), field);
        } else {
            check_number(c, k, number_at(f, at), field);
        }
    }
}

static void check_ranges(struct checking *c)
{
    for (const struct policy_file *def = policy_files; def->path != NULL; def++)
        if (!def->by_language) check_shape(c, def->shape, &c->p->base, "");
    for (size_t i = 0; i < c->p->n_templates; i++) {
        AT(field, "templates[%zu]", i);
        check_shape(c, &policy_template_shape, &c->p->templates[i]->base, field);
    }
}

/* ---- ids ---- */

#define CHECK_UNIQUE(c, list, n, name)                                               \
    for (size_t i_ = 0; i_ < (n); i_++)                                              \
        for (size_t j_ = 0; j_ < i_; j_++)                                           \
            if (strcmp((list)[i_]->id, (list)[j_]->id) == 0) {                       \
                AT(at_, "%.100s[%zu].id", (name), i_);                               \
                problem((c), at_, "found '%s' again, allowed once", (list)[i_]->id); \
                break;                                                               \
            }

static void check_unique(struct checking *c)
{
    const Kesu__V1__Policy *p = c->p;
    CHECK_UNIQUE(c, p->departments, p->n_departments, "departments")
    CHECK_UNIQUE(c, p->staff, p->n_staff, "staff")
    CHECK_UNIQUE(c, p->categories, p->n_categories, "categories")
    CHECK_UNIQUE(c, p->rules, p->n_rules, "rules")
    CHECK_UNIQUE(c, p->clocks, p->n_clocks, "clocks")
    CHECK_UNIQUE(c, p->notices, p->n_notices, "notices")
    CHECK_UNIQUE(c, p->authority, p->n_authority, "authority")
    CHECK_UNIQUE(c, p->quotas, p->n_quotas, "quotas")
    CHECK_UNIQUE(c, p->compensation, p->n_compensation, "compensation")
    CHECK_UNIQUE(c, p->delegations, p->n_delegations, "delegations")
    CHECK_UNIQUE(c, p->evidence, p->n_evidence, "evidence")
    CHECK_UNIQUE(c, p->shifts, p->n_shifts, "shifts")
    for (size_t d = 0; d < p->n_departments; d++) {
        AT(sections, "departments[%zu].sections", d);
        CHECK_UNIQUE(c, p->departments[d]->sections, p->departments[d]->n_sections, sections)
    }
}

/* ---- the organisation ---- */

static void want_staff(struct checking *c, const char *id, const char *field)
{
    if (policy_staff(c->p, id) == NULL) problem(c, field, "found '%s', allowed an id of staff", id);
}

static void want_department(struct checking *c, const char *id, const char *field)
{
    if (policy_department(c->p, id) == NULL)
        problem(c, field, "found '%s', allowed an id of departments", id);
}

static void want_category(struct checking *c, const char *id, const char *field)
{
    if (policy_category(c->p, id) == NULL) problem(c, field, "found '%s', allowed an id of categories", id);
}

static void check_office(struct checking *c)
{
    unsigned yymm;
    if (c->p->office != NULL && due_month(c->p->office->time_zone, 0, &yymm) != 0)
        problem(c, "office.time_zone", "found '%s', allowed an IANA time zone", c->p->office->time_zone);
}

static void check_departments(struct checking *c)
{
    for (size_t i = 0; i < c->p->n_departments; i++) {
        const Kesu__V1__Department *d = c->p->departments[i];
        AT(field, "departments[%zu].manager", i);
        want_staff(c, d->manager, field);
        for (size_t j = 0; j < d->n_sections; j++) {
            AT(section, "departments[%zu].sections[%zu].manager", i, j);
            want_staff(c, d->sections[j]->manager, section);
        }
    }
}

static bool section_exists(const Kesu__V1__Department *d, const char *section)
{
    for (size_t i = 0; d != NULL && i < d->n_sections; i++)
        if (strcmp(d->sections[i]->id, section) == 0) return true;
    return false;
}

static bool skill_is_known(const Kesu__V1__Policy *p, const char *skill)
{
    static const char *const languages[] = {"lang:zh", "lang:zh-Hant", "lang:zh-Hans", "lang:en"};
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++)
        if (strcmp(skill, languages[i]) == 0) return true;
    for (size_t i = 0; i < p->n_categories; i++)
        if (policy_skill_covers(skill, p->categories[i]->id)) return true;
    return false;
}

static void check_chain(struct checking *c, const Kesu__V1__Staff *s, const char *field)
{
    const Kesu__V1__Staff *up = s;
    for (size_t steps = 0; up != NULL && up->manager[0] != '\0'; steps++) {
        if (steps > c->p->n_staff) {
            problem(c, field, "found '%s', whose chain of command is a ring, allowed one that ends",
                    s->manager);
            return;
        }
        up = policy_staff(c->p, up->manager);
    }
}

static void check_staff(struct checking *c)
{
    for (size_t i = 0; i < c->p->n_staff; i++) {
        const Kesu__V1__Staff *s = c->p->staff[i];
        AT(department, "staff[%zu].department", i);
        AT(section, "staff[%zu].section", i);
        AT(manager, "staff[%zu].manager", i);
        want_department(c, s->department, department);
        if (s->section[0] != '\0' && !section_exists(policy_department(c->p, s->department), s->section))
            problem(c, section, "found '%s', allowed a section of '%s'", s->section, s->department);
        if (s->manager[0] != '\0') {
            want_staff(c, s->manager, manager);
            check_chain(c, s, manager);
        }
        for (size_t j = 0; j < s->n_skills; j++) {
            AT(skill, "staff[%zu].skills[%zu]", i, j);
            if (!skill_is_known(c->p, s->skills[j]))
                problem(
                    c, skill,
                    "found '%s', allowed a category, one with .* for all under it, *, lang:zh, lang:zh-Hant, "
                    "lang:zh-Hans, lang:en",
                    s->skills[j]);
        }
    }
}

/* ---- authority ---- */

static void check_shifts(struct checking *c)
{
    for (size_t i = 0; i < c->p->n_shifts; i++) {
        AT(lead, "shifts[%zu].lead", i);
        want_staff(c, c->p->shifts[i]->lead, lead);
    }
    for (size_t i = 0; i < c->p->n_staff; i++) {
        const char *shift = c->p->staff[i]->shift;
        bool known = shift[0] == '\0';
        for (size_t j = 0; j < c->p->n_shifts && !known; j++) known = strcmp(c->p->shifts[j]->id, shift) == 0;
        AT(field, "staff[%zu].shift", i);
        if (!known) problem(c, field, "found '%s', allowed an id of shifts", shift);
    }
}

static bool same_currency(const Kesu__V1__Money *a, const Kesu__V1__Money *b)
{
    return a == NULL || b == NULL || strcmp(a->currency, b->currency) == 0;
}

static void check_quotas(struct checking *c)
{
    for (size_t i = 0; i < c->p->n_quotas; i++) {
        const Kesu__V1__Quota *q = c->p->quotas[i];
        AT(period, "quotas[%zu].period", i);
        AT(money, "quotas[%zu].per_period", i);
        if ((q->per_period != NULL || q->cases > 0) && q->period == 0)
            problem(c, period, "missing, allowed how long per_period and cases count");
        if (!same_currency(q->per_case, q->per_period))
            problem(c, money, "found another currency than per_case, allowed the same");
    }
}

static void check_compensation(struct checking *c)
{
    for (size_t i = 0; i < c->p->n_compensation; i++) {
        const Kesu__V1__CompensationRule *r = c->p->compensation[i];
        AT(category, "compensation[%zu].category", i);
        AT(most, "compensation[%zu].most", i);
        if (r->category[0] != '\0') want_category(c, r->category, category);
        if (r->most == NULL && r->percent_of_declared == 0 && r->times_carriage == 0)
            problem(c, most, "found no cap, allowed most, percent_of_declared, times_carriage");
    }
}

static void check_delegations(struct checking *c)
{
    for (size_t i = 0; i < c->p->n_delegations; i++) {
        const Kesu__V1__Delegation *d = c->p->delegations[i];
        AT(from, "delegations[%zu].from", i);
        AT(to, "delegations[%zu].to", i);
        AT(until, "delegations[%zu].until", i);
        want_staff(c, d->from, from);
        want_staff(c, d->to, to);
        if (strcmp(d->from, d->to) == 0) problem(c, to, "found the delegator, allowed somebody else");
        if (d->until <= d->starts) problem(c, until, "found no later than starts, allowed later");
    }
}

static void check_evidence(struct checking *c)
{
    for (size_t i = 0; i < c->p->n_categories; i++) {
        const Kesu__V1__Category *k = c->p->categories[i];
        for (size_t j = 0; j < k->n_evidence; j++) {
            bool known = false;
            for (size_t e = 0; e < c->p->n_evidence && !known; e++)
                known = strcmp(c->p->evidence[e]->id, k->evidence[j]) == 0;
            AT(field, "categories[%zu].evidence[%zu]", i, j);
            if (!known) problem(c, field, "found '%.60s', allowed an id of evidence", k->evidence[j]);
        }
    }
}

/* ---- routing ---- */

static void check_rule(struct checking *c, const Kesu__V1__Rule *r, size_t i)
{
    AT(at, "rules[%zu]", i);
    AT(category, "rules[%zu].category", i);
    AT(unless, "rules[%zu].unless", i);
    if ((r->category[0] == '\0') == (r->factor[0] == '\0'))
        problem(c, at, "found '%s' with %s, allowed a category or a factor", r->id,
                r->category[0] == '\0' ? "neither category nor factor" : "both category and factor");
    if (r->category[0] != '\0') want_category(c, r->category, category);
    if (r->n_keywords == 0 && r->regex[0] == '\0')
        problem(c, at, "found '%s' with nothing to look for, allowed keywords, a regex, or both", r->id);
    for (size_t k = 0; k < r->n_unless; k++)
        for (size_t j = 0; j < r->n_keywords; j++)
            if (strcmp(r->unless[k], r->keywords[j]) == 0)
                problem(c, unless, "found '%.60s', which is a keyword too, allowed other words",
                        r->unless[k]);
}

static void check_routing(struct checking *c)
{
    const Kesu__V1__Policy *p = c->p;
    for (size_t i = 0; i < p->n_categories; i++) {
        AT(field, "categories[%zu].department", i);
        want_department(c, p->categories[i]->department, field);
    }
    for (size_t i = 0; i < p->n_rules; i++) check_rule(c, p->rules[i], i);
    if (p->scoring != NULL && (p->scoring->s1 <= p->scoring->s2 || p->scoring->s2 <= p->scoring->s3))
        problem(c, "scoring.s1", "found s1 %d, s2 %d, s3 %d, allowed s1 above s2 above s3", p->scoring->s1,
                p->scoring->s2, p->scoring->s3);
    if (p->defaults == NULL) return;
    want_department(c, p->defaults->department, "defaults.department");
    want_category(c, p->defaults->category, "defaults.category");
}

/* ---- clocks and notices ---- */

static const Kesu__V1__Notice *notice_of(const Kesu__V1__Policy *p, const char *id)
{
    for (size_t i = 0; i < p->n_notices; i++)
        if (strcmp(p->notices[i]->id, id) == 0) return p->notices[i];
    return NULL;
}

/* Each channel of a clock once: its times are not a matter of order. */
static void check_channels(struct checking *c, const Kesu__V1__Clock *k, size_t clock)
{
    uint32_t seen = 0;
    AT(at, "clocks[%zu].by_channel", clock);
    for (size_t i = 0; i < k->n_by_channel; i++)
        for (size_t j = 0; j < k->by_channel[i]->n_channels; j++) {
            uint32_t bit = 1u << ((unsigned)k->by_channel[i]->channels[j] & 31);
            if ((seen & bit) != 0) problem(c, at, "found a channel twice, allowed once");
            seen |= bit;
        }
}

static void check_overdue(struct checking *c)
{
    const Kesu__V1__LifeSettings *s = c->p->life;
    if (s == NULL) return;
    if (s->n_overdue_after > DUE_MAX_LEVELS)
        problem(c, "life.overdue_after", "found %zu levels, allowed %d", s->n_overdue_after, DUE_MAX_LEVELS);
    for (size_t i = 1; i < s->n_overdue_after; i++)
        if (s->overdue_after[i] <= s->overdue_after[i - 1])
            problem(c, "life.overdue_after",
                    "found level %zu no later than the one before, allowed ascending waits", i + 1);
}

static void check_clocks(struct checking *c)
{
    for (size_t i = 0; i < c->p->n_clocks; i++) {
        const Kesu__V1__Clock *k = c->p->clocks[i];
        AT(ladder, "clocks[%zu].escalate_after", i);
        AT(stops, "clocks[%zu].stops", i);
        check_channels(c, k, i);
        if (k->n_escalate_after > DUE_MAX_LEVELS)
            problem(c, ladder, "found %zu levels, allowed %d", k->n_escalate_after, DUE_MAX_LEVELS);
        for (size_t j = 1; j < k->n_escalate_after; j++)
            if (k->escalate_after[j] <= k->escalate_after[j - 1])
                problem(c, ladder, "found level %zu no later than the one before, allowed ascending waits",
                        j + 1);
        if (!life_has_word(k->stops, "receipt_delivered")) continue;
        const Kesu__V1__Notice *receipt = notice_of(c->p, "receipt");
        if (receipt == NULL || strcmp(receipt->on, "opened") != 0 || strcmp(receipt->to, "customer") != 0)
            problem(c, stops,
                    "found receipt_delivered, allowed only with a notice 'receipt' on opened to customer");
    }
}

/* Who can be told of what. */
static bool can_be_told(const char *on, const char *to)
{
    if (policy_is_choice("task_given|approval_asked|reading_asked|reviewer_assigned|lesson", on))
        return strcmp(to, "agent") == 0;
    if (strcmp(on, "discipline_overdue") == 0) return strcmp(to, "agent") == 0;
    if (policy_is_choice("handover_overdue|discipline_escalated", on)) return strcmp(to, "manager") == 0;
    if (policy_is_choice(
            "replied|progress|explained|opinion|final_opinion|appeal_not_admitted|appeal_decided|"
            "deadlocked|file_returned|incident_answer",
            on))
        return strcmp(to, "customer") == 0;
    bool step = strcmp(on, "breach") == 0 || strcmp(on, "warn") == 0 || strcmp(on, "escalate") == 0;
    if (strcmp(to, "manager") == 0) return step;
    if (strcmp(to, "customer") == 0) return !step;
    return strcmp(on, "opened") != 0;
}

static void check_notices(struct checking *c)
{
    const Kesu__V1__Policy *p = c->p;
    for (size_t i = 0; i < p->n_notices; i++) {
        const Kesu__V1__Notice *n = p->notices[i];
        AT(to, "notices[%zu].to", i);
        AT(url, "notices[%zu].url", i);
        AT(template, "notices[%zu].template", i);
        if (!can_be_told(n->on, n->to))
            problem(
                c, to,
                "found '%s' on '%s', allowed manager for breach, warn, escalate and what is overdue, "
                "customer for the others but what is given to or asked of staff, agent for all but opened, "
                "what climbs and what staff wrote to the customer",
                n->to, n->on);
        if ((strcmp(n->transport, "webhook") == 0) != (n->url[0] != '\0'))
            problem(c, url, "found '%.60s' with transport %s, allowed an url with webhook and only there",
                    n->url, n->transport);
        const Kesu__V1__Template *t =
            policy_template(p, n->template_, KESU__V1__LANGUAGE__LANGUAGE_UNSPECIFIED);
        if (t == NULL || (p->office != NULL && t->language != p->office->language))
            problem(c, template, "found '%s', allowed a file of templates/ that has the office's language",
                    n->template_);
    }
}

static void check_template(struct checking *c, const char *source, const char *field)
{
    char reason[800];
    if (template_check(source, reason, sizeof reason) != 0) problem(c, field, "%s", reason);
}

static void check_templates(struct checking *c)
{
    const Kesu__V1__Policy *p = c->p;
    for (size_t i = 0; i < p->n_templates; i++) {
        const Kesu__V1__Template *t = p->templates[i];
        AT(at, "templates[%zu]", i);
        AT(subject, "templates[%zu].subject", i);
        AT(text, "templates[%zu].text", i);
        AT(html, "templates[%zu].html", i);
        check_template(c, t->subject, subject);
        check_template(c, t->text, text);
        check_template(c, t->html, html);
        if (strchr(t->subject, '\n') != NULL) problem(c, subject, "found several lines, allowed one");
        if (!policy_is_id(t->id)) problem(c, at, "found '%.60s', allowed a file named by an id", t->id);
        if (policy_language_name(t->language)[0] == '\0')
            problem(c, at, "found an unknown language, allowed zh-Hant, zh-Hans, en");
        for (size_t j = 0; j < i; j++)
            if (t->language == p->templates[j]->language && strcmp(t->id, p->templates[j]->id) == 0)
                problem(c, at, "found '%s' in %s again, allowed once", t->id,
                        policy_language_name(t->language));
    }
}

void policy_check_each(const Kesu__V1__Policy *p, policy_on_problem on_problem, void *self)
{
    struct checking c = {.p = p, .on_problem = on_problem, .self = self};
    check_ranges(&c);
    if (c.n_problems > 0) return;
    check_unique(&c);
    check_office(&c);
    check_departments(&c);
    check_staff(&c);
    check_shifts(&c);
    check_quotas(&c);
    check_compensation(&c);
    check_delegations(&c);
    check_evidence(&c);
    check_routing(&c);
    check_clocks(&c);
    check_overdue(&c);
    check_notices(&c);
    check_templates(&c);
}

struct first {
    char *reason;
    size_t n;
    bool found;
};

static void on_first(void *self, const char *field, const char *reason)
{
    struct first *first = self;
    if (first->found) return;
    first->found = true;
    (void)snprintf(first->reason, first->n, "%s: %s", field, reason);
}

int policy_check(const Kesu__V1__Policy *p, char *ret_reason, size_t n)
{
    struct first first = {ret_reason, n, false};
    policy_check_each(p, on_first, &first);
    return first.found ? E_POLICY : 0;
}
