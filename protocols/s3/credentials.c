/* SPDX-License-Identifier: Apache-2.0 */
/* credentials.c: who we are: the options, else the environment, else the profile's files and
 * program, else, when allowed, the container's or the instance's service. Those that expire
 * are asked for again before they do. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "core/base/alloc.h"
#include "s3.h"

#define EARLY_NS    ((int64_t)300 * 1000000000) /* before they expire */
#define RETRY_NS    ((int64_t)30 * 1000000000)  /* between two refreshes that failed */
#define PROGRAM_NS  ((int64_t)60 * 1000000000)
#define PROGRAM_MAX ((size_t)64 << 10)

enum source { NONE, FIXED, PROGRAM, SERVICE };

struct ff_s3_credentials {
    struct ff_s3_root *root;
    pthread_mutex_t asking; /* one thread asks */
    pthread_mutex_t lock;   /* guards the rest */
    enum source source;
    struct ff_s3_secrets now;
    int64_t asked_ns; /* CLOCK_MONOTONIC: when the last refresh failed */
    char *command;
};

void ff_s3_secrets_free(struct ff_s3_secrets *s)
{
    ff_s3_secret_free(s->key);
    ff_s3_secret_free(s->secret);
    ff_s3_secret_free(s->token);
    *s = (struct ff_s3_secrets){0};
}

/* ---- what a program or a service says ---- */

/* "2030-01-02T03:04:05Z", with a fraction or without. */
static bool parse_time(const char *text, int64_t *ns)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    if (!end) {
        return false;
    }
    *ns = (int64_t)timegm(&tm) * 1000000000;
    return true;
}

static char *get_text(const struct ff_values *values, struct ff_value v, const char *name)
{
    struct ff_value item = values->get(v, name);
    const char *text;
    size_t size;

    return item.doc && values->kind(item) == FF_STR &&
                   !values->str(item, &text, &size, NULL) && !memchr(text, 0, size)
               ? ff_strndup(text, size)
               : NULL;
}

int ff_s3_secrets_parse(const struct ff_s3_root *root, const char *text,
                        size_t size_bytes, const char *place, struct ff_s3_secrets *out,
                        struct ff_error *e)
{
    const struct ff_values *values = root->values;
    struct ff_error why = FF_ERROR_INIT; /* may quote the text */
    struct ff_doc *doc =
        FF_HAS(values, ff_values, doc_free) ? values->doc_new(&why) : NULL;
    struct ff_value v = {0};
    char *when;

    *out = (struct ff_s3_secrets){.expires_ns = INT64_MAX};
    if (doc) {
        v = values->from_json(doc, text, size_bytes, &why);
    }
    if (values->kind(v) == FF_DICT) {
        out->key = get_text(values, v, "AccessKeyId");
        out->secret = get_text(values, v, "SecretAccessKey");
        out->token = get_text(values, v, "SessionToken");
        out->token = out->token ? out->token : get_text(values, v, "Token");
        when = get_text(values, v, "Expiration");
        if (when && !parse_time(when, &out->expires_ns)) {
            ff_s3_secrets_free(out);
        }
        ff_free(when);
    }
    if (doc) {
        values->doc_free(doc);
    }
    explicit_bzero(&why, sizeof why);
    if (out->key && out->secret) {
        return FF_OK;
    }
    ff_s3_secrets_free(out);
    return ff_fail(e, FF_E_PERMISSION, place, "what it gives are no credentials");
}

/* ---- the sources ---- */

static bool whole(struct ff_s3_secrets *s)
{
    if (s->key && s->secret) {
        return true;
    }
    ff_s3_secrets_free(s);
    return false;
}

static bool from_env(struct ff_s3_secrets *s, const char *key, const char *secret,
                     const char *token)
{
    *s = (struct ff_s3_secrets){.key = ff_s3_env(key),
                                .secret = ff_s3_env(secret),
                                .token = ff_s3_env(token),
                                .expires_ns = INT64_MAX};
    return whole(s);
}

static bool from_profile(struct ff_s3_credentials *c, struct ff_s3_secrets *s)
{
    const struct ff_sys *sys = c->root->sys;
    char *named = ff_s3_env("AWS_PROFILE");
    const char *profile = c->root->options.profile ? c->root->options.profile
                          : named                  ? named
                                                   : "default";
    bool found;

    *s = (struct ff_s3_secrets){
        .key = ff_s3_profile_get(sys, profile, "aws_access_key_id"),
        .secret = ff_s3_profile_get(sys, profile, "aws_secret_access_key"),
        .token = ff_s3_profile_get(sys, profile, "aws_session_token"),
        .expires_ns = INT64_MAX};
    found = whole(s);
    if (!found) {
        c->command = ff_s3_profile_get(sys, profile, "credential_process");
    }
    ff_free(named);
    return found;
}

/* Which source there is, once. */
static enum source choose(struct ff_s3_credentials *c, struct ff_s3_secrets *s)
{
    const struct ff_s3_options *o = &c->root->options;

    if (o->key) {
        *s = (struct ff_s3_secrets){.key = ff_strdup(o->key),
                                    .secret = ff_strdup(o->secret),
                                    .token = o->token ? ff_strdup(o->token) : NULL,
                                    .expires_ns = INT64_MAX};
        return whole(s) ? FIXED : NONE;
    }
    if (!o->profile &&
        (from_env(s, "FSSPEC_S3_KEY", "FSSPEC_S3_SECRET", "FSSPEC_S3_TOKEN") ||
         from_env(s, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                  "AWS_SESSION_TOKEN"))) {
        return FIXED;
    }
    if (from_profile(c, s)) {
        return FIXED;
    }
    return c->command ? PROGRAM : o->instance_metadata ? SERVICE : NONE;
}

static int ask_program(struct ff_s3_credentials *c, const struct ff_call *call,
                       struct ff_s3_secrets *s, struct ff_error *e)
{
    const struct ff_sys *sys = c->root->sys;
    struct ff_buf text;
    int code;

    ff_buf_init(&text, PROGRAM_MAX);
    code = ff_s3_spawn(sys, c->command, ff_sys_now_ns(sys, CLOCK_MONOTONIC) + PROGRAM_NS,
                       call, &text, e);
    if (!code) {
        code = ff_s3_secrets_parse(c->root, ff_buf_text(&text), text.length_bytes,
                                   "credential_process", s, e);
    }
    if (text.data) {
        explicit_bzero(text.data, text.length_bytes);
    }
    ff_buf_free(&text);
    return code;
}

static int no_credentials(const struct ff_s3_credentials *c, struct ff_error *e)
{
    (void)ff_fail(e, FF_E_PERMISSION, c->root->options.bucket,
                  "there are no credentials");
    ff_error_fix(e, "give \"key\" and \"secret\", set AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY, name a \"profile\", or say "
                    "\"instance_metadata\": true, or \"anon\": true");
    return FF_E_PERMISSION;
}

/* ---- refreshing ---- */

static int64_t now_ns(const struct ff_s3_credentials *c)
{
    return ff_sys_now_ns(c->root->sys, CLOCK_REALTIME);
}

static bool is_due(struct ff_s3_credentials *c, int64_t early_ns)
{
    bool due;

    pthread_mutex_lock(&c->lock);
    due = !c->now.key ||
          (c->now.expires_ns != INT64_MAX && now_ns(c) >= c->now.expires_ns - early_ns);
    pthread_mutex_unlock(&c->lock);
    return due;
}

static int ask(struct ff_s3_credentials *c, const struct ff_call *call,
               struct ff_error *e)
{
    struct ff_s3_secrets s = {0};
    int code = FF_OK;

    if (c->source == NONE) {
        c->source = choose(c, &s);
    }
    if (c->source == PROGRAM) {
        code = ask_program(c, call, &s, e);
    } else if (c->source == SERVICE) {
        code = ff_s3_metadata(c->root, call, &s, e);
    }
    if (!code && c->source == NONE) {
        code = no_credentials(c, e);
    }
    if (!code && s.key) {
        pthread_mutex_lock(&c->lock);
        ff_s3_secrets_free(&c->now);
        c->now = s;
        pthread_mutex_unlock(&c->lock);
    }
    return code;
}

int ff_s3_credentials_refresh(struct ff_s3_credentials *c, bool refused,
                              const struct ff_call *call, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    int64_t monotonic_ns;
    int code = FF_OK;

    if (c->root->options.anonymous || (!refused && !is_due(c, EARLY_NS))) {
        return FF_OK;
    }
    pthread_mutex_lock(&c->asking);
    monotonic_ns = ff_sys_now_ns(c->root->sys, CLOCK_MONOTONIC);
    if (is_due(c, EARLY_NS) || (refused && c->source != FIXED)) {
        /* those of now still serve: not again and again */
        if (is_due(c, 0) || monotonic_ns - c->asked_ns >= RETRY_NS) {
            code = ask(c, call, &own);
            c->asked_ns = monotonic_ns;
        }
        if (code && !is_due(c, 0)) {
            code = FF_OK;
        }
    }
    pthread_mutex_unlock(&c->asking);
    if (code && e && !e->code) {
        *e = own;
    }
    return code;
}

bool ff_s3_credentials_expiring(struct ff_s3_credentials *c)
{
    return !c->root->options.anonymous && is_due(c, EARLY_NS / 2);
}

int ff_s3_credentials_get(struct ff_s3_credentials *c, struct ff_s3_secrets *out,
                          bool *anonymous)
{
    *anonymous = c->root->options.anonymous;
    *out = (struct ff_s3_secrets){0};
    if (*anonymous) {
        return 0;
    }
    pthread_mutex_lock(&c->lock);
    if (c->now.key) {
        out->key = ff_strdup(c->now.key);
        out->secret = ff_strdup(c->now.secret);
        out->token = c->now.token ? ff_strdup(c->now.token) : NULL;
        out->expires_ns = c->now.expires_ns;
    }
    pthread_mutex_unlock(&c->lock);
    return out->key && out->secret ? 0 : -ENOMEM;
}

int ff_s3_credentials_new(struct ff_s3_root *root, struct ff_s3_credentials **out,
                          struct ff_error *e)
{
    struct ff_s3_credentials *c = ff_calloc(1, sizeof *c);

    if (!c || pthread_mutex_init(&c->asking, NULL)) {
        ff_free(c);
        return ff_fail(e, FF_E_NO_MEMORY, "S3", "no memory for credentials");
    }
    if (pthread_mutex_init(&c->lock, NULL)) {
        (void)pthread_mutex_destroy(&c->asking);
        ff_free(c);
        return ff_fail(e, FF_E_NO_MEMORY, "S3", "no memory for credentials");
    }
    c->root = root;
    c->asked_ns = INT64_MIN / 2;
    *out = c;
    return FF_OK;
}

void ff_s3_credentials_free(struct ff_s3_credentials *c)
{
    if (!c) {
        return;
    }
    ff_s3_secrets_free(&c->now);
    ff_free(c->command);
    (void)pthread_mutex_destroy(&c->lock);
    (void)pthread_mutex_destroy(&c->asking);
    ff_free(c);
}
