/* SPDX-License-Identifier: Apache-2.0 */
/* The table of detectors. */
#include <stddef.h>

#include "detect/d_anon_exec.h"
#include "detect/d_cred_rise.h"
#include "detect/d_loader.h"
#include "detect/d_memfd_exec.h"
#include "detect/d_memory.h"
#include "detect/d_new_source.h"
#include "detect/d_piped_code.h"
#include "detect/d_relayed_shell.h"
#include "detect/detector.h"

const struct detector *const detectors[] = {
	&detector_memfd_exec,  &detector_anon_exec,
	&detector_loader,      &detector_cred_rise,
	&detector_piped_code,  &detector_relayed_shell,
	&detector_memory_code, &detector_memory_image,
	&detector_memory_file, &detector_memory_deleted,
	&detector_memory_text, &detector_memory_yara,
	&detector_new_source,  NULL,
};
