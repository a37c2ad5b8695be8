/* SPDX-License-Identifier: Apache-2.0 */
/* Searches for many texts at once, against a search for each. */
#include <string.h>

#include "sigma/grams.h"
#include "sigma/trie.h"
#include "sigma_hand.h"

#define LITERALS 300
#define TEXT	 200

static uint64_t seed = 42;

static unsigned next(unsigned n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(seed >> 33) % n;
}

/* Few letters, so that there are hits, and hits in hits. */
static void fill(char *s, size_t n, unsigned letters)
{
	for (size_t i = 0; i < n; i++)
		s[i] = (char)(letters == 256 ? next(256) : 'a' + next(letters));
}

static uint32_t seen[LITERALS];

static void mark(void *ctx, uint32_t id)
{
	(void)ctx;
	assert_in_range(id, 0, LITERALS - 1);
	seen[id] = 1;
}

static bool occurs(const struct literal *l, const char *s, size_t n, int where)
{
	if (l->len > n || (l->whole && l->len != n))
		return false;
	if (where)
		return !memcmp(where > 0 ? s : s + n - l->len, l->s, l->len);
	return memmem(s, n, l->s, l->len);
}

/* where: 0 anywhere, 1 beginning, -1 end. */
static void compare(const struct literal *l, size_t n, unsigned letters, int where)
{
	char text[TEXT + 8];
	struct grams *g = NULL;
	struct trie *t = NULL;
	size_t hits = 0;

	if (where)
		assert_int_equal(trie_new(l, n, where < 0, &t), 0);
	else
		assert_int_equal(grams_new(l, n, &g), 0);
	for (unsigned round = 0; round < 300; round++) {
		size_t len = next(round % 2 ? TEXT : 12);
		fill(text, sizeof(text), letters);
		memset(seen, 0, sizeof(seen));
		if (g)
			grams_scan(g, text, len, seen, 1, mark, NULL);
		else
			trie_walk(t, text, len, mark, NULL);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(seen[l[i].id], occurs(&l[i], text, len, where));
			hits += seen[l[i].id];
		}
	}
	if (letters < 10 && n > 10)
		assert_int_not_equal(hits, 0);
	grams_free(g);
	trie_free(t);
}

static void all_are_found_and_nothing_else(void **state)
{
	static char bytes[LITERALS][24];
	static const unsigned letters[] = { 2, 3, 26, 256 };
	struct literal l[LITERALS];

	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		for (int where = -1; where <= 1; where++) {
			for (uint32_t i = 0; i < LITERALS; i++) {
				l[i] = (struct literal){ .s = bytes[i], .id = i };
				l[i].len = 1 + next(i % 3 ? 5 : 20);
				l[i].whole = where > 0 && i % 4 == 0;
				fill(bytes[i], sizeof(bytes[i]), letters[k]);
			}
			if (where) /* the empty text is at every end */
				l[7].len = 0;
			compare(l, LITERALS, letters[k], where);
			compare(l, 1, letters[k], where);
			compare(l, 9, letters[k], where);
		}
	}
}

static void nothing_behind_the_text_is_found(void **state)
{
	const struct literal l[] = { { .s = "abcd", .len = 4 }, { .s = "cd", .len = 2, .id = 1 } };
	struct grams *g;

	(void)state;
	assert_int_equal(grams_new(l, 2, &g), 0);
	memset(seen, 0, sizeof(seen));
	grams_scan(g, "xabcdefghijk", 4, seen, 1, mark, NULL);
	assert_false(seen[0] || seen[1]);
	grams_scan(g, "xabcdefghijk", 5, seen, 1, mark, NULL);
	assert_true(seen[0] && seen[1]);
	assert_true(grams_bytes(g) < 10000);
	grams_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_found_and_nothing_else),
		cmocka_unit_test(nothing_behind_the_text_is_found),
	};
	return cmocka_run_group_tests_name("sigma_scan", tests, NULL, NULL);
}
