/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a case for people, from its one table: a diagram of the moves
 * that change the stage, and every row in words. */
#include <ctype.h>
#include <stdio.h>

#include "cli.h"
#include "life.h"

#define FROM_MANY 6 /* stages: drawn once, from "any" */

static const char *enum_word(const ProtobufCEnumDescriptor *d, int value, size_t skip, char ret[64])
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, value);
    size_t n = 0;
    for (const char *p = v != NULL ? v->name + skip : ""; *p != '\0' && n < 63; p++)
        ret[n++] = (char)tolower((unsigned char)*p);
    ret[n] = '\0';
    return ret;
}

static const char *stage_word(int stage, char ret[64])
{
    return enum_word(&kesu__v1__stage__descriptor, stage, strlen("STAGE_"), ret);
}

static unsigned stages_of(const struct life_row *row)
{
    return (unsigned)__builtin_popcount(row->from);
}

static const char *cause_of(const struct life_row *row)
{
    return row->tie == TIE_FOLLOWS ? life_event_name(row->event) : life_command_name(row->command);
}

static void print_arrow(const struct life_row *row, const char *from)
{
    char to[64];
    printf("    %s --> %s: %s%s%s\n", from,
           row->to == LIFE_GOES_BACK ? "where_it_was" : stage_word(row->to, to), cause_of(row),
           row->when[0] != '\0' ? ", " : "", row->when);
}

static void print_diagram(void)
{
    const struct life_row *row;
    char from[64];
    printf("```mermaid\nstateDiagram-v2\n    [*] --> received: receive_message\n");
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++) {
        if (row->to == LIFE_STAYS) continue;
        if (stages_of(row) > FROM_MANY) print_arrow(row, "most_stages");
        for (int stage = 1; stage < LIFE_STAGES && stages_of(row) <= FROM_MANY; stage++)
            if ((row->from >> stage & 1) != 0 && stage != row->to) print_arrow(row, stage_word(stage, from));
    }
    printf("```\n\n");
}

static void print_stages(uint32_t from)
{
    char word[64];
    bool most = __builtin_popcount(from) > LIFE_STAGES / 2;
    uint32_t shown = most ? ((1u << LIFE_STAGES) - 2) & ~from : from;
    printf(most ? (shown != 0 ? "all but" : "all") : "");
    for (int stage = 1; stage < LIFE_STAGES; stage++)
        if ((shown >> stage & 1) != 0) printf(" %s", stage_word(stage, word));
}

static void print_who(const struct life_row *row)
{
    static const char *const ties[] = {"", ", who has it or stands above", ", the reviewer",
                                       ", follows from another"};
    static const struct {
        uint32_t bit;
        const char *word;
    } others[] = {{LIFE_CUSTOMER, "customer"}, {LIFE_SERVICE, "service"}, {LIFE_OPERATOR, "operator"}};
    char word[64];
    for (int role = 1; role < 16; role++)
        if ((row->who >> role & 1) != 0)
            printf("%s ", enum_word(&kesu__v1__staff_role__descriptor, role, strlen("STAFF_ROLE_"), word));
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if ((row->who & others[i].bit) != 0) printf("%s ", others[i].word);
    printf("%s", ties[row->tie]);
}

static void print_row(const struct life_row *row)
{
    char to[64];
    printf("| %s%s%s | %s | ", life_command_name(row->command), row->when[0] != '\0' ? ": " : "", row->when,
           life_event_name(row->event));
    print_stages(row->from);
    printf(" | %s | ", row->to == LIFE_STAYS       ? "as before"
                       : row->to == LIFE_GOES_BACK ? "where it was"
                                                   : stage_word(row->to, to));
    print_who(row);
    printf(" | %s | %s |\n", row->needs[0] != '\0' ? row->needs : "-",
           row->moments[0] != '\0' ? row->moments : "-");
}

int cli_stages(struct cli *c)
{
    const struct life_row *row;
    (void)c;
    print_diagram();
    printf("| command | event | in stage | then | by | has to give | moments of clocks |\n"
           "| --- | --- | --- | --- | --- | --- | --- |\n");
    for (unsigned i = 0; (row = life_row(i)) != NULL; i++) print_row(row);
    return 0;
}
