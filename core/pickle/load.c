/* SPDX-License-Identifier: Apache-2.0 */
/* load.c: a pickle in memory, or in a file of the caller's, becomes a document. */
#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/sys.h"
#include "core/fileio.h"
#include "read.h"

#define LEAST_BYTES    (UINT64_C(64) << 20)
#define BYTES_PER_BYTE 48u
#define LEAST_STEPS    1000000u
#define STEPS_PER_BYTE 8u

static uint64_t budget(uint64_t asked, size_t input_bytes, uint64_t per_byte)
{
    uint64_t bytes = (uint64_t)input_bytes;
    if (asked) {
        return asked;
    }
    return bytes > UINT64_MAX / per_byte ? UINT64_MAX : bytes * per_byte;
}

int ff_read_init(struct ff_reader *r, struct ff_doc *doc, const void *data,
                 size_t size_bytes, const struct ff_load_options *options,
                 struct ff_error *e)
{
    uint32_t flags = FF_LOAD_LAX_FRAMES | FF_LOAD_JOBLIB;
    static const uint8_t nothing[1];
    *r = (struct ff_reader){.doc = doc, .begin = data ? data : nothing, .e = e};
    ff_cellmap_init(&r->far_memo);
    ff_cellmap_init(&r->pids);
    ff_vec_init(&r->dropped, sizeof(struct ff_dropped), SIZE_MAX / 32);
    r->place = SIZE_MAX;
    r->end = r->begin + (data ? size_bytes : 0);
    r->at = r->op = r->begin;
    r->limit = r->end;
    if (!data && size_bytes) {
        return ff_fail(e, FF_E_USAGE, NULL, "no data");
    }
    if (options) {
        size_t known = options->struct_size < sizeof r->options ? options->struct_size
                                                                : sizeof r->options;
        memcpy(&r->options, options, known);
        if (known < FF_SIZE(ff_load_options, flags) || r->options.flags & ~flags ||
            r->options.py2_strings > FF_PY2_BYTES) {
            return ff_fail(e, FF_E_USAGE, NULL, "%s",
                           known ? "unknown flags or strings in the options of a load"
                                 : "options of a load without struct_size");
        }
    }
    uint64_t bytes = budget(r->options.max_bytes, size_bytes, BYTES_PER_BYTE);
    uint64_t steps = budget(r->options.max_steps, size_bytes, STEPS_PER_BYTE);
    doc->max_bytes = r->options.max_bytes || bytes > LEAST_BYTES ? bytes : LEAST_BYTES;
    doc->max_key_steps = r->options.max_steps               ? steps
                         : steps < UINT64_MAX - LEAST_STEPS ? steps + LEAST_STEPS
                                                            : UINT64_MAX;
    return ff_read_prepare(r);
}

void ff_read_free(struct ff_reader *r)
{
    ff_free(r->stack);
    ff_free(r->marks);
    ff_free(r->memo);
    ff_cellmap_free(&r->far_memo);
    ff_cellmap_free(&r->pids);
    ff_vec_free(&r->dropped);
}

/* What a stream without PROTO was written with: 0 or 1. */
static int protocol_of(const struct ff_reader *r)
{
    return r->protocol ? r->protocol : r->newest;
}

static int read_into(struct ff_doc *doc, const struct ff_load_options *options,
                     size_t *used, struct ff_error *e)
{
    struct ff_reader r;
    doc->notes_shared = true;
    int result = ff_read_init(&r, doc, doc->input, doc->input_bytes, options, e);
    result = result ? result : ff_read_run(&r);
    if (used) {
        *used = (size_t)(r.at - r.begin);
    }
    doc->protocol = protocol_of(&r);
    doc->knows_shared = true;
    doc->max_bytes = UINT64_MAX;
    doc->max_key_steps = UINT64_MAX;
    ff_read_free(&r);
    return result == FF_STOPPED ? FF_OK : result;
}

int ff_pickle_read(const void *data, size_t size_bytes, void *taken,
                   void (*release)(void *), const struct ff_load_options *options,
                   const struct ff_resolver *resolver, struct ff_doc **doc, size_t *used,
                   struct ff_error *e)
{
    struct ff_doc *made = ff_doc_new(e);
    *doc = NULL;
    if (!made) {
        if (release) {
            release(taken);
        }
        if (resolver && resolver->release) {
            resolver->release(resolver->ctx);
        }
        return e && e->code ? e->code : FF_E_NO_MEMORY;
    }
    made->input = data;
    made->input_bytes = size_bytes;
    made->input_owner = taken;
    made->input_release = release;
    if (resolver) {
        made->resolver = *resolver;
        made->has_resolver = true;
    }
    int failed = read_into(made, options, used, e);
    if (failed) {
        ff_doc_free(made);
        return failed;
    }
    *doc = made;
    return FF_OK;
}

struct ff_doc *ff_pickle_load(const void *data, size_t size_bytes, void *taken,
                              void (*release)(void *),
                              const struct ff_load_options *options, size_t *used,
                              struct ff_error *e)
{
    struct ff_doc *doc = NULL;
    bool copied = !taken;
    if (e && e->code) {
        if (taken && release) {
            release(taken);
        }
        return NULL;
    }
    if (!data && size_bytes) {
        if (taken && release) {
            release(taken);
        }
        (void)ff_fail(e, FF_E_USAGE, NULL, "no data");
        return NULL;
    }
    if (copied) {
        taken = ff_memdup(data, size_bytes);
        if (!taken) {
            (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for a copy of the pickle");
            return NULL;
        }
    }
    (void)ff_pickle_read(copied ? taken : data, size_bytes, taken,
                         copied ? ff_free : release, options, NULL, &doc, used, e);
    return doc;
}

/* ---- a file of the caller's ---- */

struct mapping {
    const void *data;
    size_t size_bytes;
};

static void unmap(void *taken)
{
    struct mapping *m = taken;
    if (m->data) {
        (void)ff_sys_posix.unmap(&ff_sys_posix, m->data, m->size_bytes);
    }
    ff_free(m);
}

/* 0 or -errno; -EINVAL: not a regular file. */
static int map_file(const char *path, struct mapping *m)
{
    const struct ff_sys *sys = &ff_sys_posix;
    struct stat st;
    int fd = ff_open_at(sys, AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return fd;
    }
    int code = sys->fstat(sys, fd, &st);
    if (!code && !S_ISREG(st.st_mode)) {
        code = -EINVAL;
    }
    if (!code && (uint64_t)st.st_size > SIZE_MAX) {
        code = -E2BIG;
    }
    if (!code && st.st_size) {
        m->size_bytes = (size_t)st.st_size;
        code = sys->map(sys, fd, m->size_bytes, &m->data);
    }
    (void)sys->close(sys, fd);
    return code;
}

int ff_map_file(const char *path, const void **data, size_t *size_bytes, void **taken,
                void (**release)(void *), struct ff_error *e)
{
    struct mapping *m = ff_calloc(1, sizeof *m);
    if (!m) {
        return ff_fail(e, FF_E_NO_MEMORY, path, "out of memory");
    }
    int code = map_file(path, m);
    if (code) {
        unmap(m);
        return ff_fail(e, code == -EINVAL ? FF_E_USAGE : ff_code_of_errno(code), path,
                       "%s",
                       code == -EINVAL ? "not a regular file" : strerrordesc_np(-code));
    }
    *data = m->data;
    *size_bytes = m->size_bytes;
    *taken = m;
    *release = unmap;
    return FF_OK;
}

struct ff_doc *ff_pickle_open(const char *path, const struct ff_load_options *options,
                              size_t *used, struct ff_error *e)
{
    struct ff_doc *doc = NULL;
    const void *data = NULL;
    size_t size_bytes = 0;
    void *taken = NULL;
    void (*release)(void *) = NULL;
    if (e && e->code) {
        return NULL;
    }
    if (!path) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "no path");
        return NULL;
    }
    if (!ff_map_file(path, &data, &size_bytes, &taken, &release, e) &&
        ff_pickle_read(data, size_bytes, taken, release, options, NULL, &doc, used, e) &&
        e && !e->place[0]) {
        ff_error_at(e, path);
    }
    return doc;
}
