/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c: what follows from how an exchange ended: a result, another try, or why not. */
#include <string.h>

#include "http.h"

enum {
    TRIES = 4,
    FIRST_WAIT_MS = 100, /* then three times as long each time */
    LONGEST_WAIT_S = 10, /* whatever the server asks for */
};

#define MS_NS ((int64_t)1000000)

/* Wait until the next try; false: there is none. */
static bool again(struct ff_http_request *r)
{
    curl_off_t asked_s = 0;
    int64_t wait_ms = FIRST_WAIT_MS;

    if (r->attempts >= TRIES) {
        return false;
    }
    for (unsigned i = 1; i < r->attempts; i++) {
        wait_ms *= 3;
    }
    (void)curl_easy_getinfo(r->curl, CURLINFO_RETRY_AFTER, &asked_s);
    if (asked_s > 0) {
        wait_ms = 1000 * (asked_s < LONGEST_WAIT_S ? asked_s : LONGEST_WAIT_S);
    }
    r->at_ns = wait_ms * MS_NS; /* from now on: the run adds the time */
    return true;
}

static bool judge_transfer(struct ff_http_request *r, CURLcode rc)
{
    const char *why = *r->why ? r->why : curl_easy_strerror(rc);

    switch (rc) {
    case CURLE_OUT_OF_MEMORY:
        (void)ff_http_request_fail(r, FF_E_NO_MEMORY, "%s", why);
        return false;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        (void)ff_http_request_fail(r, FF_E_PERMISSION, "TLS: %s", why);
        ff_error_fix(&r->error, "options.ca_bundle names the certificates to trust");
        break;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        (void)ff_http_request_fail(r, FF_E_USAGE, "%s", why);
        break;
    default:
        (void)ff_http_request_fail(r, FF_E_NETWORK, "%s", why);
        r->error.flags |= FF_ERR_RETRYABLE;
        r->error.lib_code = (int32_t)rc;
        /* silence costs the whole time-out each time */
        return (rc != CURLE_OPERATION_TIMEDOUT || r->attempts == 1) && again(r);
    }
    r->error.lib_code = (int32_t)rc;
    return false;
}

/* A folder has a page, whose URL ends with '/': there is no such object. */
static bool is_own_folder(const struct ff_http_request *r)
{
    char *to = NULL;
    size_t n = strlen(r->url), m;

    (void)curl_easy_getinfo(r->curl, CURLINFO_REDIRECT_URL, &to);
    m = to ? strlen(to) : 0;
    return m == n + 1 && to[n] == '/' && strncmp(to, r->url, n) == 0;
}

static bool judge_status(struct ff_http_request *r, int status)
{
    char *to = NULL;

    switch (status) {
    case 401:
    case 403:
    case 407:
        (void)ff_http_request_fail(r, FF_E_PERMISSION, "the server refuses it (%d)",
                                   status);
        break;
    case 404:
    case 410:
        (void)ff_http_request_fail(r, FF_E_NOT_FOUND, "there is no such object (%d)",
                                   status);
        break;
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        (void)ff_http_request_fail(r, FF_E_NETWORK, "the server answers %d", status);
        r->error.flags |= FF_ERR_RETRYABLE;
        r->error.http_status = status;
        return again(r);
    default:
        if (status < 300 || status > 399) {
            (void)ff_http_request_fail(r, FF_E_OTHER, "the server answers %d", status);
        } else if (is_own_folder(r)) {
            (void)ff_http_request_fail(r, FF_E_NOT_FOUND, "it is a folder");
        } else {
            (void)curl_easy_getinfo(r->curl, CURLINFO_REDIRECT_URL, &to);
            (void)ff_http_request_fail(
                r, FF_E_UNSUPPORTED,
                "the server sends to %.300s (%d), which is not followed",
                to ? to : "nowhere", status);
            ff_error_fix(&r->error, "give that URL for the storage, if you trust it");
        }
    }
    r->error.http_status = status;
    return false;
}

bool ff_http_request_judge(struct ff_http_request *r, CURLcode rc)
{
    int status = ff_http_status(r);
    bool good =
        status == 200 || (!r->head && !r->page && (status == 206 || status == 416));

    if (!r->code && !r->has_head && rc == CURLE_OK) {
        (void)ff_http_take_head(r);
    }
    if (r->code) {
        r->error.http_status = status;
        return r->code == FF_E_NETWORK && again(r);
    }
    if (status && !good &&
        (rc == CURLE_OK || r->drained_bytes > FF_HTTP_DRAIN_MAX_BYTES)) {
        return judge_status(r, status);
    }
    if (good && r->enough && r->got_bytes == r->take_bytes) {
        return false;
    }
    if (rc != CURLE_OK) {
        return judge_transfer(r, rc);
    }
    if (!r->head && !r->page && r->got_bytes != r->take_bytes) {
        (void)ff_http_request_fail(r, FF_E_NETWORK, "the answer ends early");
        return again(r);
    }
    return false;
}
