/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a field's rows in the taxonomy. */
#include "detect/sigma_source.h"

#include <ctype.h>
#include <string.h>

#include "detect/sigma_feeds.h"

static bool resolve(const struct sigma_source *s, const struct sigma_feed *feed,
		    struct sigma_row *ret)
{
	*ret = (struct sigma_row){ .feed = feed };
	if (feed->get || feed->flags & SIGMA_FEED_constant)
		return true;
	return any_field_find(ev_desc(s->event), feed->from, &ret->field);
}

static void find_rows(const struct sigma_source *s, const struct sigma_feed *feed,
		      struct sigma_feeder *ret)
{
	for (; feed && feed->name && ret->n < SIGMA_ROWS_MAX; feed++)
		if (!strcmp(feed->name, ret->name))
			ret->n += resolve(s, feed, &ret->row[ret->n]);
}

bool sigma_feeder_find(const struct sigma_source *s, const char *name, struct sigma_feeder *ret)
{
	*ret = (struct sigma_feeder){ .name = name };
	find_rows(s, s->feed, ret);
	find_rows(s, s->more, ret);
	if (ret->n)
		return true;
	const struct sigma_feed *pattern = sigma_pattern_find(s, name);
	if (pattern)
		ret->row[ret->n++].feed = pattern;
	else if (any_field_find(ev_desc(s->event), name, &ret->row[0].field))
		ret->n = 1;
	return ret->n > 0;
}

void sigma_keywords_find(const struct sigma_source *s, struct sigma_keywords *ret)
{
	const struct sigma_feed *const part[] = { s->feed, s->more };

	*ret = (struct sigma_keywords){ 0 };
	for (unsigned i = 0; i < 2; i++)
		for (const struct sigma_feed *feed = part[i]; feed && feed->name; feed++)
			if (feed->flags & SIGMA_FEED_keyword && ret->n < SIGMA_KEYWORDS_MAX)
				ret->n += resolve(s, feed, &ret->row[ret->n]);
}
