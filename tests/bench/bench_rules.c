// SPDX-License-Identifier: Apache-2.0
// Judging with the shipped rules on one core, in process:
//
//     bench_rules [SECONDS]
//
// judge_short_rate: texts of 60 to 250 bytes a second; judge_long_rate: of 2 to
// 3 KiB; normalise_mib_s: text brought to its form for matching. key=value.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "policy.h"
#include "rules.h"

#define POLICY "deploy/policy/"

static const char *const texts[] = {
    "快遞顯示已簽收，可是我本人沒有收到，打電話給站點也沒人接，請盡快查明。",
    "买的电饭煲用了三天就不通电，客服让我寄回去修，来回运费还要我出，我不同意，要求换新。",
    "My parcel was marked as delivered on Friday but nothing was left at my door. I have called three times.",
    "信用卡每个月被扣一笔费用，我从来没有开通过这项服务，要求退还并说明原因。",
    "工地每天晚上十二点以后還在打樁，孩子睡不著，多次反映都沒有結果。",
    "The lamp arrived with the glass shattered and the box crushed. I would like a refund or a replacement.",
    "网贷平台天天给我家人打电话，还说要上门，我已经说明情况愿意分期还款。",
    "發票抬頭開錯了，請幫我更換，統一編號在訂單備註裡。",
    "Your app shows an error message every time I try to pay, and the agent on the phone was rude.",
    "冷冻食品送来的时候已经化了，还有异味，怀疑变质，孩子吃了拉肚子，要求赔偿。",
    "小區的電梯壞了半個月，物業一直推說在等零件，老人上下樓很危險。",
    "請問換貨需要什麼材料？什麼時候可以寄出？",
};
enum { TEXTS = sizeof texts / sizeof *texts, LONG_TIMES = 15 };

static struct arena arena;
static Kesu__V1__PolicyFile *files[64];
static size_t n_files;

static void read_folder(const char *folder)
{
    char path[600];
    struct dirent **names;
    snprintf(path, sizeof path, POLICY "%s", folder);
    int n = scandir(path, &names, NULL, alphasort);
    CHECK(n >= 0);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, POLICY "%s%s", folder, names[i]->d_name);
        free(names[i]);
        if (strstr(path, ".yaml") == NULL) continue;
        FILE *in = fopen(path, "rb");
        CHECK(in != NULL && n_files < 64);
        Kesu__V1__PolicyFile *file = arena_alloc(&arena, sizeof *file);
        kesu__v1__policy_file__init(file);
        file->path = arena_strdup(&arena, path + strlen(POLICY));
        file->content.data = arena_alloc(&arena, 1 << 20);
        file->content.len = fread(file->content.data, 1, 1 << 20, in);
        fclose(in);
        files[n_files++] = file;
    }
    free(names);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double judge_rate(struct rules *rules, char *const *list, double seconds)
{
    struct arena a;
    unsigned n = 0, limit_hits;
    double start = now(), at = start;
    arena_init(&a, &mem_libc, 1 << 20);
    for (; at - start < seconds; at = now()) {
        for (unsigned i = 0; i < 10 * TEXTS; i++, n++) {
            Kesu__V1__Task task = KESU__V1__TASK__INIT;
            Kesu__V1__Judgement got;
            task.text = list[i % TEXTS];
            arena_reset(&a);
            CHECK(rules_judge(rules, &task, &a, &got, &limit_hits) == 0);
            CHECK(got.n_evidence > 0);
        }
    }
    arena_deinit(&a);
    return n / (at - start);
}

static double normalise_mib(const struct text_table *table, char *const *list, double seconds)
{
    struct arena a;
    double start = now(), at = start, bytes = 0;
    arena_init(&a, &mem_libc, 1 << 20);
    for (; at - start < seconds; at = now()) {
        for (unsigned i = 0; i < TEXTS; i++) {
            struct span out;
            arena_reset(&a);
            CHECK(text_normalise(table, span_str(list[i]), &a, &out) == 0);
            bytes += (double)strlen(list[i]);
        }
    }
    arena_deinit(&a);
    return bytes / (at - start) / 1048576;
}

int main(int argc, char **argv)
{
    static const uint8_t hash[32];
    double seconds = argc > 1 ? atof(argv[1]) : 2;
    char *shorts[TEXTS], *longs[TEXTS], reason[300], *error = NULL;
    struct text_table *table;
    struct rules *rules;
    Kesu__V1__PolicyBundle *bundle;
    arena_init(&arena, &mem_libc, (size_t)256 << 20);
    for (unsigned i = 0; i < TEXTS; i++) {
        shorts[i] = arena_strdup(&arena, texts[i]);
        longs[i] = arena_alloc(&arena, 16384);
        longs[i][0] = '\0';
        for (unsigned j = 0; j < LONG_TIMES; j++) strcat(longs[i], texts[(i + j) % TEXTS]);
    }
    read_folder("");
    read_folder("rules/");
    read_folder("templates/");
    double start = now();
    CHECK(policy_compile_files(&mem_libc, files, n_files, &arena, &bundle, &error) == 0);
    double compiled = now();
    CHECK(text_table_new(&mem_libc, &table) == 0);
    double built = now();
    CHECK(rules_new(&mem_libc, table, bundle->policy, hash, &rules, reason, sizeof reason) == 0);
    printf("policy_compile_ms=%.0f text_table_ms=%.0f rules_compile_ms=%.0f\n", (compiled - start) * 1e3,
           (built - compiled) * 1e3, (now() - built) * 1e3);
    printf("judge_short_rate=%.0f\n", judge_rate(rules, shorts, seconds));
    printf("judge_long_rate=%.0f\n", judge_rate(rules, longs, seconds));
    printf("normalise_mib_s=%.0f\n", normalise_mib(table, longs, seconds));
    rules_free(&rules);
    text_table_free(&table);
    arena_deinit(&arena);
    return 0;
}
