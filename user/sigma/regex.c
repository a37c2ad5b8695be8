/* SPDX-License-Identifier: Apache-2.0 */
/* The door to PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "sigma/regex.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <pcre2.h>

#include "base/clock.h"

#define JIT_STACK_MIN ((size_t)32 << 10)
#define JIT_STACK_MAX ((size_t)REGEX_HEAP_KIB << 10)
#define DEPTH_LIMIT   REGEX_MATCH_LIMIT

/* Places where a match may begin that are tried at a time, and the steps for all of them. */
#define WINDOW_MIN   16
#define WINDOW_FIRST 512
#define WINDOW_MAX   4096
#define WINDOW_STEPS ((size_t)REGEX_MATCH_LIMIT * WINDOW_MIN)

struct regex {
	pcre2_code *code;
	size_t bytes;
	bool anchored; /* at the beginning, by its flags */
};

struct regex_scratch {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

static int compile_error(struct err *e, int code, size_t offset)
{
	PCRE2_UCHAR text[160];

	pcre2_get_error_message(code, text, sizeof(text));
	return err_set(e, -EINVAL, "regular expression, offset %zu: %s", offset, (char *)text);
}

int regex_new(const char *pattern, size_t len, unsigned flags, struct regex **ret, struct err *e)
{
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C |
			   PCRE2_USE_OFFSET_LIMIT;
	struct regex *r = calloc(1, sizeof(*r));
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	size_t offset = 0, size = 0, jit = 0;
	int error = 0, rc = -ENOMEM;

	if (!r || !context)
		goto out;
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	options |= flags & REGEX_I ? PCRE2_CASELESS : 0;
	options |= flags & REGEX_M ? PCRE2_MULTILINE : 0;
	options |= flags & REGEX_S ? PCRE2_DOTALL : 0;
	options |= flags & REGEX_HEAD ? PCRE2_ANCHORED : 0;
	options |= flags & REGEX_TAIL ? PCRE2_ENDANCHORED : 0;
	r->code = pcre2_compile((PCRE2_SPTR)pattern, len, options, &error, &offset, context);
	if (!r->code) {
		rc = error == PCRE2_ERROR_NOMEMORY ? -ENOMEM : compile_error(e, error, offset);
		goto out;
	}
	/* Where there is no JIT for it the interpreter matches. */
	pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
	pcre2_pattern_info(r->code, PCRE2_INFO_SIZE, &size);
	pcre2_pattern_info(r->code, PCRE2_INFO_JITSIZE, &jit);
	r->bytes = size + jit;
	r->anchored = flags & REGEX_HEAD;
	*ret = r;
	r = NULL;
	rc = 0;
out:
	pcre2_compile_context_free(context);
	regex_free(r);
	return rc;
}

void regex_free(struct regex *r)
{
	if (!r)
		return;
	pcre2_code_free(r->code);
	free(r);
}

size_t regex_bytes(const struct regex *r)
{
	return r->bytes;
}

int regex_scratch_new(struct regex_scratch **ret)
{
	struct regex_scratch *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->data = pcre2_match_data_create(1, NULL);
	s->context = pcre2_match_context_create(NULL);
	s->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
	if (!s->data || !s->context) {
		regex_scratch_free(s);
		return -ENOMEM;
	}
	pcre2_set_depth_limit(s->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(s->context, REGEX_HEAP_KIB);
	pcre2_jit_stack_assign(s->context, NULL, s->stack);
	*ret = s;
	return 0;
}

void regex_scratch_free(struct regex_scratch *s)
{
	if (!s)
		return;
	pcre2_match_data_free(s->data);
	pcre2_match_context_free(s->context);
	pcre2_jit_stack_free(s->stack);
	free(s);
}

/*
 * PCRE2 counts the steps of each place where a match may begin by itself, so a limit alone bounds
 * the time by the length of the text. Places are tried in windows: many at once with few steps for
 * each, which is enough for honest texts; where that was not, few with many.
 */
int regex_match(const struct regex *r, struct regex_scratch *s, const char *text, size_t len)
{
	size_t start = 0, window = WINDOW_FIRST;
	uint64_t deadline = 0;

	for (;;) {
		pcre2_set_offset_limit(s->context, r->anchored ? PCRE2_UNSET : start + window - 1);
		pcre2_set_match_limit(s->context, (uint32_t)(WINDOW_STEPS / window));
		int rc = pcre2_match(r->code, (PCRE2_SPTR)text, len, start, 0, s->data, s->context);
		if (rc >= 0)
			return 1;
		if (rc == PCRE2_ERROR_MATCHLIMIT && window > WINDOW_MIN) {
			window = WINDOW_MIN;
		} else if (rc != PCRE2_ERROR_NOMATCH && rc != PCRE2_ERROR_PARTIAL) {
			return -ELOOP;
		} else {
			start += window;
			if (r->anchored || start > len)
				return 0;
			/* Not into the middle of a character. */
			for (int i = 0; i < 3 && start < len && (text[start] & 0xc0) == 0x80; i++)
				start++;
			window = window < WINDOW_MAX ? window * 2 : WINDOW_MAX;
		}
		uint64_t now = clock_monotonic();
		if (!deadline)
			deadline = now + REGEX_TIME_NS;
		else if (now > deadline)
			return -ELOOP;
	}
}
