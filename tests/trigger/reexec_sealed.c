/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runc does against CVE-2019-5736: copies its own executable to a memfd, seals it and runs
 * that. And those who only look as if they did.
 *
 *   reexec_sealed honest       sealed, the same content; runs until its standard input ends
 *   reexec_sealed gone         the same, but ends at once: the contents may not be comparable
 *   reexec_sealed impostor     sealed, same size, same first 4 KiB, runc's name, other content
 *   reexec_sealed other        sealed, another size
 *   reexec_sealed unsealed     the same content, which anybody with the descriptor can change
 *   reexec_sealed half         the same content, sealed but for writing
 *   reexec_sealed deleted      honest, but its file is removed first: no file holds the code
 */
#include "trigger.h"

#include <stdbool.h>

#define RUNC_NAME  "runc_cloned:/proc/self/exe"
#define RUNC_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define SAME_START 4096

/* What the impostor changes in its copy of itself: nothing that the program needs. */
static volatile char marker[] = "this is what the file says";

static char *find_marker(char *p, size_t n)
{
	char want[sizeof(marker)];
	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = marker[i];
	char *at = memmem(p + SAME_START, n - SAME_START, want, sizeof(want));
	if (!at)
		die("marker");
	return at;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	bool impostor = !strcmp(mode, "impostor"), other = !strcmp(mode, "other");
	bool gone = !strcmp(mode, "gone"), deleted = !strcmp(mode, "deleted");
	int seals = RUNC_SEALS;
	size_t n;

	if (argc == 3) { /* again, from the memfd */
		say("{\"pid\":%d,\"what\":\"%s\",\"path\":\"\",\"changed\":%s}", getpid(), mode,
		    marker[0] == 't' ? "false" : "true");
		if (!gone)
			wait_for_eof();
		return 0;
	}
	if (!strcmp(mode, "unsealed")) {
		seals = 0;
	} else if (!strcmp(mode, "half")) {
		seals = F_SEAL_SHRINK | F_SEAL_GROW;
	} else if (!impostor && !other && !gone && !deleted && strcmp(mode, "honest")) {
		fprintf(stderr, "%s: there is no such mode\n", mode);
		return 2;
	}
	char *p = read_self(&n);
	if (impostor)
		*find_marker(p, n) = 'T';
	if (deleted && unlink(argv[0]))
		die(argv[0]);
	int fd = memfd_with(RUNC_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING, p, n);
	if (other)
		write_all(fd, "more", 4);
	if (seals && fcntl(fd, F_ADD_SEALS, seals))
		die("F_ADD_SEALS");
	fexecve(fd, (char *[]){ argv[0], argv[1], "again", NULL }, environ);
	die("fexecve");
}
