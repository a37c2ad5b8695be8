/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines: a client chooses names in them, and any process whole lines. Input: a letter for the
 * program (upper case: standard error), then the line.
 */
#include "auth/log_text.h"
#include "fuzz.h"

static bool within(struct auth_piece t, const char *p, size_t len)
{
	return !t.len || (t.p >= p && t.p + t.len <= p + len);
}

static bool begins(struct auth_piece t, const char *what)
{
	return t.len >= strlen(what) && !memcmp(t.p, what, strlen(what));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char address[] = "127.0.0.1";
	struct auth_piece peers[] = { { NULL, 0 }, { address, strlen(address) } };
	struct auth_report r;
	struct log_line l;

	if (!size)
		return 0;
	enum auth_program program = (enum auth_program)(data[0] & 15);
	size_t len = size - 1;
	char *line = fuzz_copy(data + 1, len);
	if (data[0] >= 'A' && data[0] <= 'Z')
		log_stderr_split(line, len, &l);
	else
		log_line_split(line, len, &l);
	must(within(l.tag, line, len) && within(l.text, line, len));
	for (int i = 0; i < 2; i++) {
		if (!log_text_parse(program, l.text, peers[i], false, &r))
			continue;
		must(r.step != AUTH_STEP_none && r.outcome != AUTH_IS_none);
		must(r.user.len <= AUTH_NAME_MAX && r.host.len <= AUTH_NAME_MAX &&
		     r.invoker.len <= AUTH_NAME_MAX && r.key.len <= AUTH_NAME_MAX);
		/* Nothing but the beginning of a line makes it a login. */
		struct auth_piece text = l.text;
		while (text.len && *text.p == ' ') {
			text.p++;
			text.len--;
		}
		must(program != AUTH_PROGRAM_sshd || r.outcome != AUTH_IS_success ||
		     begins(text, "Accepted ") || begins(text, "error: Accepted ") ||
		     begins(text, "fatal: Accepted ") || begins(text, "pam_"));
	}
	free(line);
	return 0;
}
