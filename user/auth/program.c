/* SPDX-License-Identifier: Apache-2.0 */
/* The table of programs. */
#include "auth/program.h"

#include <string.h>

static const struct {
	const char *name;
	enum auth_program program;
} programs[] = {
	{ "sshd", AUTH_PROGRAM_sshd },
	{ "sshd-session", AUTH_PROGRAM_sshd }, /* OpenSSH 9.8 on */
	{ "sshd-auth", AUTH_PROGRAM_sshd }, /* 10.0 on */
	{ "dropbear", AUTH_PROGRAM_dropbear },
	{ "dropbearmulti", AUTH_PROGRAM_dropbear },
	{ "su", AUTH_PROGRAM_su },
	{ "runuser", AUTH_PROGRAM_su },
	{ "pkexec", AUTH_PROGRAM_su },
	{ "sudo", AUTH_PROGRAM_sudo },
	{ "sudo-rs", AUTH_PROGRAM_sudo },
	{ "doas", AUTH_PROGRAM_doas },
	{ "login", AUTH_PROGRAM_login },
	{ "vsftpd", AUTH_PROGRAM_vsftpd },
	{ "proftpd", AUTH_PROGRAM_proftpd },
	{ "in.proftpd", AUTH_PROGRAM_proftpd },
	{ "passwd", AUTH_PROGRAM_passwd },
	{ "chpasswd", AUTH_PROGRAM_passwd },
	{ "gdm-session-worker", AUTH_PROGRAM_display },
	{ "sddm-helper", AUTH_PROGRAM_display },
	{ "lightdm", AUTH_PROGRAM_display },
	{ "lxdm-session", AUTH_PROGRAM_display },
	{ "xdm", AUTH_PROGRAM_display },
	{ "greetd", AUTH_PROGRAM_display },
	{ "cockpit-session", AUTH_PROGRAM_display },
	{ "busybox", AUTH_PROGRAM_busybox },
	{ "busybox.suid", AUTH_PROGRAM_busybox },
	{ "bbsuid", AUTH_PROGRAM_busybox },
	{ "cron", AUTH_PROGRAM_quiet },
	{ "crond", AUTH_PROGRAM_quiet },
	{ "fcron", AUTH_PROGRAM_quiet },
	{ "atd", AUTH_PROGRAM_quiet },
	{ "anacron", AUTH_PROGRAM_quiet },
	{ "CRON", AUTH_PROGRAM_quiet },
	{ "systemd", AUTH_PROGRAM_quiet },
	{ "systemd-executor", AUTH_PROGRAM_quiet },
	{ "unix_chkpwd", AUTH_PROGRAM_quiet }, /* its caller reports as well */
	{ "systemd-journald", AUTH_PROGRAM_relay },
	{ "rsyslogd", AUTH_PROGRAM_relay },
	{ "syslog-ng", AUTH_PROGRAM_relay },
	{ "syslogd", AUTH_PROGRAM_relay },
	{ "auditd", AUTH_PROGRAM_relay },
	{ "audisp-syslog", AUTH_PROGRAM_relay },
};

enum auth_program auth_program_of(const char *path, size_t len)
{
	const char *slash = memrchr(path, '/', len);
	const char *name = slash ? slash + 1 : path;
	size_t n = len - (size_t)(name - path);

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strlen(programs[i].name) == n && !memcmp(programs[i].name, name, n))
			return programs[i].program;
	return AUTH_PROGRAM_other;
}
