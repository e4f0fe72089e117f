// SPDX-License-Identifier: Apache-2.0
// One complaint from flags or from JSON.
#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "clock.h"
#include "err.h"
#include "field.h"
#include "hash.h"
#include "json.h"
#include "submit.h"

enum { MAX_JSON = 1 << 20 };

static char *text_flag(const struct cli *c, const char *name)
{
    const char *value = cli_flag(c, name);
    return (char *)(uintptr_t)(value != NULL ? value : "");
}

void cli_submit_complete(struct cli *c, Kesu__V1__ReceiveMessage *m)
{
    if (m->received_at == 0) m->received_at = clock_wall_us(cli_env(c));
}

void cli_submit_identity(struct cli *c, Kesu__V1__ReceiveMessage *m, const char *mailbox,
                         const struct span *pieces, unsigned n)
{
    uint8_t *hash = arena_alloc(&c->arena, HASH_BYTES);
    CHECK(hash != NULL);
    hash_pieces(pieces, n, hash);
    m->external = cli_new(c, &kesu__v1__external_ref__descriptor);
    m->external->mailbox = (char *)(uintptr_t)mailbox;
    m->external->hash = (ProtobufCBinaryData){HASH_BYTES, hash};
    m->external->sent_at = m->received_at;
}

static void add_contacts(struct cli *c, Kesu__V1__Personal *p)
{
    static const struct {
        const char *flag;
        Kesu__V1__Contact__Kind kind;
    } kinds[] = {
        {"email", KESU__V1__CONTACT__KIND__KIND_EMAIL},
        {"phone", KESU__V1__CONTACT__KIND__KIND_PHONE},
        {"chat", KESU__V1__CONTACT__KIND__KIND_CHAT},
        {"address", KESU__V1__CONTACT__KIND__KIND_ADDRESS},
        {"customer-id", KESU__V1__CONTACT__KIND__KIND_CUSTOMER_ID},
    };
    p->contacts = arena_alloc(&c->arena, CLI_MAX_GIVEN * sizeof p->contacts[0]);
    CHECK(p->contacts != NULL);
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        unsigned place = 0;
        for (const char *value; (value = cli_flag_next(c, kinds[i].flag, &place)) != NULL;) {
            Kesu__V1__Contact *k = cli_new(c, &kesu__v1__contact__descriptor);
            k->kind = kinds[i].kind;
            k->value = (char *)(uintptr_t)value;
            p->contacts[p->n_contacts++] = k;
        }
    }
}

static void add_object(struct cli *c, Kesu__V1__ReceiveMessage *m)
{
    Kesu__V1__Object *o = cli_new(c, &kesu__v1__object__descriptor);
    o->product = text_flag(c, "product");
    o->order = text_flag(c, "order");
    o->lot = text_flag(c, "lot");
    o->waybill = text_flag(c, "waybill");
    o->branch = text_flag(c, "branch");
    o->employee = text_flag(c, "employee");
    if (codec_size(o) > 0) m->object = o;
}

static int from_flags(struct cli *c, Kesu__V1__ReceiveMessage **ret)
{
    Kesu__V1__ReceiveMessage *m = cli_new(c, &kesu__v1__receive_message__descriptor);
    int channel, tier, language;
    int status = cli_flag_enum(c, "channel", &kesu__v1__channel__descriptor, &channel);
    if (status == 0) status = cli_flag_enum(c, "tier", &kesu__v1__tier__descriptor, &tier);
    if (status == 0) status = cli_flag_enum(c, "language", &kesu__v1__language__descriptor, &language);
    if (status != 0) return status;
    if (cli_flag(c, "text") == NULL && cli_flag(c, "subject") == NULL)
        return cli_fail(c, CLI_USAGE, "needs --text, --subject, --from or --lines");
    m->channel = (Kesu__V1__Channel)channel;
    m->tier = (Kesu__V1__Tier)tier;
    m->language = (Kesu__V1__Language)language;
    m->personal = cli_new(c, &kesu__v1__personal__descriptor);
    m->personal->name = text_flag(c, "name");
    m->personal->subject = text_flag(c, "subject");
    m->personal->text = text_flag(c, "text");
    add_contacts(c, m->personal);
    add_object(c, m);
    m->demand = text_flag(c, "demand");
    m->place = text_flag(c, "place");
    m->anonymous = cli_switch(c, "anonymous");
    m->internal = cli_switch(c, "internal");
    m->reply_tag = text_flag(c, "reply-tag");
    unsigned place = 0;
    m->thread_keys = arena_alloc(&c->arena, CLI_MAX_GIVEN * sizeof m->thread_keys[0]);
    CHECK(m->thread_keys != NULL);
    for (const char *key; (key = cli_flag_next(c, "thread", &place)) != NULL;)
        m->thread_keys[m->n_thread_keys++] = (char *)(uintptr_t)key;
    for (unsigned i = 0; i < c->n_args && status == 0; i++) status = cli_field_set(c, &m->base, c->args[i]);
    if (status != 0) return status;
    cli_submit_complete(c, m);
    const char *id = cli_flag(c, "external-id");
    if (id != NULL) {
        const struct span pieces[] = {SPAN_LIT("external-id"), span_str(id)};
        cli_submit_identity(c, m, cli_flag(c, "mailbox"), pieces, 2);
    }
    *ret = m;
    return 0;
}

static int from_json(struct cli *c, const char *path, Kesu__V1__ReceiveMessage **ret)
{
    struct span text;
    struct codec_error e;
    int status = cli_read_file(c, path, MAX_JSON, &text);
    if (status != 0) return status;
    if (json_to_message(&kesu__v1__receive_message__descriptor, text, &c->arena, ret, &e) != 0)
        return cli_fail(c, CLI_DATA, "%s: %s%s%s: %s", path, err_name(e.code),
                        e.field[0] != '\0' ? " at " : "", e.field, e.reason);
    cli_submit_complete(c, *ret);
    return 0;
}

static void print_accepted(const Kesu__V1__Accepted *a)
{
    printf("%s (case %" PRIu64 ")%s%s%s\n", cli_or(a->number, "no case"), a->case_id,
           a->joined ? ", joined" : "", a->duplicate ? ", taken before" : "",
           a->differed ? ", with other content than then" : "");
}

int cli_submit(struct cli *c)
{
    if (cli_flag(c, "lines") != NULL) return cli_submit_lines(c, cli_flag(c, "lines"));
    Kesu__V1__ReceiveMessage *m = NULL;
    int status = cli_flag(c, "from") != NULL ? from_json(c, cli_flag(c, "from"), &m) : from_flags(c, &m);
    if (status != 0) return status;
    Kesu__V1__Command *k = cli_new(c, &kesu__v1__command__descriptor);
    k->body_case = KESU__V1__COMMAND__BODY_RECEIVE_MESSAGE;
    k->receive_message = m;
    Kesu__V1__Reply *reply = NULL;
    status = cli_send(c, "intake-new", k, &reply);
    if (status != 0) return status;
    if (c->json)
        cli_print_json(c, reply);
    else
        print_accepted(reply->accepted);
    return 0;
}
