/* SPDX-License-Identifier: Apache-2.0 */
#include "policy_fixture.h"

#include "check.h"

static const char org[] =
    "office:\n"
    "  name: Office\n"
    "  time_zone: Asia/Taipei\n"
    "  mail_from: office@kesu.example\n"
    "  mail_name: The Office\n"
    "  language: en\n"
    "departments:\n"
    "  - id: transport\n"
    "    names: {en: Transport, zh-Hant: 儲運部}\n"
    "    manager: boss\n"
    "    sections:\n"
    "      - {id: hub, names: {en: Hub}, manager: lead}\n"
    "  - id: service\n"
    "    names: {en: Service}\n"
    "    manager: boss\n"
    "staff:\n"
    "  - {id: top, name: Top, email: top@kesu.example, department: service, language: en}\n"
    "  - {id: boss, name: Boss, email: boss@kesu.example, department: service, manager: top, "
    "language: en}\n"
    "  - {id: lead, name: Lead, email: lead@kesu.example, department: transport, section: hub, "
    "manager: boss, language: en}\n"
    "  - id: anna\n"
    "    name: Anna\n"
    "    email: anna@kesu.example\n"
    "    department: transport\n"
    "    section: hub\n"
    "    manager: lead\n"
    "    skills: [damage.*, 'lang:zh']\n"
    "    language: zh-Hant\n"
    "    agent: true\n";

static const char routing[] =
    "categories:\n"
    "  - {id: damage.wet, names: {en: Wet}, department: transport, weight: 10, rank: 1}\n"
    "  - {id: other, names: {en: Other, zh-Hant: 其他}, department: service, weight: 0, rank: 9}\n"
    "scoring: {s1: 90, s2: 60, s3: 30, vip: 20, regulator: 40, media: 40, repeat: 5, repeat_max: 20, count: "
    "5,\n"
    "  count_max: 30, age: 5, age_max: 20, age_unit: 24h}\n"
    "defaults: {department: service, category: other, capacity: 7}\n";

static const char rules[] = "rules:\n"
                            "  - id: wet\n"
                            "    category: damage.wet\n"
                            "    weight: 10\n"
                            "    keywords: [soaked, ' wet through ', 泡水]\n"
                            "    unless: [not wet]\n"
                            "    match: [The parcel was soaked]\n"
                            "    no_match: [A dry parcel]\n"
                            "  - {id: danger, factor: content, weight: 60, regex: 'burn(t|ed)'}\n";

static const char sla[] =
    "clocks:\n"
    "  - {id: receipt, starts: received, stops: receipt_delivered, dues: {all: 5m}, warn_percent: 80}\n"
    "  - {id: resolution, starts: received, stops: resolved, dues: {S1: 48h, all: 15d}, warn_percent: 80,\n"
    "     by_channel: [{channels: [chat], dues: {S1: 10m, all: 1h}}],\n"
    "     names: {en: time to resolve}, escalate_after: [1h, 24h]}\n";

static const char notify[] =
    "notices:\n"
    "  - {id: receipt, on: opened, to: customer, transport: smtp, template: receipt}\n"
    "  - {id: breach, on: breach, to: manager, transport: smtp, template: breach}\n";

static const char receipt[] = "en:\n"
                              "  subject: 'Complaint {{number}}'\n"
                              "  text: 'Dear {{customer}}'\n"
                              "  html: '<p>Dear {{customer}}</p>'\n"
                              "zh-Hant:\n"
                              "  subject: '申訴 {{number}}'\n"
                              "  text: '{{customer}} 您好'\n";

static const char breach[] = "en: {subject: 'Overdue {{number}}', text: '{{clock}} was due {{due}}'}\n";

void policy_fixture_set(struct policy_fixture *f, const char *path, const char *text)
{
    size_t i = 0;
    while (i < f->n && strcmp(f->files[i]->path, path) != 0) i++;
    if (text == NULL) {
        CHECK(i < f->n);
        f->files[i] = f->files[--f->n];
        return;
    }
    if (i == f->n) {
        CHECK(f->n < sizeof f->files / sizeof f->files[0]);
        f->files[f->n] = arena_alloc(&f->arena, sizeof *f->files[0]);
        kesu__v1__policy_file__init(f->files[f->n]);
        f->files[f->n++]->path = arena_strdup(&f->arena, path);
    }
    f->files[i]->content.data = (uint8_t *)arena_strdup(&f->arena, text);
    f->files[i]->content.len = strlen(text);
}

void policy_fixture_change(struct policy_fixture *f, const char *path, const char *piece, const char *by)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->files[i]->path, path) != 0) continue;
        const char *text = (const char *)f->files[i]->content.data;
        const char *at = strstr(text, piece);
        CHECK(at != NULL);
        char *changed = arena_printf(&f->arena, "%.*s%s%s", (int)(at - text), text, by, at + strlen(piece));
        CHECK(changed != NULL);
        policy_fixture_set(f, path, changed);
        return;
    }
    CHECK(false);
}

void policy_fixture_init(struct policy_fixture *f)
{
    *f = (struct policy_fixture){0};
    arena_init(&f->arena, &mem_libc, POLICY_MAX_BYTES);
    policy_fixture_set(f, "org.yaml", org);
    policy_fixture_set(f, "routing.yaml", routing);
    policy_fixture_set(f, "rules/words.yaml", rules);
    policy_fixture_set(f, "sla.yaml", sla);
    policy_fixture_set(f, "notify.yaml", notify);
    policy_fixture_set(f, "templates/receipt.yaml", receipt);
    policy_fixture_set(f, "templates/breach.yaml", breach);
}

int policy_fixture_compile(struct policy_fixture *f)
{
    mem_free(&mem_libc, f->error);
    f->error = NULL;
    return policy_compile_files(&mem_libc, f->files, f->n, &f->arena, &f->bundle, &f->error);
}

void policy_fixture_deinit(struct policy_fixture *f)
{
    mem_free(&mem_libc, f->error);
    arena_deinit(&f->arena);
}
