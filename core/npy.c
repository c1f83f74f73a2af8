/* SPDX-License-Identifier: Apache-2.0 */
/* npy.c: the .npy codec: an array as the bytes of a .npy file, and the reverse. The
 * format: numpy/lib/format.py, NEP 1. Versions 1 to 3 are read, 1 is written (2 when the
 * header needs it). core/npy_header.c knows the header. */
#include "core/npy.h"

#include <errno.h>

#include "core/array_own.h"
#include "core/base/alloc.h"
#include "core/base/checked.h"
#include "core/base/region.h"
#include "core/base/sys.h"

#define MAX_PIECE_BYTES (1u << 20)

/* ---- an array as bytes ---- */

static int image_parts(const struct ff_array *a, struct ff_buf *header,
                       uint64_t *element_bytes, struct ff_error *e)
{
    int rc = ff_npy_header_print(a, header, e);
    if (!rc && !ff_product((size_t)a->ndim, a->shape, a->itemsize_bytes, element_bytes)) {
        rc = ff_fail(e, FF_E_USAGE, NULL, "the array has more bytes than 2^63");
    }
    return rc;
}

static int image_size(const struct ff_array *a, uint64_t *size_bytes, struct ff_error *e)
{
    struct ff_buf header;
    uint64_t elements = 0;
    int rc;
    ff_buf_init(&header, FF_NPY_MAX_HEADER_BYTES);
    rc = image_parts(a, &header, &elements, e);
    if (!rc) {
        *size_bytes = elements + header.length_bytes;
    }
    ff_buf_free(&header);
    return rc;
}

/* The largest box that begins at element `at` in C order and holds at most `most`
 * elements. */
static uint64_t box_at(const struct ff_array *a, uint64_t at, uint64_t most,
                       int64_t *start, int64_t *count)
{
    uint64_t block = 1, taken = 1;
    int axis = a->ndim - 1;
    for (int i = a->ndim - 1; i >= 0; i--) {
        start[i] = (int64_t)(at % (uint64_t)a->shape[i]);
        at /= (uint64_t)a->shape[i];
        count[i] = 1;
    }
    for (; axis > 0 && start[axis] == 0 && block * (uint64_t)a->shape[axis] <= most;
         axis--) {
        count[axis] = a->shape[axis];
        block *= (uint64_t)a->shape[axis];
    }
    if (axis >= 0) {
        uint64_t left = (uint64_t)(a->shape[axis] - start[axis]), fit = most / block;
        taken = left < fit ? left : fit;
        count[axis] = (int64_t)taken;
    }
    return taken * block;
}

static int read_elements(const struct ff_array *a, uint64_t first, uint64_t number,
                         char *dst, const struct ff_call *call, struct ff_error *e)
{
    int64_t start[FF_MAX_NDIM], count[FF_MAX_NDIM], strides[FF_MAX_NDIM];
    struct ff_region r = {start, count, NULL};
    int rc = FF_OK;
    while (!rc && number) {
        uint64_t got = box_at(a, first, number, start, count);
        (void)ff_strides_c((size_t)a->ndim, count, a->itemsize_bytes, strides, NULL);
        rc = a->read(a, &r, dst, strides, call, e);
        first += got;
        number -= got;
        dst += got * a->itemsize_bytes;
    }
    return rc;
}

/* Bytes of the elements, which may begin and end inside of one. */
static int read_bytes(const struct ff_array *a, uint64_t offset, char *dst, uint64_t size,
                      const struct ff_call *call, struct ff_error *e)
{
    uint64_t item = a->itemsize_bytes, whole;
    int rc = FF_OK;
    while (!rc && size) {
        uint64_t inside = offset % item,
                 piece = item - inside < size ? item - inside : size;
        if (inside || size < item) {
            char *one = ff_malloc((size_t)item);
            rc = one ? read_elements(a, offset / item, 1, one, call, e)
                     : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
            if (!rc) {
                memcpy(dst, one + inside, (size_t)piece);
            }
            ff_free(one);
        } else {
            whole = size / item;
            rc = read_elements(a, offset / item, whole, dst, call, e);
            piece = whole * item;
        }
        offset += piece;
        dst += piece;
        size -= piece;
    }
    return rc;
}

static int image_read(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                      const struct ff_call *call, struct ff_error *e)
{
    const struct ff_array *a = ctx;
    struct ff_buf header;
    uint64_t elements = 0, total;
    size_t head = 0;
    int rc;
    ff_buf_init(&header, FF_NPY_MAX_HEADER_BYTES);
    rc = image_parts(a, &header, &elements, e);
    total = elements + header.length_bytes;
    if (!rc && (offset > total || size_bytes > total - offset)) {
        rc = ff_fail(e, FF_E_USAGE, NULL, "past the end of the .npy image");
    }
    if (!rc && offset < header.length_bytes) {
        head = header.length_bytes - (size_t)offset;
        head = head < size_bytes ? head : size_bytes;
        memcpy(dst, header.data + offset, head);
    }
    if (!rc && size_bytes > head) {
        rc = read_bytes(a, offset + head - header.length_bytes, (char *)dst + head,
                        size_bytes - head, call, e);
    }
    ff_buf_free(&header);
    return rc;
}

int ff_npy_write(const struct ff_array *a, int (*write)(void *, const void *, size_t),
                 void *ctx, const struct ff_call *call, struct ff_error *e)
{
    uint64_t size = 0, piece = MAX_PIECE_BYTES;
    char *buffer;
    int rc;
    if (e && e->code) {
        return e->code;
    }
    if (!FF_HAS(a, ff_array, read)) {
        return ff_fail(e, FF_E_USAGE, NULL, "this array has no elements to write");
    }
    if ((rc = image_size(a, &size, e))) {
        return rc;
    }
    if (a->ndim && a->shape[0] > 0) { /* whole rows: chunks are then read once */
        uint64_t row = size / (uint64_t)a->shape[0],
                 rows = a->chunk ? (uint64_t)a->chunk[0] : 1;
        uint64_t band;
        if (ff_mul_u64(row, rows, &band) && band > piece && band <= 64 * piece) {
            piece = band;
        }
    }
    buffer = ff_aligned_alloc((size_t)piece);
    rc = buffer ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    for (uint64_t at = 0; !rc && at < size; at += piece) {
        size_t n = (size_t)(size - at < piece ? size - at : piece);
        rc = image_read((void *)(uintptr_t)a, at, buffer, n, call, e);
        if (!rc && write(ctx, buffer, n)) {
            rc = ff_fail(e, FF_E_IO, NULL, "what was to be written could not be");
        }
        ff_progress(call, at + n, size);
    }
    ff_aligned_free(buffer);
    return rc;
}

/* ---- bytes as an array ---- */

struct source {
    ff_read_at *read;
    void *moved;
    void (*release)(void *);
    uint64_t offset_bytes; /* of the first element */
    int fortran;
};

/* One run of items, `step` apart in the file, into items dst_stride apart. */
static int read_run(const struct source *s, uint64_t item, uint64_t at, int64_t count,
                    int64_t step, char *dst, int64_t dst_stride,
                    const struct ff_call *call, struct ff_error *e)
{
    uint64_t room = item < MAX_PIECE_BYTES ? MAX_PIECE_BYTES / item : 1;
    int64_t at_once = (int64_t)(room / (uint64_t)step ? room / (uint64_t)step : 1);
    int rc = FF_OK;
    char *buffer;
    if (step == 1 && dst_stride == (int64_t)item) {
        return s->read(s->moved, at, dst, (size_t)((uint64_t)count * item), call, e);
    }
    at_once = at_once < count ? at_once : count;
    buffer = ff_malloc((size_t)((uint64_t)((at_once - 1) * step + 1) * item));
    if (!buffer) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    while (!rc && count) {
        int64_t n = at_once < count ? at_once : count, from = step * (int64_t)item;
        rc = s->read(s->moved, at, buffer,
                     (size_t)((uint64_t)((n - 1) * step + 1) * item), call, e);
        if (!rc) {
            (void)ff_copy_strided(1, &n, (size_t)item, dst, &dst_stride, buffer, &from);
        }
        dst += n * dst_stride;
        at += (uint64_t)(n * step) * item;
        count -= n;
    }
    ff_free(buffer);
    return rc;
}

/* A box of a C-order file; axes that are contiguous on both sides are read as one. */
struct box {
    int ndim;
    int64_t shape[FF_MAX_NDIM], start[FF_MAX_NDIM], count[FF_MAX_NDIM], step[FF_MAX_NDIM],
        to[FF_MAX_NDIM], file[FF_MAX_NDIM];
};

static void box_make(struct box *b, const struct ff_array *a, const struct ff_region *r,
                     const int64_t *dst_strides, int reversed)
{
    b->ndim = a->ndim;
    for (int i = 0; i < a->ndim; i++) {
        int from = reversed ? a->ndim - 1 - i : i;
        b->shape[i] = a->shape[from];
        b->start[i] = r->start[from];
        b->count[i] = r->count[from];
        b->step[i] = r->step ? r->step[from] : 1;
        b->to[i] = dst_strides[from];
    }
    (void)ff_strides_c((size_t)a->ndim, b->shape, a->itemsize_bytes, b->file, NULL);
}

/* Join the last two axes while the last one is taken whole and packed. */
static void box_join(struct box *b, uint64_t item)
{
    while (b->ndim > 1) {
        int last = b->ndim - 1, before = last - 1;
        if (b->count[last] != b->shape[last] || b->step[last] != 1 ||
            b->step[before] != 1 || b->to[last] != (int64_t)item ||
            b->to[before] != b->to[last] * b->count[last]) {
            return;
        }
        b->start[before] *= b->shape[last];
        b->count[before] *= b->shape[last];
        b->shape[before] *= b->shape[last];
        b->to[before] = b->to[last];
        b->file[before] = b->file[last];
        b->ndim--;
    }
}

static int box_read(const struct box *b, const struct source *s, uint64_t item, char *dst,
                    const struct ff_call *call, struct ff_error *e)
{
    int64_t at[FF_MAX_NDIM] = {0};
    int last = b->ndim - 1, axis, rc = FF_OK;
    for (int i = 0; i < b->ndim; i++) {
        if (b->count[i] == 0) {
            return FF_OK;
        }
    }
    do {
        uint64_t from = s->offset_bytes;
        char *to = dst;
        for (int i = 0; i < b->ndim; i++) {
            from += (uint64_t)((b->start[i] + at[i] * b->step[i]) * b->file[i]);
            to += at[i] * b->to[i];
        }
        rc = ff_cancelled(call)
                 ? ff_fail(e, FF_E_CANCELLED, NULL, "cancelled")
                 : read_run(s, item, from, last < 0 ? 1 : b->count[last],
                            last < 0 ? 1 : b->step[last], to,
                            last < 0 ? (int64_t)item : b->to[last], call, e);
        for (axis = last - 1; axis >= 0 && ++at[axis] == b->count[axis]; axis--) {
            at[axis] = 0;
        }
    } while (!rc && axis >= 0);
    return rc;
}

static int source_read(const struct ff_array *a, const struct ff_region *r, void *dst,
                       const int64_t *dst_strides, const struct ff_call *call,
                       struct ff_error *e)
{
    const struct source *s = a->ctx;
    struct box b;
    if (a->itemsize_bytes == 0) {
        return FF_OK;
    }
    box_make(&b, a, r, dst_strides, s->fortran);
    box_join(&b, a->itemsize_bytes);
    return box_read(&b, s, a->itemsize_bytes, dst, call, e);
}

static void source_end(struct ff_own_array *o)
{
    struct source *s = o->pub.ctx;
    if (s->release) {
        s->release(s->moved);
    }
    ff_free(s);
}

/* Takes `moved` on success only. */
static struct ff_array *open_image(ff_read_at *read, void *moved, void (*release)(void *),
                                   uint64_t size_bytes, uint32_t chunking,
                                   const int64_t *chunk, int32_t chunk_ndim,
                                   const struct ff_call *call, struct ff_error *e)
{
    struct ff_npy_header h;
    struct ff_array_spec spec;
    int64_t automatic[FF_MAX_NDIM];
    struct ff_own_array *o = NULL;
    struct source *s = ff_calloc(1, sizeof *s);
    if (!s) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    if (ff_npy_header_read(read, moved, size_bytes, &h, call, e)) {
        ff_free(s);
        return NULL;
    }
    spec = (struct ff_array_spec){h.descr, h.ndim, h.shape, NULL, NULL, NULL, NULL, NULL};
    if (chunking == FF_CHUNK_AUTO) {
        ff_chunk_auto(h.ndim, h.shape, h.item_bytes, automatic);
        spec.chunk = automatic;
    } else if (chunking == 0 && chunk_ndim != h.ndim) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "%d chunk lengths for %d axes",
                      (int)chunk_ndim, (int)h.ndim);
        goto out;
    } else if (chunking == 0) {
        spec.chunk = chunk;
    }
    o = ff_own_new(&spec, e);
out:
    if (o) {
        *s = (struct source){read, moved, release, h.header_bytes, h.fortran};
        o->pub.flags = chunking == FF_CHUNK_AUTO ? FF_ARRAY_AUTO : 0;
        o->pub.ctx = s;
        o->pub.read = source_read;
        o->finish = source_end;
    } else {
        ff_free(s);
    }
    ff_npy_header_free(&h);
    return o ? &o->pub : NULL;
}

static struct ff_value image_take(struct ff_doc *out, ff_read_at *read, void *moved,
                                  void (*release)(void *), uint64_t size_bytes,
                                  const struct ff_call *call, struct ff_error *e)
{
    struct ff_array *a =
        open_image(read, moved, release, size_bytes, FF_CHUNK_NONE, NULL, 0, call, e);
    if (!a) {
        if (release) {
            release(moved);
        }
        return (struct ff_value){NULL, 0};
    }
    return ff_new_array_take(out, a, e);
}

const struct ff_npy ff_npy_service = {FF_SIZE(ff_npy, take), 0, image_size, image_read,
                                      image_take};

/* ---- a .npy file ---- */

static int file_read(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                     const struct ff_call *call, struct ff_error *e)
{
    int fd = (int)(intptr_t)ctx, rc;
    (void)call;
    rc = offset > INT64_MAX
             ? -EINVAL
             : ff_sys_pread_all(&ff_sys_posix, fd, dst, size_bytes, (int64_t)offset);
    if (rc == -ENODATA) {
        return ff_fail(e, FF_E_CORRUPT, NULL, "the file ends too early");
    }
    if (rc && e) {
        e->os_errno = -rc;
    }
    return rc ? ff_fail(e, FF_E_IO, NULL, "cannot read: %s", strerror(-rc)) : FF_OK;
}

static void file_close(void *ctx)
{
    (void)ff_sys_posix.close(&ff_sys_posix, (int)(intptr_t)ctx);
}

static int open_file(const char *path, uint64_t *size_bytes, struct ff_error *e)
{
    const struct ff_sys *sys = &ff_sys_posix;
    struct stat st;
    int fd = sys->openat(sys, AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0) {
        int code = fd == -ENOENT   ? FF_E_NOT_FOUND
                   : fd == -EACCES ? FF_E_PERMISSION
                                   : FF_E_IO;
        (void)ff_fail(e, code, path, "cannot open: %s", strerror(-fd));
        return -1;
    }
    if (sys->fstat(sys, fd, &st) || !S_ISREG(st.st_mode)) {
        (void)sys->close(sys, fd);
        (void)ff_fail(e, FF_E_USAGE, path, "not a regular file");
        return -1;
    }
    *size_bytes = (uint64_t)st.st_size;
    return fd;
}

struct ff_array *ff_npy_open(const char *path, uint32_t chunking, const int64_t *chunk,
                             int32_t chunk_ndim, struct ff_error *e)
{
    struct ff_array *a;
    uint64_t size_bytes = 0;
    int fd;
    if (e && e->code) {
        return NULL;
    }
    if (!path) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "no path");
        return NULL;
    }
    fd = open_file(path, &size_bytes, e);
    if (fd < 0) {
        return NULL;
    }
    a = open_image(file_read, (void *)(intptr_t)fd, file_close, size_bytes, chunking,
                   chunk, chunk_ndim, NULL, e);
    if (!a) {
        (void)ff_sys_posix.close(&ff_sys_posix, fd);
        if (e && !e->place[0]) {
            ff_error_at(e, path);
        }
    }
    return a;
}
