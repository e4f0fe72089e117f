/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to incidents: kept once, in every script they can be had in, and
 * told to each member that the journal says has it. */
#include "err.h"
#include "notification.h"
#include "script.h"

static const Kesu__V1__LocalText *text_in(const Kesu__V1__IncidentAnswered *a, Kesu__V1__Language language)
{
    for (size_t i = 0; i < a->n_texts; i++)
        if (a->texts[i]->language == language) return a->texts[i];
    return NULL;
}

/* The one script of Chinese, where only the other was given; NULL: it cannot be had. */
static Kesu__V1__LocalText *other_script(const Kesu__V1__IncidentAnswered *a, struct arena *arena)
{
    const Kesu__V1__LocalText *hant = text_in(a, KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT);
    const Kesu__V1__LocalText *hans = text_in(a, KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS);
    if ((hant == NULL) == (hans == NULL)) return NULL;
    Kesu__V1__LocalText *t = arena_alloc(arena, sizeof(*t));
    if (t == NULL) return NULL;
    kesu__v1__local_text__init(t);
    t->language = hant == NULL ? KESU__V1__LANGUAGE__LANGUAGE_ZH_HANT : KESU__V1__LANGUAGE__LANGUAGE_ZH_HANS;
    return script_convert(hant != NULL ? hant->text : hans->text, t->language, arena, &t->text) == 0 ? t
                                                                                                     : NULL;
}

int notification_answers_given(void *self, struct fold *f, const struct fold_event *ev)
{
    Kesu__V1__IncidentAnswered kept = *ev->event->incident_answered;
    Kesu__V1__LocalText *other = other_script(&kept, ev->arena);
    Kesu__V1__LocalText **texts = arena_alloc(ev->arena, sizeof(*texts) * (kept.n_texts + 1));
    struct key key;
    (void)self;
    if (other != NULL && texts != NULL) {
        for (size_t i = 0; i < kept.n_texts; i++) texts[i] = kept.texts[i];
        texts[kept.n_texts++] = other;
        kept.texts = texts;
    }
    notification_case_key(ev->seq, &key);
    fold_put_message(f, NOTIFICATION_ANSWERS, key_span(&key), &kept);
    return 0;
}

int notification_answers_shared(void *self, struct fold *f, const struct fold_event *ev)
{
    struct notification_state s;
    int err = notification_get_state(f, ev->case_id, &s);
    if (err != 0) return err == E_NOT_FOUND ? 0 : err; /* closed, and forgotten */
    struct notification_cause cause = {
        .on = "incident_answer", .agent = s.agent, .words_seq = ev->event->answer_shared->answer_seq};
    s.n_intents += notification_intents_add(self, f, ev, &cause);
    notification_put_state(f, ev->case_id, &s);
    return 0;
}

int notification_answers_text(struct fold *f, uint64_t answer_seq, Kesu__V1__Language language,
                              Kesu__V1__Language office, struct arena *arena, const char **ret)
{
    Kesu__V1__IncidentAnswered *a;
    struct key key;
    notification_case_key(answer_seq, &key);
    int err = fold_get_message(f, NOTIFICATION_ANSWERS, key_span(&key),
                               &kesu__v1__incident_answered__descriptor, arena, (void *)&a);
    if (err != 0) return err;
    const Kesu__V1__LocalText *t = text_in(a, language);
    if (t == NULL) t = text_in(a, office);
    if (t == NULL && a->n_texts > 0) t = a->texts[0];
    *ret = t != NULL ? t->text : "";
    return 0;
}
