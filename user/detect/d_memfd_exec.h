/* SPDX-License-Identifier: Apache-2.0 */
/* A program is run from a memfd. */
#ifndef REDSHANK_DETECT_D_MEMFD_EXEC_H
#define REDSHANK_DETECT_D_MEMFD_EXEC_H

#include "detect/detector.h"

extern const struct detector detector_memfd_exec;

#endif
