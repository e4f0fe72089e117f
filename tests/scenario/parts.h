/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the scenario have for each other. Comes with office.h. */
#ifndef KESU_SCENARIO_PARTS_H
#define KESU_SCENARIO_PARTS_H

/* mailman.c: mail that comes in. */
struct mailman *mailman_new(struct office *o);
void mailman_free(struct mailman **p);
void mailman_post(struct mailman *m);
void mailman_renamed(struct mailman *m, const char *from, const char *to);
const char *mailman_waiting(const struct mailman *m); /* name of one in new/; NULL: none */
unsigned mailman_posted(const struct mailman *m);

/* ask.c: control sockets. NULL: no answer in that time; refusals are answers.
 * The answer lives in the arena. */
Kesu__V1__ControlReply *ask(struct office *o, const char *endpoint, Kesu__V1__ControlRequest *request,
                            int64_t patience_us, struct arena *arena);

/* watch.c: looks at the moment things happen. */
void watch_start(struct office *o);
void watch_end(struct office *o);
void watch_recheck(struct office *o); /* the whole journal as it is on disk */
/* A fold acts: it must have folded all there was when it started. Returns how far it has. */
uint64_t watch_effect(struct office *o, const struct office_service *s, const char *what);

/* lease.c */
uint64_t lease_life(const struct office_service *s);
void lease_commands_handed(struct office *o, const Kesu__V1__CommandBatch *batch);
void lease_commands_sent(struct office *o, const struct office_service *s, size_t n);
void lease_tasks_handed(struct office *o, const struct office_service *s, const Kesu__V1__ToWorker *m);
void lease_results_sent(struct office *o, struct office_service *s, const Kesu__V1__ToRouting *m);

/* erase.c: somebody is told of these events. */
void erase_told(struct office *o, uint64_t first_seq, uint64_t last_seq);
void erase_check_keys(struct office *o, Kesu__V1__Key *const *keys, size_t n);
void erase_check_mail(struct office *o, const struct sim_mail *m, uint64_t folded_seq);
void erase_check(struct office *o); /* at the end */

/* mails.c: what the outside world gets. */
struct mails *mails_new(void);
void mails_free(struct mails **p);
void mails_leave(struct office *o, const struct office_service *s, const struct sim_mail *m);
void mails_taken(struct office *o, const struct sim_mail *m);
void mails_header(struct span text, const char *name, char ret[320]); /* empty: there is none */
bool mails_are_settled(struct office *o); /* each has its outcome in the journal */
void mails_check(struct office *o);

#endif
