/* SPDX-License-Identifier: Apache-2.0 */
/* Audit messages: any process may send what it likes. Input: digits of the type, a space, text. */
#include "auth/audit_text.h"
#include "fuzz.h"

static bool ends_with(const char *p, size_t len, const char *what)
{
	size_t n = strlen(what);
	return len >= n && !memcmp(p + len - n, what, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned type = 0;
	struct auth_report r;
	size_t at = 0;

	for (; at < size && at < 4 && data[at] >= '0' && data[at] <= '9'; at++)
		type = type * 10 + data[at] - '0';
	bool cut = at < size && data[at] == '!';
	at += at < size;
	size_t len = size - at;
	char *text = fuzz_copy(data + at, len);
	if (audit_text_parse(type, text, len, cut, &r)) {
		must(r.step != AUTH_STEP_none && r.outcome != AUTH_IS_none);
		must(r.user.len <= AUTH_NAME_MAX && r.host.len <= AUTH_NAME_MAX &&
		     r.tty.len <= AUTH_NAME_MAX);
		while (len && (!text[len - 1] || strchr(" \n", text[len - 1])))
			len--;
		/* Only the end of the text makes it a success. */
		must(r.outcome != AUTH_IS_success || ends_with(text, len, "success") ||
		     ends_with(text, len, "success\"") || ends_with(text, len, "1") ||
		     ends_with(text, len, "1\"") || ends_with(text, len, "yes") ||
		     ends_with(text, len, "yes\""));
	}
	free(text);
	return 0;
}
