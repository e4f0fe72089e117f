/* SPDX-License-Identifier: Apache-2.0 */
/* sla.yaml: the clocks of a case, in real time. */
#include "clock.h"
#include "life.h"
#include "policy_schema.h"

#define CHANNELS                                                                                    \
    "phone|email|web|app|chat|sms|social|message_board|review|video|letter|suggestion_box|on_site|" \
    "internal|media|regulator"

static const struct policy_key channel_keys[] = {
    {"channels", POLICY_ENUMS, true, 0, 0, CHANNELS, NULL, "by which the complaint came"},
    {"dues", POLICY_DUES, true, USEC_PER_SEC, 366 * USEC_PER_DAY, NULL, NULL,
     "time allowed for these by severity; all: for those not named"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
static const struct policy_shape channel_shape = {&kesu__v1__channel_dues__descriptor, channel_keys};

static const struct policy_key clock_keys[] = {
    {"id", POLICY_ID, true, 0, 0, NULL, NULL, "unique, e.g. resolution"},
    {"names", POLICY_NAMES, false, 1, 200, NULL, NULL, "name by language; none: people read the id"},
    {"starts", POLICY_CHOICES, true, 0, 0, LIFE_MOMENTS, NULL,
     "the moments that start it, when it does not run"},
    {"stops", POLICY_CHOICES, true, 0, 0, LIFE_MOMENTS, NULL,
     "the moments that stop it; one that stands in both starts it again"},
    {"dues", POLICY_DUES, true, USEC_PER_SEC, 366 * USEC_PER_DAY, NULL, NULL,
     "time allowed by severity; all: for those not named"},
    {"by_channel", POLICY_MAPS, false, 0, 16, NULL, &channel_shape,
     "channels with times of their own; a channel once"},
    {"warn_percent", POLICY_INT, true, 1, 99, NULL, NULL, "share of the time after which it warns"},
    {"escalate_after", POLICY_DURATIONS, false, USEC_PER_SEC, 366 * USEC_PER_DAY, NULL, NULL,
     "waits after the due time, one a level of the ladder, ascending, at most 8"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
static const struct policy_shape clock_shape = {&kesu__v1__clock__descriptor, clock_keys};

static const struct policy_key sla_keys[] = {
    {"clocks", POLICY_MAPS, true, 1, 16, NULL, &clock_shape, "the clocks"},
    {NULL, 0, false, 0, 0, NULL, NULL, NULL},
};
const struct policy_shape policy_sla_shape = {&kesu__v1__policy__descriptor, sla_keys};
