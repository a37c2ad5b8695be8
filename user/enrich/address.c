/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of connections. */
#include "enrich/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const unsigned char v4_mapped[12] = { [10] = 0xff, 0xff };
static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

/* NULL if events of the type have none. Looked up once per type. */
static const struct field *end_of(const struct ev_desc *d, enum address_end end)
{
	static const char *const names[] = {
		[ADDRESS_source] = "source.address", [ADDRESS_destination] = "destination.address"
	};
	static struct {
		bool known;
		const struct field *f;
	} cache[EV_TYPE_MAX][2];

	if (!cache[d->id][end].known) {
		cache[d->id][end].f = field_find(d, names[end]);
		cache[d->id][end].known = true;
	}
	return cache[d->id][end].f;
}

bool address_of(const struct event *ev, struct address *ret)
{
	return address_of_end(ev, ADDRESS_source, ret);
}

bool address_of_end(const struct event *ev, enum address_end end, struct address *ret)
{
	const struct field *f = end_of(ev->desc, end);
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	sa_family_t family;
	struct ev_str s;
	size_t len;

	if (!f)
		return false;
	memcpy(&s, (const char *)ev->rec + f->off, sizeof(s));
	const char *p = rec_str(ev->rec, s, &len);
	if (len < sizeof(family))
		return false;
	memcpy(&family, p, sizeof(family));
	if (family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, p, sizeof(in));
		memcpy(ret->ip, v4_mapped, sizeof(v4_mapped));
		memcpy(ret->ip + sizeof(v4_mapped), &in.sin_addr, sizeof(in.sin_addr));
		ret->port = ntohs(in.sin_port);
		return true;
	}
	if (family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, p, sizeof(in6));
		memcpy(ret->ip, &in6.sin6_addr, sizeof(ret->ip));
		ret->port = ntohs(in6.sin6_port);
		return true;
	}
	return false;
}

static bool is_v4(const unsigned char ip[16])
{
	return !memcmp(ip, v4_mapped, sizeof(v4_mapped));
}

static void put(const unsigned char ip[16], const char *suffix, struct value *ret)
{
	char text[INET6_ADDRSTRLEN];

	if (is_v4(ip))
		inet_ntop(AF_INET, ip + sizeof(v4_mapped), text, sizeof(text));
	else
		inet_ntop(AF_INET6, ip, text, sizeof(text));
	value_printf(ret, "%s%s", text, suffix);
}

void address_ip(const struct address *a, struct value *ret)
{
	put(a->ip, "", ret);
}

static bool is_one_client(const unsigned char ip[16])
{
	return is_v4(ip) || IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)(const void *)ip) ||
	       (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) || !memcmp(ip, nat64, sizeof(nat64));
}

void address_net(const struct address *a, struct value *ret)
{
	unsigned char net[16] = { 0 };

	if (is_one_client(a->ip)) {
		put(a->ip, "", ret);
		return;
	}
	memcpy(net, a->ip, 8);
	put(net, "/64", ret);
}

/* --- derived fields --- */

void address_get_ip(const struct event *ev, struct value *ret)
{
	struct address a;

	if (address_of(ev, &a))
		address_ip(&a, ret);
}

void address_get_net(const struct event *ev, struct value *ret)
{
	struct address a;

	if (address_of(ev, &a))
		address_net(&a, ret);
}

void address_get_port(const struct event *ev, struct value *ret)
{
	struct address a;

	if (address_of(ev, &a))
		value_num(ret, a.port);
}

void address_get_destination_ip(const struct event *ev, struct value *ret)
{
	struct address a;

	if (address_of_end(ev, ADDRESS_destination, &a))
		address_ip(&a, ret);
}

void address_get_destination_port(const struct event *ev, struct value *ret)
{
	struct address a;

	if (address_of_end(ev, ADDRESS_destination, &a))
		value_num(ret, a.port);
}
