/* SPDX-License-Identifier: Apache-2.0 */
/* From an intent to what is sent: who gets it, in which language, the values
 * of the template, the mail or the webhook's body. */
#include <stdio.h>

#include "due.h"
#include "err.h"
#include "hash.h"
#include "mail_write.h"
#include "notification.h"
#include "template.h"
#include "webhook.h"

#define NOT_SENT 1

struct rendering {
    struct notification_flight *f;
    struct arena *arena;
    const Kesu__V1__Policy *policy;
    const Kesu__V1__Notice *notice;
    const Kesu__V1__CaseOpened *opened;
    struct notification_state state;
    const Kesu__V1__CaseText *text;    /* NULL: not needed */
    const Kesu__V1__NoteText *summary; /* NULL: none */
    const Kesu__V1__Words *words;      /* NULL: none */
    const char *answer;                /* to the incident, NULL: none */
    const char *to_address, *to_name;
    Kesu__V1__Language language;
    const char *values[TEMPLATE_N_VALUES];
    const Kesu__V1__FileReturned *file; /* that goes back, or NULL */
    struct span subject, plain, html;
    const char *reason;
    uint64_t key_id;
};

void notification_message_id(const uint8_t journal_uuid[16], uint64_t cause_seq, const char *kind,
                             uint32_t target, const char *domain, char *ret, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t hash[HASH_BYTES];
    char text[33];
    struct key numbers = {.n = 0};
    key_u64(&numbers, cause_seq);
    key_u32(&numbers, target);
    hash_pieces((const struct span[]){span_of(journal_uuid, 16), key_span(&numbers), span_str(kind)}, 3,
                hash);
    for (size_t i = 0; i < 16; i++) {
        text[2 * i] = hex[hash[i] >> 4];
        text[2 * i + 1] = hex[hash[i] & 15];
    }
    text[32] = '\0';
    (void)snprintf(ret, n, "%s@%s", text, domain);
}

static int give_up(struct rendering *r, int err, const char *reason)
{
    r->reason = reason;
    return err;
}

/* ---- what is known of the case ---- */

/* What is late and of no case has a number, and who should have done it. */
static int load_work(struct rendering *r)
{
    Kesu__V1__CaseOpened *none = arena_alloc(r->arena, sizeof(*none));
    if (none == NULL) return give_up(r, E_NOMEM, "the message is too large");
    kesu__v1__case_opened__init(none);
    none->number = arena_printf(r->arena, "%llu", (unsigned long long)r->f->intent.work_id);
    if (none->number == NULL) return give_up(r, E_NOMEM, "the message is too large");
    memcpy(r->state.agent, r->f->intent.owner, sizeof(r->state.agent));
    r->opened = none;
    return 0;
}

static int load(struct rendering *r)
{
    struct notification *n = r->f->n;
    const uint8_t *hash;
    Kesu__V1__CaseOpened *opened;
    r->policy = fold_policy(n->fold, &hash);
    if (r->policy == NULL || r->policy->office == NULL) return give_up(r, NOT_SENT, "no policy is active");
    for (size_t k = 0; k < r->policy->n_notices; k++)
        if (strcmp(r->policy->notices[k]->id, r->f->intent.kind) == 0) r->notice = r->policy->notices[k];
    if (r->notice == NULL) return give_up(r, NOT_SENT, "the policy has no such notice any more");
    if (r->f->intent.work_id != 0) return load_work(r);
    int err = notification_get_case(n->fold, r->f->intent.case_id, r->arena, &opened, NULL);
    if (err == 0) err = notification_get_state(n->fold, r->f->intent.case_id, &r->state);
    if (err == E_NOT_FOUND) return give_up(r, NOT_SENT, "the case is not known any more");
    r->opened = opened;
    return err != 0 ? give_up(r, err, err_text(err)) : 0;
}

/* 0; E_NOT_FOUND: the key is wanted; NOT_SENT: it was erased. */
static int open_sealed(struct rendering *r, const Kesu__V1__Sealed *sealed,
                       const ProtobufCMessageDescriptor *d, void *ret)
{
    const uint8_t *secret;
    int err = seal_ring_get(fold_ring(r->f->n->fold), sealed->key_id, &secret);
    if (err == E_NOT_FOUND) r->key_id = sealed->key_id;
    if (err == E_ERASED) return give_up(r, NOT_SENT, "the person was erased");
    if (err != 0) return err;
    err = seal_open_message(secret, sealed, d, r->arena, ret);
    /* Never E_NOT_FOUND: that would ask for the key for ever. */
    return err != 0 ? give_up(r, E_CRYPTO, "what is sealed cannot be opened") : 0;
}

static int open_text(struct rendering *r)
{
    Kesu__V1__CaseText *text;
    if (r->opened->personal == NULL) return give_up(r, NOT_SENT, "nobody to write to");
    int err = open_sealed(r, r->opened->personal, &kesu__v1__case_text__descriptor, &text);
    if (err == 0) r->text = text;
    return err;
}

static int open_summary(struct rendering *r)
{
    struct key key;
    Kesu__V1__Sealed *sealed;
    Kesu__V1__NoteText *summary;
    if (strcmp(r->notice->on, "resolved") != 0 && strncmp(r->notice->on, "closed", 6) != 0) return 0;
    notification_case_key(r->f->intent.case_id, &key);
    int err = fold_get_message(r->f->n->fold, NOTIFICATION_SUMMARIES, key_span(&key),
                               &kesu__v1__sealed__descriptor, r->arena, (void *)&sealed);
    if (err == E_NOT_FOUND) return 0;
    if (err != 0) return give_up(r, err, "the summary cannot be read");
    err = open_sealed(r, sealed, &kesu__v1__note_text__descriptor, &summary);
    if (err == 0) r->summary = summary;
    return err;
}

/* What goes back says what is missing, and may have no words. */
static int get_words(struct rendering *r, const struct key *key, Kesu__V1__Sealed **ret)
{
    struct fold *f = r->f->n->fold;
    Kesu__V1__FileReturned *file;
    if (strcmp(r->notice->on, "file_returned") != 0)
        return fold_get_message(f, NOTIFICATION_WORDS, key_span(key), &kesu__v1__sealed__descriptor, r->arena,
                                (void *)ret);
    int err = fold_get_message(f, NOTIFICATION_WORDS, key_span(key), &kesu__v1__file_returned__descriptor,
                               r->arena, (void *)&file);
    if (err != 0) return err;
    r->file = file;
    *ret = file->words;
    return 0;
}

static int open_words(struct rendering *r)
{
    const struct notification_intent *i = &r->f->intent;
    struct key key;
    Kesu__V1__Sealed *sealed;
    Kesu__V1__Words *words;
    if (i->words_seq == 0 || strcmp(r->notice->on, "incident_answer") == 0) return 0;
    notification_words_key(i->case_id, i->words_seq, &key);
    int err = get_words(r, &key, &sealed);
    if (err == 0 && sealed == NULL) return 0;
    if (err == E_NOT_FOUND) return give_up(r, NOT_SENT, "the person was erased");
    if (err != 0) return give_up(r, err, "the words cannot be read");
    err = open_sealed(r, sealed, &kesu__v1__words__descriptor, &words);
    if (err == 0) r->words = words;
    return err;
}

static int find_answer(struct rendering *r)
{
    if (strcmp(r->notice->on, "incident_answer") != 0) return 0;
    int err = notification_answers_text(r->f->n->fold, r->f->intent.words_seq, r->language,
                                        r->policy->office->language, r->arena, &r->answer);
    return err != 0 ? give_up(r, E_CORRUPT, "the answer cannot be read") : 0;
}

/* ---- who ---- */

static const char *address_of(const Kesu__V1__Personal *p)
{
    for (size_t k = 0; p != NULL && k < p->n_contacts; k++)
        if (p->contacts[k]->kind == KESU__V1__CONTACT__KIND__KIND_EMAIL &&
            mail_write_is_address(p->contacts[k]->value))
            return p->contacts[k]->value;
    return NULL;
}

/* As the customer wants it, else an address of theirs, else of who speaks for them. */
static void choose_address(struct rendering *r)
{
    const Kesu__V1__CaseText *t = r->text;
    const Kesu__V1__Contact *preferred = t->preferred;
    r->to_name = t->personal != NULL ? t->personal->name : "";
    r->to_address = address_of(t->personal);
    if (preferred != NULL && preferred->kind == KESU__V1__CONTACT__KIND__KIND_EMAIL &&
        mail_write_is_address(preferred->value))
        r->to_address = preferred->value;
    if (r->to_address != NULL || address_of(t->representative) == NULL) return;
    r->to_address = address_of(t->representative);
    r->to_name = t->representative->name;
}

static int choose_customer(struct rendering *r)
{
    if (r->opened->automatic) return give_up(r, NOT_SENT, "automatic mail is never answered");
    int err = open_text(r);
    if (err == 0) err = open_summary(r);
    if (err == 0) err = open_words(r);
    if (err != 0) return err;
    r->language = r->opened->language;
    if (r->language == 0 || r->language == KESU__V1__LANGUAGE__LANGUAGE_OTHER)
        r->language = r->state.language;
    err = find_answer(r);
    if (err != 0) return err;
    choose_address(r);
    if (r->to_address == NULL && strcmp(r->notice->transport, "webhook") != 0)
        return give_up(r, NOT_SENT, "no address to write to");
    return 0;
}

static int choose_staff(struct rendering *r)
{
    const Kesu__V1__Staff *s = policy_staff(r->policy, r->f->intent.staff);
    if (s == NULL) return give_up(r, NOT_SENT, "nobody to tell");
    r->to_name = s->name;
    r->to_address = s->email;
    r->language = s->language;
    return 0;
}

/* ---- values ---- */

static const char *local_time(struct rendering *r, int64_t time_us)
{
    char text[DUE_LOCAL_TEXT];
    if (time_us == 0) return "";
    due_local_text(r->policy->office->time_zone, time_us, text);
    return arena_strdup(r->arena, text);
}

static const char *severity_name(Kesu__V1__Severity s)
{
    static const char *const names[] = {"", "S1", "S2", "S3", "S4"};
    return (unsigned)s < 5 ? names[s] : "";
}

/* What stands where a value is empty: a letter never says "Dear ,". */
static const struct {
    Kesu__V1__Language language;
    const char *customer, *nobody, *outside;
} words[] = {
    {KESU__V1__LANGUAGE__LANGUAGE_EN, "customer", "nobody yet",
     "the consumer protection office where you live, or a consumers' association"},
    {KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT, "顧客", "尚無", "您所在地的消費者保護機關或消費者保護團體"},
    {KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS, "顾客", "尚无", "您所在地的消费者权益保护部门或消费者协会"},
};

static const char *or_else(const char *text, const char *otherwise)
{
    return text != NULL && text[0] != '\0' ? text : otherwise;
}

static unsigned words_of(Kesu__V1__Language language)
{
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].language == language) return i;
    return 0;
}

/* A line each, in the language of the text. */
static const char *missing_text(struct rendering *r)
{
    const Kesu__V1__Policy *p = r->policy;
    const char *text = "";
    for (size_t i = 0; r->file != NULL && i < r->file->n_missing && text != NULL; i++) {
        const char *name = r->file->missing[i];
        for (size_t k = 0; k < p->n_evidence; k++)
            if (strcmp(p->evidence[k]->id, name) == 0 && p->evidence[k]->n_names > 0)
                name = policy_local_name(p->evidence[k]->names, p->evidence[k]->n_names, r->language);
        text = arena_printf(r->arena, "%s%s- %s", text, i > 0 ? "\n" : "", name);
    }
    return text;
}

static void collect_values(struct rendering *r)
{
    const struct notification_intent *i = &r->f->intent;
    const Kesu__V1__Personal *person = r->text != NULL ? r->text->personal : NULL;
    const Kesu__V1__Category *category = policy_category(r->policy, r->state.category);
    const Kesu__V1__Department *department = policy_department(r->policy, r->state.department);
    const Kesu__V1__Staff *agent = policy_staff(r->policy, r->state.agent);
    const Kesu__V1__Clock *clock = policy_clock(r->policy, i->clock);
    const Kesu__V1__Office *office = r->policy->office;
    unsigned word = words_of(r->language);
    const char **v = r->values;
    v[TEMPLATE_number] = r->opened->number;
    v[TEMPLATE_tag] = r->opened->reply_tag;
    v[TEMPLATE_office] = office->name;
    if (office->n_names > 0)
        v[TEMPLATE_office] = policy_local_name(office->names, office->n_names, r->language);
    v[TEMPLATE_outside] = words[word].outside;
    if (office->n_outside > 0)
        v[TEMPLATE_outside] = policy_local_name(office->outside, office->n_outside, r->language);
    v[TEMPLATE_customer] = or_else(person != NULL ? person->name : "", words[word].customer);
    v[TEMPLATE_recipient] = i->staff[0] != '\0' ? r->to_name : or_else(r->to_name, words[word].customer);
    v[TEMPLATE_subject] = or_else(person != NULL ? person->subject : "", "-");
    v[TEMPLATE_summary] = r->summary != NULL ? r->summary->text : "";
    v[TEMPLATE_words] = r->words != NULL ? r->words->text : "";
    v[TEMPLATE_missing] = missing_text(r);
    v[TEMPLATE_answer] = r->answer != NULL ? r->answer : "";
    v[TEMPLATE_received] = local_time(r, r->opened->received_at);
    v[TEMPLATE_severity] = severity_name(r->state.severity);
    v[TEMPLATE_agent] = agent != NULL ? agent->name : words[word].nobody;
    v[TEMPLATE_clock] =
        strncmp(i->clock, "discipline_", 11) == 0 ? arena_printf(r->arena, "D%s", i->clock + 11) : i->clock;
    if (clock != NULL && clock->n_names > 0)
        v[TEMPLATE_clock] = policy_local_name(clock->names, clock->n_names, r->language);
    v[TEMPLATE_due] = local_time(r, i->due_us);
    v[TEMPLATE_level] = i->level > 0 ? arena_printf(r->arena, "%u", i->level) : "";
    if (category != NULL)
        v[TEMPLATE_category] = policy_local_name(category->names, category->n_names, r->language);
    if (department != NULL)
        v[TEMPLATE_department] = policy_local_name(department->names, department->n_names, r->language);
}

static int render_texts(struct rendering *r)
{
    const Kesu__V1__Template *t = policy_template(r->policy, r->notice->template_, r->language);
    if (t == NULL) return give_up(r, E_POLICY, "the policy has no such template");
    r->language = t->language; /* names of things in the language of the text */
    collect_values(r);
    int err = template_render(t->subject, TEMPLATE_HEADER, r->values, r->arena, &r->subject);
    if (err == 0) err = template_render(t->text, TEMPLATE_TEXT, r->values, r->arena, &r->plain);
    if (err == 0 && t->html[0] != '\0')
        err = template_render(t->html, TEMPLATE_HTML, r->values, r->arena, &r->html);
    return err != 0 ? give_up(r, err, "the template cannot be rendered") : 0;
}

/* ---- what goes out ---- */

static const char *opening_notice(const Kesu__V1__Policy *p)
{
    for (size_t k = 0; k < p->n_notices; k++)
        if (strcmp(p->notices[k]->on, "opened") == 0 && strcmp(p->notices[k]->to, "customer") == 0)
            return p->notices[k]->id;
    return NULL;
}

static const char *message_id(struct rendering *r, uint64_t cause_seq, const char *kind, const char *from)
{
    char text[400];
    const char *at = strrchr(from, '@');
    notification_message_id(fold_journal_uuid(r->f->n->fold), cause_seq, kind, 0,
                            at != NULL ? at + 1 : "localhost", text, sizeof text);
    return arena_strdup(r->arena, text);
}

static int make_mail(struct rendering *r, const char *from)
{
    struct notification_letter *l = &r->f->letter;
    bool customer = r->f->intent.staff[0] == '\0';
    const char *first = opening_notice(r->policy);
    const char *reply_to = customer && r->opened->reply_tag[0] != '\0'
                               ? mail_write_plus(r->arena, from, r->opened->reply_tag)
                               : NULL;
    struct mail_write mail = {
        .message_id = l->message_id,
        .date_us = r->f->intent.time_us,
        .from_name = r->policy->office->mail_name,
        .from_address = from,
        .to_name = r->to_name,
        .to_address = r->to_address,
        .reply_to = reply_to,
        .subject = (const char *)r->subject.p,
        .text = (const char *)r->plain.p,
        .html = (const char *)r->html.p,
    };
    if (customer && first != NULL && strcmp(first, r->f->intent.kind) != 0)
        mail.references = message_id(r, r->f->intent.case_id, first, from);
    l->to = r->to_address;
    l->from = reply_to != NULL ? reply_to : from; /* a bounce finds its case */
    int err = mail_write(r->arena, &mail, &l->body);
    return err != 0 ? give_up(r, err, "the mail cannot be written") : 0;
}

static int make_webhook(struct rendering *r)
{
    struct notification_letter *l = &r->f->letter;
    const char *strings[] = {l->message_id, r->f->intent.kind,          r->opened->number,
                             r->to_name,    (const char *)r->subject.p, (const char *)r->plain.p};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        strings[i] = webhook_json_string(r->arena, strings[i]);
        if (strings[i] == NULL) return give_up(r, E_NOMEM, "the message is too large");
    }
    const char *body =
        arena_printf(r->arena,
                     "{\"type\":\"notice\",\"data\":{\"id\":%s,\"kind\":%s,\"number\":%s,"
                     "\"case_id\":\"%llu\",\"cause_seq\":\"%llu\",\"recipient\":%s,"
                     "\"subject\":%s,\"text\":%s}}",
                     strings[0], strings[1], strings[2], (unsigned long long)r->f->intent.case_id,
                     (unsigned long long)r->f->intent.cause_seq, strings[3], strings[4], strings[5]);
    if (body == NULL) return give_up(r, E_NOMEM, "the message is too large");
    l->url = arena_strdup(r->arena, r->notice->url);
    l->body = span_str(body);
    return l->url == NULL ? give_up(r, E_NOMEM, "the message is too large") : 0;
}

static int make_letter(struct rendering *r)
{
    struct notification_letter *l = &r->f->letter;
    const char *override = r->f->n->set.mail_from;
    const char *from = override[0] != '\0' ? override : arena_strdup(r->arena, r->policy->office->mail_from);
    bool by_maildir = strcmp(r->notice->transport, "maildir") == 0 || r->f->n->set.smtp_url[0] == '\0';
    l->transport = strcmp(r->notice->transport, "webhook") == 0 ? NOTIFICATION_WEBHOOK
                   : by_maildir                                 ? NOTIFICATION_MAILDIR
                                                                : NOTIFICATION_SMTP;
    l->message_id = from != NULL ? message_id(r, r->f->intent.cause_seq, r->f->intent.kind, from) : NULL;
    if (l->message_id == NULL) return give_up(r, E_NOMEM, "the message is too large");
    /* The policy may change before it is sent. */
    if (r->to_address != NULL) r->to_address = arena_strdup(r->arena, r->to_address);
    return l->transport == NOTIFICATION_WEBHOOK ? make_webhook(r) : make_mail(r, from);
}

int notification_render(struct notification_flight *flight, const char **ret_reason, uint64_t *ret_key)
{
    struct rendering r = {.f = flight, .arena = &flight->arena, .reason = ""};
    int err = load(&r);
    if (err == 0) err = flight->intent.staff[0] == '\0' ? choose_customer(&r) : choose_staff(&r);
    if (err == 0) err = render_texts(&r);
    if (err == 0) err = make_letter(&r);
    if (err == E_NOT_FOUND && r.key_id == 0) err = give_up(&r, E_CORRUPT, "a row is missing");
    *ret_reason = r.reason;
    *ret_key = r.key_id;
    return err;
}
