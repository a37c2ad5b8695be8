/* SPDX-License-Identifier: Apache-2.0 */
/* A user logged in from where that user never logged in from before. */
#ifndef REDSHANK_DETECT_D_NEW_SOURCE_H
#define REDSHANK_DETECT_D_NEW_SOURCE_H

#include "detect/detector.h"

#define NEW_SOURCE_LEARN_LOGINS 5
#define NEW_SOURCE_LEARN_NS	(7ULL * 24 * 3600 * 1000000000)
#define NEW_SOURCE_FORGET_NS	(90ULL * 24 * 3600 * 1000000000)

extern const struct detector detector_new_source;

#endif
