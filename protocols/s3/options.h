/* SPDX-License-Identifier: Apache-2.0 */
/* options.h: where a bucket is and who may use it: the dictionary that s3fs takes, the
 * environment, the files in ~/.aws, programs and services that hand out credentials. */
#ifndef FF_PROTOCOL_S3_OPTIONS_H
#define FF_PROTOCOL_S3_OPTIONS_H

#include <functionfuse/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/sys.h"
#include "core/base/vec.h"

enum {
    FF_S3_HOST_BYTES = 300,
    FF_S3_EXTRA_HEADERS = 12 /* of s3_additional_kwargs */
};

enum ff_s3_style { FF_S3_STYLE_AUTO, FF_S3_STYLE_PATH, FF_S3_STYLE_VIRTUAL };

struct ff_s3_extra {
    const char *header; /* static */
    char *value;
    bool on_read; /* also with GET and HEAD: a customer's key */
};

struct ff_s3_options {
    /* where */
    char *bucket;
    char *prefix;   /* "" or with '/' at its end */
    char *endpoint; /* as given, or NULL: Amazon's */
    bool https, own_endpoint, loopback;
    char host[FF_S3_HOST_BYTES];      /* "host" or "host:port" as in the Host header */
    char base_path[FF_S3_HOST_BYTES]; /* "" or "/bucket" */
    enum ff_s3_style style;
    char region[64]; /* under the root's lock: may be learned */
    /* who: what was said here, before anything else is looked at */
    bool anonymous;
    bool instance_metadata;
    char *key, *secret, *token;
    char *profile;
    /* how */
    bool verify;
    char *ca_bundle; /* or NULL: the system's */
    bool sign_body;
    bool requester_pays;
    bool no_proxy;
    long connect_timeout_s, read_timeout_s;
    unsigned max_attempts;
    unsigned connections;
    struct ff_s3_extra extra[FF_S3_EXTRA_HEADERS];
    size_t extra_count;
};

struct ff_s3_root;

/* From the "options" of a storage. Warnings name keys that are not known. */
int ff_s3_options_read(struct ff_s3_root *, struct ff_value options, struct ff_error *);
void ff_s3_options_free(struct ff_s3_options *);
/* endpoint.c: host, style and path from what was said; again once the region is known. */
int ff_s3_endpoint(struct ff_s3_options *, struct ff_error *);
/* The same at first, with what the environment and the profile say. */
int ff_s3_endpoint_open(struct ff_s3_root *, struct ff_error *);

/* ---- text.c ---- */

/* Clears memory that held a secret, then ff_free. */
void ff_s3_secret_free(char *);
char *ff_s3_env(const char *name); /* owned; NULL: not set, empty, or privileged */
/* A whole small file: 0, -ENOENT, -errno. */
int ff_s3_read_file(const struct ff_sys *, const char *path, size_t max_bytes,
                    struct ff_buf *out);

/* profile.c: `name = value` of a section of an ini file; NULL when there is none. */
char *ff_s3_ini_get(const char *text, const char *section, const char *name);
/* Of $AWS_SHARED_CREDENTIALS_FILE and $AWS_CONFIG_FILE, or those of ~/.aws. */
char *ff_s3_profile_get(const struct ff_sys *, const char *profile, const char *name);
char *ff_s3_home_path(const char *below);

/* ---- credentials.c ---- */

struct ff_s3_secrets {
    char *key, *secret, *token;
    int64_t expires_ns; /* CLOCK_REALTIME; INT64_MAX = never */
};

struct ff_s3_credentials;

int ff_s3_credentials_new(struct ff_s3_root *, struct ff_s3_credentials **,
                          struct ff_error *);
void ff_s3_credentials_free(struct ff_s3_credentials *);
/* Those of now, copied: released with ff_s3_secrets_free. False: anonymous. -ENOMEM: no
 * memory. */
int ff_s3_credentials_get(struct ff_s3_credentials *, struct ff_s3_secrets *,
                          bool *anonymous);
/* The first use; when they expire within 5 minutes; when `refused`. May wait for a program
 * or a service. Several threads: one asks, the others wait. */
int ff_s3_credentials_refresh(struct ff_s3_credentials *, bool refused,
                              const struct ff_call *, struct ff_error *);
bool ff_s3_credentials_expiring(struct ff_s3_credentials *);
void ff_s3_secrets_free(struct ff_s3_secrets *);

/* From {"AccessKeyId": ..., "SecretAccessKey": ..., "SessionToken"/"Token": ...,
 * "Expiration": ...}. */
int ff_s3_secrets_parse(const struct ff_s3_root *, const char *text, size_t size_bytes,
                        const char *place, struct ff_s3_secrets *, struct ff_error *);
/* spawn.c: what a program prints. No shell: words, with quotes. */
int ff_s3_spawn(const struct ff_sys *, const char *command, int64_t until_ns,
                const struct ff_call *, struct ff_buf *out, struct ff_error *);
/* metadata.c: services of a container or an instance. FF_E_NOT_FOUND: there is none. */
int ff_s3_metadata(struct ff_s3_root *, const struct ff_call *, struct ff_s3_secrets *,
                   struct ff_error *);

/* ---- sign.c ---- */

struct ff_s3_to_sign {
    const char *method, *path, *query; /* both encoded */
    const char *body_hash;
    const char *region;
    const struct ff_s3_secrets *secrets;
    int64_t time_s; /* since 1970 */
    /* Names in lower case, values trimmed; sorted here. */
    struct {
        const char *name, *value;
    } headers[32];
    size_t header_count;
};

/* "20130524T000000Z" of a time. */
void ff_s3_amz_date(int64_t time_s, char out[17]);
/* The value of the header "authorization". 0, -ENOMEM, -EIO. */
int ff_s3_sign(struct ff_s3_to_sign *, struct ff_buf *out);
/* Everything but letters, digits and "-._~" as %XX, '/' too unless kept. */
int ff_s3_encode(struct ff_buf *, const char *text, bool keep_slash);
/* In place; '+' is a blank. False: not valid. */
bool ff_s3_decode(char *text);
int ff_s3_base64(const uint8_t *data, size_t size_bytes, struct ff_buf *out);

/* ---- xml.c ---- */

/* Elements of a document, flat. `path` is "ListBucketResult/Contents/Key", without name
 * spaces; called at the end of each element with the text in it, and at the beginning of each
 * with text NULL. Nonzero stops. */
typedef int ff_s3_xml_each(void *ctx, const char *path, char *text);
/* FF_E_CORRUPT: not well formed, too deep, or with entities of its own. */
int ff_s3_xml(const char *data, size_t size_bytes, ff_s3_xml_each *, void *ctx,
              struct ff_error *);

#endif
