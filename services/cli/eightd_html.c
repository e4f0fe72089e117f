// SPDX-License-Identifier: Apache-2.0
// An 8D as a page: nothing is fetched, all that people wrote is escaped.
#include <inttypes.h>
#include <string.h>

#include "eightd.h"
#include "policy.h"

struct page {
    FILE *out;
    const struct eightd *r;
    enum tell_language language;
};

static const char style[] =
    "body{font:14px/1.5 \"Noto Sans\",\"Noto Sans CJK TC\",\"Noto Sans CJK SC\",\"PingFang TC\","
    "\"Microsoft JhengHei\",\"Microsoft YaHei\",sans-serif;color:#111;max-width:60em;margin:2em auto;"
    "padding:0 1em}\n"
    "h1{font-size:1.6em;border-bottom:2px solid #111}\n"
    "h2{font-size:1.15em;margin:1.6em 0 .3em;background:#eee;padding:.2em .5em}\n"
    "table{border-collapse:collapse;width:100%;margin:.5em 0}\n"
    "th,td{border:1px solid #888;padding:.25em .5em;text-align:left;vertical-align:top}\n"
    "th{background:#f6f6f6}\n"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}\n"
    "p{margin:.4em 0}\n"
    ".text,td{white-space:pre-wrap;overflow-wrap:anywhere}\n"
    ".meta{color:#444;font-size:.9em}\n"
    ".state{float:right;font-weight:normal}\n"
    "@page{size:A4;margin:18mm 15mm}\n"
    "@media print{body{max-width:none;margin:0;padding:0;font-size:10.5pt}section{break-inside:avoid-page}"
    "h2{break-after:avoid-page;-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    "tr{break-inside:avoid}}\n";

static void escaped(struct page *p, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", p->out);
            break;
        case '<':
            fputs("&lt;", p->out);
            break;
        case '>':
            fputs("&gt;", p->out);
            break;
        case '"':
            fputs("&quot;", p->out);
            break;
        case '\'':
            fputs("&#39;", p->out);
            break;
        default: // control characters are not allowed in a page
            if ((unsigned char)*text >= 0x20 || *text == '\n' || *text == '\t') fputc(*text, p->out);
        }
    }
}

static const char *word(const struct page *p, const char *w)
{
    return eightd_word(w, p->language);
}

static const char *word_or(const struct page *p, const char *w)
{
    const char *text = word(p, w);
    return text[0] != '\0' ? text : w;
}

static const char *person(const struct page *p, const char *id)
{
    const Kesu__V1__Staff *s = p->r->policy != NULL ? policy_staff(p->r->policy, id) : NULL;
    return s != NULL ? s->name : id;
}

static void cell(struct page *p, const char *text)
{
    fputs("<td>", p->out);
    escaped(p, text);
    fputs("</td>", p->out);
}

static void head_row(struct page *p, const char *const *words)
{
    fputs("<table><thead><tr>", p->out);
    for (; *words != NULL; words++) {
        fputs("<th scope=\"col\">", p->out);
        escaped(p, word(p, *words));
        fputs("</th>", p->out);
    }
    fputs("</tr></thead><tbody>\n", p->out);
}

static void fact(struct page *p, const char *w, const char *text)
{
    if (text[0] == '\0') return;
    fputs("<tr><th scope=\"row\">", p->out);
    escaped(p, word(p, w));
    fputs("</th>", p->out);
    cell(p, text);
    fputs("</tr>\n", p->out);
}

static void fact_number(struct page *p, const char *w, uint64_t number)
{
    char text[CLI_TEXT];
    snprintf(text, sizeof text, "%" PRIu64, number);
    if (number != 0) fact(p, w, text);
}

static void facts(struct page *p)
{
    const Kesu__V1__EightDState *s = p->r->state;
    char at[CLI_TEXT];
    fputs("<table><tbody>\n", p->out);
    fact_number(p, "id", s->eightd_id);
    fact(p, "case", p->r->number);
    fact_number(p, "incident", s->incident_id);
    fact(p, "title", s->title);
    fact(p, "lead", person(p, s->lead));
    fact(p, "opened", cli_time(s->opened_at, at));
    fact(p, "closed", s->closed ? cli_time(s->closed_at, at) : word(p, "open"));
    fact(p, "reason", p->r->close_reason);
    fact(p, "cause_key", s->cause_key);
    fact_number(p, "earlier", s->earlier_id);
    fputs("</tbody></table>\n", p->out);
}

// ---- what one discipline has --------------------------------------------------

static void team(struct page *p, const Kesu__V1__DisciplineRecorded *b)
{
    if (b->n_team == 0) return;
    fputs("<p class=\"text\">", p->out);
    for (size_t i = 0; i < b->n_team; i++) {
        if (i > 0) escaped(p, word(p, "list_comma"));
        escaped(p, person(p, b->team[i]));
    }
    fputs("</p>\n", p->out);
}

static void is_is_not(struct page *p, const Kesu__V1__DisciplineRecorded *b)
{
    static const char *const heads[] = {"question", "is", "is_not", NULL};
    if (b->n_is_is_not == 0) return;
    head_row(p, heads);
    for (size_t i = 0; i < b->n_is_is_not; i++) {
        fputs("<tr>", p->out);
        cell(p, b->is_is_not[i]->question);
        cell(p, b->is_is_not[i]->is);
        cell(p, b->is_is_not[i]->is_not);
        fputs("</tr>\n", p->out);
    }
    fputs("</tbody></table>\n", p->out);
}

static void causes(struct page *p, const Kesu__V1__DisciplineRecorded *b)
{
    static const char *const heads[] = {"kind", "branch", "cause", NULL};
    if (b->n_causes == 0) return;
    head_row(p, heads);
    for (size_t i = 0; i < b->n_causes; i++) {
        fputs("<tr>", p->out);
        cell(p, word_or(p, b->causes[i]->kind));
        cell(p, word_or(p, b->causes[i]->branch));
        cell(p, b->causes[i]->text);
        fputs("</tr>\n", p->out);
    }
    fputs("</tbody></table>\n", p->out);
}

static void options(struct page *p, const Kesu__V1__DisciplineRecorded *b)
{
    static const char *const heads[] = {"option", "pros", "cons", "chosen", NULL};
    if (b->n_options == 0) return;
    head_row(p, heads);
    for (size_t i = 0; i < b->n_options; i++) {
        fputs("<tr>", p->out);
        cell(p, b->options[i]->text);
        cell(p, b->options[i]->pros);
        cell(p, b->options[i]->cons);
        cell(p, b->options[i]->chosen ? "✓" : "");
        fputs("</tr>\n", p->out);
    }
    fputs("</tbody></table>\n", p->out);
}

// In tenths of a percent of what it was; nothing when that was nothing, or too much to tell.
static void change(struct page *p, const Kesu__V1__Measure *m)
{
    int64_t difference;
    fputs("<td class=\"n\">", p->out);
    if (m->before_e4 > 0 && m->before_e4 < INT64_MAX / 1000 && m->after_e4 > INT64_MIN / 2000 &&
        m->after_e4 < INT64_MAX / 2000) {
        difference = (m->after_e4 - m->before_e4) * 1000 / m->before_e4;
        int64_t size = difference < 0 ? -difference : difference;
        fprintf(p->out, "%s%" PRId64 ".%" PRId64 " %%",
                difference < 0   ? "−"
                : difference > 0 ? "+"
                                 : "",
                size / 10, size % 10);
    }
    fputs("</td>", p->out);
}

static void number_cell(struct page *p, int64_t e4, const char *unit)
{
    char text[CLI_TEXT];
    fprintf(p->out, "<td class=\"n\">%s ", eightd_number(e4, text));
    escaped(p, unit);
    fputs("</td>", p->out);
}

static void measures(struct page *p, const Kesu__V1__DisciplineRecorded *b)
{
    static const char *const heads[] = {"measure", "before", "after", "change", NULL};
    if (b->n_measures == 0) return;
    head_row(p, heads);
    for (size_t i = 0; i < b->n_measures; i++) {
        const Kesu__V1__Measure *m = b->measures[i];
        fputs("<tr>", p->out);
        cell(p, m->name);
        number_cell(p, m->before_e4, m->unit);
        number_cell(p, m->after_e4, m->unit);
        change(p, m);
        fputs("</tr>\n", p->out);
    }
    fputs("</tbody></table>\n", p->out);
}

static void read_across(struct page *p, const Kesu__V1__DisciplineRecorded *b)
{
    if (b->n_read_across == 0) return;
    fprintf(p->out, "<p>%s</p><ul>\n", word(p, "read_across"));
    for (size_t i = 0; i < b->n_read_across; i++) {
        fputs("<li class=\"text\">", p->out);
        escaped(p, b->read_across[i]);
        fputs("</li>\n", p->out);
    }
    fputs("</ul>\n", p->out);
}

static void evidence(struct page *p, const Kesu__V1__DisciplineRecorded *b)
{
    if (b->n_evidence == 0) return;
    fprintf(p->out, "<p>%s</p><ul>\n", word(p, "evidence"));
    for (size_t i = 0; i < b->n_evidence; i++) {
        char hash[CLI_TEXT + 8];
        fputs("<li class=\"text\">", p->out);
        escaped(p, b->evidence[i]->file_name);
        fprintf(p->out, " <span class=\"meta\">%s</span></li>\n",
                cli_hex(b->evidence[i]->blob, hash, sizeof hash));
    }
    fputs("</ul>\n", p->out);
}

static void meta(struct page *p, unsigned i)
{
    const Kesu__V1__DisciplineState *planned = p->r->planned[i];
    char at[CLI_TEXT];
    fputs("<p class=\"meta\">", p->out);
    if (planned != NULL && planned->owner[0] != '\0') {
        fprintf(p->out, "%s: ", word(p, "owner"));
        escaped(p, person(p, planned->owner));
        fprintf(p->out, " · %s: %s · ", word(p, "due"), cli_time(planned->due_at, at));
    }
    if (p->r->recorded[i] == NULL) {
        fputs(word(p, "nothing"), p->out);
    } else {
        fprintf(p->out, "%s: ", word(p, "recorded"));
        escaped(p, person(p, p->r->recorded_by[i]));
        fprintf(p->out, ", %s", cli_time(p->r->recorded_at[i], at));
    }
    fputs("</p>\n", p->out);
}

static void discipline(struct page *p, unsigned i)
{
    const Kesu__V1__DisciplineRecorded *b = p->r->recorded[i];
    char name[] = {'D', (char)('0' + i), '\0'};
    bool done = p->r->planned[i] != NULL && p->r->planned[i]->done;
    if (i == 0 && b == NULL && p->r->planned[i] == NULL) return; // there was no emergency
    fprintf(p->out, "<section id=\"%s\"><h2><span class=\"state\">%s</span>%s %s</h2>\n", name,
            word(p, done ? "done" : "not_done"), name, word(p, name));
    meta(p, i);
    if (b != NULL) {
        if (b->text[0] != '\0') {
            fputs("<p class=\"text\">", p->out);
            escaped(p, b->text);
            fputs("</p>\n", p->out);
        }
        team(p, b);
        is_is_not(p, b);
        causes(p, b);
        options(p, b);
        measures(p, b);
        read_across(p, b);
        evidence(p, b);
    }
    fputs("</section>\n", p->out);
}

void eightd_html(FILE *out, const struct eightd *r, enum tell_language language)
{
    static const char *const tags[TELL_LANGUAGES] = {"en", "zh-Hant", "zh-Hans"};
    struct page p = {out, r, language};
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width\">\n<title>%s ",
            tags[language], word(&p, "report"));
    escaped(&p, r->state->title);
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>%s</h1>\n", style, word(&p, "report"));
    facts(&p);
    for (unsigned i = 0; i < EIGHTD_DISCIPLINES; i++) discipline(&p, i);
    fputs("</body>\n</html>\n", out);
}
