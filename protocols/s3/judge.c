/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c: what an answer means, and whether to ask again. Codes are those of
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
#include <curl/curl.h>
#include <string.h>

#include "core/base/alloc.h"
#include "s3.h"

enum { SIGNATURE_BYTES = 64 };

/* ---- the document of a failure ---- */

struct failure {
    struct ff_s3_root *root;
    bool is_error; /* its root is <Error> */
    char code[64], message[200], region[64];
};

/* Stars instead of each, and of so many bytes behind it. */
static void mask(char *text, const char *secret, size_t more)
{
    size_t length = secret ? strlen(secret) : 0;

    while (length && (text = strstr(text, secret))) {
        size_t left = strlen(text);

        left = left < length + more ? left : length + more;
        memset(text, '*', left);
        text += left;
    }
}

/* A server may say back what it was sent; nobody's terminal shall obey it. */
static void clean(struct ff_s3_root *root, char *text)
{
    struct ff_s3_secrets s;
    bool anonymous;

    for (char *c = text; *c; c++) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
    }
    (void)ff_s3_credentials_get(root->credentials, &s, &anonymous);
    mask(text, s.secret, 0);
    mask(text, s.token, 0);
    mask(text, "Signature=", SIGNATURE_BYTES);
    ff_s3_secrets_free(&s);
}

static int read_failure(void *ctx, const char *path, char *text)
{
    struct failure *f = ctx;

    if (!text) {
        f->is_error |= !strcmp(path, "Error");
        return !f->is_error; /* another document: enough is known */
    }
    clean(f->root, text); /* before it is cut to length */
    if (!strcmp(path, "Error/Code")) {
        (void)snprintf(f->code, sizeof f->code, "%s", text);
    } else if (!strcmp(path, "Error/Message")) {
        (void)snprintf(f->message, sizeof f->message, "%s", text);
    } else if (!strcmp(path, "Error/Region")) {
        (void)snprintf(f->region, sizeof f->region, "%s", text);
    }
    return 0;
}

/* ---- classes ---- */

static bool is_one(const char *code, const char *const *list)
{
    for (; *list; list++) {
        if (!strcmp(code, *list)) {
            return true;
        }
    }
    return false;
}

/* The server is busy, and has not done it. */
static bool is_busy(const struct ff_s3_request *r)
{
    static const char *const codes[] = {"SlowDown",
                                        "ServiceUnavailable",
                                        "Throttling",
                                        "ThrottlingException",
                                        "RequestLimitExceeded",
                                        "BandwidthLimitExceeded",
                                        "TooManyRequests",
                                        NULL};

    return is_one(r->error_code, codes) || r->answer.status == 429 ||
           r->answer.status == 509;
}

/* It has not done it, for a reason that passes. */
static bool is_passing(const struct ff_s3_request *r)
{
    static const char *const codes[] = {"RequestTimeout", "OperationAborted",
                                        "ConditionalRequestConflict", NULL};

    return is_one(r->error_code, codes);
}

static bool is_server_fault(const struct ff_s3_request *r)
{
    static const char *const codes[] = {"InternalError", "InternalErrors", NULL};
    int status = r->answer.status;

    return status == 408 || status == 500 || status == 502 || status == 503 ||
           status == 504 || (status >= 200 && status < 300) ||
           is_one(r->error_code, codes);
}

static bool is_about_body(const struct ff_s3_request *r)
{
    static const char *const codes[] = {"BadDigest", "XAmzContentSHA256Mismatch", NULL};

    return is_one(r->error_code, codes);
}

static bool is_about_clock(const struct ff_s3_request *r)
{
    static const char *const codes[] = {"RequestTimeTooSkewed", "RequestExpired", NULL};
    /* The answer to a HEAD has no body, so no code: a wrong clock looks like a refusal. */
    bool untold = r->method == FF_S3_HEAD && r->answer.status == 403 && !*r->error_code;

    return untold || is_one(r->error_code, codes);
}

static bool is_about_credentials(const struct ff_s3_request *r)
{
    static const char *const codes[] = {"ExpiredToken", "InvalidToken",
                                        "TokenRefreshRequired", NULL};

    return is_one(r->error_code, codes);
}

/* What a failure is called here, when it stays one. */
static int code_of(const struct ff_s3_request *r)
{
    static const char *const missing[] = {"NotImplemented", "MethodNotAllowed", NULL};
    static const char *const full[] = {"QuotaExceeded", "InsufficientStorage",
                                       "XMinioStorageFull", NULL};

    if (is_one(r->error_code, missing)) {
        return FF_E_UNSUPPORTED;
    }
    if (is_one(r->error_code, full)) {
        return FF_E_NO_SPACE;
    }
    if (is_about_credentials(r)) { /* HTTP 400 */
        return FF_E_PERMISSION;
    }
    if (!strcmp(r->error_code, "NoSuchBucket")) {
        return FF_E_USAGE;
    }
    if (!strcmp(r->error_code, "EntityTooLarge")) {
        return FF_E_LIMIT;
    }
    switch (r->answer.status) {
    case 401:
    case 403:
        return FF_E_PERMISSION;
    case 404:
        return FF_E_NOT_FOUND;
    case 409:
    case 412:
        return FF_E_CONFLICT;
    case 405:
    case 501:
        return FF_E_UNSUPPORTED;
    case 507:
        return FF_E_NO_SPACE;
    default:
        return r->answer.status >= 400 && r->answer.status < 500 ? FF_E_IO : FF_E_NETWORK;
    }
}

static void add_fix(struct ff_s3_request *r, const struct ff_s3_options *o)
{
    if (!strcmp(r->error_code, "NoSuchBucket")) {
        ff_error_fix(&r->error, "make the bucket \"%s\" first", o->bucket);
    } else if (!strcmp(r->error_code, "SignatureDoesNotMatch")) {
        ff_error_fix(&r->error, "the secret is not that of the key, or the region is not "
                                "the server's");
    } else if (r->answer.status >= 300 && r->answer.status < 400) {
        ff_error_fix(&r->error, "say the \"endpoint_url\" and the region that the bucket "
                                "is in");
    }
}

/* ---- judging ---- */

static void refuse(struct ff_s3_root *root, struct ff_s3_request *r,
                   const struct failure *f)
{
    int status = r->answer.status;

    if (status == 404) {
        ff_s3_request_fail(r, code_of(r), "%s",
                           code_of(r) == FF_E_USAGE ? "no such bucket"
                                                    : "no such object");
    } else if (status >= 300 && status < 400) {
        ff_s3_request_fail(
            r, FF_E_NETWORK,
            "the server sends us elsewhere (HTTP %d), where credentials do "
            "not go",
            status);
    } else if (!status) {
        ff_s3_request_fail(r, FF_E_NETWORK, "the answer is not HTTP as it should be");
    } else {
        ff_s3_request_fail(
            r, code_of(r), "HTTP %d%s%s%s%s%s%s", status, *r->error_code ? " " : "",
            r->error_code, *f->message ? ": " : "", f->message,
            *r->answer.request_id ? ", request " : "", r->answer.request_id);
    }
    clean(root, r->error.message);
    add_fix(r, &root->options);
}

static bool learn_region(struct ff_s3_root *root, struct ff_s3_request *r,
                         const struct failure *f)
{
    const char *region = *f->region ? f->region : r->answer.region;
    int status = r->answer.status;
    bool learned;

    if (r->region_tried || !*region || strlen(region) >= sizeof root->options.region ||
        strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") < strlen(region) ||
        !(status == 301 || status == 302 || status == 307 || status == 400 ||
          status == 403)) {
        return false;
    }
    pthread_mutex_lock(&root->lock);
    learned = strcmp(root->options.region, region) != 0;
    if (learned) {
        (void)snprintf(root->options.region, sizeof root->options.region, "%s", region);
        learned = ff_s3_endpoint(&root->options, NULL) == FF_OK;
    }
    pthread_mutex_unlock(&root->lock);
    r->region_tried = true;
    return learned;
}

/* Asked again, or not known what became of it. */
static enum ff_s3_verdict again(struct ff_s3_request *r, enum ff_s3_verdict verdict)
{
    if (r->once && verdict != FF_S3_AGAIN_NOW) {
        r->ambiguous = true;
        r->error.code = r->code = FF_E_UNKNOWN_OUTCOME;
        return FF_S3_DONE;
    }
    r->error.flags |= FF_ERR_RETRYABLE;
    return verdict;
}

static enum ff_s3_verdict judge_failure(struct ff_s3_root *root, struct ff_s3_request *r,
                                        const struct failure *f)
{
    refuse(root, r, f);
    if (r->answer.status == 412) {
        return FF_S3_DONE;
    }
    if (is_about_clock(r) && !r->clock_tried && r->answer.date_ns) {
        r->clock_tried = true;
        return FF_S3_AGAIN_NOW;
    }
    if (is_about_credentials(r) && !r->credentials_tried) {
        r->credentials_tried = true;
        return FF_S3_AGAIN_NOW;
    }
    if (learn_region(root, r, f)) {
        return FF_S3_AGAIN_NOW;
    }
    if (is_busy(r) || is_passing(r)) {
        r->error.flags |= FF_ERR_RETRYABLE;
        r->error.code = r->code = FF_E_NETWORK;
        return is_busy(r) ? FF_S3_AGAIN_SLOW : FF_S3_AGAIN;
    }
    if (is_about_body(r) && !r->body_tried) {
        r->body_tried = true;
        return FF_S3_AGAIN;
    }
    if (!r->answer.status) {
        return again(r, FF_S3_AGAIN);
    }
    return is_server_fault(r)
               ? again(r, r->answer.status == 503 ? FF_S3_AGAIN_SLOW : FF_S3_AGAIN)
               : FF_S3_DONE;
}

static bool has_etag(enum ff_s3_method method)
{
    return method == FF_S3_GET || method == FF_S3_HEAD || method == FF_S3_PUT;
}

static enum ff_s3_verdict judge_answer(struct ff_s3_root *root, struct ff_s3_request *r)
{
    struct failure f = {.root = root};
    int status = r->answer.status;
    bool good = status == 200 || status == 204 || status == 206;

    if (r->text.length_bytes && (!good || r->is_xml)) {
        (void)ff_s3_xml((const char *)r->text.data, r->text.length_bytes, read_failure,
                        &f, NULL);
    }
    (void)snprintf(r->error_code, sizeof r->error_code, "%s", f.code);
    clean(root, r->error_code);
    if (!good || (r->is_xml && f.is_error)) {
        return judge_failure(root, r, &f);
    }
    if (*r->key && !r->is_xml && !*r->answer.etag && has_etag(r->method)) {
        ff_s3_request_fail(r, FF_E_NETWORK, FF_S3_NO_ETAG);
        return again(r, FF_S3_AGAIN);
    }
    if (r->method == FF_S3_GET && !r->is_xml && r->got_bytes < r->want_bytes) {
        ff_s3_request_fail(r, FF_E_NETWORK, "the answer ends after %llu of %llu bytes",
                           (unsigned long long)r->got_bytes,
                           (unsigned long long)r->want_bytes);
        return again(r, FF_S3_AGAIN);
    }
    r->code = FF_OK;
    r->error = (struct ff_error)FF_ERROR_INIT;
    return FF_S3_DONE;
}

/* No answer, or not all of it. */
static enum ff_s3_verdict judge_transport(struct ff_s3_request *r, int curl_code,
                                          bool sent, const char *why)
{
    int code = FF_E_NETWORK;
    bool retry = true;

    switch (curl_code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        code = FF_E_UNSAFE;
        retry = false;
        break;
    case CURLE_UNSUPPORTED_PROTOCOL: /* also what is no HTTP: then something was sent */
        code = sent ? FF_E_NETWORK : FF_E_USAGE;
        retry = sent;
        break;
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
        code = FF_E_USAGE;
        retry = false;
        break;
    case CURLE_OUT_OF_MEMORY:
        code = FF_E_NO_MEMORY;
        retry = false;
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
        retry = r->attempts < 3;
        break;
    default:
        break;
    }
    ff_s3_request_fail(r, code, "%s", why);
    r->error.lib_code = curl_code;
    if (r->once && sent) {
        return again(r, FF_S3_AGAIN);
    }
    r->error.flags |= retry ? FF_ERR_RETRYABLE : 0;
    return retry ? FF_S3_AGAIN : FF_S3_DONE;
}

enum ff_s3_verdict ff_s3_judge(struct ff_s3_root *root, struct ff_s3_request *r,
                               int curl_code, bool sent, const char *why)
{
    int status = r->answer.status;
    bool refused = status >= 300 && status < 600;

    /* A whole refusal counts, though the body was not wanted to its end. */
    return curl_code == CURLE_OK || (refused && curl_code == CURLE_SEND_ERROR)
               ? judge_answer(root, r)
               : judge_transport(r, curl_code, sent, why);
}
