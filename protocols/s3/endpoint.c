/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.c: which server, and how it is told the bucket: in the path, or in the host's
 * name. */
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "s3.h"

/* ---- what was not said in the options ---- */

static void first_env(char **to, const char *const *names)
{
    for (size_t i = 0; !*to && names[i]; i++) {
        *to = ff_s3_env(names[i]);
    }
}

static void from_profile(struct ff_s3_root *root, char **to, const char *name)
{
    char *profile = root->options.profile ? ff_strdup(root->options.profile)
                                          : ff_s3_env("AWS_PROFILE");

    if (!*to) {
        *to = ff_s3_profile_get(root->sys, profile ? profile : "default", name);
    }
    ff_free(profile);
}

static int fill_in(struct ff_s3_root *root, struct ff_error *e)
{
    static const char *const urls[] = {"FSSPEC_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3",
                                       "AWS_ENDPOINT_URL", NULL};
    static const char *const regions[] = {"AWS_REGION", "AWS_DEFAULT_REGION", NULL};
    struct ff_s3_options *o = &root->options;
    char *region = NULL;

    first_env(&o->endpoint, urls);
    from_profile(root, &o->endpoint, "endpoint_url");
    if (!*o->region) {
        first_env(&region, regions);
        from_profile(root, &region, "region");
        (void)snprintf(o->region, sizeof o->region, "%s", region ? region : "us-east-1");
        if (region && strlen(region) >= sizeof o->region) {
            ff_free(region);
            return ff_fail(e, FF_E_USAGE, "region", "the name of the region is too long");
        }
        ff_free(region);
    }
    if (!o->ca_bundle) {
        o->ca_bundle = ff_s3_env("AWS_CA_BUNDLE");
    }
    return FF_OK;
}

/* ---- the endpoint ---- */

/* One label of a host's name: a certificate of "*.host" covers no more. */
static bool is_label(const char *bucket)
{
    size_t length = strlen(bucket);

    return length >= 3 && length <= 63 &&
           strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == length &&
           bucket[0] != '-' && bucket[length - 1] != '-';
}

static bool is_loopback(const char *host)
{
    size_t length = strcspn(host, ":");

    return !strncmp(host, "[::1]", 5) ||
           (length == 9 && !strncmp(host, "localhost", 9)) ||
           (!strncmp(host, "127.", 4) && strspn(host, "0123456789.") == length);
}

static int bad(const struct ff_s3_options *o, struct ff_error *e)
{
    /* It may hold a password, so it is not repeated. */
    (void)o;
    (void)ff_fail(e, FF_E_USAGE, "options", "S3: the endpoint's URL cannot be used");
    ff_error_fix(e, "it is http:// or https://, a host, and a port if need be");
    return FF_E_USAGE;
}

/* Splits "https://host:port/path". */
static int parse(struct ff_s3_options *o, char host[FF_S3_HOST_BYTES],
                 char path[FF_S3_HOST_BYTES], struct ff_error *e)
{
    static const char host_bytes[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
    static const char path_bytes[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_~/";
    const char *at = o->endpoint, *scheme = strstr(at, "://"), *slash;
    size_t length;

    if (scheme) {
        o->https = !strncmp(at, "https", 5) && scheme == at + 5;
        if (!o->https && (strncmp(at, "http", 4) || scheme != at + 4)) {
            return bad(o, e);
        }
        at = scheme + 3;
    }
    slash = at + strcspn(at, "/");
    length = (size_t)(slash - at);
    slash += !strcmp(slash, "/");
    if (!length || length >= FF_S3_HOST_BYTES / 2 || strspn(at, host_bytes) < length ||
        strlen(slash) >= FF_S3_HOST_BYTES / 2 ||
        strspn(slash, path_bytes) < strlen(slash)) {
        return bad(o, e);
    }
    (void)snprintf(host, FF_S3_HOST_BYTES, "%.*s", (int)length, at);
    (void)snprintf(path, FF_S3_HOST_BYTES, "%s", slash);
    length = strlen(path);
    if (length && path[length - 1] == '/') {
        path[length - 1] = '\0';
    }
    return FF_OK;
}

/* The Host header has no port where it is the scheme's own. */
static void drop_port(char *host, bool https)
{
    char *colon = strrchr(host, ':');

    if (colon && !strchr(colon, ']') && !strcmp(colon, https ? ":443" : ":80")) {
        *colon = '\0';
    }
}

int ff_s3_endpoint(struct ff_s3_options *o, struct ff_error *e)
{
    char host[FF_S3_HOST_BYTES], path[FF_S3_HOST_BYTES] = "";
    struct ff_buf bucket;
    bool virtual;
    int rc;

    o->own_endpoint = o->endpoint != NULL;
    if (o->endpoint) {
        int code = parse(o, host, path, e);

        if (code) {
            return code;
        }
    } else {
        (void)snprintf(host, sizeof host, "s3.%s.amazonaws.com%s", o->region,
                       strncmp(o->region, "cn-", 3) ? "" : ".cn");
    }
    drop_port(host, o->https);
    o->loopback = is_loopback(host);
    virtual = o->style == FF_S3_STYLE_VIRTUAL ||
              (o->style == FF_S3_STYLE_AUTO && !o->own_endpoint && is_label(o->bucket));
    if (virtual && !is_label(o->bucket)) {
        return ff_fail(e, FF_E_USAGE, "options",
                       "S3: the bucket cannot be a part of the host's name");
    }
    if (virtual) {
        (void)snprintf(o->host, sizeof o->host, "%s.%.200s", o->bucket, host);
        (void)snprintf(o->base_path, sizeof o->base_path, "%s", path);
        return FF_OK;
    }
    ff_buf_init(&bucket, FF_S3_HOST_BYTES - 1);
    rc = ff_buf_append_text(&bucket, path);
    rc = rc ? rc : ff_buf_append_byte(&bucket, '/');
    rc = rc ? rc : ff_s3_encode(&bucket, o->bucket, false);
    (void)snprintf(o->host, sizeof o->host, "%s", host);
    (void)snprintf(o->base_path, sizeof o->base_path, "%s", ff_buf_text(&bucket));
    ff_buf_free(&bucket);
    return rc ? ff_fail(e, FF_E_USAGE, "options", "S3: the bucket's name is too long")
              : FF_OK;
}

int ff_s3_endpoint_open(struct ff_s3_root *root, struct ff_error *e)
{
    struct ff_s3_options *o = &root->options;
    int code = fill_in(root, e);
    char *probe;

    code = code ? code : ff_s3_endpoint(o, e);
    if (code) {
        return code;
    }
    if (!o->https && !o->loopback) {
        ff_s3_log(root, FF_LOG_WARNING,
                  "S3: http://%s is not encrypted: whoever is between sees the data",
                  o->host);
    }
    if (o->https && !o->verify) {
        ff_s3_log(root, FF_LOG_WARNING,
                  "S3: the certificate of %s is not verified, as \"verify\" says",
                  o->host);
    }
    /* Whether the environment may say where the proxy is. */
    probe = ff_s3_env("PATH");
    o->no_proxy = !probe || o->loopback;
    ff_free(probe);
    return FF_OK;
}
