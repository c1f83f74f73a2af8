/* SPDX-License-Identifier: Apache-2.0 */
/* registry_bind.c: what a file gave, or the program itself, becomes its rows: each descriptor is
 * checked, and has to say what a note said. */
#include "core/registry_own.h"

#include "core/base/alloc.h"

enum { CHAIN_MAX = 64 };

static int no_memory(struct ff_error *e)
{
    return ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory to load a plugin");
}

int ff_plugin_settle_file(struct ff_registry *r, const struct ff_plugin_file *file,
                          const struct ff_verdict *v, struct ff_error *e)
{
    int code = FF_OK;

    for (size_t i = 0; i < r->plugins.count && !code; i++) {
        struct ff_plugin *p = ff_plugin_of(r, i);

        if (p->file == file && !p->settled) {
            code = ff_plugin_settle(p, v, e);
        }
    }
    ff_host_log(r->host, FF_LOG_WARNING, "%s: %s: %s", file->path, v->code, v->reason);
    return code;
}

static void differs(struct ff_verdict *v, const char *what, const char *note,
                    const char *descriptor)
{
    ff_verdict_set(v, "note-differs",
                   "its note says %s \"%.120s\", its descriptor \"%.120s\"", what, note,
                   descriptor);
    ff_verdict_fix(v, "tell the plugin's author: FF_PLUGIN_NOTE must say the same");
}

/* The descriptor of this name, or NULL. */
static struct ff_found named(const struct ff_found *first, const char *name)
{
    struct ff_found f = {NULL, NULL};

    if (first->protocol && strcmp(first->protocol->kind, name) == 0) {
        f.protocol = first->protocol;
    }
    for (f.serializer = first->serializer;
         f.serializer && strcmp(f.serializer->name, name) != 0;) {
        f.serializer =
            FF_HAS(f.serializer, ff_serializer, next) ? f.serializer->next : NULL;
    }
    return f;
}

/* Each descriptor behind the first is checked as the first was. */
static size_t check_chain(const struct ff_found *first, struct ff_verdict *v)
{
    const struct ff_serializer *s = first->serializer;
    size_t count = 1;

    while (s && FF_HAS(s, ff_serializer, next) && !v->code) {
        s = s->next;
        ff_serializer_check(s, v);
        if (++count > CHAIN_MAX) {
            ff_verdict_set(v, "bad-size", "it has more than %d serializers", CHAIN_MAX);
            ff_verdict_fix(v, "tell the plugin's author: `next` of the last one is NULL");
        }
    }
    return count;
}

/* The row's texts from its descriptor; those that a note gave have to be the same. */
static int bind(struct ff_plugin *p, const struct ff_found *f, int noted,
                struct ff_verdict *v, struct ff_error *e)
{
    const struct ff_serializer *s = f->serializer;
    const char *version = s ? s->version : f->protocol->version;
    const char *summary = s ? s->summary : f->protocol->summary;
    struct ff_buf classes;
    int code = FF_OK;

    p->serializer = s;
    p->protocol = f->protocol;
    ff_buf_init(&classes, 1 << 16);
    if (s && ff_serializer_classes(s, &classes)) {
        code = no_memory(e);
    } else if (noted && strcmp(p->row.version, version) != 0) {
        differs(v, "version", p->row.version, version);
    } else if (noted && s && strcmp(p->row.classes, ff_buf_text(&classes)) != 0) {
        differs(v, "classes", p->row.classes, ff_buf_text(&classes));
    } else {
        code = ff_plugin_set(p, FF_TEXT_NAME, s ? s->name : f->protocol->kind, e);
        code = code ? code
                    : ff_plugin_set(p, FF_TEXT_KIND, s ? "serializer" : "protocol", e);
        code = code ? code : ff_plugin_set(p, FF_TEXT_VERSION, version, e);
        code = code ? code : ff_plugin_set(p, FF_TEXT_SUMMARY, summary ? summary : "", e);
        code = code ? code : ff_plugin_set(p, FF_TEXT_CLASSES, ff_buf_text(&classes), e);
        code = code ? code : ff_plugin_bind_facts(p, v, e);
    }
    ff_buf_free(&classes);
    return code;
}

/* Rows that notes made find their descriptors; there are as many of one as of the other. */
static int bind_noted(struct ff_registry *r, const struct ff_plugin_file *file,
                      const struct ff_found *first, size_t chain, struct ff_verdict *v,
                      struct ff_error *e)
{
    size_t rows = 0;
    int code = FF_OK;

    for (size_t i = 0; i < r->plugins.count && !code && !v->code; i++) {
        struct ff_plugin *p = ff_plugin_of(r, i);
        struct ff_found f;

        if (p->file != file) {
            continue;
        }
        rows++;
        f = named(first, p->row.name);
        if (f.serializer || f.protocol) {
            code = bind(p, &f, 1, v, e);
        } else {
            differs(v, "name", p->row.name,
                    first->serializer ? first->serializer->name : first->protocol->kind);
        }
    }
    if (!code && !v->code && rows != chain) {
        ff_verdict_set(v, "note-differs", "it has %zu notes and %zu descriptors", rows,
                       chain);
    }
    return code;
}

static void explain_pin(const struct ff_plugin *p, struct ff_verdict *v)
{
    if (p->file->in_program) {
        ff_verdict_set(v, "pin",
                       "it is a part of the program, not the file that was pinned");
        ff_verdict_fix(v, "ff plugin unpin %.200s", p->row.name);
    } else {
        ff_verdict_set(v, "pin",
                       "it is pinned, but neither its note nor its file has its name");
        ff_verdict_fix(v, "rename the file to %.200s.so", p->row.name);
    }
}

/* Without a note, descriptors make rows; the first takes the row that the file has. */
static int bind_noteless(struct ff_registry *r, struct ff_plugin_file *file,
                         const struct ff_found *first, struct ff_verdict *v,
                         struct ff_error *e)
{
    struct ff_found f = *first;
    struct ff_plugin *p = NULL;
    int code = FF_OK;

    for (size_t i = 0; i < r->plugins.count && !p; i++) {
        p = ff_plugin_of(r, i)->file == file ? ff_plugin_of(r, i) : NULL;
    }
    while (!code && (f.serializer || f.protocol)) {
        p = p ? p : ff_plugin_new(r, file, NULL, e);
        code = p ? bind(p, &f, 0, v, e) : FF_E_NO_MEMORY;
        if (!code) {
            p->rank = ff_plugin_rank(r, p->row.name, file, !file->in_program);
        }
        if (!code && !file->pinned && ff_pin_is_there(r, p)) {
            struct ff_verdict pin = {.code = NULL};

            explain_pin(p, &pin);
            code = ff_plugin_settle(p, &pin, e);
        } else if (!code && p->rank < 0) {
            struct ff_verdict off = {.code = NULL};

            ff_verdict_set(&off, "disabled", "it is not enabled in the configuration");
            ff_verdict_fix(&off, "ff plugin enable %.200s", p->row.name);
            code = ff_plugin_settle(p, &off, e);
        }
        p = NULL;
        f.protocol = NULL;
        f.serializer =
            FF_HAS(f.serializer, ff_serializer, next) ? f.serializer->next : NULL;
    }
    return code;
}

int ff_plugin_bind(struct ff_registry *r, struct ff_plugin_file *file,
                   const struct ff_found *first, struct ff_verdict *v, struct ff_error *e)
{
    size_t chain = check_chain(first, v);

    if (v->code) {
        return FF_OK;
    }
    return file->noteless ? bind_noteless(r, file, first, v, e)
                          : bind_noted(r, file, first, chain, v, e);
}
