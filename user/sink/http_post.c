/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST by libcurl. The multi interface drives the one transfer, because only it can be woken: an
 * easy transfer looks up from its socket once a second.
 *
 * Proxies come from the environment (https_proxy, no_proxy), as is libcurl's custom.
 */
#include "sink/http_post.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/clock.h"
#include "sink/http_headers.h"

#define POLL_MS 1000

struct http_client {
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	z_stream gz;
	bool gz_ready;
	struct buf packed;
	char error[CURL_ERROR_SIZE];
	bool too_long;
	struct http_reply *reply; /* of the running request */
};

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct http_client *h = ctx;

	n *= size;
	if (n > HTTP_REPLY_MAX - h->reply->body.len) {
		h->too_long = true;
		return 0;
	}
	buf_put(&h->reply->body, p, n);
	return h->reply->body.failed ? 0 : n;
}

static void curl_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Headers from the file, and ours. An empty Expect keeps libcurl from asking before long bodies. */
static int set_headers(struct http_client *h, const struct http_config *c, struct err *e)
{
	char type[128];
	const char *const ours[] = { type, "Content-Encoding: gzip", "Expect:" };

	if (c->headers_file) {
		int r = http_headers_read(c->headers_file, &h->headers, e);
		if (r < 0)
			return r;
	}
	snprintf(type, sizeof(type), "Content-Type: %s", c->content_type);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		struct curl_slist *longer = curl_slist_append(h->headers, ours[i]);
		if (!longer)
			return err_set(e, -ENOMEM, "out of memory");
		h->headers = longer;
	}
	return curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers) == CURLE_OK ? 0 : -ENOMEM;
}

static int set_options(struct http_client *h, const struct http_config *c, struct err *e)
{
	CURLcode r = CURLE_OK;
#define SET(option_, value_) (r = r ? r : curl_easy_setopt(h->easy, option_, value_))
	SET(CURLOPT_URL, c->url);
#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
	SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_USERAGENT, c->user_agent);
	SET(CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)c->timeout_ms);
	SET(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	SET(CURLOPT_QUICK_EXIT, 1L); /* don't wait for a resolver that hangs */
#endif
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (c->ca_file)
		SET(CURLOPT_CAINFO, c->ca_file);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, h);
	SET(CURLOPT_ERRORBUFFER, h->error);
#undef SET
	return r ? err_set(e, -EINVAL, "libcurl: %s", curl_easy_strerror(r)) : 0;
}

int http_open(const struct http_config *c, struct http_client **ret, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int r = err_set(e, -ENOMEM, "out of memory");

	pthread_once(&once, curl_init);
	struct http_client *h = calloc(1, sizeof(*h));
	if (!h)
		return r;
	h->easy = curl_easy_init();
	h->multi = curl_multi_init();
	/* 16 + 15: gzip framing, largest window */
	h->gz_ready = deflateInit2(&h->gz, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8,
				   Z_DEFAULT_STRATEGY) == Z_OK;
	if (!h->easy || !h->multi || !h->gz_ready)
		goto out;
	r = set_options(h, c, e);
	if (r < 0)
		goto out;
	r = set_headers(h, c, e);
	if (r < 0)
		goto out;
	*ret = h;
	return 0;
out:
	http_close(h);
	return r;
}

void http_close(struct http_client *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->easy);
	curl_multi_cleanup(h->multi);
	curl_slist_free_all(h->headers);
	if (h->gz_ready)
		deflateEnd(&h->gz);
	buf_free(&h->packed);
	free(h);
}

static int gzip(struct http_client *h, const void *body, size_t len)
{
	if (len > UINT32_MAX / 2 || deflateReset(&h->gz) != Z_OK)
		return -ENOMEM;
	size_t bound = deflateBound(&h->gz, (uLong)len);
	buf_reset(&h->packed);
	char *to = buf_reserve(&h->packed, bound);
	if (!to)
		return -ENOMEM;
	h->gz.next_in = (Bytef *)body; /* zlib only reads it */
	h->gz.avail_in = (uInt)len;
	h->gz.next_out = (Bytef *)to;
	h->gz.avail_out = (uInt)bound;
	if (deflate(&h->gz, Z_FINISH) != Z_STREAM_END)
		return -ENOMEM;
	h->packed.len = bound - h->gz.avail_out;
	return 0;
}

/* ms to wait for the transfer before looking up; 0 when it is time to stop. */
static int patience(const _Atomic uint64_t *stop_at)
{
	uint64_t stop = atomic_load(stop_at), now = clock_monotonic();

	if (!stop)
		return POLL_MS;
	if (now >= stop)
		return 0;
	uint64_t left = (stop - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
	return left < POLL_MS ? (int)left : POLL_MS;
}

/* Runs the transfer to its end. */
static int drive(struct http_client *h, const _Atomic uint64_t *stop_at, CURLcode *ret)
{
	int running = 1, ms, queued;
	CURLMsg *msg;

	for (;;) {
		if (curl_multi_perform(h->multi, &running) != CURLM_OK)
			return -EIO;
		if (!running)
			break;
		ms = patience(stop_at);
		if (!ms)
			return -ECANCELED;
		if (curl_multi_poll(h->multi, NULL, 0, ms, NULL) != CURLM_OK)
			return -EIO;
	}
	msg = curl_multi_info_read(h->multi, &queued);
	if (!msg || msg->msg != CURLMSG_DONE)
		return -EIO;
	*ret = msg->data.result;
	return 0;
}

int http_post(struct http_client *h, const void *body, size_t len, const _Atomic uint64_t *stop_at,
	      struct http_reply *ret)
{
	CURLcode result = CURLE_OK;
	curl_off_t after = 0;
	int r;

	ret->status = 0;
	ret->retry_after_s = 0;
	ret->error[0] = '\0';
	buf_reset(&ret->body);
	r = gzip(h, body, len);
	if (r < 0)
		return r;
	h->reply = ret;
	h->too_long = false;
	h->error[0] = '\0';
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, h->packed.data);
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)h->packed.len);
	if (curl_multi_add_handle(h->multi, h->easy) != CURLM_OK)
		return -ENOMEM;
	r = drive(h, stop_at, &result);
	curl_multi_remove_handle(h->multi, h->easy);
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &ret->status);
	curl_easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &after);
	ret->retry_after_s = after > 0 ? after : 0;
	if (h->too_long)
		return -EMSGSIZE;
	if (!r && result != CURLE_OK)
		r = -EIO;
	if (r)
		snprintf(ret->error, sizeof(ret->error), "%s",
			 *h->error ? h->error : curl_easy_strerror(result));
	return r;
}

void http_wake(struct http_client *h)
{
	curl_multi_wakeup(h->multi);
}
