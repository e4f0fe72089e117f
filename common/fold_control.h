/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon that is a fold. Its control socket: VerifyFold, RebuildFold, and
 * the fold's part of GetInfo are answered here, the service's own rows by it. */
#ifndef KESU_FOLD_CONTROL_H
#define KESU_FOLD_CONTROL_H

#include "fold.h"
#include "svc.h"

/* fold_open with what every daemon's settings say: its data directory, intake's
 * feed and, when it sends commands, intake's lane for services. *ret is NULL on
 * failure. */
int fold_open_svc(struct svc *svc, const struct fold_def *def, bool sends, void *self, struct fold **ret);

/* Instead of svc_control; once, after fold_open. rows must live on; on_info may be NULL. */
int fold_control(struct fold *f, struct svc *svc, const struct svc_control_row *rows, unsigned n,
                 void (*on_info)(void *self, Kesu__V1__Info *info), void *self);

#endif
