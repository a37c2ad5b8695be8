/* SPDX-License-Identifier: Apache-2.0 */
/* Coverage reports. */
#include "coverage.h"

#include <string.h>

#include "encode/json.h"

void coverage_text(struct buf *out, const struct hook_state *h, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct hook_state *s = &h[i];
		if (!s->wanted)
			buf_printf(out, "  %-8s not loaded: nothing asks for it\n", s->hook.name);
		else if (s->variant)
			buf_printf(out, "  %-8s seen by %-16s %s%s%s%s\n", s->hook.name, s->variant,
				   s->fired ? "fired" : "waits for its first event",
				   s->every_call
					   ? "; every system call pays for it (performance.md)"
					   : "",
				   *s->why ? "; " : "", s->why);
		else
			buf_printf(out, "  %-8s %s: %s (%s)\n", s->hook.name,
				   s->hook.fact ? "not known" : "NOT SEEN", s->hook.without,
				   s->why);
	}
}

static void member(struct buf *out, const char *key, const char *text)
{
	buf_printf(out, ",\"%s\":", key);
	json_quote(out, text, strlen(text));
}

void coverage_json(struct buf *out, const struct hook_state *h, unsigned n)
{
	buf_putc(out, '[');
	for (unsigned i = 0; i < n; i++) {
		const struct hook_state *s = &h[i];
		buf_printf(out, "%s{\"%s\":\"%s\",\"wanted\":%s,\"covered\":%s,\"fired\":%s",
			   i ? "," : "", s->hook.fact ? "fact" : "event", s->hook.name,
			   s->wanted ? "true" : "false", s->variant ? "true" : "false",
			   s->fired ? "true" : "false");
		if (s->every_call)
			buf_puts(out, ",\"every_call\":true");
		if (s->variant)
			member(out, "variant", s->variant);
		else if (s->wanted)
			member(out, "cannot_see", s->hook.without);
		if (*s->why)
			member(out, "why", s->why);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

void coverage_missing(struct buf *out, const struct hook_state *h, unsigned n, uint64_t types)
{
	for (unsigned i = 0; i < n; i++) {
		const struct hook_state *s = &h[i];
		if (s->variant || s->hook.event == EV_none || !(types >> s->hook.event & 1))
			continue;
		buf_printf(out, "%s%s events do not come: %s", out->len ? "; " : "", s->hook.name,
			   s->wanted ? s->why
				     : "not loaded, for nothing asked for them when the sensor "
				       "started (its kernel.hooks may name them)");
	}
}
