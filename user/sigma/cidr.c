/* SPDX-License-Identifier: Apache-2.0 */
/* Networks: every address as 16 bytes. */
#include "sigma/cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAPPED_BITS 96

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* v4: as written, not as mapped. */
static bool address(const char *text, size_t len, uint8_t ret[16], bool *ret_v4)
{
	char copy[INET6_ADDRSTRLEN];

	if (!len || len >= sizeof(copy) || memchr(text, 0, len))
		return false;
	memcpy(copy, text, len);
	copy[len] = 0;
	*ret_v4 = !strchr(copy, ':');
	if (!*ret_v4)
		return inet_pton(AF_INET6, copy, ret) == 1;
	memcpy(ret, mapped, sizeof(mapped));
	return inet_pton(AF_INET, copy, ret + sizeof(mapped)) == 1;
}

static bool is_mapped(const uint8_t a[16])
{
	return !memcmp(a, mapped, sizeof(mapped));
}

static bool bit(const uint8_t *a, unsigned i)
{
	return a[i / 8] >> (7 - i % 8) & 1;
}

/* BITS or a netmask; -1: neither. */
static int prefix(const char *text, size_t len, bool v4)
{
	uint8_t mask[16];
	bool mask_v4;
	int n = 0;

	if (v4 && memchr(text, '.', len)) {
		if (!address(text, len, mask, &mask_v4))
			return -1;
		while (n < 32 && bit(mask + 12, (unsigned)n))
			n++;
		for (unsigned i = (unsigned)n; i < 32; i++)
			if (bit(mask + 12, i))
				return -1;
		return n;
	}
	if (!len || len > 3)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		n = 10 * n + text[i] - '0';
	}
	return n <= (v4 ? 32 : 128) ? n : -1;
}

static void clear_host(uint8_t a[16], unsigned bits)
{
	for (unsigned i = bits; i < 128; i++)
		a[i / 8] &= (uint8_t) ~(1U << (7 - i % 8));
}

int cidr_parse(const char *text, size_t len, struct cidr *ret, char why[CIDR_WHY_MAX])
{
	const char *slash = memchr(text, '/', len);
	size_t n = slash ? (size_t)(slash - text) : len;
	uint8_t net[16];

	if (!address(text, n, ret->addr, &ret->v4)) {
		snprintf(why, CIDR_WHY_MAX,
			 "not a network: write ADDRESS/BITS, like 10.0.0.0/8 or fe80::/10");
		return -EINVAL;
	}
	int bits = ret->v4 ? 32 : 128;
	if (slash)
		bits = prefix(slash + 1, len - n - 1, ret->v4);
	if (bits < 0) {
		snprintf(why, CIDR_WHY_MAX, "the bits behind / must be 0 to %d",
			 ret->v4 ? 32 : 128);
		return -EINVAL;
	}
	ret->bits = (unsigned)bits + (ret->v4 ? MAPPED_BITS : 0);
	memcpy(net, ret->addr, sizeof(net));
	clear_host(net, ret->bits);
	if (memcmp(net, ret->addr, sizeof(net)) != 0) {
		char good[INET6_ADDRSTRLEN];
		inet_ntop(ret->v4 ? AF_INET : AF_INET6, ret->v4 ? net + 12 : net, good,
			  sizeof(good));
		snprintf(why, CIDR_WHY_MAX, "the address has bits beyond the network: write %s/%d",
			 good, bits);
		return -EINVAL;
	}
	return 0;
}

bool cidr_match(const struct cidr *c, const char *text, size_t len)
{
	uint8_t a[16];
	bool v4;

	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	const char *zone = memchr(text, '%', len);
	if (zone)
		len = (size_t)(zone - text);
	if (!address(text, len, a, &v4))
		return false;
	/* ::/0 is all of IPv6, not of IPv4; a network of mapped addresses is one of IPv4. */
	if (!c->v4 && v4 && (c->bits < MAPPED_BITS || !is_mapped(c->addr)))
		return false;
	clear_host(a, c->bits);
	return !memcmp(a, c->addr, sizeof(a));
}
