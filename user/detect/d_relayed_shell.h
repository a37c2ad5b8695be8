/* SPDX-License-Identifier: Apache-2.0 */
/* Shells whose creator holds the connection that they are used by. */
#ifndef REDSHANK_DETECT_D_RELAYED_SHELL_H
#define REDSHANK_DETECT_D_RELAYED_SHELL_H

#include "detect/detector.h"

extern const struct detector detector_relayed_shell;

#endif
