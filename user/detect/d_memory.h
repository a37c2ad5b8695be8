/* SPDX-License-Identifier: Apache-2.0 */
/* What the memory scan found. */
#ifndef REDSHANK_DETECT_D_MEMORY_H
#define REDSHANK_DETECT_D_MEMORY_H

#include "detect/detector.h"

/* One detector per kind of finding: each has its own id, techniques and story. */
extern const struct detector detector_memory_code, detector_memory_image, detector_memory_file,
	detector_memory_deleted, detector_memory_text, detector_memory_yara;

#endif
