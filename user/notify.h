/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's readiness protocol, sd_notify(3): one datagram to $NOTIFY_SOCKET. */
#ifndef REDSHANK_NOTIFY_H
#define REDSHANK_NOTIFY_H

/* Sends lines such as "READY=1\nSTATUS=…". Does nothing when no manager listens. */
void notify_send(const char *state);

#endif
