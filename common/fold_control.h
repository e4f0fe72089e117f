/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket of a daemon that is a fold: VerifyFold, RebuildFold, and
 * the fold's part of GetInfo are answered here, the service's own rows by it. */
#ifndef KESU_FOLD_CONTROL_H
#define KESU_FOLD_CONTROL_H

#include "fold.h"
#include "svc.h"

/* Instead of svc_control; once, after fold_open. rows must live on; on_info may be NULL. */
int fold_control(struct fold *f, struct svc *svc, const struct svc_control_row *rows, unsigned n,
                 void (*on_info)(void *self, Kesu__V1__Info *info), void *self);

#endif
