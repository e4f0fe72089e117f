// SPDX-License-Identifier: Apache-2.0
// What an 8D report says beside what people wrote into it.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "eightd.h"

// clang-format off
static const struct {
    const char *word, *texts[TELL_LANGUAGES]; // English, traditional, simplified Chinese
} table[] = {
    {"report", {"8D report", "8D 報告", "8D 报告"}},
    {"D0", {"Emergency response", "緊急應變", "应急响应"}},
    {"D1", {"Team", "成立小組", "成立小组"}},
    {"D2", {"Problem description", "問題描述", "问题描述"}},
    {"D3", {"Containment", "暫時圍堵措施", "临时围堵措施"}},
    {"D4", {"Root cause", "根本原因", "根本原因"}},
    {"D5", {"Options and choice", "永久對策的選定", "永久措施的选定"}},
    {"D6", {"Permanent action, measured", "永久對策的實施與驗證", "永久措施的实施与验证"}},
    {"D7", {"Prevention and read-across", "預防再發與水平展開", "预防再发与横向展开"}},
    {"D8", {"Recognition", "肯定小組貢獻", "肯定小组贡献"}},
    {"id", {"8D", "8D 編號", "8D 编号"}},
    {"case", {"Case", "案件", "案件"}},
    {"incident", {"Incident", "群體性投訴", "群体性投诉"}},
    {"title", {"Title", "主題", "主题"}},
    {"lead", {"Lead", "負責人", "负责人"}},
    {"opened", {"Opened", "開立", "开立"}},
    {"closed", {"Closed", "結案", "结案"}},
    {"open", {"open", "進行中", "进行中"}},
    {"reason", {"Why it was closed", "結案說明", "结案说明"}},
    {"cause_key", {"Name of the cause", "原因代號", "原因代号"}},
    {"earlier", {"Same cause before: 8D", "相同原因的前一份 8D", "相同原因的上一份 8D"}},
    {"owner", {"Owner", "承辦人", "承办人"}},
    {"due", {"Due", "期限", "期限"}},
    {"done", {"done", "完成", "完成"}},
    {"not_done", {"not done", "未完成", "未完成"}},
    {"recorded", {"Recorded", "記錄", "记录"}},
    {"nothing", {"Nothing recorded.", "尚無記錄。", "尚无记录。"}},
    {"question", {"Question", "問題", "问题"}},
    {"is", {"Is", "是", "是"}},
    {"is_not", {"Is not", "不是", "不是"}},
    {"kind", {"Kind", "類別", "类别"}},
    {"branch", {"Branch", "要因", "要因"}},
    {"cause", {"Cause", "原因", "原因"}},
    {"occurrence", {"occurrence", "發生原因", "发生原因"}},
    {"escape", {"escape", "流出原因", "流出原因"}},
    {"man", {"man", "人", "人"}},
    {"machine", {"machine", "機", "机"}},
    {"material", {"material", "料", "料"}},
    {"method", {"method", "法", "法"}},
    {"environment", {"environment", "環", "环"}},
    {"measurement", {"measurement", "測", "测"}},
    {"option", {"Option", "方案", "方案"}},
    {"pros", {"For", "優點", "优点"}},
    {"cons", {"Against", "缺點", "缺点"}},
    {"chosen", {"Chosen", "選定", "选定"}},
    {"measure", {"Measure", "指標", "指标"}},
    {"before", {"Before", "改善前", "改善前"}},
    {"after", {"After", "改善後", "改善后"}},
    {"change", {"Change", "變化", "变化"}},
    {"read_across", {"Also applied to", "水平展開至", "横向展开至"}},
    {"evidence", {"Evidence", "佐證", "佐证"}},
    {"list_comma", {", ", "、", "、"}},
};
// clang-format on

const char *eightd_word(const char *word, enum tell_language language)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].word, word) == 0) return table[i].texts[language];
    return "";
}

const char *eightd_number(int64_t e4, char ret[CLI_TEXT])
{
    uint64_t v = e4 < 0 ? -(uint64_t)e4 : (uint64_t)e4;
    int n = snprintf(ret, CLI_TEXT, "%s%" PRIu64, e4 < 0 ? "-" : "", v / 10000);
    if (v % 10000 == 0) return ret;
    n += snprintf(ret + n, CLI_TEXT - (size_t)n, ".%04u", (unsigned)(v % 10000));
    while (ret[n - 1] == '0') ret[--n] = '\0';
    return ret;
}
