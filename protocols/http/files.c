/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: ff.files/1 for reading. Opening reads the beginning, which says how large the file is,
 * and holds what formats put there; later reads are of the same file, or FF_E_STALE. */
#include <string.h>

#include "core/base/alloc.h"
#include "http.h"

struct ff_file {
    char *url;
    char tag[80];
    uint64_t size_bytes;
    struct ff_span begin; /* its first bytes */
};

static struct ff_http_root *root_of(const struct ff_files *self)
{
    return FF_HTTP_BOUND(self, files)->root;
}

static void file_close(const struct ff_files *self, struct ff_file *f)
{
    (void)self;
    if (f) {
        ff_free(f->begin.data);
        ff_free(f->url);
        ff_free(f);
    }
}

static int room_for_begin(struct ff_http_request *r, uint64_t size_bytes)
{
    struct ff_file *f = r->user;

    f->begin.data = ff_malloc((size_t)size_bytes);
    f->begin.size_bytes = (size_t)size_bytes;
    r->spans = &f->begin;
    r->span_count = 1;
    return f->begin.data ? FF_OK : FF_E_NO_MEMORY;
}

static int no_room(struct ff_http_request *r, uint64_t size_bytes)
{
    (void)r;
    return size_bytes ? FF_E_NO_MEMORY : FF_OK;
}

/* Some of the file; room() puts it somewhere. */
static struct ff_http_request *part_of(const struct ff_file *f, uint64_t offset_bytes,
                                       uint64_t size_bytes)
{
    struct ff_http_request *r = ff_http_request_new(ff_strdup(f->url));

    if (r) {
        r->offset_bytes = offset_bytes;
        r->want_bytes = size_bytes;
        r->room = no_room;
    }
    return r;
}

static int read_begin(struct ff_http_root *root, struct ff_file *f,
                      const struct ff_call *call, struct ff_error *e)
{
    struct ff_http_request *r = part_of(f, 0, FF_HTTP_BEGIN_BYTES);
    int code;

    if (!r) {
        return ff_fail(e, FF_E_NO_MEMORY, f->url, "no memory for a request");
    }
    r->user = f;
    r->room = room_for_begin;
    code = ff_http_perform(root, r, call, e);
    f->size_bytes = r->total_bytes;
    memcpy(f->tag, r->answer_tag, sizeof f->tag);
    ff_http_request_free(r);
    return code;
}

static int file_open(const struct ff_files *self, const char *name, int mode,
                     struct ff_file **out, const struct ff_call *call, struct ff_error *e)
{
    const struct ff_http_bound *b = FF_HTTP_BOUND(self, files);
    struct ff_file *f;
    int code;

    *out = NULL;
    if (mode != FF_OPEN_READ) {
        return ff_http_refuse(b->root, name, e);
    }
    if (!name || !*name) {
        return ff_fail(e, FF_E_USAGE, "", "http: no name");
    }
    f = ff_calloc(1, sizeof *f);
    if (!f) {
        return ff_fail(e, FF_E_NO_MEMORY, name, "out of memory");
    }
    code = ff_http_url(b, name, &f->url, e);
    code = code ? code : read_begin(b->root, f, call, e);
    if (code) {
        file_close(self, f);
        return code;
    }
    *out = f;
    return FF_OK;
}

/* From the beginning that is held. */
static void copy_begin(const struct ff_file *f, uint64_t offset,
                       const struct ff_span *spans, size_t count)
{
    const char *from = (const char *)f->begin.data + offset;

    for (size_t i = 0; i < count; i++) {
        memcpy(spans[i].data, from, spans[i].size_bytes);
        from += spans[i].size_bytes;
    }
}

static int file_read_spans(const struct ff_files *self, struct ff_file *f,
                           uint64_t offset, const struct ff_span *spans, size_t count,
                           const struct ff_call *call, struct ff_error *e)
{
    struct ff_http_request *r;
    uint64_t size = 0;
    int code;

    for (size_t i = 0; i < count; i++) {
        if (__builtin_add_overflow(size, spans[i].size_bytes, &size)) {
            return ff_fail(e, FF_E_USAGE, f->url, "more bytes than there can be");
        }
    }
    if (offset > f->size_bytes || size > f->size_bytes - offset) {
        return ff_fail(
            e, FF_E_CORRUPT, f->url, "ends after %llu bytes: byte %llu is needed",
            (unsigned long long)f->size_bytes, (unsigned long long)(offset + size));
    }
    if (!size) {
        return FF_OK;
    }
    if (offset + size <= f->begin.size_bytes) {
        copy_begin(f, offset, spans, count);
        return FF_OK;
    }
    r = part_of(f, offset, size);
    if (!r) {
        return ff_fail(e, FF_E_NO_MEMORY, f->url, "no memory for a request");
    }
    r->tag = f->tag;
    r->spans = spans;
    r->span_count = count;
    r->has_room = true;
    r->take_bytes = size;
    code = ff_http_perform(root_of(self), r, call, e);
    ff_http_request_free(r);
    return code;
}

static int file_read(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                     void *dst, size_t size_bytes, const struct ff_call *call,
                     struct ff_error *e)
{
    struct ff_span span = {dst, size_bytes};

    return file_read_spans(self, f, offset, &span, 1, call, e);
}

static int file_size(const struct ff_files *self, struct ff_file *f, uint64_t *size_bytes,
                     struct ff_error *e)
{
    (void)self;
    (void)e;
    *size_bytes = f->size_bytes;
    return FF_OK;
}

/* ---- never ---- */

static int file_write(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                      const void *src, size_t size_bytes, const struct ff_call *call,
                      struct ff_error *e)
{
    (void)offset, (void)src, (void)size_bytes, (void)call;
    return ff_http_refuse(root_of(self), f->url, e);
}

static int file_write_spans(const struct ff_files *self, struct ff_file *f,
                            uint64_t offset, const struct ff_span *spans, size_t count,
                            const struct ff_call *call, struct ff_error *e)
{
    (void)offset, (void)spans, (void)count, (void)call;
    return ff_http_refuse(root_of(self), f->url, e);
}

static int file_resize(const struct ff_files *self, struct ff_file *f,
                       uint64_t size_bytes, int reserve, struct ff_error *e)
{
    (void)size_bytes, (void)reserve;
    return ff_http_refuse(root_of(self), f->url, e);
}

static int file_finish(const struct ff_files *self, struct ff_file *f,
                       const struct ff_call *call, struct ff_error *e)
{
    int code = ff_http_refuse(root_of(self), f->url, e);

    (void)call;
    file_close(self, f);
    return code;
}

static int file_remove(const struct ff_files *self, const char *name,
                       const struct ff_call *call, struct ff_error *e)
{
    (void)call;
    return ff_http_refuse(root_of(self), name, e);
}

void ff_http_files_init(struct ff_files *out)
{
    *out = (struct ff_files){.struct_size = FF_SIZE(ff_files, remove),
                             .open = file_open,
                             .read = file_read,
                             .read_spans = file_read_spans,
                             .write = file_write,
                             .write_spans = file_write_spans,
                             .size = file_size,
                             .resize = file_resize,
                             .finish = file_finish,
                             .close = file_close,
                             .remove = file_remove};
}
