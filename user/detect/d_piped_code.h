/* SPDX-License-Identifier: Apache-2.0 */
/* Interpreters that are fed code by a pipe, a descriptor or a process with a connection. */
#ifndef REDSHANK_DETECT_D_PIPED_CODE_H
#define REDSHANK_DETECT_D_PIPED_CODE_H

#include "detect/detector.h"

extern const struct detector detector_piped_code;

#endif
