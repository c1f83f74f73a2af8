/* SPDX-License-Identifier: Apache-2.0 */
/* descriptor.c: whether the descriptors that plugins give are what they have to be. They are
 * read only as far as their size goes. */
#include "core/registry_own.h"

#include "core/base/name.h"
#include "core/schema.h"

enum {
    DESC_MAX_BYTES = 65536,
    NAME_BYTES = 200,
    CLASSES_MAX = 64,
    NEEDS_MAX = 64,
    VERSION_DIGITS = 6 /* of each part */
};

/* In front of a version that is needed: "functionfuse/1.4". */
#define NEEDS_VERSION       "functionfuse/"
#define NEEDS_VERSION_BYTES (sizeof NEEDS_VERSION - 1)

static int text_ok(const char *text, size_t max_bytes)
{
    size_t length = text ? strnlen(text, max_bytes + 1) : 0;

    if (!length || length > max_bytes || !ff_utf8_valid(text, length)) {
        return 0;
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            return 0;
        }
    }
    return 1;
}

/* A name that can stand in a path and in an address. */
static int name_ok(const char *text)
{
    return text_ok(text, NAME_BYTES) && !strchr(text, '/');
}

static int is_aligned(const void *descriptor, struct ff_verdict *v)
{
    if ((uintptr_t)descriptor % _Alignof(struct ff_serializer)) {
        ff_verdict_set(v, "bad-size", "its descriptor is not on the address of a struct");
    }
    return !v->code;
}

/* `size` is read first, `abi` only when it is there; `least`: what ABI 1 began with. */
static int head_ok(uint32_t size, const uint32_t *abi, uint32_t least,
                   struct ff_verdict *v)
{
    if (size < 2 * sizeof(uint32_t) || size > DESC_MAX_BYTES) {
        ff_verdict_set(v, "bad-size", "its descriptor says that it has %u bytes", size);
    } else if (*abi != FF_ABI) {
        ff_verdict_set(v, "abi-major",
                       "built for plugin ABI %u; this functionfuse %s speaks %u", *abi,
                       ff_version(), FF_ABI);
        ff_verdict_fix(v,
                       *abi > FF_ABI ? "install a newer functionfuse, or the plugin's "
                                       "build for ABI %u"
                                     : "get the plugin's build for ABI %u",
                       FF_ABI);
    } else if (size < least) {
        ff_verdict_set(v, "bad-size",
                       "its descriptor has %u bytes; ABI %u begins with %u", size, FF_ABI,
                       least);
    }
    return !v->code;
}

static void lacks(struct ff_verdict *v, const char *what)
{
    ff_verdict_set(v, "bad-size", "its descriptor lacks %s, or that is no sane text",
                   what);
}

static void built_wrong(struct ff_verdict *v)
{
    if (v->code && !v->fix[0]) {
        ff_verdict_fix(v, "tell the plugin's author: build it anew with "
                          "<functionfuse/plugin.h>");
    }
}

/* A schema that nobody can hold options against. */
static void check_schema(const char *schema, struct ff_verdict *v)
{
    struct ff_error e = FF_ERROR_INIT;

    if (ff_schema_verify(schema, &e)) {
        ff_verdict_set(v, "bad-size", "%s%.200s: %.300s",
                       strstr(e.message, "options_schema") ? "" : "options_schema: ",
                       e.place, e.message);
    }
}

static size_t class_count(const struct ff_serializer *s)
{
    size_t n = 0;

    while (n < CLASSES_MAX && s->serializer_class[n]) {
        if (!text_ok(s->serializer_class[n], NAME_BYTES) ||
            strchr(s->serializer_class[n], ' ')) {
            return 0;
        }
        n++;
    }
    return n < CLASSES_MAX ? n : 0;
}

/* For information: none, or lines of words can be made of them. */
static int words_ok(const char *const *words)
{
    size_t n = 0;

    while (words && n < CLASSES_MAX && words[n]) {
        if (!text_ok(words[n], NAME_BYTES)) {
            return 0;
        }
        n++;
    }
    return n < CLASSES_MAX;
}

void ff_serializer_check(const struct ff_serializer *s, struct ff_verdict *v)
{
    if (!s) {
        ff_verdict_set(v, "bad-size", "ff_serializer_describe() gave nothing");
    } else if (is_aligned(s, v) &&
               head_ok(s->struct_size, &s->abi, FF_SIZE(ff_serializer, unpickle), v)) {
        if (!name_ok(s->name)) {
            lacks(v, "a name");
        } else if (!text_ok(s->version, NAME_BYTES)) {
            lacks(v, "a version");
        } else if (!s->serializer_class || !class_count(s)) {
            lacks(v, "serializer_class");
        } else if (!s->create || !s->pickle || !s->unpickle) {
            lacks(v, "create, pickle or unpickle");
        } else if (!words_ok(s->needs) || !words_ok(s->reads)) {
            lacks(v, "texts in needs or reads that can be told");
        } else if (s->lock_group && !text_ok(s->lock_group, NAME_BYTES)) {
            lacks(v, "a lock_group that can be told");
        } else if (s->threads > FF_THREADS_FREE) {
            ff_verdict_set(v, "bad-size", "its descriptor has no known `threads`: %u",
                           s->threads);
        } else {
            check_schema(ff_schema_of_serializer(s), v);
        }
    }
    built_wrong(v);
}

void ff_protocol_check(const struct ff_protocol *p, struct ff_verdict *v)
{
    if (!p) {
        ff_verdict_set(v, "bad-size", "ff_protocol_describe() gave nothing");
    } else if (is_aligned(p, v) &&
               head_ok(p->struct_size, &p->abi, FF_SIZE(ff_protocol, identity), v)) {
        if (!name_ok(p->kind)) {
            lacks(v, "a kind");
        } else if (!text_ok(p->version, NAME_BYTES)) {
            lacks(v, "a version");
        } else if (p->key ? !text_ok(p->key, NAME_BYTES)
                          : !FF_HAS(p, ff_protocol, key_of)) {
            lacks(v, "a key, or key_of");
        } else if (!p->create || !p->destroy || !p->bind || !p->unbind || !p->query ||
                   !p->identity) {
            lacks(v, "create, destroy, bind, unbind, query or identity");
        } else if (FF_HAS(p, ff_protocol, needs) && !words_ok(p->needs)) {
            lacks(v, "texts in needs that can be told");
        } else {
            check_schema(ff_schema_of_protocol(p), v);
        }
    }
    built_wrong(v);
}

int ff_serializer_classes(const struct ff_serializer *s, struct ff_buf *out)
{
    int code = 0;

    for (size_t i = 0; s->serializer_class[i] && !code; i++) {
        code = i ? ff_buf_append_byte(out, ' ') : 0;
        code = code ? code : ff_buf_append_text(out, s->serializer_class[i]);
    }
    return code;
}

/* "1.4" or "1.4.2", and nothing behind it. */
static int read_version(const char *text, size_t bytes, uint32_t version[3])
{
    size_t at = 0;

    memset(version, 0, 3 * sizeof *version);
    for (int part = 0; part < 3; part++) {
        size_t begin = at;

        while (at < bytes && at < begin + VERSION_DIGITS && text[at] >= '0' &&
               text[at] <= '9') {
            version[part] = version[part] * 10 + (uint32_t)(text[at++] - '0');
        }
        if (at == begin || at == bytes) {
            return at > begin;
        }
        if (text[at++] != '.') {
            return 0;
        }
    }
    return 0;
}

/* What stands behind NEEDS_VERSION. */
static int is_as_new(const char *wanted, size_t bytes)
{
    uint32_t want[3], have[3];

    if (!read_version(wanted, bytes, want) ||
        !read_version(ff_version(), strlen(ff_version()), have)) {
        return 0;
    }
    for (int part = 0; part < 3; part++) {
        if (want[part] != have[part]) {
            return have[part] > want[part];
        }
    }
    return 1;
}

/* Names that begin with "ff." are ours: one that nobody here knows is from a newer version.
 * Others are between protocols and serializers; the storage finds out at the call. */
static int is_known(const struct ff_host *host, const char *id, size_t bytes)
{
    static const char *const protocols[] = {FF_OBJECTS_1, FF_FILES_1, FF_COMMIT_1,
                                            FF_LOCATE_1,  "ff.s3/1",  NULL};
    char name[NAME_BYTES + 1];

    if (bytes > NAME_BYTES) {
        return 0;
    }
    if (bytes >= NEEDS_VERSION_BYTES && !memcmp(id, NEEDS_VERSION, NEEDS_VERSION_BYTES)) {
        return is_as_new(id + NEEDS_VERSION_BYTES, bytes - NEEDS_VERSION_BYTES);
    }
    memcpy(name, id, bytes);
    name[bytes] = '\0';
    for (size_t i = 0; protocols[i]; i++) {
        if (strcmp(protocols[i], name) == 0) {
            return 1;
        }
    }
    return strncmp(name, "ff.", 3) != 0 || host->services.query(&host->services, name);
}

/* One entry: alternatives with '|' between. */
static int is_met(const struct ff_host *host, const char *need)
{
    while (*need) {
        size_t bytes = strcspn(need, "|");

        if (is_known(host, need, bytes)) {
            return 1;
        }
        need += bytes + (need[bytes] == '|');
    }
    return 0;
}

static void explain_need(const char *need, struct ff_verdict *v)
{
    if (!strncmp(need, NEEDS_VERSION, NEEDS_VERSION_BYTES) && !strchr(need, '|')) {
        const char *version = need + NEEDS_VERSION_BYTES;

        ff_verdict_set(v, "needs", "it needs functionfuse %.100s, and this is %s",
                       version, ff_version());
        ff_verdict_fix(v,
                       "install functionfuse %.100s or newer, or an older version of the "
                       "plugin",
                       version);
        return;
    }
    ff_verdict_set(v, "needs", "it needs %.200s, which functionfuse %s does not have",
                   need, ff_version());
    ff_verdict_fix(v, "install a newer functionfuse, or an older version of the plugin");
}

void ff_needs_check(const struct ff_host *host, const char *const *needs,
                    struct ff_verdict *v)
{
    for (size_t i = 0; needs && needs[i] && i < NEEDS_MAX && !v->code; i++) {
        if (!is_met(host, needs[i])) {
            explain_need(needs[i], v);
        }
    }
}
