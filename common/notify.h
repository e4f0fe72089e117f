/* SPDX-License-Identifier: Apache-2.0 */
/* Tells a service manager how it goes, in the protocol of sd_notify(3). */
#ifndef KESU_NOTIFY_H
#define KESU_NOTIFY_H

#include <stdint.h>

/* "READY=1" and the like, a line each. Nothing happens without NOTIFY_SOCKET, nor when it is not read. */
void notify_send(const char *state);
/* The service manager kills who is silent for longer; 0: it does not watch us. */
int64_t notify_watchdog_us(void);

#endif
