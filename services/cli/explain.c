// SPDX-License-Identifier: Apache-2.0
// kesu show --explain: events in the order they happened, each a paragraph with
// who did it. The stage is followed with the table of the life, which also says
// what else was possible there, to this person.
#include "explain.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "policies.h"
#include "policy.h"

enum { INDENT = 4, MAX_INSTEAD = 8 };

struct story {
    struct teller teller;
    Kesu__V1__Stage stage, before;
    bool final;           // an appeal was decided
    bool late;            // a late one waits
    const char *reader;   // whose reading was told last
    const char *proposer; // of the proposal as it is, who does not decide it
};

// Of every case, or nobody's decision.
static const unsigned not_told[] = {
    KESU__V1__EVENT__BODY_CUSTOMER_ADDED,
    KESU__V1__EVENT__BODY_DELIVERY_RECORDED,
    KESU__V1__EVENT__BODY_REPLY_STARTED,
};

static bool is_told(const struct story *s, const Kesu__V1__Event *e)
{
    // Who goes on reading has read it.
    if (e->body_case == KESU__V1__EVENT__BODY_CASE_READ && s->reader != NULL && e->actor != NULL &&
        strcmp(s->reader, e->actor->name) == 0)
        return false;
    for (unsigned i = 0; i < sizeof not_told / sizeof not_told[0]; i++)
        if (not_told[i] == (unsigned)e->body_case) return false;
    return e->body_case != KESU__V1__EVENT__BODY_CLOCK_FIRED ||
           e->clock_fired->step != KESU__V1__FIRE_CLOCK__STEP__STEP_WARN;
}

static const Kesu__V1__Staff *staff_of(const struct story *s, const Kesu__V1__Actor *actor)
{
    return s->teller.policy != NULL ? policy_staff(s->teller.policy, actor->name) : NULL;
}

static const char *role_of(const struct story *s, const Kesu__V1__Actor *actor, char ret[CLI_TEXT])
{
    const Kesu__V1__Staff *staff = staff_of(s, actor);
    uint32_t who = staff != NULL ? life_who(actor, staff) : 0;
    for (int role = 1; who != 0 && role <= KESU__V1__STAFF_ROLE__STAFF_ROLE_ADMINISTRATOR; role++)
        if ((who >> role & 1) != 0)
            return tell_enum(&s->teller, &kesu__v1__staff_role__descriptor, role, ret);
    return "";
}

static void print_who(const struct story *s, const Kesu__V1__Actor *actor)
{
    char word[CLI_TEXT];
    bool english = s->teller.language == TELL_EN;
    if (actor == NULL) return;
    if (actor->kind != KESU__V1__ACTOR_KIND__ACTOR_KIND_STAFF) {
        printf("%s", tell_enum(&s->teller, &kesu__v1__actor_kind__descriptor, (int)actor->kind, word));
        if (actor->kind != KESU__V1__ACTOR_KIND__ACTOR_KIND_CUSTOMER)
            printf(english ? " (%s)" : "（%s）", actor->name);
    } else {
        const char *role = role_of(s, actor, word);
        printf("%s", tell_staff(&s->teller, actor->name));
        if (role[0] != '\0') printf(english ? " (%s)" : "（%s）", role);
    }
    if (actor->on_behalf_of[0] != '\0')
        printf(english ? ", %s %s" : "，%s%s", tell_word(&s->teller, "for_whom"),
               tell_staff(&s->teller, actor->on_behalf_of));
}

// A whole sentence: begins with a capital, ends with a full stop.
static void print_sentence(const struct story *s, const char *text)
{
    char whole[TELL_TEXT];
    size_t n = strlen(text);
    bool english = s->teller.language == TELL_EN;
    if (n == 0) return;
    size_t end = tell_put(whole, 0, text);
    whole[0] = (char)toupper((unsigned char)whole[0]);
    bool ended = strchr(".!?", whole[end - 1]) != NULL || (end >= 3 && strcmp(whole + end - 3, "。") == 0);
    if (!ended) tell_put(whole, end, english ? "." : "。");
    explain_wrap(whole, INDENT);
}

struct rules {
    const struct story *story;
    char text[TELL_TEXT];
    size_t n;
};

static void on_rule(void *self, const char *text)
{
    struct rules *r = self;
    r->n = tell_put(r->text, r->n,
                    r->n > 0 ? (r->story->teller.language == TELL_EN ? "; " : "；")
                             : tell_word(&r->story->teller, "story.rule"));
    r->n = tell_put(r->text, r->n, text);
}

// Was it a choice of the same person, or would it have needed another past?
static bool is_choice(const struct story *s, const Kesu__V1__Event *e, const struct life_row *taken,
                      const struct life_row *row)
{
    bool same = row->command == taken->command;
    switch (row->command) {
    case KESU__V1__COMMAND__BODY_MERGE_CASE:
    case KESU__V1__COMMAND__BODY_WITHDRAW_CASE:
        return false;
    case KESU__V1__COMMAND__BODY_FILE_APPEAL:
    case KESU__V1__COMMAND__BODY_COMPLETE_STEP:
        return !same && !s->final && strcmp(row->when, "late") != 0;
    case KESU__V1__COMMAND__BODY_ADMIT_APPEAL:
        return s->late;
    case KESU__V1__COMMAND__BODY_REOPEN_CASE:
        return !same && s->final == (row->variant == 1);
    case KESU__V1__COMMAND__BODY_RECORD_EXTERNAL:
        return row->variant != 3;
    case KESU__V1__COMMAND__BODY_DECIDE_PROPOSAL:
        return s->proposer == NULL || strcmp(s->proposer, e->actor->name) != 0;
    case KESU__V1__COMMAND__BODY_SEND_OPINION:
        return e->body_case != KESU__V1__EVENT__BODY_REMEDY_PROPOSED &&
               e->body_case != KESU__V1__EVENT__BODY_PROPOSAL_SUBMITTED &&
               e->body_case != KESU__V1__EVENT__BODY_PROPOSAL_DECIDED;
    case KESU__V1__COMMAND__BODY_DECIDE_APPEAL:
        return !same || row->variant / 2 == taken->variant / 2;
    case KESU__V1__COMMAND__BODY_RECORD_ANSWER:
        if (strcmp(row->when, "accepted, and done before") == 0)
            return e->body_case == KESU__V1__EVENT__BODY_ANSWER_RECORDED && e->answer_recorded->done;
        if (strcmp(row->when, "objected to what is final") == 0) return s->final;
        return !s->final || strcmp(row->when, "accepted") == 0;
    default:
        return true;
    }
}

static size_t put_choice(const struct story *s, const struct life_row *row, bool same, char *ret, size_t n)
{
    char stage[CLI_TEXT];
    bool english = s->teller.language == TELL_EN;
    if (!same) {
        n = tell_put(ret, n, tell_word(&s->teller, life_command_name(row->command)));
        if (row->when[0] != '\0') n = tell_put(ret, n, english ? ": " : "：");
    }
    if (row->when[0] != '\0') n = tell_put(ret, n, tell_word(&s->teller, row->when));
    if (row->to == LIFE_STAYS) return n;
    int to = row->to == LIFE_GOES_BACK ? (int)s->before : row->to;
    const char *word = tell_enum(&s->teller, &kesu__v1__stage__descriptor, to, stage);
    if (strcmp(word, tell_word(&s->teller, row->when)) == 0) return n;
    n = tell_put(ret, n, english ? " (" : "（");
    n = tell_put(ret, n, word);
    return tell_put(ret, n, english ? ")" : "）");
}

// What the same person could have done there that leads elsewhere.
static void print_instead(const struct story *s, const Kesu__V1__Event *e, const struct life_row *taken)
{
    char text[TELL_TEXT];
    const struct life_row *row, *last = NULL;
    unsigned found = 0;
    uint32_t who = e->actor != NULL ? life_who(e->actor, staff_of(s, e->actor)) & ~LIFE_SERVICE : 0;
    if (who == 0 || (taken->to == LIFE_STAYS && taken->variant == LIFE_ANY)) return;
    size_t n = tell_put(text, 0, tell_word(&s->teller, "story.instead"));
    for (unsigned i = 0; (row = life_row(i)) != NULL && found < MAX_INSTEAD; i++) {
        bool leads = row->to != LIFE_STAYS || (row->command == taken->command && row->variant != LIFE_ANY);
        if (row == taken || row->tie == TIE_FOLLOWS || (row->from >> s->stage & 1) == 0 ||
            (row->who & who) == 0 || !leads || !is_choice(s, e, taken, row))
            continue;
        bool same = last != NULL && last->command == row->command;
        if (found++ > 0)
            n = tell_put(text, n,
                         s->teller.language == TELL_EN ? (same ? ", " : "; ") : (same ? "、" : "；"));
        n = put_choice(s, row, same, text, n);
        last = row;
    }
    if (found > 0) print_sentence(s, text);
}

static void print_stage(const struct story *s, Kesu__V1__Stage stage)
{
    Kesu__V1__CaseState now = KESU__V1__CASE_STATE__INIT;
    char text[TELL_TEXT];
    now.stage = stage;
    tell(&s->teller, tell_word(&s->teller, "story.then"), &now.base, text);
    print_sentence(s, text);
}

static void move(struct story *s, const Kesu__V1__Event *e)
{
    Kesu__V1__Stage next = life_next(s->stage, s->before, e);
    if (next != s->stage) s->before = s->stage;
    if (e->body_case == KESU__V1__EVENT__BODY_APPEAL_DECIDED) s->final = true;
    if (e->body_case == KESU__V1__EVENT__BODY_CASE_REOPENED) s->final = false;
    if (e->body_case == KESU__V1__EVENT__BODY_APPEAL_FILED) s->late = e->appeal_filed->late;
    if (e->body_case == KESU__V1__EVENT__BODY_APPEAL_ADMITTED) s->late = false;
    if (e->body_case == KESU__V1__EVENT__BODY_REMEDY_PROPOSED && e->actor != NULL)
        s->proposer = e->actor->name;
    s->reader = e->body_case == KESU__V1__EVENT__BODY_CASE_READ && e->actor != NULL ? e->actor->name : NULL;
    s->stage = next;
}

static void print_event(struct story *s, const Kesu__V1__Event *e, int64_t time_us, struct span opened)
{
    char time[CLI_TEXT], text[TELL_TEXT];
    const char *sentence = tell_sentence_of(&s->teller, e);
    const struct life_row *row = life_find(s->stage, e);
    Kesu__V1__Stage stage = s->stage;
    if (!is_told(s, e) || sentence == NULL) {
        move(s, e);
        return;
    }
    printf("\n%.16s  ", cli_time(time_us, time));
    print_who(s, e->actor);
    putchar('\n');
    tell(&s->teller, sentence, tell_body(e), text);
    print_sentence(s, text);
    struct rules *rules = arena_zalloc(&s->teller.c->arena, sizeof *rules);
    if (rules != NULL) {
        rules->story = s;
        explain_rules(&s->teller, e, on_rule, rules);
        print_sentence(s, rules->text);
    }
    if (opened.n > 0) {
        explain_wrap(tell_word(&s->teller, "story.said"), INDENT);
        cli_story_opened(s->teller.c, e, opened, "      ");
    }
    if (row != NULL) print_instead(s, e, row);
    move(s, e);
    if (s->stage != stage) print_stage(s, s->stage);
}

// --lang, else the terminal's, else the office's.
static int choose_language(struct cli *c, const Kesu__V1__Policy *policy, enum tell_language *ret)
{
    const char *given = cli_flag(c, "lang"), *lang = given;
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (unsigned i = 0; lang == NULL && i < 3; i++) {
        lang = getenv(variables[i]);
        if (lang != NULL && (lang[0] == '\0' || lang[0] == 'C' || strcmp(lang, "POSIX") == 0)) lang = NULL;
    }
    if (lang == NULL) {
        Kesu__V1__Language of_office =
            policy != NULL && policy->office != NULL ? policy->office->language : 0;
        *ret = of_office == KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT   ? TELL_HANT
               : of_office == KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS ? TELL_HANS
                                                                   : TELL_EN;
        return 0;
    }
    bool chinese = strncmp(lang, "zh", 2) == 0;
    bool traditional = strstr(lang, "Hant") != NULL || strstr(lang, "hant") != NULL ||
                       strstr(lang, "TW") != NULL || strstr(lang, "HK") != NULL || strstr(lang, "MO") != NULL;
    *ret = !chinese ? TELL_EN : traditional ? TELL_HANT : TELL_HANS;
    if (given == NULL || chinese || strncmp(lang, "en", 2) == 0) return 0;
    return cli_fail(c, CLI_USAGE, "--lang: found '%s', allowed are zh-Hant, zh-Hans, en", given);
}

static void print_head(const struct story *s, const Kesu__V1__CaseDetail *d)
{
    static const char *const lines[] = {"story.now", "story.from"};
    char text[TELL_TEXT];
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        tell(&s->teller, tell_word(&s->teller, lines[i]), &d->state->base, text);
        explain_wrap(text, 0);
    }
    if (d->veiled) explain_wrap(tell_word(&s->teller, "story.veiled"), 0);
    if (d->state->erased_seq != 0) explain_wrap(tell_word(&s->teller, "story.erased"), 0);
}

// Each by the policy that it was decided by: names, limits and rules as they were then.
static int print_events(struct story *s, struct cli_policies *policies, const Kesu__V1__CaseDetail *d)
{
    struct cli *c = s->teller.c;
    for (size_t i = 0; i < d->n_events; i++) {
        const Kesu__V1__EventRecord *r = d->events[i];
        struct codec_error error;
        Kesu__V1__Event *e = NULL;
        if (codec_unpack(&kesu__v1__event__descriptor, span_of(r->event.data, r->event.len), &c->arena, &e,
                         &error) != 0)
            return cli_fail(c, CLI_INTERNAL, "an event: %s: %s", error.field, error.reason);
        int status = cli_policies_at(c, policies, r->seq, &s->teller.policy);
        if (status != 0) return status;
        struct span opened = SPAN_NONE;
        if (i < d->n_opened) opened = span_of(d->opened[i].data, d->opened[i].len);
        print_event(s, e, r->block_time, opened);
    }
    return 0;
}

int cli_explain(struct cli *c, const Kesu__V1__CaseDetail *d)
{
    struct story s = {.teller = {.c = c, .numbers = true}, .stage = KESU__V1__STAGE__STAGE_RECEIVED};
    struct cli_policies policies;
    int status = cli_policies_read(c, &policies);
    if (status == 0) status = cli_policies_at(c, &policies, CLI_NOW, &s.teller.policy);
    if (status == 0) status = choose_language(c, s.teller.policy, &s.teller.language);
    if (status == 0) {
        print_head(&s, d);
        status = print_events(&s, &policies, d);
    }
    cli_policies_free(&policies);
    return status;
}
