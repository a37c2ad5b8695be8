/* SPDX-License-Identifier: Apache-2.0 */
/* A process became root, or gained capabilities, in a way that the kernel does not offer. */
#ifndef REDSHANK_DETECT_D_CRED_RISE_H
#define REDSHANK_DETECT_D_CRED_RISE_H

#include "detect/detector.h"

extern const struct detector detector_cred_rise;

#endif
