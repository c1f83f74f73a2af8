/* SPDX-License-Identifier: Apache-2.0 */
/* print.c: the documents of an array. */
#include "zarr/store.h"

#include <inttypes.h>

static int print_shape(const char *key, const int64_t *shape, uint32_t ndim,
                       struct ff_buf *out)
{
    int rc = ff_buf_printf(out, "\"%s\": [", key);

    for (uint32_t i = 0; rc == 0 && i < ndim; i++) {
        rc = ff_buf_printf(out, i ? ", %" PRId64 : "%" PRId64, shape[i]);
    }
    return rc ? rc : ff_buf_append_byte(out, ']');
}

static int print_step2(const struct zarr_codec *s, struct ff_buf *out)
{
    const char *name = zarr_codec_of(s->kind)->name;

    switch (s->kind) {
    case ZARR_BLOSC:
        return ff_buf_printf(out,
                             "{\"blocksize\": 0, \"clevel\": %d, \"cname\": \"%s\", "
                             "\"id\": \"blosc\", \"shuffle\": %d}",
                             s->level, s->compressor, s->shuffle);
    case ZARR_LZ4:
        return ff_buf_append_text(out, "{\"acceleration\": 1, \"id\": \"lz4\"}");
    case ZARR_SHUFFLE:
        return ff_buf_printf(out, "{\"elementsize\": %u, \"id\": \"shuffle\"}",
                             s->item_bytes);
    case ZARR_LZMA:
        return ff_buf_printf(out,
                             "{\"check\": -1, \"filters\": null, \"format\": 1, "
                             "\"id\": \"lzma\", \"preset\": %d}",
                             s->level);
    default:
        return ff_buf_printf(out, "{\"id\": \"%s\", \"level\": %d}", name, s->level);
    }
}

int zarr_print2(const struct zarr_writer *w, struct ff_buf *out)
{
    const struct zarr_meta *m = &w->meta;
    const struct zarr_chain *c = &m->chain;
    int rc = ff_buf_append_text(out, "{\n    ");

    rc = rc ? rc : print_shape("chunks", m->chunk, m->ndim, out);
    rc = rc ? rc : ff_buf_append_text(out, ",\n    \"compressor\": ");
    rc = rc         ? rc
         : c->count ? print_step2(&c->step[c->count - 1], out)
                    : ff_buf_append_text(out, "null");
    rc = rc ? rc : ff_buf_append_text(out, ",\n    \"dtype\": ");
    rc = rc ? rc : ff_dtype_print(m->dtype, FF_DTYPE_JSON, out);
    rc = rc ? rc : ff_buf_append_text(out, ",\n    \"fill_value\": ");
    rc = rc ? rc : zarr_fill_print(m->dtype, 2, out);
    rc = rc ? rc : ff_buf_append_text(out, ",\n    \"filters\": ");
    rc = rc             ? rc
         : c->count > 1 ? ff_buf_append_byte(out, '[')
                        : ff_buf_append_text(out, "null");
    rc = rc || c->count < 2 ? rc : print_step2(&c->step[0], out);
    rc = rc || c->count < 2 ? rc : ff_buf_append_byte(out, ']');
    rc = rc ? rc : ff_buf_append_text(out, ",\n    \"order\": \"C\",\n    ");
    rc = rc ? rc : print_shape("shape", m->shape, m->ndim, out);
    return rc ? rc : ff_buf_append_text(out, ",\n    \"zarr_format\": 2\n}");
}

int zarr_print_attributes(const struct zarr_writer *w, struct ff_buf *out)
{
    int rc = ff_buf_append_text(out, "{");

    if (rc == 0 && w->edges) {
        rc = ff_buf_printf(out, "\"" ZARR_EDGES "\": %s, ", w->edges);
    }
    return rc ? rc : ff_buf_append_text(out, "\"" ZARR_COMPLETE "\": true}");
}

static int print_step3(const struct zarr_codec *s, struct ff_buf *out)
{
    static const char *const shuffles[] = {"noshuffle", "shuffle", "bitshuffle"};
    const char *name = zarr_codec_of(s->kind)->name;

    switch (s->kind) {
    case ZARR_BLOSC:
        return ff_buf_printf(
            out,
            "{\"name\": \"blosc\", \"configuration\": {\"typesize\": %u, \"cname\": "
            "\"%s\", \"clevel\": %d, \"shuffle\": \"%s\", \"blocksize\": 0}}",
            s->item_bytes, s->compressor, s->level, shuffles[s->shuffle]);
    case ZARR_ZSTD:
        return ff_buf_printf(out,
                             "{\"name\": \"zstd\", \"configuration\": {\"level\": %d, "
                             "\"checksum\": false}}",
                             s->level);
    case ZARR_GZIP:
        return ff_buf_printf(
            out, "{\"name\": \"gzip\", \"configuration\": {\"level\": %d}}", s->level);
    case ZARR_CRC32C:
        return ff_buf_append_text(out, "{\"name\": \"crc32c\"}");
    case ZARR_LZ4:
        return ff_buf_append_text(
            out,
            "{\"name\": \"numcodecs.lz4\", \"configuration\": {\"acceleration\": 1}}");
    case ZARR_SHUFFLE:
        return ff_buf_printf(out,
                             "{\"name\": \"numcodecs.shuffle\", \"configuration\": "
                             "{\"elementsize\": %u}}",
                             s->item_bytes);
    case ZARR_LZMA:
        return ff_buf_printf(out,
                             "{\"name\": \"numcodecs.lzma\", \"configuration\": "
                             "{\"format\": 1, \"check\": -1, \"preset\": %d, "
                             "\"filters\": null}}",
                             s->level);
    default:
        return ff_buf_printf(
            out, "{\"name\": \"numcodecs.%s\", \"configuration\": {\"level\": %d}}", name,
            s->level);
    }
}

static bool is_big(const struct ff_dtype *d)
{
    return d->byte_order == '>';
}

static int print_bytes(const struct ff_dtype *d, struct ff_buf *out)
{
    return ff_buf_printf(out,
                         "{\"name\": \"bytes\", \"configuration\": {\"endian\": \"%s\"}}",
                         is_big(d) ? "big" : "little");
}

static int print_codecs(const struct zarr_meta *m, struct ff_buf *out)
{
    int rc = ff_buf_append_byte(out, '[');

    rc = rc ? rc : print_bytes(m->dtype, out);
    for (unsigned i = 0; rc == 0 && i < m->chain.count; i++) {
        rc = ff_buf_append_text(out, ", ");
        rc = rc ? rc : print_step3(&m->chain.step[i], out);
    }
    return rc ? rc : ff_buf_append_byte(out, ']');
}

static int print_sharding(const struct zarr_meta *m, struct ff_buf *out)
{
    int rc =
        ff_buf_append_text(out, "[{\"name\": \"sharding_indexed\", \"configuration\": {");

    rc = rc ? rc : print_shape("chunk_shape", m->chunk, m->ndim, out);
    rc = rc ? rc : ff_buf_append_text(out, ", \"codecs\": ");
    rc = rc ? rc : print_codecs(m, out);
    return rc ? rc
              : ff_buf_append_text(
                    out, ", \"index_codecs\": [{\"name\": \"bytes\", \"configuration\": "
                         "{\"endian\": \"little\"}}, {\"name\": \"crc32c\"}], "
                         "\"index_location\": \"end\"}}]");
}

int zarr_print3(const struct zarr_writer *w, struct ff_buf *out)
{
    const struct zarr_meta *m = &w->meta;
    int rc = ff_buf_append_text(out, "{\n  ");

    rc = rc ? rc : print_shape("shape", m->shape, m->ndim, out);
    rc = rc ? rc : ff_buf_append_text(out, ",\n  \"data_type\": ");
    rc = rc ? rc : zarr_type3_print(m->dtype, out);
    rc = rc ? rc
            : ff_buf_append_text(out, ",\n  \"chunk_grid\": {\"name\": \"regular\", "
                                      "\"configuration\": {");
    rc = rc ? rc : print_shape("chunk_shape", m->object, m->ndim, out);
    rc = rc ? rc
            : ff_buf_printf(out,
                            "}},\n  \"chunk_key_encoding\": {\"name\": \"%s\", "
                            "\"configuration\": {\"separator\": \"%c\"}},\n"
                            "  \"fill_value\": ",
                            m->prefixed ? "default" : "v2", m->separator);
    rc = rc ? rc : zarr_fill_print(m->dtype, 3, out);
    rc = rc ? rc : ff_buf_append_text(out, ",\n  \"codecs\": ");
    rc = rc ? rc : m->sharded ? print_sharding(m, out) : print_codecs(m, out);
    rc = rc ? rc : ff_buf_append_text(out, ",\n  \"attributes\": ");
    rc = rc ? rc : zarr_print_attributes(w, out);
    return rc ? rc
              : ff_buf_append_text(out, ",\n  \"zarr_format\": 3,\n  \"node_type\": "
                                        "\"array\",\n  \"storage_transformers\": []\n}");
}
