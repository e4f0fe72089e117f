// SPDX-License-Identifier: Apache-2.0
// Invented complaints: sentences put together from parts, a set a language.
// Every name, number and place is made up; addresses are of example.com.
#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "clock.h"
#include "demo.h"

enum { MAX_PARTS = 16 };

struct parts {
    const char *names[MAX_PARTS];
    const char *openings[MAX_PARTS];
    const char *products[MAX_PARTS];
    const char *troubles[MAX_PARTS * 2]; // %s: the product
    const char *details[MAX_PARTS];
    const char *demands[MAX_PARTS];
    const char *subject; // %s: the product
    const char *stop;
};

static const struct parts hant = {
    .names = {"林庭安", "陳思妤", "黃柏睿", "張雅筑", "吳冠霖", "蔡宜蓁", "許家豪", "鄭詩涵", NULL},
    .openings = {"您好，我要投訴", "上週跟你們訂了東西", "昨天下午收到貨", "已經打了三次電話都沒人處理",
                 "我是老客戶了，這次真的很失望", "麻煩主管看一下這件事", NULL},
    .products = {"保溫杯", "電鍋", "藍牙耳機", "兒童書桌", "檯燈", "咖啡豆禮盒", "空氣清淨機", "陶瓷碗組",
                 NULL},
    .troubles = {"包裹送到時外箱破損，%s也碎了", "%s整箱都濕了，紙盒泡爛", "%s少了一件，箱子裡數量不對",
                 "%s一直沒送到，物流顯示卡在轉運中心五天了", "明明沒收到%s，系統卻顯示已簽收，是虛假簽收",
                 "送來的%s發錯了，根本不是我訂的", "%s用了一天就壞，品質太差",
                 "%s和網頁上描述不符，顏色和材質都不一樣", "%s充電時冒煙，差點起火，非常危險",
                 "退貨兩個星期了，%s的退款還沒有收到", "買%s多收了我兩百元運費",
                 "配送員態度惡劣，把%s丟在門口就走還罵人", "%s的發票一直沒有開給我",
                 "%s理賠申請了一個月，你們說金額還要再談", "用你們的 App 查%s的訂單一直當機，無法登入", NULL},
    .details = {"照片我都拍了", "這是第二次發生了", "客服每次都說會回電，結果沒有", "家裡有小孩，很擔心",
                "請不要再用罐頭訊息回我", "當天就有反映過", NULL},
    .demands = {"請盡快退款", "我要換一個新的", "請賠償我的損失", "希望今天內給我答覆", "請派人來取件",
                "請主管跟我聯絡", NULL},
    .subject = "關於%s的投訴",
    .stop = "。",
};

static const struct parts hans = {
    .names = {"周雨桐", "王浩然", "李梦瑶", "刘子轩", "孙嘉怡", "赵明哲", "马晓彤", "胡俊杰", NULL},
    .openings = {"你好，我要投诉", "上周在你们店里下的单", "今天上午收到快递", "客服电话一直打不通",
                 "我已经等了很久了", "请你们认真处理一下", NULL},
    .products = {"电饭煲", "运动鞋", "无线耳机", "婴儿推车", "台灯", "茶叶礼盒", "空气炸锅", "玻璃水壶",
                 NULL},
    .troubles = {"外包装破了，里面的%s也摔坏了", "%s被雨淋湿了，没法用", "%s少发了一件",
                 "%s在路上丢件了，查不到物流信息", "快递显示已签收，但我根本没收到%s，属于虚假签收",
                 "%s发错货了，型号不对", "%s质量太差，用两天就坏了", "%s与描述不符，图片和实物完全不一样",
                 "%s漏电，把我手电了一下，太不安全了", "退了%s半个月还没有退款到账",
                 "买%s被多扣了钱，价格和页面不一样", "快递员态度恶劣，送%s的时候辱骂我",
                 "%s迟迟不发货，说好三天结果十天了", "%s的理赔拖了一个月没有结果",
                 "App 里%s的订单打不开，系统总是报错", NULL},
    .details = {"照片和视频我都有", "这已经是第三次了", "每次都说帮我反馈，就没有下文", "家里有老人等着用",
                "再不处理我就打12315", "当天就联系过你们", NULL},
    .demands = {"请尽快给我退款", "我要求换货", "必须赔偿我的损失", "请今天给我一个说法", "请安排上门取件",
                "请让主管联系我", NULL},
    .subject = "投诉：%s",
    .stop = "。",
};

static const struct parts english = {
    .names = {"Amy Brook", "Daniel Moss", "Priya Nair", "Tom Harding", "Elena Costa", "Marcus Reed",
              "Hannah Stone", "Omar Said", NULL},
    .openings = {"I want to make a complaint", "I ordered from you last week",
                 "My delivery came this morning", "This is the third time I am writing to you",
                 "I have been a customer for years", "Please read this carefully", NULL},
    .products = {"kettle", "desk lamp", "pair of headphones", "child car seat", "bookshelf",
                 "gift box of tea", "air purifier", "set of bowls", NULL},
    .troubles = {"the box was crushed and the %s inside was broken", "the %s arrived soaking wet",
                 "the %s is missing from the parcel",
                 "the %s has been stuck at your hub for five days and is late",
                 "tracking says delivered and signed for, but I never received the %s",
                 "you sent the wrong item instead of the %s",
                 "the %s stopped working after one day, the quality is poor",
                 "the %s is not as described on the page",
                 "the %s started to smoke while charging, this is dangerous",
                 "I returned the %s two weeks ago and still have no refund", "I was overcharged for the %s",
                 "the courier was rude and threw the %s over the fence", "the invoice for the %s never came",
                 "my claim for the %s has been open for a month",
                 "the app crashes every time I open the order of the %s", NULL},
    .details = {"I have photos of everything", "Nobody called me back as promised",
                "It was a birthday present", "I told your driver the same day",
                "Your chat closed on me twice", "My neighbour saw it too", NULL},
    .demands = {"Please refund me", "I want a replacement", "I expect compensation", "Please answer today",
                "Please have it collected", "I want to speak to a manager", NULL},
    .subject = "Complaint about my %s",
    .stop = ". ",
};

uint64_t demo_random_below(struct demo_random *r, uint64_t n)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return (r->state * 0x2545F4914F6CDD1Du >> 11) % n;
}

static const char *pick(struct demo_random *r, const char *const *list)
{
    uint64_t n = 0;
    while (list[n] != NULL) n++;
    return list[demo_random_below(r, n)];
}

// The text with the product in place of %s.
static void put_with(char *ret, size_t size, size_t *n, const char *text, const char *product)
{
    const char *place = strstr(text, "%s");
    int more = place == NULL
                   ? snprintf(ret + *n, size - *n, "%s", text)
                   : snprintf(ret + *n, size - *n, "%.*s%s%s", (int)(place - text), text, product, place + 2);
    *n += (size_t)more < size - *n ? (size_t)more : 0;
}

static void set_object(struct cli *c, struct demo_random *r, struct arena *arena, Kesu__V1__ReceiveMessage *m,
                       const char *product)
{
    Kesu__V1__Object *o = cli_new(c, &kesu__v1__object__descriptor);
    o->product = (char *)(uintptr_t)product;
    if (demo_random_below(r, 2) == 0)
        o->waybill = arena_printf(arena, "SF%08" PRIu64, demo_random_below(r, 100000000));
    if (demo_random_below(r, 4) == 0)
        o->lot = arena_printf(arena, "L%02" PRIu64, demo_random_below(r, 12) + 1);
    if (demo_random_below(r, 3) == 0)
        o->order = arena_printf(arena, "P%07" PRIu64, demo_random_below(r, 10000000));
    m->object = o;
}

static Kesu__V1__Contact *contact(struct cli *c, Kesu__V1__Contact__Kind kind, const char *value)
{
    Kesu__V1__Contact *k = cli_new(c, &kesu__v1__contact__descriptor);
    k->kind = kind;
    k->value = (char *)(uintptr_t)value;
    return k;
}

static void set_person(struct cli *c, struct demo_random *r, struct arena *arena, const struct parts *p,
                       Kesu__V1__ReceiveMessage *m, const char *email)
{
    Kesu__V1__Personal *personal = cli_new(c, &kesu__v1__personal__descriptor);
    personal->name = (char *)(uintptr_t)pick(r, p->names);
    personal->contacts = arena_alloc(arena, 2 * sizeof personal->contacts[0]);
    CHECK(personal->contacts != NULL);
    personal->contacts[personal->n_contacts++] = contact(c, KESU__V1__CONTACT__KIND__KIND_EMAIL, email);
    if (demo_random_below(r, 2) == 0)
        personal->contacts[personal->n_contacts++] =
            contact(c, KESU__V1__CONTACT__KIND__KIND_PHONE,
                    arena_printf(arena, "0900-%06" PRIu64, demo_random_below(r, 1000000)));
    m->personal = personal;
}

static char *compose(struct demo_random *r, struct arena *arena, const struct parts *p, const char *product,
                     size_t *ret_gist)
{
    char text[2048];
    size_t n = 0;
    put_with(text, sizeof text, &n, pick(r, p->openings), "");
    put_with(text, sizeof text, &n, p->stop, "");
    size_t gist = n;
    put_with(text, sizeof text, &n, pick(r, p->troubles), product);
    *ret_gist = gist;
    put_with(text, sizeof text, &n, p->stop, "");
    if (demo_random_below(r, 3) > 0) {
        put_with(text, sizeof text, &n, pick(r, p->details), "");
        put_with(text, sizeof text, &n, p->stop, "");
    }
    put_with(text, sizeof text, &n, pick(r, p->demands), "");
    put_with(text, sizeof text, &n, p->stop, "");
    return arena_strdup(arena, text);
}

void demo_invent(struct cli *c, struct demo_random *r, struct arena *arena, const char *run, unsigned serial,
                 struct demo_complaint *ret)
{
    static const struct parts *const languages[] = {&hant, &hant, &hans, &hans, &english};
    static const Kesu__V1__Channel channels[] = {
        KESU__V1__CHANNEL__CHANNEL_PHONE,  KESU__V1__CHANNEL__CHANNEL_WEB,
        KESU__V1__CHANNEL__CHANNEL_APP,    KESU__V1__CHANNEL__CHANNEL_CHAT,
        KESU__V1__CHANNEL__CHANNEL_SOCIAL, KESU__V1__CHANNEL__CHANNEL_ON_SITE,
    };
    const struct parts *p = languages[demo_random_below(r, 5)];
    const char *product = pick(r, p->products);
    char subject[256];
    size_t n = 0, gist = 0;
    Kesu__V1__ReceiveMessage *m = cli_new(c, &kesu__v1__receive_message__descriptor);
    const char *email = arena_printf(arena, "demo-%s-%u@example.com", run, serial);
    m->channel = channels[demo_random_below(r, sizeof channels / sizeof channels[0])];
    m->received_at = clock_wall_us(cli_env(c));
    m->occurred_at = m->received_at - (int64_t)demo_random_below(r, 72) * USEC_PER_HOUR;
    if (demo_random_below(r, 12) == 0) m->tier = KESU__V1__TIER__TIER_VIP;
    set_person(c, r, arena, p, m, email);
    set_object(c, r, arena, m, product);
    put_with(subject, sizeof subject, &n, p->subject, product);
    m->personal->subject = arena_strdup(arena, subject);
    m->personal->text = compose(r, arena, p, product, &gist);
    CHECK(email != NULL && m->personal->text != NULL && m->personal->subject != NULL);
    *ret = (struct demo_complaint){m, email, m->personal->text + gist};
}
