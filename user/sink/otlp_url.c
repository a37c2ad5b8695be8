/* SPDX-License-Identifier: Apache-2.0 */
/* Checks an endpoint's URL with the parser that will use it. */
#include "sink/otlp_url.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "sink/otlp_http.h"

#define DEFAULT_PATH "/v1/logs"

static bool has_part(CURLU *u, CURLUPart part)
{
	char *s = NULL;
	bool has = curl_url_get(u, part, &s, 0) == CURLUE_OK;

	curl_free(s);
	return has;
}

static bool part_is(CURLU *u, CURLUPart part, const char *what)
{
	char *s = NULL;
	bool is = curl_url_get(u, part, &s, 0) == CURLUE_OK && !strcmp(s, what);

	curl_free(s);
	return is;
}

/* libcurl guesses: it takes "http:host", "http:///host" and a port of 0. */
static bool begins_well(const char *url)
{
	const char *p = !strncasecmp(url, "http://", 7)	   ? url + 7
			: !strncasecmp(url, "https://", 8) ? url + 8
							   : NULL;
	return p && *p && *p != '/';
}

static int check_parts(CURLU *u, const char *url, struct err *e)
{
	CURLUcode c = curl_url_set(u, CURLUPART_URL, url, 0);

	if (c != CURLUE_OK)
		return err_set(e, -EINVAL, "not a URL of an OTLP endpoint: %s",
			       curl_url_strerror(c));
	if (has_part(u, CURLUPART_USER) || has_part(u, CURLUPART_PASSWORD))
		return err_set(e, -EINVAL,
			       "the URL holds credentials, which everyone can see in the process "
			       "list: put an Authorization line into a headers file");
	if (has_part(u, CURLUPART_FRAGMENT))
		return err_set(e, -EINVAL, "the URL of an OTLP endpoint has no #fragment");
	if (!has_part(u, CURLUPART_HOST))
		return err_set(e, -EINVAL, "the URL names no host");
	if (part_is(u, CURLUPART_PORT, "0"))
		return err_set(e, -EINVAL, "the URL's port is not between 1 and 65535");
	return 0;
}

int otlp_url_resolve(const char *url, char ret[OTLP_URL_MAX + 16], struct err *e)
{
	char *full = NULL;
	int r;

	if (!begins_well(url))
		return err_set(e, -EINVAL,
			       "the URL of an OTLP endpoint looks like http://HOST:4318 or "
			       "https://HOST/v1/logs");
	if (strlen(url) > OTLP_URL_MAX)
		return err_set(e, -EINVAL, "the URL is longer than %d bytes", OTLP_URL_MAX);
	CURLU *u = curl_url();
	if (!u)
		return err_set(e, -ENOMEM, "out of memory");
	r = check_parts(u, url, e);
	if (r < 0)
		goto out;
	if (part_is(u, CURLUPART_PATH, "/"))
		curl_url_set(u, CURLUPART_PATH, DEFAULT_PATH, 0);
	if (curl_url_get(u, CURLUPART_URL, &full, 0) != CURLUE_OK ||
	    strlen(full) >= OTLP_URL_MAX + 16) {
		r = err_set(e, -EINVAL, "the URL is longer than %d bytes", OTLP_URL_MAX);
		goto out;
	}
	strcpy(ret, full);
out:
	curl_free(full);
	curl_url_cleanup(u);
	return r;
}

int otlp_url_check(const char *url, struct err *e)
{
	char full[OTLP_URL_MAX + 16];
	int r = otlp_url_resolve(url, full, e);

	return r < 0 ? -EINVAL : 0;
}

void otlp_cursor_name(const char *url, char ret[OTLP_CURSOR_MAX])
{
	int n = snprintf(ret, OTLP_CURSOR_MAX, "otlp:%s", url);

	if (n < OTLP_CURSOR_MAX)
		return;
	snprintf(ret, OTLP_CURSOR_MAX, "otlp:%.42s#%016" PRIx64, url,
		 hash_bytes(HASH_INIT, url, strlen(url)));
}
