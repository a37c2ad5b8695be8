/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of an event's connection, as people count them: an IPv4 address that
 * came through an IPv6 socket is an IPv4 address.
 */
#ifndef REDSHANK_ENRICH_ADDRESS_H
#define REDSHANK_ENRICH_ADDRESS_H

#include "schema/value.h"

struct address {
	unsigned char ip[16]; /* IPv4: ::ffff:a.b.c.d */
	uint16_t port;
};

enum address_end { ADDRESS_source, ADDRESS_destination };

/* False: the event has no internet address of this name. */
bool address_of_end(const struct event *ev, enum address_end end, struct address *ret);

/* Its source.address. */
bool address_of(const struct event *ev, struct address *ret);

/* "203.0.113.9", "2001:db8::1". */
void address_ip(const struct address *a, struct value *ret);

/*
 * Whom the address stands for, so that one client can't be many: of IPv6 the /64 that a client
 * gets and changes within (RFC 7934), as "2001:db8::/64"; whole where a /64 is not one client's:
 * IPv4, loopback, link-local addresses, and IPv4 clients behind NAT64's 64:ff9b::/96 (RFC 6052).
 */
void address_net(const struct address *a, struct value *ret);

/* Derived fields of any event with such an address. */
void address_get_ip(const struct event *ev, struct value *ret);
void address_get_net(const struct event *ev, struct value *ret);
void address_get_port(const struct event *ev, struct value *ret);
void address_get_destination_ip(const struct event *ev, struct value *ret);
void address_get_destination_port(const struct event *ev, struct value *ret);

#endif
