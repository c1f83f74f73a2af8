/* SPDX-License-Identifier: Apache-2.0 */
/* faults_tls.c: a TLS that is not right: the right error in time, and nobody hears a request. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "faults.h"

enum { WITHIN_S = 12 };

/* A view of the same bucket over TLS, beside the subject. */
struct view {
    const struct ff_protocol *protocol;
    void *inst, *bound;
    const struct ff_objects *objects;
};

/* verify: "ca", or JSON. */
static void view_open(struct view *v, const char *kind, const char *verify)
{
    char text[1024], ca[256], file[300];

    server_ca(ca);
    (void)snprintf(file, sizeof file, "\"%s\"", ca);
    (void)snprintf(
        text, sizeof text,
        "{\"kind\": \"S3\", \"options\": {\"path\": \"/test/tls\", \"s3fs\": "
        "{\"endpoint_url\": \"https://127.0.0.1:%u\", \"key\": \"ffkey\", \"secret\": "
        "\"ffsecretffsecret\", \"client_kwargs\": {\"verify\": %s}, \"config_kwargs\": "
        "{\"read_timeout\": 2, \"connect_timeout\": 2, \"retries\": {\"max_attempts\": "
        "1}}}}}",
        server_tls_port(kind), strcmp(verify, "ca") ? verify : file);
    CLAUSE_OK(stub_host_open(&subject.host, text, &v->protocol, &v->inst, e), "create");
    CLAUSE_OK(v->protocol->bind(v->inst, "", &v->bound, NULL, e), "bind");
    v->objects = v->protocol->query(v->bound, FF_OBJECTS_1);
    CASE_ASSERT(v->objects != NULL);
}

static void view_close(struct view *v)
{
    v->protocol->unbind(v->bound);
    v->protocol->destroy(v->inst);
}

static void right_certificate_is_taken(void)
{
    struct view v;

    view_open(&v, "good", "ca");
    CLAUSE_OK(put_text(v.objects, "a", "one", NULL, NULL, e), "PUT");
    CLAUSE_CODE(put_text(v.objects, "a", "two", "", NULL, e), FF_E_CONFLICT,
                "PUT if absent: it is there");
    CASE_ASSERT(is_text(v.objects, "a", "one"));
    view_close(&v);
}

static void certificate_that_nobody_verifies_is_taken(void)
{
    struct view v;

    view_open(&v, "good", "false");
    CLAUSE_OK(put_text(v.objects, "b", "one", NULL, NULL, e), "PUT");
    CASE_ASSERT(is_text(v.objects, "b", "one"));
    view_close(&v);
}

static const struct {
    const char *kind, *verify;
    int code;
} wrong[] = {
    {"expired", "ca", FF_E_UNSAFE},    {"wrong_host", "ca", FF_E_UNSAFE},
    {"unknown_ca", "ca", FF_E_UNSAFE}, {"self_signed", "ca", FF_E_UNSAFE},
    {"good", "true", FF_E_UNSAFE}, /* signed by nobody whom this machine trusts */
    {"old_tls", "ca", FF_E_NETWORK},   {"old_tls", "false", FF_E_NETWORK},
    {"stall", "ca", FF_E_NETWORK},     {"closed", "ca", FF_E_NETWORK},
    {"cut", "ca", FF_E_NETWORK},       {"plain", "ca", FF_E_NETWORK},
    {"garbage", "ca", FF_E_NETWORK},
};

static int64_t now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* Each operation; a conditional PUT is certainly not done, since nothing of it went out. */
static void meet_wrong(const struct view *v, const char *kind, int code)
{
    static const char *const conditions[] = {NULL, ""};
    char data[8];
    int64_t begun = now_s();
    int got = get_range(v->objects, "a", 0, data, sizeof data, NULL, NULL, NULL, NULL);

    CASE_MSG(got == code, "%s: GET gave %d", kind, got);
    CASE_MSG(now_s() - begun < WITHIN_S, "%s: GET took too long", kind);
    for (size_t i = 0; i < 2; i++) {
        struct ff_error e = FF_ERROR_INIT;

        begun = now_s();
        got = put_text(v->objects, "a", "x", conditions[i], NULL, &e);
        CASE_MSG(got == code && *e.message, "%s: PUT gave %d: %s", kind, got, e.message);
        CASE_MSG(now_s() - begun < WITHIN_S, "%s: PUT took too long", kind);
        CASE_MSG(!strstr(e.message, "ffsecret"), "%s: %s", kind, e.message);
    }
}

static void wrong_tls_hears_no_request(void)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct server_heard heard;
        struct view v;

        case_note("%s, verify %s", wrong[i].kind, wrong[i].verify);
        view_open(&v, wrong[i].kind, wrong[i].verify);
        (void)server_off();
        meet_wrong(&v, wrong[i].kind, wrong[i].code);
        heard = server_heard();
        CASE_MSG(!heard.requests && !heard.not_tls && !server_count("ANY", ""),
                 "%s: it was told something", wrong[i].kind);
        view_close(&v);
    }
}

/* From https to http, on another port: nobody is asked there. */
static void redirect_out_of_tls_is_not_followed(void)
{
    struct server_report report;
    struct view v;
    char data[8];

    view_open(&v, "good", "ca");
    CLAUSE_OK(put_text(v.objects, "a", "one", NULL, NULL, e), "PUT");
    server_arm("moved_307", "ANY", ALWAYS, 0, "");
    CLAUSE_CODE(get_range(v.objects, "a", 0, data, sizeof data, NULL, NULL, NULL, e),
                FF_E_NETWORK, "GET");
    CLAUSE_CODE(put_text(v.objects, "a", "two", NULL, NULL, e), FF_E_NETWORK, "PUT");
    report = server_off();
    CASE_MSG(report.fired >= 2 && !report.leaks, "fired %d, leaks %d", report.fired,
             report.leaks);
    CASE_ASSERT(is_text(v.objects, "a", "one"));
    view_close(&v);
}

/* The end of the connection is not the end of the object: without a length, and cut. */
static void answer_that_ends_without_a_length_is_no_object(void)
{
    struct view v;
    char data[64];

    view_open(&v, "good", "ca");
    CLAUSE_OK(put_text(v.objects, "a", "a text of some length", NULL, NULL, e), "PUT");
    server_arm("cut_without_length", "GET", ALWAYS, 5, "");
    CLAUSE_CODE(get_range(v.objects, "a", 0, data, sizeof data, NULL, NULL, NULL, e),
                FF_E_NETWORK, "GET");
    CASE_ASSERT(server_off().fired > 0);
    view_close(&v);
}

static const struct case_test tests[] = {
    CASE(right_certificate_is_taken),
    CASE(certificate_that_nobody_verifies_is_taken),
    CASE(wrong_tls_hears_no_request),
    CASE(redirect_out_of_tls_is_not_followed),
    CASE(answer_that_ends_without_a_length_is_no_object),
};
const struct case_suite tls_suite = {.name = "TLS",
                                     .before = subject_open,
                                     .after = subject_close,
                                     .tests = tests,
                                     .count = sizeof tests / sizeof *tests,
                                     .timeout_s = 120};
