/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the system calls' programs are to see: knob_call_events, knob_call_facts. */
#ifndef REDSHANK_LIB_SEES_H
#define REDSHANK_LIB_SEES_H

#include "maps.h"

static __always_inline bool sees_event(u32 event)
{
	return knob_call_events >> event & 1;
}

static __always_inline bool sees_fact(u32 fact)
{
	return knob_call_facts >> fact & 1;
}

#endif
