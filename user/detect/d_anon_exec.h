/* SPDX-License-Identifier: Apache-2.0 */
/* Code at work in memory that no file is behind. */
#ifndef REDSHANK_DETECT_D_ANON_EXEC_H
#define REDSHANK_DETECT_D_ANON_EXEC_H

#include "detect/detector.h"

extern const struct detector detector_anon_exec;

#endif
