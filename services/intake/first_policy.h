/* SPDX-License-Identifier: Apache-2.0 */
/* The policy of --policy-dir, at the first start only. */
#ifndef INTAKE_FIRST_POLICY_H
#define INTAKE_FIRST_POLICY_H

struct intake;

/* Compiles it and puts it into force by commands of our own, when the journal
 * has no policy yet and a directory is given. An error after logging it. */
int intake_first_policy(struct intake *in, const char *dir);

#endif
