/* SPDX-License-Identifier: Apache-2.0 */
/* What programs say, as tables of patterns. */
#include "auth/log_text.h"

/* A line that one of them matches is understood; the first that does counts. */
struct row {
	const char *pattern;
	uint8_t step, outcome, reason, method;
};

#define FAILS(pattern_, step_, reason_)                                              \
	{                                                                            \
		pattern_, AUTH_STEP_##step_, AUTH_IS_failure, AUTH_REASON_##reason_, \
			AUTH_METHOD_none                                             \
	}
#define FAILS_BY(pattern_, step_, reason_, method_)                                  \
	{                                                                            \
		pattern_, AUTH_STEP_##step_, AUTH_IS_failure, AUTH_REASON_##reason_, \
			AUTH_METHOD_##method_                                        \
	}
#define OK(pattern_, step_, method_)                                          \
	{                                                                     \
		pattern_, AUTH_STEP_##step_, AUTH_IS_success, AUTH_REASON_ok, \
			AUTH_METHOD_##method_                                 \
	}
#define GONE(pattern_, reason_)                                                                    \
	{                                                                                          \
		pattern_, AUTH_STEP_gone, AUTH_IS_unknown, AUTH_REASON_##reason_, AUTH_METHOD_none \
	}

/*
 * OpenSSH auth.c, auth2.c, auth-pam.c, packet.c. "error: ", "fatal: " and " [preauth]" are taken
 * off before. Lines of a name so long that sshd cut its own text end in the name.
 */
static const struct row sshd_rows[] = {
	OK("Accepted %m for %u from %h port %n ssh2", verdict, none),
	OK("Accepted %m for %u from %h port %n ssh2: %k", verdict, none),
	FAILS("Failed %m for %?%u from %h port %n ssh2", verdict, bad_credentials),
	FAILS("Failed %m for %?%u from %h port %n ssh2: %k", verdict, bad_credentials),
	FAILS("Failed %m for %?%u", verdict, bad_credentials),
	FAILS("Invalid user %u from %h port %n", hint, user_unknown),
	FAILS("Invalid user %u from %h", hint, user_unknown),
	FAILS("Invalid user %u", hint, user_unknown),
	FAILS("User %u from %h not allowed because account is locked", hint,
	      account_expired_or_locked),
	FAILS("User %u not allowed because account is locked", hint, account_expired_or_locked),
	FAILS("User %u from %h not allowed because %r", hint, denied_by_policy),
	FAILS("User %u not allowed because %r", hint, denied_by_policy),
	FAILS("ROOT LOGIN REFUSED FROM %h port %n", hint, denied_by_policy),
	FAILS("ROOT LOGIN REFUSED FROM %h", hint, denied_by_policy),
	FAILS("Access denied for user %u by PAM account configuration", account,
	      account_expired_or_locked),
	FAILS_BY("PAM: Authentication failure for %?%u from %h", said, bad_credentials,
		 keyboard_interactive),
	FAILS_BY("PAM: User not known to the underlying authentication module for %?%u from %h",
		 said, user_unknown, keyboard_interactive),
	FAILS_BY("PAM: Permission denied for %?%u from %h", said, denied_by_policy,
		 keyboard_interactive),
	FAILS_BY("PAM: User account has expired for %?%u from %h", said, account_expired_or_locked,
		 keyboard_interactive),
	FAILS_BY("PAM: Authentication token expired for %?%u from %h", said, password_expired,
		 keyboard_interactive),
	FAILS_BY("PAM: Have exhausted maximum number of retries for service for %?%u from %h", said,
		 max_tries, keyboard_interactive),
	FAILS_BY("PAM: Insufficient credentials to access authentication data for %?%u from %h",
		 said, cred_insufficient, keyboard_interactive),
	FAILS_BY("PAM: Authentication service cannot retrieve authentication info for %?%u from %h",
		 said, auth_backend_unavailable, keyboard_interactive),
	FAILS_BY("PAM: Conversation error for %?%u from %h", said, conversation_aborted,
		 keyboard_interactive),
	FAILS_BY("PAM: System error for %?%u from %h", said, pam_system_error,
		 keyboard_interactive),
	GONE("maximum authentication attempts exceeded for %?%u from %h port %n ssh2", max_tries),
	GONE("Disconnecting %A%u %h port %n: Too many authentication failures", max_tries),
	GONE("Connection closed by %A%u %h port %n", disconnected_before_auth),
	GONE("Connection reset by %A%u %h port %n", disconnected_before_auth),
	GONE("Disconnected from %A%u %h port %n", disconnected_before_auth),
	{ NULL, 0, 0, 0, 0 },
};

/* dropbear svr-auth.c, svr-authpasswd.c, svr-authpubkey.c, svr-session.c */
static const struct row dropbear_rows[] = {
	/* When it says why it ends, the connection may be gone. */
	{ "Child connection from %h", AUTH_STEP_connected, AUTH_IS_unknown, AUTH_REASON_none,
	  AUTH_METHOD_none },
	OK("Password auth succeeded for '%u' from %h", verdict, password),
	OK("PAM password auth succeeded for '%u' from %h", verdict, password),
	OK("Pubkey auth succeeded for '%u' with %w key %w from %h", verdict, publickey),
	OK("Pubkey auth succeeded for '%u' with key %w %w from %h", verdict, publickey),
	OK("Pubkey auth succeeded for '%u' from %h", verdict, publickey),
	OK("Auth succeeded with blank password for '%u' from %h", verdict, no_proof),
	FAILS_BY("Bad password attempt for '%u' from %h", verdict, bad_credentials, password),
	FAILS_BY("Bad PAM password attempt for '%u' from %h", verdict, bad_credentials, password),
	/* Once a connection. */
	FAILS("Login attempt for nonexistent user from %h", verdict, user_unknown),
	FAILS("Login attempt for nonexistent user", verdict, user_unknown),
	FAILS("User account '%u' is locked", hint, account_expired_or_locked),
	FAILS("User '%u' has invalid shell, rejected", hint, denied_by_policy),
	FAILS("root login rejected", hint, denied_by_policy),
	GONE("Max auth tries reached - user '%u' from %h", max_tries),
	GONE("Exit before auth from <%h>: (user '%u', %n fails): %r", disconnected_before_auth),
	GONE("Exit before auth: (user '%u', %n fails): %r", disconnected_before_auth),
	OK("Exit (%u) from <%h>: %r", end, none),
	OK("Exit (%u): %r", end, none),
	{ NULL, 0, 0, 0, 0 },
};

/* util-linux su-common.c; shadow su.c, sulog.c; busybox su.c */
static const struct row su_rows[] = {
	FAILS("FAILED SU (to %u) %i on %t", verdict, bad_credentials),
	FAILS("FAILED su for %u by %i", verdict, bad_credentials),
	FAILS("- %t %i:%u", said, bad_credentials),
	OK("(to %u) %i on %t", verdict, none),
	OK("Successful su for %u by %i", verdict, none),
	OK("+ %t %i:%u", said, none),
	{ NULL, 0, 0, 0, 0 },
};

/* sudo plugins/sudoers/logging.c; what stands behind is looked at by sudo_fields(). */
static const struct row sudo_rows[] = {
	FAILS_BY("%i : %n incorrect password attempts ; %r", tries, bad_credentials, password),
	FAILS_BY("%i : %n incorrect password attempt ; %r", tries, bad_credentials, password),
	FAILS("%i : user NOT in sudoers ; %r", command, not_in_sudoers),
	FAILS("%i : user NOT authorized on host ; %r", command, not_in_sudoers),
	FAILS("%i : command not allowed ; %r", command, denied_by_policy),
	FAILS("%i : a password is required ; %r", command, cred_insufficient),
	OK("%i : TTY=%r", command, none),
	OK("%i : HOST=%r", command, none),
	OK("%i : PWD=%r", command, none),
	{ NULL, 0, 0, 0, 0 },
};

/* OpenBSD's doas, and opendoas */
static const struct row doas_rows[] = {
	FAILS_BY("failed auth for %i", verdict, bad_credentials, password),
	FAILS_BY("failed authentication for %i", verdict, bad_credentials, password),
	FAILS("command not permitted for %i: %r", command, denied_by_policy),
	OK("%i ran command %r", command, none),
	{ NULL, 0, 0, 0, 0 },
};

/* util-linux login.c; shadow login.c; busybox login.c. Two words of shadow for the last try. */
static const struct row login_rows[] = {
	FAILS("FAILED LOGIN (%n) on '%t' from '%h' FOR '%u', %r", verdict, bad_credentials),
	FAILS("FAILED LOGIN (%n) on '%t' FOR '%u', %r", verdict, bad_credentials),
	FAILS("FAILED LOGIN (%n) on '%t' FOR '%u'", verdict, bad_credentials),
	FAILS("FAILED LOGIN %n FROM %h FOR %u, %r", verdict, bad_credentials),
	FAILS("FAILED LOGIN SESSION FROM %h FOR %u, %r", verdict, bad_credentials),
	FAILS("TOO MANY LOGIN TRIES (%n) FROM %h FOR %u, %r", verdict, max_tries),
	FAILS("TOO MANY LOGIN TRIES (%n) on '%t' FOR '%u'", said, max_tries),
	FAILS("invalid password for '%u' on '%t'", verdict, bad_credentials),
	FAILS("invalid password for '%u' on '%t' from '%h'", verdict, bad_credentials),
	OK("LOGIN ON %t BY %u FROM %h", verdict, none),
	OK("LOGIN ON %t BY %u", verdict, none),
	OK("ROOT LOGIN ON %t FROM %h", verdict, none),
	OK("ROOT LOGIN ON %t", verdict, none),
	OK("ROOT LOGIN  on '%t'", verdict, none),
	OK("root login on '%t'", verdict, none),
	{ NULL, 0, 0, 0, 0 },
};

/* vsftpd logging.c */
static const struct row vsftpd_rows[] = {
	FAILS_BY("[%u] FAIL LOGIN: Client \"%h\"", verdict, bad_credentials, password),
	OK("[%u] OK LOGIN: Client \"%h\"", verdict, password),
	{ NULL, 0, 0, 0, 0 },
};

/* proftpd mod_auth.c; its log puts "HOST (HOST[ADDRESS]) - " before. */
static const struct row proftpd_rows[] = {
	FAILS_BY("%h (%h[%h]) - USER %u: no such user found from %h [%h] to %r", verdict,
		 user_unknown, password),
	FAILS_BY("%h (%h[%h]) - USER %u (Login failed): Incorrect password", verdict,
		 bad_credentials, password),
	FAILS_BY("%h (%h[%h]) - USER %u (Login failed): %r", verdict, denied_by_policy, password),
	OK("%h (%h[%h]) - USER %u: Login successful.", verdict, password),
	OK("%h (%h[%h]) - USER %u: Login successful", verdict, password),
	{ NULL, 0, 0, 0, 0 },
};

static const struct row *const tables[] = {
	[AUTH_PROGRAM_sshd] = sshd_rows,     [AUTH_PROGRAM_dropbear] = dropbear_rows,
	[AUTH_PROGRAM_su] = su_rows,	     [AUTH_PROGRAM_sudo] = sudo_rows,
	[AUTH_PROGRAM_doas] = doas_rows,     [AUTH_PROGRAM_login] = login_rows,
	[AUTH_PROGRAM_vsftpd] = vsftpd_rows, [AUTH_PROGRAM_proftpd] = proftpd_rows,
};

static bool drop_prefix(struct auth_piece *t, const char *prefix)
{
	size_t n = strlen(prefix);

	if (t->len < n || memcmp(t->p, prefix, n) != 0)
		return false;
	t->p += n;
	t->len -= n;
	return true;
}

static bool drop_suffix(struct auth_piece *t, const char *suffix)
{
	size_t n = strlen(suffix);

	if (t->len < n || memcmp(t->p + t->len - n, suffix, n) != 0)
		return false;
	t->len -= n;
	return true;
}

static const struct row *find(const struct row *row, struct auth_piece t,
			      const struct auth_piece *host, struct auth_pieces *ret)
{
	for (; row && row->pattern; row++)
		if (auth_pattern_match(row->pattern, t.p, t.len, host, ret))
			return row;
	return NULL;
}

/* SSH's names of methods, RFC 4252 and others; "/pam" and the like may follow. */
static enum auth_method method_of(struct auth_piece m)
{
	static const struct {
		const char *name;
		enum auth_method method;
	} methods[] = {
		{ "password", AUTH_METHOD_password },
		{ "publickey", AUTH_METHOD_publickey },
		{ "keyboard-interactive", AUTH_METHOD_keyboard_interactive },
		{ "gssapi", AUTH_METHOD_gssapi },
		{ "hostbased", AUTH_METHOD_hostbased },
		{ "none", AUTH_METHOD_no_proof },
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (drop_prefix(&m, methods[i].name))
			return methods[i].method;
	return AUTH_METHOD_none;
}

/*
 * What the client asks for first ("none"), and keys that were only offered, are no attempts: most
 * clients do both before they ask for a password.
 */
static void weaken(struct auth_report *r)
{
	if (r->outcome != AUTH_IS_failure || r->step != AUTH_STEP_verdict)
		return;
	if (r->method == AUTH_METHOD_no_proof)
		r->step = r->reason == AUTH_REASON_user_unknown ? AUTH_STEP_hint : AUTH_STEP_none;
	if (r->method == AUTH_METHOD_publickey || r->method == AUTH_METHOD_hostbased)
		r->step = AUTH_STEP_offer;
}

/* vis(3) as sshd's log.c asks for it: \ddd, \n and the like, and the backslash itself. */
static void unescape(struct auth_name *n)
{
	static const char letters[] = "ntrbavf0s\\", values[] = "\n\t\r\b\a\v\f\0 \\";
	uint16_t to = 0;

	for (uint16_t i = 0; i < n->len; i++) {
		const char *p = n->p + i;
		const char *letter =
			p[0] == '\\' && i + 1 < n->len && p[1] ? strchr(letters, p[1]) : NULL;
		if (p[0] == '\\' && i + 3 < n->len && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' &&
		    p[2] <= '7' && p[3] >= '0' && p[3] <= '7') {
			n->p[to++] = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			i = (uint16_t)(i + 3);
		} else if (letter) {
			n->p[to++] = values[letter - letters];
			i++;
		} else {
			n->p[to++] = p[0];
		}
	}
	n->len = to;
}

/*
 * "TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=/bin/sh": the directory and the command are what the
 * user chose, so a second " ; USER=" leaves it open which one is sudo's.
 */
static void sudo_fields(struct auth_piece t, struct auth_report *r)
{
	static const char mark[] = " ; USER=";
	struct auth_piece user = t;

	if (drop_prefix(&t, "TTY=")) {
		const char *space = memchr(t.p, ' ', t.len);
		auth_name_set(&r->tty, t.p, space ? (size_t)(space - t.p) : t.len);
	}
	const char *at = memmem(user.p, user.len, mark, strlen(mark));
	if (!at)
		return;
	user.len -= (size_t)(at - user.p) + strlen(mark);
	user.p = at + strlen(mark);
	if (memmem(user.p, user.len, mark, strlen(mark)))
		return;
	const char *end = memmem(user.p, user.len, " ;", 2);
	auth_name_set(&r->user, user.p, end ? (size_t)(end - user.p) : user.len);
}

/* HOST:PORT, as dropbear has it; IPv6 without brackets. */
static void drop_port(struct auth_piece *host)
{
	const char *colon = host->len ? memrchr(host->p, ':', host->len) : NULL;

	if (colon)
		host->len = (size_t)(colon - host->p);
}

static void fill(enum auth_program program, const struct row *row, const struct auth_pieces *c,
		 struct auth_report *r)
{
	r->step = row->step;
	r->outcome = row->outcome;
	r->reason =
		c->invalid && row->step != AUTH_STEP_gone ? AUTH_REASON_user_unknown : row->reason;
	r->method = c->method.len ? method_of(c->method) : row->method;
	r->count = row->step == AUTH_STEP_tries ? c->number : 0;
	auth_name_set(&r->user, c->user.p, c->user.len);
	auth_name_set(&r->invoker, c->invoker.p, c->invoker.len);
	auth_name_set(&r->host, c->host.p, c->host.len);
	auth_name_set(&r->tty, c->tty.p, c->tty.len);
	auth_name_set(&r->key, c->key.p, c->key.len);
	if (program == AUTH_PROGRAM_sudo)
		sudo_fields(c->rest, r);
	/* Lines that name root without a name's place. */
	if (!r->user.len && (strstr(row->pattern, "ROOT") || strstr(row->pattern, "root login")))
		auth_name_set(&r->user, "root", 4);
}

static void trim(struct auth_piece *t)
{
	while (t->len && (!t->p[t->len - 1] || strchr(" \r\n", t->p[t->len - 1])))
		t->len--;
	while (t->len && *t->p == ' ') {
		t->p++;
		t->len--;
	}
}

bool log_text_parse(enum auth_program program, struct auth_piece text, struct auth_piece peer,
		    bool cut, struct auth_report *ret)
{
	const struct row *rows =
		program < sizeof(tables) / sizeof(tables[0]) ? tables[program] : NULL;
	struct auth_pieces c;
	bool preauth = false;

	auth_report_init(ret);
	trim(&text);
	if (log_pam_parse(text, ret))
		return true;
	if (program == AUTH_PROGRAM_sshd) {
		if (!drop_prefix(&text, "error: "))
			drop_prefix(&text, "fatal: ");
		preauth = drop_suffix(&text, " [preauth]");
	}
	/* What a client puts into a line may hold the end of one; its own address it can't choose.
	 */
	bool known = program == AUTH_PROGRAM_sshd && peer.len;
	const struct row *row = known ? find(rows, text, &peer, &c) : NULL;
	if (!row || !c.host.len)
		row = find(rows, text, NULL, &c);
	if (!row)
		return false;
	if (program == AUTH_PROGRAM_dropbear)
		drop_port(&c.host);
	fill(program, row, &c, ret);
	if (program == AUTH_PROGRAM_sshd) {
		unescape(&ret->user);
		/* Those lines come from a process that has no log: escaped once more on the way. */
		if (preauth)
			unescape(&ret->user);
	}
	ret->user.cut |= cut;
	weaken(ret);
	return ret->step != AUTH_STEP_none;
}
