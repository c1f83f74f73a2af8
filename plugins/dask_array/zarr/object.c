/* SPDX-License-Identifier: Apache-2.0 */
/* object.c: small objects, whole: the documents of metadata. */
#include "zarr/store.h"

#include <stdatomic.h>

void zarr_doc_init(struct zarr_doc *d, const char *array, const char *name)
{
    memset(d, 0, sizeof *d);
    (void)snprintf(d->name, sizeof d->name, "%.90s%s%.32s", array, *array ? "/" : "",
                   name);
    ff_buf_init(&d->text, ZARR_TEXT_MAX);
}

void zarr_docs_free(struct zarr_doc *docs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ff_buf_free(&docs[i].text);
    }
}

struct fetch {
    struct ff_batch batch; /* first */
    struct zarr_doc *docs;
    struct ff_io ios[8];
    size_t count, given;
    struct ff_error error;
    atomic_flag failed;
};

static struct ff_io *next(struct ff_batch *batch)
{
    struct fetch *f = (struct fetch *)(void *)batch;

    return f->given < f->count ? &f->ios[f->given++] : NULL;
}

static void *buffer(struct ff_io *io, uint64_t size_bytes)
{
    struct zarr_doc *d = io->user;

    ff_buf_clear(&d->text);
    if (size_bytes > ZARR_TEXT_MAX || ff_buf_reserve(&d->text, (size_t)size_bytes + 1)) {
        return NULL;
    }
    ff_buf_added(&d->text, (size_t)size_bytes);
    return d->text.data;
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *e)
{
    struct fetch *f = (struct fetch *)(void *)batch;
    struct zarr_doc *d = io->user;

    d->code = code;
    if (code == FF_OK) {
        (void)snprintf(d->tag, sizeof d->tag, "%s", io->tag);
    } else if (code != FF_E_NOT_FOUND && !atomic_flag_test_and_set(&f->failed) && e) {
        f->error = *e;
    }
    return 0;
}

int zarr_docs_get(const struct ff_objects *objects, struct zarr_doc *docs, size_t count,
                  const struct ff_call *call, struct ff_error *e)
{
    struct fetch f = {
        .docs = docs, .count = count, .error = FF_ERROR_INIT, .failed = ATOMIC_FLAG_INIT};
    int rc;

    f.batch = (struct ff_batch){
        .struct_size = FF_SIZE(ff_batch, done), .next = next, .done = done};
    for (size_t i = 0; i < count; i++) {
        docs[i].code = FF_E_CANCELLED;
        f.ios[i] = (struct ff_io){.struct_size = FF_SIZE(ff_io, is_folder),
                                  .op = FF_GET,
                                  .name = docs[i].name,
                                  .user = &docs[i],
                                  .size_bytes = FF_ANY_SIZE,
                                  .buffer = buffer};
    }
    rc = objects->run(objects, &f.batch, call, e);
    for (size_t i = 0; rc == FF_OK && i < count; i++) {
        if (docs[i].code != FF_OK && docs[i].code != FF_E_NOT_FOUND) {
            rc = docs[i].code;
            if (e && !e->code) {
                *e = f.error;
            }
            (void)ff_fail(e, rc, docs[i].name, "cannot be read");
        }
    }
    return rc;
}

static int read_memory(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                       const struct ff_call *call, struct ff_error *e)
{
    (void)call;
    (void)e;
    memcpy(dst, (const char *)ctx + offset, size_bytes);
    return FF_OK;
}

int zarr_put_text(const struct ff_objects *objects, const char *name, const char *text,
                  size_t size_bytes, const char *if_match, const struct ff_call *call,
                  struct ff_error *e)
{
    struct ff_one_io one;

    memset(&one, 0, sizeof one);
    one.io.size_bytes = size_bytes;
    one.io.source = read_memory;
    one.io.source_ctx = (void *)(uintptr_t)text;
    one.io.if_match = if_match;
    return ff_one_run(objects, &one, FF_PUT, name, call, e);
}
