/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c: the protocol "S3": results below a prefix of a bucket, as the Python package stores
 * them. Options: {"path": "/bucket/prefix", "s3fs": {...}}. */
#include <string.h>

#include "core/base/name.h"
#include "core/base/alloc.h"
#include "s3.h"

FF_PLUGIN_NOTE("protocol", "S3", "0.1.0",
               FF_S3_PROTOCOL "\n"
                              "needs " FF_VALUES_1 "\n"
                              "offers " FF_OBJECTS_1 " " FF_LOCATE_1 " " FF_PROBE_1
                              " " FF_LEFTOVERS_1 " " FF_S3_1);

enum { LOCKED_MAX = 4096, BODY_MAX_BYTES = 256 << 20, TEXT_BYTES = 512 };

void ff_s3_log(const struct ff_s3_root *root, int level, const char *fmt, ...)
{
    char text[TEXT_BYTES];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    root->host->log(root->host, level, text);
}

/* ---- an instance ---- */

static void s3_destroy(void *inst)
{
    struct ff_s3_root *root = inst;

    ff_s3_http_free(root->http);
    ff_s3_credentials_free(root->credentials);
    ff_s3_options_free(&root->options);
    ff_vec_free(&root->locked);
    (void)pthread_cond_destroy(&root->unlocked);
    (void)pthread_mutex_destroy(&root->probing);
    (void)pthread_mutex_destroy(&root->lock);
    ff_free(root->identity);
    ff_free(root);
}

static struct ff_s3_root *root_new(const struct ff_host_services *host)
{
    const struct ff_sys *sys = host->query(host, FF_SYS_1);
    struct ff_s3_root *root = ff_calloc(1, sizeof *root);

    if (!root || pthread_mutex_init(&root->lock, NULL)) {
        ff_free(root);
        return NULL;
    }
    if (pthread_mutex_init(&root->probing, NULL)) {
        (void)pthread_mutex_destroy(&root->lock);
        ff_free(root);
        return NULL;
    }
    if (pthread_cond_init(&root->unlocked, NULL)) {
        (void)pthread_mutex_destroy(&root->probing);
        (void)pthread_mutex_destroy(&root->lock);
        ff_free(root);
        return NULL;
    }
    root->host = host;
    root->sys = sys ? sys : &ff_sys_posix;
    root->values = host->query(host, FF_VALUES_1);
    root->pool = host->query(host, FF_POOL_1);
    root->body_max_bytes = BODY_MAX_BYTES;
    ff_vec_init(&root->locked, sizeof(char *), LOCKED_MAX);
    return root;
}

/* Which medium this is: another region of the same endpoint would be another bucket. */
static int identify(struct ff_s3_root *root, struct ff_error *e)
{
    const struct ff_s3_options *o = &root->options;
    struct ff_buf text;
    int rc;

    ff_buf_init(&text, 4096);
    rc = ff_buf_printf(&text, "s3:%s%s/%s", o->host, o->base_path, o->prefix);
    rc = rc ? rc : ff_buf_append_byte(&text, 0);
    root->identity = rc ? NULL : (char *)ff_buf_steal(&text, NULL);
    ff_buf_free(&text);
    root->facts = (struct ff_s3_facts){.struct_size = FF_SIZE(ff_s3_facts, server)};
    return root->identity ? FF_OK
                          : ff_fail(e, FF_E_NO_MEMORY, o->bucket, "no memory to open it");
}

static int s3_create(const struct ff_host_services *host, struct ff_value options,
                     void **out, struct ff_error *e)
{
    struct ff_s3_root *root = root_new(host);
    int code;

    *out = NULL;
    if (!root) {
        return ff_fail(e, FF_E_NO_MEMORY, "S3", "no memory to open the storage");
    }
    code = root->values ? ff_s3_options_read(root, options, e)
                        : ff_fail(e, FF_E_PLUGIN, "S3", "the host has no " FF_VALUES_1);
    code = code ? code : ff_s3_endpoint_open(root, e);
    code = code ? code : identify(root, e);
    code = code ? code : ff_s3_credentials_new(root, &root->credentials, e);
    code = code ? code : ff_s3_http_new(root, &root->http, e);
    if (code) {
        s3_destroy(root);
        return code;
    }
    *out = root;
    return FF_OK;
}

/* ---- a view of one folder ---- */

static int s3_sync(const struct ff_objects *self, const struct ff_call *call,
                   struct ff_error *e)
{
    const struct ff_s3_bound *b = FF_S3_BOUND(self, objects);

    /* What the server has answered is durable, as far as it ever is. */
    return ff_s3_stopped(b->root, call, b->folder, e);
}

static int where(const struct ff_locate *self, const char *name, char *text, size_t size,
                 struct ff_error *e)
{
    const struct ff_s3_bound *b = FF_S3_BOUND(self, locate);
    char *key = NULL;
    int code = name && *name ? ff_s3_key(b, name, &key, e) : FF_OK;

    if (!code) {
        (void)snprintf(text, size, "s3://%s/%s", b->root->options.bucket,
                       key ? key : b->folder);
    }
    ff_free(key);
    return code;
}

static void s3_unbind(void *bound)
{
    struct ff_s3_bound *b = bound;

    ff_free(b->folder);
    ff_free(b);
}

static char *join(const char *prefix, const char *folder)
{
    struct ff_buf text;
    char *out = NULL;
    int rc;

    ff_buf_init(&text, FF_S3_KEY_BYTES + 1);
    rc = ff_buf_printf(&text, "%s%s%s", prefix, folder, *folder ? "/" : "");
    if (rc == 0 && ff_buf_append_byte(&text, 0) == 0) {
        out = (char *)ff_buf_steal(&text, NULL);
    }
    ff_buf_free(&text);
    return out;
}

static int s3_bind(void *inst, const char *folder, void **out, const struct ff_call *call,
                   struct ff_error *e)
{
    struct ff_s3_root *root = inst;
    struct ff_s3_bound *b;
    size_t length = strlen(folder);
    char *copy;

    (void)call;
    *out = NULL;
    while (length > 0 && folder[length - 1] == '/') {
        length--;
    }
    copy = ff_strndup(folder, length);
    b = copy ? ff_calloc(1, sizeof *b) : NULL;
    if (b && *copy && !ff_is_object_name(copy)) {
        ff_free(copy);
        ff_free(b);
        return ff_fail(e, FF_E_USAGE, folder, "S3: not a name of a folder");
    }
    if (b) {
        b->folder = join(root->options.prefix, copy);
    }
    ff_free(copy);
    if (!b || !b->folder) {
        ff_free(b);
        return ff_fail(e, FF_E_NO_MEMORY, folder, "no memory to bind it");
    }
    b->root = root;
    b->objects = (struct ff_objects){.struct_size = FF_SIZE(ff_objects, sync),
                                     .run = ff_s3_run,
                                     .list = ff_s3_list,
                                     .sync = s3_sync};
    b->locate =
        (struct ff_locate){.struct_size = FF_SIZE(ff_locate, where), .where = where};
    b->s3 = (struct ff_s3){.struct_size = FF_SIZE(ff_s3, facts), .facts = ff_s3_facts};
    b->probe =
        (struct ff_probe){.struct_size = FF_SIZE(ff_probe, probe), .probe = ff_s3_tell};
    b->leftovers = (struct ff_leftovers){.struct_size = FF_SIZE(ff_leftovers, remove),
                                         .list = ff_s3_uploads,
                                         .remove = ff_s3_abort};
    *out = b;
    return FF_OK;
}

static const void *s3_query(void *bound, const char *interface_id)
{
    const struct ff_s3_bound *b = bound;

    if (strcmp(interface_id, FF_OBJECTS_1) == 0) {
        return &b->objects;
    }
    if (strcmp(interface_id, FF_LOCATE_1) == 0) {
        return &b->locate;
    }
    if (strcmp(interface_id, FF_PROBE_1) == 0) {
        return &b->probe;
    }
    if (strcmp(interface_id, FF_LEFTOVERS_1) == 0) {
        return &b->leftovers;
    }
    return strcmp(interface_id, FF_S3_1) == 0 ? &b->s3 : NULL;
}

static const char *s3_identity(void *inst)
{
    return ((struct ff_s3_root *)inst)->identity;
}

static const char *const s3_needs[] = {FF_VALUES_1, NULL};

/* null counts as missing everywhere, as in Python; what has no type here options.c reads. */
static const char s3_schema[] =
    "{\"type\": \"object\", \"properties\": {\"path\": {\"type\": \"string\", "
    "\"description\": \"/bucket, or /bucket/prefix; needed\"}, "
    "\"instance_metadata\": {\"enum\": [true, false, null], \"default\": false, "
    "\"description\": \"credentials from the machine's or the container's service\"}, "
    "\"s3fs\": {\"description\": \"as s3fs takes it; unknown keys are ignored with a "
    "warning\", "
    "\"properties\": {\"endpoint_url\": {\"description\": \"https://host:port; AWS where "
    "it is missing\"}, "
    "\"key\": {\"description\": \"or username: the access key\"}, "
    "\"secret\": {\"description\": \"or password\"}, "
    "\"token\": {\"description\": \"of a session\"}, "
    "\"anon\": {\"enum\": [true, false, null], \"default\": false, "
    "\"description\": \"no signature\"}, "
    "\"use_ssl\": {\"enum\": [true, false, null], \"default\": true}, "
    "\"profile\": {\"description\": \"of ~/.aws\"}, "
    "\"requester_pays\": {\"enum\": [true, false, null], \"default\": false}, "
    "\"client_kwargs\": {\"description\": \"as botocore takes it\", "
    "\"properties\": {\"endpoint_url\": {\"description\": \"as above\"}, "
    "\"region_name\": {\"description\": \"us-east-1\"}, "
    "\"use_ssl\": {\"enum\": [true, false, null]}, "
    "\"verify\": {\"description\": \"false, or a file of certificates\"}, "
    "\"aws_access_key_id\": {\"description\": \"as key\"}, "
    "\"aws_secret_access_key\": {\"description\": \"as secret\"}, "
    "\"aws_session_token\": {\"description\": \"as token\"}}}, "
    "\"config_kwargs\": {\"description\": \"as botocore takes it\", "
    "\"properties\": {\"region_name\": {\"description\": \"as above\"}, "
    "\"max_pool_connections\": {\"description\": \"at a time; from 1\"}, "
    "\"connect_timeout\": {\"description\": \"seconds\"}, "
    "\"read_timeout\": {\"description\": \"seconds\"}, "
    "\"signature_version\": {\"description\": \"s3v4, or unsigned\"}, "
    "\"retries\": {\"description\": \"max_attempts, total_max_attempts\"}, "
    "\"s3\": {\"properties\": {\"addressing_style\": {\"enum\": [\"auto\", "
    "\"path\", \"virtual\", null], \"default\": \"auto\"}, "
    "\"payload_signing_enabled\": {\"enum\": [true, false, null]}}}}}, "
    "\"s3_additional_kwargs\": {\"description\": \"parameters of PutObject: ACL, "
    "ServerSideEncryption, ...\"}}}}}";

static const struct ff_protocol s3_protocol = {
    .struct_size = FF_SIZE(ff_protocol, options_schema),
    .abi = FF_ABI,
    .key = FF_S3_PROTOCOL,
    .kind = "S3",
    .version = "0.1.0",
    .summary = "results in a bucket of an S3 server",
    .create = s3_create,
    .destroy = s3_destroy,
    .bind = s3_bind,
    .unbind = s3_unbind,
    .query = s3_query,
    .identity = s3_identity,
    .needs = s3_needs,
    .options_schema = s3_schema,
};

const struct ff_protocol *ff_protocol_describe(void)
{
    return &s3_protocol;
}
