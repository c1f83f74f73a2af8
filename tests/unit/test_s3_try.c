/* SPDX-License-Identifier: Apache-2.0 */
/* A request that cannot be made: the error names the part or the option, and why. The linker
 * sends every curl_easy_setopt of the protocol through __wrap_curl_easy_setopt. */
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#include "core/base/alloc.h"
#include "protocols/s3/try.h"
#include "run.h"

static CURLoption refused;
static CURLcode refusal;

CURLcode __real_curl_easy_setopt(CURL *, CURLoption, ...);
CURLcode __wrap_curl_easy_setopt(CURL *, CURLoption, ...);

CURLcode __wrap_curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
    CURLcode code;
    va_list ap;

    va_start(ap, option);
    if (option == refused) {
        code = refusal;
    } else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB) {
        code = __real_curl_easy_setopt(curl, option, va_arg(ap, curl_off_t));
    } else if (option < CURLOPTTYPE_OBJECTPOINT) {
        code = __real_curl_easy_setopt(curl, option, va_arg(ap, long));
    } else {
        code = __real_curl_easy_setopt(curl, option, va_arg(ap, void *));
    }
    va_end(ap);
    return code;
}

struct trial {
    struct ff_s3_root root;
    struct ff_s3_sockets sockets;
    struct ff_s3_try *exchange;
    struct ff_s3_request *request;
    CURL *curl;
    int code;
};

/* Begins a PUT with a session token of so many bytes. */
static void begin(struct trial *t, size_t token_bytes)
{
    static char key[] = "k", secret[] = "s";
    char *token = ff_calloc(1, token_bytes + 1);

    memset(t, 0, sizeof *t);
    t->root.sys = &ff_sys_posix;
    ck_assert_int_eq(pthread_mutex_init(&t->root.lock, NULL), 0);
    (void)snprintf(t->root.options.host, sizeof t->root.options.host, "127.0.0.1:1");
    (void)snprintf(t->root.options.region, sizeof t->root.options.region, "here");
    t->root.options.key = key;
    t->root.options.secret = secret;
    ck_assert_ptr_nonnull(token);
    memset(token, 't', token_bytes);
    t->root.options.token = token;
    ck_assert_int_eq(ff_s3_credentials_new(&t->root, &t->root.credentials, NULL), FF_OK);
    ck_assert_int_eq(ff_s3_credentials_refresh(t->root.credentials, false, NULL, NULL),
                     FF_OK);
    ff_free(token);
    ff_s3_sockets_init(&t->sockets, t->root.sys);
    t->exchange = ff_calloc(1, sizeof *t->exchange);
    t->request = ff_s3_request_new(FF_S3_PUT, "wf/task");
    t->curl = curl_easy_init();
    ck_assert(t->exchange && t->request && t->curl);
    t->exchange->sockets = &t->sockets;
    t->code = ff_s3_try_start(t->exchange, &t->root, t->request, t->curl, 0, false);
}

static void end(struct trial *t)
{
    curl_easy_cleanup(t->curl);
    ff_s3_try_free(t->exchange);
    ff_s3_request_free(t->request);
    ff_s3_credentials_free(t->root.credentials);
    ff_vec_free(&t->sockets.all);
    (void)pthread_mutex_destroy(&t->root.lock);
}

START_TEST(option_that_libcurl_refuses_is_named_with_its_reason)
{
    static const struct {
        CURLoption option;
        CURLcode refusal;
        const char *name;
        int code;
    } cases[] = {
        {CURLOPT_MAXAGE_CONN, CURLE_UNKNOWN_OPTION, "CURLOPT_MAXAGE_CONN",
         FF_E_UNSUPPORTED},
        {CURLOPT_PROTOCOLS_STR, CURLE_UNSUPPORTED_PROTOCOL, "CURLOPT_PROTOCOLS_STR",
         FF_E_UNSUPPORTED},
        {CURLOPT_URL, CURLE_OUT_OF_MEMORY, "CURLOPT_URL", FF_E_NO_MEMORY},
        {CURLOPT_SEEKFUNCTION, CURLE_NOT_BUILT_IN, "CURLOPT_SEEKFUNCTION",
         FF_E_UNSUPPORTED},
        {CURLOPT_PREREQFUNCTION, CURLE_UNKNOWN_OPTION, "CURLOPT_PREREQFUNCTION",
         FF_E_UNSUPPORTED},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct ff_error *e;
        struct trial t;

        refused = cases[i].option;
        refusal = cases[i].refusal;
        begin(&t, 0);
        e = &t.request->error;
        ck_assert_int_eq(t.code, cases[i].code);
        ck_assert_ptr_nonnull(strstr(e->message, cases[i].name));
        ck_assert_ptr_nonnull(strstr(e->message, curl_easy_strerror(refusal)));
        ck_assert_ptr_nonnull(strstr(e->message, LIBCURL_VERSION));
        ck_assert_int_eq(e->lib_code, (int)refusal);
        end(&t);
    }
    refused = 0;
}
END_TEST

START_TEST(part_that_cannot_be_made_is_named)
{
    static const struct {
        size_t token_bytes;
        const char *part;
    } cases[] = {{20 << 10, "headers"}, {80 << 10, "signature"}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trial t;

        begin(&t, cases[i].token_bytes);
        ck_assert_int_eq(t.code, FF_E_LIMIT);
        ck_assert_ptr_nonnull(strstr(t.request->error.message, cases[i].part));
        end(&t);
    }
}
END_TEST

START_TEST(request_is_made)
{
    struct trial t;

    begin(&t, 2000);
    ck_assert_msg(t.code == FF_OK, "%s", t.request->error.message);
    end(&t);
}
END_TEST

RUN_TESTS("S3: a request that cannot be made", request_is_made,
          option_that_libcurl_refuses_is_named_with_its_reason,
          part_that_cannot_be_made_is_named)
