/* SPDX-License-Identifier: Apache-2.0 */
/* What the OTLP sender's thread and the pipeline share. */
#include "sink/otlp_shared.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"

void otlp_shared_init(struct otlp_shared *s)
{
	pthread_mutex_init(&s->lock, NULL);
}

void otlp_shared_free(struct otlp_shared *s)
{
	pthread_mutex_destroy(&s->lock);
	pb_arena_free(&s->arena);
	buf_free(&s->packed);
	buf_free(&s->beat);
}

static void swap(struct buf *a, struct buf *b)
{
	struct buf was = *a;
	*a = *b;
	*b = was;
}

int otlp_shared_put(struct otlp_shared *s, const struct event *ev)
{
	pb_arena_reset(&s->arena);
	buf_reset(&s->packed);
	int rc = otlp_pack_event(&s->packed, &s->arena, ev, clock_unix());
	if (rc)
		return rc;
	pthread_mutex_lock(&s->lock);
	swap(&s->beat, &s->packed);
	rc = s->waiting;
	s->waiting = true;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

bool otlp_shared_take(struct otlp_shared *s, struct buf *out)
{
	pthread_mutex_lock(&s->lock);
	bool taken = s->waiting;
	s->waiting = false;
	if (taken)
		swap(&s->beat, out);
	pthread_mutex_unlock(&s->lock);
	return taken;
}

void otlp_shared_trouble(struct otlp_shared *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pthread_mutex_lock(&s->lock);
	vsnprintf(s->trouble, sizeof(s->trouble), fmt, ap);
	pthread_mutex_unlock(&s->lock);
	va_end(ap);
}

void otlp_shared_get_trouble(struct otlp_shared *s, char *ret_line, size_t cap)
{
	pthread_mutex_lock(&s->lock);
	snprintf(ret_line, cap, "%s", s->trouble);
	pthread_mutex_unlock(&s->lock);
}
