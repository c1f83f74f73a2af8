/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c: what this server makes of conditions. Some ignore them silently, and nothing but a
 * try shows that: so each is tried on a key of our own, with a condition that does not hold. */
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/uuid.h"
#include "s3.h"

enum { RACES = 6, WRITERS = 6 };

struct probing {
    struct ff_s3_root *root;
    const struct ff_call *call;
    char *key;
    char tag[80];
    int status;
    struct ff_error *error;
};

static int fail_memory(const struct probing *p)
{
    return ff_fail(p->error, FF_E_NO_MEMORY, p->key, "no memory for a request");
}

/* One request with a condition; its status in p->status. Fails only without an answer that
 * says something. */
static int ask(struct probing *p, enum ff_s3_method method, const char *text,
               const char *condition, const char *tag)
{
    struct ff_s3_request *r = ff_s3_request_new(method, p->key);
    struct ff_error own = FF_ERROR_INIT;
    int code = r ? FF_OK : fail_memory(p);

    if (!code && text) {
        code = ff_s3_body_set(p->root, r, text, strlen(text), p->error);
    }
    if (!code && condition && ff_s3_request_header(r, condition, tag)) {
        code = fail_memory(p);
    }
    if (code) {
        ff_s3_request_end(p->root, r);
        return code;
    }
    code = ff_s3_perform(p->root, r, p->call, &own);
    p->status = r->answer.status;
    if (!code && method == FF_S3_PUT) {
        (void)snprintf(p->tag, sizeof p->tag, "%s", r->answer.etag);
        if (!*p->root->facts.server) {
            (void)snprintf(p->root->facts.server, sizeof p->root->facts.server, "%s",
                           r->answer.server);
        }
    }
    ff_s3_request_end(p->root, r);
    if (code == FF_E_CONFLICT || code == FF_E_UNSUPPORTED ||
        (code == FF_E_NOT_FOUND && condition)) {
        return FF_OK;
    }
    if (code && p->error && !p->error->code) {
        *p->error = own;
    }
    return code;
}

static int can(bool yes)
{
    return yes ? FF_S3_CAN : FF_S3_CANNOT;
}

static void bare(const char *tag, char out[80])
{
    size_t length = strlen(tag);

    (void)snprintf(out, 80, "%.*s", length > 2 ? (int)length - 2 : 0, tag + 1);
}

static int probe_if_match(struct probing *p)
{
    static const char wrong[] = "\"00000000000000000000000000000000\"";
    struct ff_s3_facts *f = &p->root->facts;
    char tag[80], without[80];
    int code;

    memcpy(tag, p->tag, sizeof tag);
    bare(tag, without);
    code = ask(p, FF_S3_PUT, "2", "if-match", wrong);
    if (code || p->status != 412) {
        f->put_if_match = FF_S3_CANNOT;
        return code;
    }
    code = ask(p, FF_S3_PUT, "3", "if-match", tag);
    if (!code && p->status != 200) {
        code = ask(p, FF_S3_PUT, "3", "if-match", without);
        f->unquoted_tags = p->status == 200;
    }
    f->put_if_match = can(p->status == 200);
    return code;
}

static int probe_all(struct probing *p)
{
    struct ff_s3_facts *f = &p->root->facts;
    int code = ask(p, FF_S3_PUT, "1", "if-none-match", "*");

    if (!code && p->status == 200) {
        code = ask(p, FF_S3_PUT, "1", "if-none-match", "*");
        f->put_if_absent = can(p->status == 412);
    } else if (!code) {
        f->put_if_absent = FF_S3_CANNOT;
        code = ask(p, FF_S3_PUT, "1", NULL, NULL);
    }
    code = code ? code : probe_if_match(p);
    if (!code) {
        code = ask(p, FF_S3_DELETE, NULL, "if-match",
                   "\"00000000000000000000000000000000\"");
        f->remove_if_match = can(p->status == 412);
    }
    return code;
}

/* Checked before the body came, and then renamed over: posix.go of versitygw. */
static void judge_by_name(struct ff_s3_facts *f)
{
    if (!strncasecmp(f->server, "versitygw", 9)) {
        f->put_if_absent =
            f->put_if_absent == FF_S3_CAN ? FF_S3_NOT_ATOMIC : f->put_if_absent;
        f->put_if_match =
            f->put_if_match == FF_S3_CAN ? FF_S3_NOT_ATOMIC : f->put_if_match;
    }
}

static void warn(const struct ff_s3_root *root)
{
    const struct ff_s3_facts *f = &root->facts;
    const char *what =
        f->put_if_absent == FF_S3_CANNOT || f->put_if_match == FF_S3_CANNOT
            ? "knows no conditional PUT"
        : f->put_if_absent == FF_S3_NOT_ATOMIC || f->put_if_match == FF_S3_NOT_ATOMIC
            ? "lets two conditional PUTs at once both succeed"
            : NULL;

    if (what) {
        ff_s3_log(root, FF_LOG_WARNING,
                  "S3: %s %s: of two processes that save one task at the same moment one "
                  "may lose its value without being told",
                  root->options.host, what);
    }
}

static int probe_key(struct probing *p)
{
    struct ff_buf key;
    char name[64];
    int rc = ff_random_name(p->root->sys, FF_S3_PROBE, name, sizeof name);

    ff_buf_init(&key, FF_S3_KEY_BYTES + 100);
    rc = rc ? rc : ff_buf_append_text(&key, p->root->options.prefix);
    rc = rc ? rc : ff_buf_append(&key, name, strlen(name) + 1);
    p->key = rc ? NULL : (char *)ff_buf_steal(&key, NULL);
    ff_buf_free(&key);
    return p->key ? FF_OK : fail_memory(p);
}

/* Amazon's own keep all of them: nothing to try. */
static bool is_known(struct ff_s3_root *root)
{
    if (root->options.own_endpoint) {
        return false;
    }
    root->facts.put_if_absent = root->facts.put_if_match = FF_S3_CAN;
    root->facts.remove_if_match = FF_S3_CAN;
    return true;
}

int ff_s3_probe(struct ff_s3_root *root, const struct ff_call *call, struct ff_error *e)
{
    struct probing p = {.root = root, .call = call, .error = e};
    int code = FF_OK;

    pthread_mutex_lock(&root->probing);
    if (!root->probed && !is_known(root)) {
        code = probe_key(&p);
        code = code ? code : probe_all(&p);
        if (!code) {
            judge_by_name(&root->facts);
            warn(root);
        }
        if (p.key) {
            (void)ask(&p, FF_S3_DELETE, NULL, NULL, NULL);
        }
        ff_free(p.key);
    }
    root->probed = root->probed || !code;
    pthread_mutex_unlock(&root->probing);
    return code;
}

/* ---- the race ---- */

struct racer {
    struct probing p;
    struct ff_error error;
    bool won;
};

static int race_one(void *ctx, uint64_t i, struct ff_error *e)
{
    struct racer *r = (struct racer *)ctx + i;
    int code = ask(&r->p, FF_S3_PUT, "1", "if-none-match", "*");

    (void)e;
    r->won = !code && r->p.status == 200;
    return FF_OK;
}

int ff_s3_probe_race(struct ff_s3_root *root, const struct ff_call *call,
                     struct ff_error *e)
{
    int code = ff_s3_probe(root, call, e);

    for (int round = 0;
         !code && root->pool && round < RACES && root->facts.put_if_absent == FF_S3_CAN;
         round++) {
        struct probing p = {.root = root, .call = call, .error = e};
        struct racer racers[WRITERS];
        unsigned won = 0;

        code = probe_key(&p);
        for (size_t i = 0; i < WRITERS; i++) {
            racers[i] = (struct racer){.p = p, .error = FF_ERROR_INIT};
            racers[i].p.error = &racers[i].error;
        }
        code = code
                   ? code
                   : root->pool->for_each(root->host, WRITERS, race_one, racers, call, e);
        for (size_t i = 0; !code && i < WRITERS; i++) {
            won += racers[i].won;
        }
        if (won > 1) {
            pthread_mutex_lock(&root->probing);
            root->facts.put_if_absent = FF_S3_NOT_ATOMIC;
            pthread_mutex_unlock(&root->probing);
        }
        if (p.key) {
            (void)ask(&p, FF_S3_DELETE, NULL, NULL, NULL);
        }
        ff_free(p.key);
    }
    return code;
}
