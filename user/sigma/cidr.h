/* SPDX-License-Identifier: Apache-2.0 */
/* Networks (RFC 4632, RFC 4291) and whether an address, in whatever spelling, is in one. */
#ifndef REDSHANK_SIGMA_CIDR_H
#define REDSHANK_SIGMA_CIDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cidr {
	uint8_t addr[16]; /* IPv4 as ::ffff:a.b.c.d, RFC 4291 2.5.5.2 */
	unsigned bits; /* of 128 */
	bool v4;
};

/*
 * ADDRESS, ADDRESS/BITS or ADDRESS/NETMASK (IPv4). On error -EINVAL and in *ret_why what is wrong,
 * with what to write instead.
 */
#define CIDR_WHY_MAX 120
int cidr_parse(const char *text, size_t len, struct cidr *ret, char ret_why[CIDR_WHY_MAX]);
/* false too for text that is no address. An IPv4 address is also found in its IPv4-mapped spelling,
 * and a zone ("%eth0") or brackets around an IPv6 address do not matter. */
bool cidr_match(const struct cidr *c, const char *text, size_t len);

#endif
