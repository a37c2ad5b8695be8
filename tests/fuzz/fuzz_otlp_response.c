/* SPDX-License-Identifier: Apache-2.0 */
/* What an OTLP server answers, in rooms of several sizes. */
#include <errno.h>

#include "base/utf8.h"
#include "encode/otlp.h"
#include "fuzz.h"

static void printable(const char *message, size_t cap)
{
	must(memchr(message, 0, cap));
	must(utf8_valid(message, strlen(message)));
	for (; *message; message++)
		must((unsigned char)*message >= 0x20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t caps[] = { 1, 2, 16, 512 };
	void *copy = fuzz_copy(data, size);

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		char *message = malloc(caps[i]);
		int64_t rejected = 0;

		must(message);
		int rc = otlp_response(copy, size, &rejected, message, caps[i]);
		must(rc == 0 || rc == -EBADMSG);
		if (!rc)
			printable(message, caps[i]);
		otlp_status(copy, size, message, caps[i]);
		printable(message, caps[i]);
		free(message);
	}
	free(copy);
	return 0;
}
