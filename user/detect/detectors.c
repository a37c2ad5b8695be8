/* SPDX-License-Identifier: Apache-2.0 */
/* The table of detectors. */
#include <stddef.h>

#include "detect/d_memfd_exec.h"
#include "detect/detector.h"

const struct detector *const detectors[] = {
	&detector_memfd_exec,
	NULL,
};
