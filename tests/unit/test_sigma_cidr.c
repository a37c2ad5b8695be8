/* SPDX-License-Identifier: Apache-2.0 */
/* Networks and the spellings of addresses. */
#include "sigma/cidr.h"
#include "sigma_hand.h"

static const char *why(const char *text)
{
	static char buf[CIDR_WHY_MAX];
	struct cidr c;

	buf[0] = 0;
	assert_int_equal(cidr_parse(text, strlen(text), &c, buf), -EINVAL);
	return buf;
}

static void networks_of_ipv4(void **state)
{
	(void)state;
	yes("f|cidr", S("10.0.0.0/8"), S("10.255.0.1"));
	no("f|cidr", S("10.0.0.0/8"), S("11.0.0.1"));
	yes("f|cidr", S("0.0.0.0/0"), S("1.2.3.4"));
	yes("f|cidr", S("1.2.3.4/32"), S("1.2.3.4"));
	yes("f|cidr", S("1.2.3.4"), S("1.2.3.4"));
	no("f|cidr", S("1.2.3.4"), S("1.2.3.5"));
	yes("f|cidr", S("192.168.0.0/255.255.0.0"), S("192.168.7.1"));
	yes("f|cidr", S("172.16.0.0/12"), S("172.31.255.255"));
	no("f|cidr", S("172.16.0.0/12"), S("172.32.0.0"));
	yes("f|cidr", S("10.0.0.0/8"), S("::ffff:10.1.2.3"));
	yes("f|cidr", S("10.0.0.0/8"), S("::FFFF:0a01:0203"));
	no("f|cidr", S("0.0.0.0/0"), S("::1"));
	no("f|cidr", S("10.0.0.0/8"), S("10.1.2"));
	no("f|cidr", S("10.0.0.0/8"), S("10.1.2.3.4"));
	no("f|cidr", S("10.0.0.0/8"), S("10.1.2.3 "));
	no("f|cidr", S("10.0.0.0/8"), S("not an address"));
	no("f|cidr", S("10.0.0.0/8"), S(""));
	no("f|cidr", S("10.0.0.0/8"), null());
	yes("|cidr", S("10.0.0.0/8"), S("10.1.2.3"));
}

static void networks_of_ipv6(void **state)
{
	(void)state;
	yes("f|cidr", S("fe80::/10"), S("fe80::1"));
	yes("f|cidr", S("fe80::/10"), S("FEBF:0000::1%eth0"));
	no("f|cidr", S("fe80::/10"), S("fec0::1"));
	yes("f|cidr", S("2001:db8::/32"), S("2001:0DB8:0000:0000:0000:0000:0000:0001"));
	yes("f|cidr", S("2001:DB8:0::/32"), S("[2001:db8::1]"));
	yes("f|cidr", S("::1"), S("0:0:0:0:0:0:0:1"));
	yes("f|cidr", S("::/0"), S("::1"));
	no("f|cidr", S("::/0"), S("1.2.3.4"));
	yes("f|cidr", S("::ffff:10.0.0.0/104"), S("10.1.2.3"));
	yes("f|cidr", S("::ffff:10.0.0.0/104"), S("::ffff:10.1.2.3"));
}

static void wrong_networks_are_explained(void **state)
{
	(void)state;
	assert_non_null(strstr(why("10.0.0.1/8"), "write 10.0.0.0/8"));
	assert_non_null(strstr(why("2001:db8::1/32"), "write 2001:db8::/32"));
	assert_non_null(strstr(why("10.0.0.0/33"), "0 to 32"));
	assert_non_null(strstr(why("::/129"), "0 to 128"));
	assert_non_null(strstr(why("10.0.0.0/"), "0 to 32"));
	assert_non_null(strstr(why("10.0.0.0/-1"), "0 to 32"));
	assert_non_null(strstr(why("10.0.0.0/255.0.255.0"), "0 to 32"));
	assert_non_null(strstr(why("10.0.0/8"), "ADDRESS/BITS"));
	assert_non_null(strstr(why(""), "ADDRESS/BITS"));
	assert_non_null(strstr(why("10.0.0.*"), "ADDRESS/BITS"));
	assert_non_null(strstr(why("300.0.0.0/8"), "ADDRESS/BITS"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_of_ipv4),
		cmocka_unit_test(networks_of_ipv6),
		cmocka_unit_test(wrong_networks_are_explained),
	};
	return cmocka_run_group_tests_name("sigma_cidr", tests, NULL, NULL);
}
