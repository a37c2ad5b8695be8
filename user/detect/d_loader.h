/* SPDX-License-Identifier: Apache-2.0 */
/* The dynamic loader used to start programs. */
#ifndef REDSHANK_DETECT_D_LOADER_H
#define REDSHANK_DETECT_D_LOADER_H

#include "detect/detector.h"

extern const struct detector detector_loader;

#endif
