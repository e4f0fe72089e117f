/* SPDX-License-Identifier: Apache-2.0 */
/* Logic-less templates: {{name}} stands for a value, all else for itself.
 *
 * A value is escaped by where it goes, so that nothing a customer wrote can
 * become markup or a header. The values are those of one table; a template
 * naming another is refused when the policy is compiled. */
#ifndef KESU_TEMPLATE_H
#define KESU_TEMPLATE_H

#include "mem.h"

/* X(name, what it is) */
#define TEMPLATE_VALUES(X)                                                            \
    X(number, "number of the case")                                                   \
    X(tag, "what a reply must carry to join the case, e.g. in a subject")             \
    X(office, "name of the office")                                                   \
    X(customer, "name of the customer, else the word customer")                       \
    X(recipient, "name of who gets this message")                                     \
    X(subject, "subject of the complaint or a dash, to the customer only")            \
    X(summary, "what was done, on resolved, to the customer only")                    \
    X(words, "what staff wrote, to the customer only")                                \
    X(missing, "what the file lacks, a line each, on file_returned")                  \
    X(answer, "the answer to the incident, on incident_answer, to the customer only") \
    X(outside, "where the customer may turn when no agreement is reached")            \
    X(received, "when the complaint was received, in the office's zone")              \
    X(category, "name of the category")                                               \
    X(department, "name of the department")                                           \
    X(severity, "S1 to S4")                                                           \
    X(agent, "name of who has the case, else the word nobody")                        \
    X(clock, "name of the clock")                                                     \
    X(due, "when it is or was due, in the office's zone")                             \
    X(level, "level of the escalation ladder")

enum template_value {
#define X(name, what) TEMPLATE_##name,
    TEMPLATE_VALUES(X)
#undef X
        TEMPLATE_N_VALUES
};

extern const char *const template_names[TEMPLATE_N_VALUES];

enum template_context {
    TEMPLATE_TEXT,   /* as is, but control characters (other than line breaks and tabs) become spaces */
    TEMPLATE_HTML,   /* & < > " ' escaped too */
    TEMPLATE_HEADER, /* one line: line breaks and tabs become spaces too */
};

/* E_SYNTAX with ret_reason. */
int template_check(const char *source, char *ret_reason, size_t n);
/* values: UTF-8, NULL is empty. ret: from the arena, a NUL after it. E_SYNTAX, E_NOMEM. */
int template_render(const char *source, enum template_context context,
                    const char *const values[TEMPLATE_N_VALUES], struct arena *arena, struct span *ret);

#endif
