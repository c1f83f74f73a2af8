/* SPDX-License-Identifier: Apache-2.0 */
/* fault_files.c: ff.files/1 of the protocol "fault". */
#include "fault_own.h"

/* Each function decides first, lets the inner do it unless that fails, and fails
 * afterwards when the answer shall be lost. */
#define BEGIN(op)                                                                        \
    const struct fault_bound *b = FAULT_OF(self, files);                                 \
    const struct ff_files *to = b->to_files;                                             \
    struct fault_verdict v = fault_decide(b->inst, op);                                  \
    int rc = FF_OK

static bool goes_through(const struct fault_verdict *v)
{
    return !v->code || v->lost;
}

static int end(int rc, const struct fault_verdict *v, struct ff_error *e)
{
    return !rc && v->code ? fault_fail(e, v, NULL) : rc;
}

static int open_file(const struct ff_files *self, const char *name, int mode,
                     struct ff_file **out, const struct ff_call *call, struct ff_error *e)
{
    BEGIN(FF_FAULT_OPEN);
    if (goes_through(&v)) {
        rc = to->open(to, name, mode, out, call, e);
        if (!rc && v.code) { /* nobody will have the handle; the file stays */
            rc = to->finish(to, *out, call, e);
        }
    }
    return end(rc, &v, e);
}

static int read_at(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                   void *dst, size_t size_bytes, const struct ff_call *call,
                   struct ff_error *e)
{
    BEGIN(FF_FAULT_READ);
    if (goes_through(&v)) {
        rc = to->read(to, f, offset, dst, size_bytes, call, e);
    }
    return end(rc, &v, e);
}

static int read_spans(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                      const struct ff_span *spans, size_t count,
                      const struct ff_call *call, struct ff_error *e)
{
    BEGIN(FF_FAULT_READ);
    if (goes_through(&v)) {
        rc = to->read_spans(to, f, offset, spans, count, call, e);
    }
    return end(rc, &v, e);
}

static int write_at(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                    const void *src, size_t size_bytes, const struct ff_call *call,
                    struct ff_error *e)
{
    BEGIN(FF_FAULT_WRITE);
    if (goes_through(&v)) {
        rc = to->write(to, f, offset, src, size_bytes, call, e);
    }
    return end(rc, &v, e);
}

static int write_spans(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                       const struct ff_span *spans, size_t count,
                       const struct ff_call *call, struct ff_error *e)
{
    BEGIN(FF_FAULT_WRITE);
    if (goes_through(&v)) {
        rc = to->write_spans(to, f, offset, spans, count, call, e);
    }
    return end(rc, &v, e);
}

static int size_of(const struct ff_files *self, struct ff_file *f, uint64_t *size_bytes,
                   struct ff_error *e)
{
    BEGIN(FF_FAULT_SIZE);
    if (goes_through(&v)) {
        rc = to->size(to, f, size_bytes, e);
    }
    return end(rc, &v, e);
}

static int resize(const struct ff_files *self, struct ff_file *f, uint64_t size_bytes,
                  int reserve, struct ff_error *e)
{
    BEGIN(FF_FAULT_RESIZE);
    if (goes_through(&v)) {
        rc = to->resize(to, f, size_bytes, reserve, e);
    }
    return end(rc, &v, e);
}

static int finish(const struct ff_files *self, struct ff_file *f,
                  const struct ff_call *call, struct ff_error *e)
{
    BEGIN(FF_FAULT_FINISH);
    if (goes_through(&v)) {
        rc = to->finish(to, f, call, e);
    } else {
        to->close(to, f); /* finish() closes also when it fails */
    }
    return end(rc, &v, e);
}

static void close_file(const struct ff_files *self, struct ff_file *f)
{
    const struct ff_files *to = FAULT_OF(self, files)->to_files;

    to->close(to, f);
}

static int remove_file(const struct ff_files *self, const char *name,
                       const struct ff_call *call, struct ff_error *e)
{
    BEGIN(FF_FAULT_REMOVE);
    if (goes_through(&v)) {
        rc = to->remove(to, name, call, e);
    }
    return end(rc, &v, e);
}

const struct ff_files fault_files = {
    .struct_size = FF_SIZE(ff_files, remove),
    .open = open_file,
    .read = read_at,
    .read_spans = read_spans,
    .write = write_at,
    .write_spans = write_spans,
    .size = size_of,
    .resize = resize,
    .finish = finish,
    .close = close_file,
    .remove = remove_file,
};
