/* SPDX-License-Identifier: Apache-2.0 */
/* meta2.c: .zarray and .zattrs of format 2. */
#include "zarr/zarr.h"

#include <errno.h>

#include "core/base/buf.h"

/* bfloat16 and the like are TensorStore's (driver/zarr/schema.yml): numpy has no such types, so
 * they are bytes. */
static const struct {
    const char *name;
    unsigned size_bytes;
} foreign[] = {
    {"\"bfloat16\"", 2},        {"\"float8_e4m3fn\"", 1},   {"\"float8_e5m2\"", 1},
    {"\"float8_e3m4\"", 1},     {"\"float8_e4m3fnuz\"", 1}, {"\"float8_e4m3b11fnuz\"", 1},
    {"\"float8_e5m2fnuz\"", 1},
};

static int read_foreign(const char *text, struct ff_dtype **out)
{
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (strcmp(text, foreign[i].name) == 0) {
            return ff_dtype_new('V', '|', foreign[i].size_bytes, out);
        }
    }
    return -EINVAL;
}

static int parse_dtype(const struct zarr_reader *r, const char *text, size_t size_bytes,
                       struct zarr_meta *m)
{
    const char *why = "not a dtype";
    int rc = ff_dtype_parse(text, size_bytes, &m->dtype, &why);

    if (rc == -EINVAL) {
        rc = read_foreign(text, &m->dtype);
    }
    if (rc == -EOPNOTSUPP && m->chain.vlen) { /* objects, that a codec makes bytes of */
        rc = ff_dtype_new('V', '|', 1, &m->dtype);
    }
    if (rc == -ENOMEM) {
        return ff_fail(r->error, FF_E_NO_MEMORY, r->place, "out of memory");
    }
    if (rc == 0 && (m->dtype->ndim || m->dtype->item_bytes == 0)) {
        rc = -EOPNOTSUPP;
        why = "elements that are arrays, or nothing";
    }
    return rc ? ff_fail(r->error, rc == -EINVAL ? FF_E_CORRUPT : FF_E_UNSUPPORTED,
                        r->place, "its dtype %.80s: %s", text, why)
              : FF_OK;
}

static int read_dtype(const struct zarr_reader *r, struct ff_value value,
                      struct zarr_meta *m)
{
    struct ff_buf text;
    int rc;

    if (zarr_null(r, value)) {
        return zarr_damaged(r, "no dtype");
    }
    ff_buf_init(&text, FF_DTYPE_MAX_TEXT_BYTES);
    rc = zarr_json_print(r, value, &text);
    rc = rc ? rc : parse_dtype(r, ff_buf_text(&text), text.length_bytes, m);
    ff_buf_free(&text);
    return rc;
}

static int read_step(const struct zarr_reader *r, struct ff_value config,
                     struct zarr_meta *m)
{
    char name[64];
    int rc =
        zarr_text(r, zarr_get(r, config, "id"), "a codec without id", name, sizeof name);

    return rc ? rc : zarr_step_read(r, name, config, 1, &m->chain);
}

static int read_steps(const struct zarr_reader *r, struct ff_value root,
                      struct zarr_meta *m)
{
    struct ff_value filters = zarr_get(r, root, "filters");
    struct ff_value compressor = zarr_get(r, root, "compressor");
    int rc = zarr_null(r, filters) || r->values->kind(filters) == FF_LIST
                 ? FF_OK
                 : zarr_damaged(r, "filters");

    for (size_t i = 0;
         rc == FF_OK && !zarr_null(r, filters) && i < r->values->length(filters); i++) {
        struct ff_value key, item;

        rc = r->values->item(filters, i, &key, &item, r->error);
        rc = rc ? rc : read_step(r, item, m);
    }
    return rc || zarr_null(r, compressor) ? rc : read_step(r, compressor, m);
}

static int read_order(const struct zarr_reader *r, struct ff_value value,
                      struct zarr_meta *m)
{
    char order[4] = "C";
    int rc =
        zarr_absent(r, value) ? FF_OK : zarr_text(r, value, "order", order, sizeof order);

    if (rc == FF_OK && strcmp(order, "C") != 0 && strcmp(order, "F") != 0) {
        rc = zarr_damaged(r, "order");
    }
    for (uint32_t i = 0; i < m->ndim; i++) {
        m->order[i] = order[0] == 'F' ? m->ndim - 1 - i : i;
    }
    return rc;
}

static int read_separator(const struct zarr_reader *r, struct ff_value value,
                          struct zarr_meta *m)
{
    char text[4] = ".";
    int rc = zarr_null(r, value)
                 ? FF_OK
                 : zarr_text(r, value, "dimension_separator", text, sizeof text);

    m->separator = text[0];
    return rc == FF_OK && strcmp(text, ".") != 0 && strcmp(text, "/") != 0
               ? zarr_damaged(r, "dimension_separator")
               : rc;
}

static int read_array(const struct zarr_reader *r, struct ff_value root,
                      struct zarr_meta *m)
{
    uint32_t ndim = 0;
    int64_t format;
    int rc = zarr_int(r, zarr_get(r, root, "zarr_format"), "zarr_format", 2, 2, &format);

    m->format = 2;
    rc = rc ? rc : zarr_shape(r, zarr_get(r, root, "shape"), "shape", m->shape, &m->ndim);
    rc = rc ? rc : zarr_shape(r, zarr_get(r, root, "chunks"), "chunks", m->chunk, &ndim);
    if (rc == FF_OK && ndim != m->ndim) {
        rc = zarr_damaged(r, "chunks of another number of axes");
    }
    memcpy(m->object, m->chunk, sizeof m->object);
    rc = rc ? rc : read_order(r, zarr_get(r, root, "order"), m);
    rc = rc ? rc : read_separator(r, zarr_get(r, root, "dimension_separator"), m);
    rc = rc ? rc : read_steps(r, root, m);
    rc = rc ? rc : read_dtype(r, zarr_get(r, root, "dtype"), m);
    rc = rc ? rc : zarr_meta_finish(r, m);
    return rc ? rc : zarr_fill_read(r, zarr_get(r, root, "fill_value"), m);
}

/* What users keep there is theirs: what does not read has nothing of ours. */
static int read_attributes(const struct zarr_reader *r, const struct ff_buf *text,
                           struct zarr_meta *m)
{
    struct ff_error own = FF_ERROR_INIT;
    struct zarr_reader quiet = {r->values, r->place, &own};
    struct ff_doc *doc;
    struct ff_value root;
    int rc;

    if (zarr_json_parse(&quiet, (const char *)text->data, text->length_bytes, &doc,
                        &root)) {
        return own.code == FF_E_NO_MEMORY
                   ? ff_fail(r->error, FF_E_NO_MEMORY, r->place, "out of memory")
                   : FF_OK;
    }
    rc = zarr_meta_attributes(r, root, m);
    r->values->doc_free(doc);
    return rc;
}

int zarr_meta2(const struct zarr_reader *r, const struct ff_buf *array,
               const struct ff_buf *attributes, struct zarr_meta *out)
{
    struct ff_doc *doc;
    struct ff_value root;
    int rc =
        zarr_json_parse(r, (const char *)array->data, array->length_bytes, &doc, &root);

    memset(out, 0, sizeof *out);
    if (rc) {
        return rc;
    }
    rc = read_array(r, root, out);
    r->values->doc_free(doc);
    return rc || !attributes ? rc : read_attributes(r, attributes, out);
}
