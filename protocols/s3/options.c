/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: {"path": "/bucket/prefix", "s3fs": {...}}, the dictionaries that the Python
 * package takes. Those below "s3fs" are s3fs's own, which hands parts of them to botocore. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/name.h"
#include "s3.h"

enum { TEXT_MAX_BYTES = 4096, NAME_BYTES = 100 };

enum kind { TEXT, FLAG, NUMBER, SIGNATURE, STYLE, VERIFY, RETRIES, GROUP, IGNORED };

/* One key of one dictionary, and where its value goes. */
struct known {
    const char *in, *name;
    enum kind kind;
    size_t offset;
};

#define AT(member) offsetof(struct ff_s3_options, member)

static const struct known known[] = {
    {"options", "s3fs", GROUP, 0},
    {"options", "instance_metadata", FLAG, AT(instance_metadata)},
    {"s3fs", "instance_metadata", FLAG, AT(instance_metadata)},
    {"s3fs", "anon", FLAG, AT(anonymous)},
    {"s3fs", "endpoint_url", TEXT, AT(endpoint)},
    {"s3fs", "key", TEXT, AT(key)},
    {"s3fs", "username", TEXT, AT(key)},
    {"s3fs", "secret", TEXT, AT(secret)},
    {"s3fs", "password", TEXT, AT(secret)},
    {"s3fs", "token", TEXT, AT(token)},
    {"s3fs", "use_ssl", FLAG, AT(https)},
    {"s3fs", "profile", TEXT, AT(profile)},
    {"s3fs", "requester_pays", FLAG, AT(requester_pays)},
    {"s3fs", "client_kwargs", GROUP, 0},
    {"s3fs", "config_kwargs", GROUP, 0},
    {"s3fs", "s3_additional_kwargs", GROUP, 0},
    {"client_kwargs", "endpoint_url", TEXT, AT(endpoint)},
    {"client_kwargs", "region_name", TEXT, AT(region)},
    {"client_kwargs", "use_ssl", FLAG, AT(https)},
    {"client_kwargs", "verify", VERIFY, 0},
    {"client_kwargs", "aws_access_key_id", TEXT, AT(key)},
    {"client_kwargs", "aws_secret_access_key", TEXT, AT(secret)},
    {"client_kwargs", "aws_session_token", TEXT, AT(token)},
    {"config_kwargs", "region_name", TEXT, AT(region)},
    {"config_kwargs", "max_pool_connections", NUMBER, AT(connections)},
    {"config_kwargs", "connect_timeout", NUMBER, AT(connect_timeout_s)},
    {"config_kwargs", "read_timeout", NUMBER, AT(read_timeout_s)},
    {"config_kwargs", "retries", GROUP, 0},
    {"config_kwargs", "s3", GROUP, 0},
    {"config_kwargs", "signature_version", SIGNATURE, 0},
    {"retries", "max_attempts", RETRIES, 1},
    {"retries", "total_max_attempts", RETRIES, 0},
    {"retries", "mode", IGNORED, 0},
    {"s3", "addressing_style", STYLE, 0},
    {"s3", "payload_signing_enabled", FLAG, AT(sign_body)},
    /* what has no meaning here: how Python caches, and checksums that are signatures */
    {"config_kwargs", "request_checksum_calculation", IGNORED, 0},
    {"config_kwargs", "response_checksum_validation", IGNORED, 0},
    {"config_kwargs", "tcp_keepalive", IGNORED, 0},
    {"config_kwargs", "user_agent_extra", IGNORED, 0},
    {"s3fs", "default_block_size", IGNORED, 0},
    {"s3fs", "default_fill_cache", IGNORED, 0},
    {"s3fs", "default_cache_type", IGNORED, 0},
    {"s3fs", "version_aware", IGNORED, 0},
    {"s3fs", "cache_regions", IGNORED, 0},
    {"s3fs", "asynchronous", IGNORED, 0},
    {"s3fs", "loop", IGNORED, 0},
    {"s3fs", "session", IGNORED, 0},
    {"s3fs", "max_concurrency", IGNORED, 0},
    {"s3fs", "fixed_upload_size", IGNORED, 0},
    {"s3fs", "use_listings_cache", IGNORED, 0},
    {"s3fs", "listings_expiry_time", IGNORED, 0},
    {"s3fs", "max_paths", IGNORED, 0},
    {"s3fs", "skip_instance_cache", IGNORED, 0},
    {"s3fs", "batch_size", IGNORED, 0},
};

/* s3_additional_kwargs: parameters of PutObject, and the headers that they are. */
static const struct {
    const char *name, *header;
    bool on_read;
} extras[] = {
    {"ACL", "x-amz-acl", false},
    {"ServerSideEncryption", "x-amz-server-side-encryption", false},
    {"SSEKMSKeyId", "x-amz-server-side-encryption-aws-kms-key-id", false},
    {"SSEKMSEncryptionContext", "x-amz-server-side-encryption-context", false},
    {"BucketKeyEnabled", "x-amz-server-side-encryption-bucket-key-enabled", false},
    {"SSECustomerAlgorithm", "x-amz-server-side-encryption-customer-algorithm", true},
    {"SSECustomerKey", "x-amz-server-side-encryption-customer-key", true},
    {"SSECustomerKeyMD5", "x-amz-server-side-encryption-customer-key-md5", true},
    {"StorageClass", "x-amz-storage-class", false},
    {"Tagging", "x-amz-tagging", false},
    {"RequestPayer", "x-amz-request-payer", true},
    {"ExpectedBucketOwner", "x-amz-expected-bucket-owner", true},
};

struct reading {
    struct ff_s3_root *root;
    struct ff_s3_options *o;
    const struct ff_values *values;
    char path[TEXT_MAX_BYTES];
};

static int text_of(const struct reading *r, const char *name, struct ff_value v,
                   char out[TEXT_MAX_BYTES], struct ff_error *e)
{
    struct ff_error ignored = FF_ERROR_INIT; /* the text may be a secret */

    if (r->values->kind(v) != FF_STR ||
        ff_copy_str(r->values, v, out, TEXT_MAX_BYTES, &ignored)) {
        return ff_fail(e, FF_E_USAGE, "options",
                       "S3: \"%s\" is no text of at most %d bytes", name,
                       TEXT_MAX_BYTES - 1);
    }
    for (const char *c = out; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return ff_fail(e, FF_E_USAGE, "options",
                           "S3: \"%s\" holds a control character", name);
        }
    }
    return FF_OK;
}

/* The first of two spellings of one thing wins. */
static int set_text(const struct known *k, const struct reading *r, const char *text,
                    struct ff_error *e)
{
    char *at = (char *)r->o + k->offset, **pointer = (char **)(void *)at;

    if (k->offset == AT(region)) {
        if (strlen(text) >= sizeof r->o->region) {
            return ff_fail(e, FF_E_USAGE, "options", "S3: \"%s\" is too long", k->name);
        }
        memcpy(r->o->region, text, strlen(text) + 1);
        return FF_OK;
    }
    if (!*pointer && *text) {
        *pointer = ff_strdup(text);
    }
    return *pointer || !*text
               ? FF_OK
               : ff_fail(e, FF_E_NO_MEMORY, "options", "no memory for \"%s\"", k->name);
}

static int set_flag(const struct known *k, const struct reading *r, struct ff_value v,
                    struct ff_error *e)
{
    int on;

    if (r->values->kind(v) != FF_BOOL || r->values->boolean(v, &on, NULL)) {
        return ff_fail(e, FF_E_USAGE, "options", "S3: \"%s\" is neither true nor false",
                       k->name);
    }
    *(bool *)(void *)((char *)r->o + k->offset) = on != 0;
    return FF_OK;
}

/* Seconds and counts; seconds may come as fractions. */
static int set_number(const struct known *k, const struct reading *r, struct ff_value v,
                      struct ff_error *e)
{
    int64_t n = 0;
    double real = 0;

    if (r->values->kind(v) == FF_FLOAT && FF_HAS(r->values, ff_values, real) &&
        !r->values->real(v, &real, NULL) && real > 0 && real < 1e9) {
        n = real < 1 ? 1 : (int64_t)real;
    } else if (r->values->kind(v) != FF_INT || r->values->int64(v, &n, NULL)) {
        n = -1;
    }
    if (n < (k->kind == RETRIES ? 0 : 1) || n > 1000000) {
        return ff_fail(e, FF_E_USAGE, "options", "S3: \"%s\" is no number from %d on",
                       k->name, k->kind == RETRIES ? 0 : 1);
    }
    if (k->kind == RETRIES) { /* "max_attempts" does not count the first one */
        r->o->max_attempts = (unsigned)n + (unsigned)k->offset;
        r->o->max_attempts += r->o->max_attempts == 0;
    } else if (k->offset == AT(connections)) {
        r->o->connections = (unsigned)n > 1024 ? 1024 : (unsigned)n;
    } else {
        *(long *)(void *)((char *)r->o + k->offset) = (long)n;
    }
    return FF_OK;
}

static int set_word(const struct known *k, const struct reading *r, const char *text,
                    struct ff_error *e)
{
    if (k->kind == SIGNATURE) {
        if (!strcmp(text, "unsigned") || !strcmp(text, "UNSIGNED")) {
            r->o->anonymous = true;
        } else if (strcmp(text, "s3v4") && strcmp(text, "v4")) {
            return ff_fail(e, FF_E_UNSUPPORTED, "options",
                           "S3: the signature version \"%s\": only s3v4 is there", text);
        }
        return FF_OK;
    }
    if (!strcmp(text, "path")) {
        r->o->style = FF_S3_STYLE_PATH;
    } else if (!strcmp(text, "virtual")) {
        r->o->style = FF_S3_STYLE_VIRTUAL;
    } else if (strcmp(text, "auto")) {
        return ff_fail(e, FF_E_USAGE, "options",
                       "S3: \"addressing_style\" is auto, path or virtual");
    }
    return FF_OK;
}

/* botocore: false, or the path of certificates. */
static int set_verify(const struct known *k, const struct reading *r, struct ff_value v,
                      struct ff_error *e)
{
    char text[TEXT_MAX_BYTES];
    int on = 1, code;

    if (r->values->kind(v) == FF_BOOL) {
        (void)r->values->boolean(v, &on, NULL);
        r->o->verify = on != 0;
        return FF_OK;
    }
    code = text_of(r, k->name, v, text, e);
    if (!code && !(r->o->ca_bundle = ff_strdup(text))) {
        code = ff_fail(e, FF_E_NO_MEMORY, "options", "no memory for a path");
    }
    return code;
}

static int read_group(struct reading *, const char *in, struct ff_value group,
                      struct ff_error *);

static int set_value(struct reading *r, const struct known *k, struct ff_value v,
                     struct ff_error *e)
{
    char text[TEXT_MAX_BYTES];
    int code;

    if (r->values->kind(v) == FF_NONE || k->kind == IGNORED) {
        return FF_OK;
    }
    switch (k->kind) {
    case FLAG:
        return set_flag(k, r, v, e);
    case NUMBER:
    case RETRIES:
        return set_number(k, r, v, e);
    case VERIFY:
        return set_verify(k, r, v, e);
    case GROUP:
        return read_group(r, k->name, v, e);
    default:
        break;
    }
    code = text_of(r, k->name, v, text, e);
    if (!code) {
        code = k->kind == TEXT ? set_text(k, r, text, e) : set_word(k, r, text, e);
    }
    explicit_bzero(text, sizeof text);
    return code;
}

static int add_extra(struct reading *r, const char *name, struct ff_value v,
                     struct ff_error *e)
{
    char text[TEXT_MAX_BYTES];
    int on = 0, code = FF_OK;

    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++) {
        struct ff_s3_extra *extra = &r->o->extra[r->o->extra_count];

        if (strcmp(name, extras[i].name)) {
            continue;
        }
        if (r->values->kind(v) == FF_BOOL && !r->values->boolean(v, &on, NULL)) {
            (void)snprintf(text, sizeof text, "%s", on ? "true" : "false");
        } else {
            code = text_of(r, name, v, text, e);
        }
        if (!code && !(extra->value = ff_strdup(text))) {
            code = ff_fail(e, FF_E_NO_MEMORY, "options", "no memory for \"%s\"", name);
        }
        if (!code) {
            extra->header = extras[i].header;
            extra->on_read = extras[i].on_read;
            r->o->extra_count++;
        }
        explicit_bzero(text, sizeof text);
        return code;
    }
    /* It would change what is stored: better no store than another one. */
    return ff_fail(e, FF_E_UNSUPPORTED, "options",
                   "S3: \"%s\" in s3_additional_kwargs is not supported", name);
}

static void warn_unknown(const struct reading *r, const char *in, const char *name)
{
    const char *choices[sizeof known / sizeof *known + 1];
    const char *near;
    size_t n = 0;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(known[i].in, in)) {
            choices[n++] = known[i].name;
        }
    }
    choices[n] = NULL;
    near = ff_nearest(name, choices);
    ff_s3_log(r->root, FF_LOG_WARNING, "S3: the key \"%s\" in %s is ignored%s%s%s", name,
              in, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int read_one(struct reading *r, const char *in, const char *name,
                    struct ff_value v, struct ff_error *e)
{
    if (!strcmp(in, "options") && !strcmp(name, "path")) {
        return text_of(r, name, v, r->path, e);
    }
    if (!strcmp(in, "s3_additional_kwargs")) {
        return add_extra(r, name, v, e);
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(known[i].in, in) && !strcmp(known[i].name, name)) {
            return set_value(r, &known[i], v, e);
        }
    }
    warn_unknown(r, in, name);
    return FF_OK;
}

/* The groups are nested four deep at most: each has a name of its own in the table. */
static int read_group(struct reading *r, const char *in, struct ff_value group,
                      struct ff_error *e)
{
    int code = FF_OK;

    if (r->values->kind(group) != FF_DICT) {
        return ff_fail(e, FF_E_USAGE, "options", "S3: \"%s\" is no dictionary", in);
    }
    for (size_t i = 0; code == FF_OK && i < r->values->length(group); i++) {
        struct ff_value key, value;
        char name[NAME_BYTES];

        code = r->values->item(group, i, &key, &value, e);
        if (!code && (r->values->kind(key) != FF_STR ||
                      ff_copy_str(r->values, key, name, sizeof name, NULL))) {
            code =
                ff_fail(e, FF_E_USAGE, "options", "S3: a key in %s is no short text", in);
        }
        code = code ? code : read_one(r, in, name, value, e);
    }
    return code;
}

/* "/bucket/prefix", "bucket", "s3://bucket/prefix". */
static int read_path(struct ff_s3_options *o, const char *path, struct ff_error *e)
{
    size_t length;
    const char *bucket = strncmp(path, "s3://", 5) ? path : path + 5, *prefix;
    struct ff_buf b;
    int rc = 0;

    bucket += strspn(bucket, "/");
    length = strcspn(bucket, "/");
    prefix = bucket + length + strspn(bucket + length, "/");
    if (!length || length > 255) {
        (void)ff_fail(e, FF_E_USAGE, "options",
                      "S3: the option \"path\" names no bucket");
        ff_error_fix(e, "say where the storage is: {\"path\": \"/bucket/prefix\"}");
        return FF_E_USAGE;
    }
    ff_buf_init(&b, FF_S3_KEY_BYTES);
    while (rc == 0 && *prefix) {
        size_t part = strcspn(prefix, "/");

        rc = ff_buf_append(&b, prefix, part);
        rc = rc ? rc : ff_buf_append_byte(&b, '/');
        prefix += part + strspn(prefix + part, "/");
    }
    rc = rc ? rc : ff_buf_append_byte(&b, 0);
    o->bucket = ff_strndup(bucket, length);
    o->prefix = rc ? NULL : (char *)ff_buf_steal(&b, NULL);
    ff_buf_free(&b);
    if (rc == -E2BIG) {
        return ff_fail(e, FF_E_USAGE, "options",
                       "S3: the prefix in \"path\" is too long");
    }
    return o->bucket && o->prefix
               ? FF_OK
               : ff_fail(e, FF_E_NO_MEMORY, "options", "no memory for the path");
}

int ff_s3_options_read(struct ff_s3_root *root, struct ff_value options,
                       struct ff_error *e)
{
    struct reading r = {.root = root, .o = &root->options, .values = root->values};
    int code;

    *r.o = (struct ff_s3_options){.https = true,
                                  .verify = true,
                                  .sign_body = true,
                                  .connect_timeout_s = 10,
                                  .read_timeout_s = 60,
                                  .max_attempts = 10,
                                  .connections = 64};
    code = options.doc ? read_group(&r, "options", options, e) : FF_OK;
    code = code ? code : read_path(r.o, r.path, e);
    if (!code && !r.o->key != !r.o->secret) {
        code = ff_fail(e, FF_E_USAGE, "options", "S3: \"%s\" is there, \"%s\" is not",
                       r.o->key ? "key" : "secret", r.o->key ? "secret" : "key");
    }
    return code;
}

void ff_s3_options_free(struct ff_s3_options *o)
{
    ff_free(o->bucket);
    ff_free(o->prefix);
    ff_free(o->endpoint);
    ff_free(o->profile);
    ff_free(o->ca_bundle);
    ff_s3_secret_free(o->key);
    ff_s3_secret_free(o->secret);
    ff_s3_secret_free(o->token);
    for (size_t i = 0; i < o->extra_count; i++) {
        ff_s3_secret_free(o->extra[i].value);
    }
}
