/* SPDX-License-Identifier: Apache-2.0 */
/* metadata.c: credentials of the container or the instance that this runs in, asked only when
 * the options say so. Addresses are those of the vendor's documents; a URL from the
 * environment is used only on loopback, at those addresses, or over https.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html */
#include <curl/curl.h>
#include <string.h>

#include "core/base/alloc.h"
#include "s3.h"

enum { ANSWER_MAX_BYTES = 64 << 10, CONNECT_MS = 1000, WHOLE_MS = 5000 };

#define CONTAINER "http://169.254.170.2"
#define INSTANCE  "http://169.254.169.254/latest/"

static size_t keep(char *data, size_t size, size_t count, void *ctx)
{
    return ff_buf_append(ctx, data, size * count) ? 0 : size * count;
}

static int stop(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return ff_cancelled(ctx);
}

/* One answer; `header` may be NULL. False: nobody answers, or not with 200. */
static bool ask(const char *method, const char *url, const char *header,
                const struct ff_call *call, struct ff_buf *out)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = header ? curl_slist_append(NULL, header) : NULL;
    long status = 0;
    bool good;

    ff_buf_init(out, ANSWER_MAX_BYTES);
    if (!curl || (header && !headers)) {
        curl_easy_cleanup(curl);
        curl_slist_free_all(headers);
        return false;
    }
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)WHOLE_MS);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, stop);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)call);
    good = curl_easy_perform(curl) == CURLE_OK &&
           curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
           status == 200;
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return good;
}

static void forget(struct ff_buf *b)
{
    if (b->data) {
        explicit_bzero(b->data, b->length_bytes);
    }
    ff_buf_free(b);
}

static int parsed(struct ff_s3_root *root, bool good, struct ff_buf *answer,
                  const char *place, struct ff_s3_secrets *out, struct ff_error *e)
{
    int code = good ? ff_s3_secrets_parse(root, ff_buf_text(answer), answer->length_bytes,
                                          place, out, e)
                    : ff_fail(e, FF_E_PERMISSION, place, "it gives no credentials");

    forget(answer);
    return code;
}

static bool is_allowed(const char *url)
{
    static const char *const hosts[] = {"https://",
                                        "http://127.0.0.1",
                                        "http://localhost",
                                        "http://[::1]",
                                        "http://169.254.170.2",
                                        "http://169.254.170.23",
                                        "http://[fd00:ec2::23]"};

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t length = strlen(hosts[i]);

        if (!strncmp(url, hosts[i], length) &&
            (i == 0 || url[length] == '/' || url[length] == ':')) {
            return strchr(url, '@') == NULL;
        }
    }
    return false;
}

static char *container_header(struct ff_s3_root *root)
{
    char *token = ff_s3_env("AWS_CONTAINER_AUTHORIZATION_TOKEN"), *header = NULL;
    char *file = ff_s3_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    struct ff_buf b, text;

    ff_buf_init(&b, ANSWER_MAX_BYTES);
    if (file && !ff_s3_read_file(root->sys, file, ANSWER_MAX_BYTES, &text)) {
        ff_s3_secret_free(token);
        token = ff_strdup(ff_buf_text(&text));
        forget(&text);
    }
    if (token) {
        token[strcspn(token, "\r\n")] = '\0';
        if (!ff_buf_printf(&b, "Authorization: %s", token)) {
            header = (char *)ff_buf_steal(&b, NULL);
        }
    }
    ff_buf_free(&b);
    ff_s3_secret_free(token);
    ff_free(file);
    return header;
}

static int container(struct ff_s3_root *root, const char *url, const struct ff_call *call,
                     struct ff_s3_secrets *out, struct ff_error *e)
{
    char *header;
    struct ff_buf answer;
    bool good;

    if (!is_allowed(url)) {
        return ff_fail(e, FF_E_UNSAFE, "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                       "it is neither https nor an address of a container's service");
    }
    header = container_header(root);
    good = ask("GET", url, header, call, &answer);
    ff_s3_secret_free(header);
    return parsed(root, good, &answer, "the container's credentials", out, e);
}

/* IMDSv2: a token first. */
static int instance(struct ff_s3_root *root, const struct ff_call *call,
                    struct ff_s3_secrets *out, struct ff_error *e)
{
    char header[300], url[300];
    struct ff_buf token, role, answer;
    bool good = ask("PUT", INSTANCE "api/token",
                    "X-aws-ec2-metadata-token-ttl-seconds: 21600", call, &token);

    if (!good) {
        forget(&token);
        return ff_fail(e, FF_E_NOT_FOUND, "the instance's metadata", "nobody answers");
    }
    (void)snprintf(header, sizeof header, "X-aws-ec2-metadata-token: %s",
                   ff_buf_text(&token));
    forget(&token);
    good =
        ask("GET", INSTANCE "meta-data/iam/security-credentials/", header, call, &role);
    (void)snprintf(url, sizeof url, INSTANCE "meta-data/iam/security-credentials/%.*s",
                   (int)strcspn(ff_buf_text(&role), "\r\n"), ff_buf_text(&role));
    forget(&role);
    ff_buf_init(&answer, ANSWER_MAX_BYTES);
    good = good && ask("GET", url, header, call, &answer);
    explicit_bzero(header, sizeof header);
    return parsed(root, good, &answer, "the instance's metadata", out, e);
}

int ff_s3_metadata(struct ff_s3_root *root, const struct ff_call *call,
                   struct ff_s3_secrets *out, struct ff_error *e)
{
    char *below = ff_s3_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    char *full = ff_s3_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    char *off = ff_s3_env("AWS_EC2_METADATA_DISABLED");
    char url[400];
    int code;

    if (below) {
        (void)snprintf(url, sizeof url, CONTAINER "%s", *below == '/' ? below : "/");
        code = container(root, url, call, out, e);
    } else if (full) {
        code = container(root, full, call, out, e);
    } else if (off && !strcmp(off, "true")) {
        code = ff_fail(e, FF_E_NOT_FOUND, "the instance's metadata",
                       "AWS_EC2_METADATA_DISABLED says not to ask");
    } else {
        code = instance(root, call, out, e);
    }
    ff_free(below);
    ff_free(full);
    ff_free(off);
    return code;
}
