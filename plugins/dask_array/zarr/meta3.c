/* SPDX-License-Identifier: Apache-2.0 */
/* meta3.c: zarr.json of an array, format 3. */
#include "zarr/zarr.h"

#include "core/base/buf.h"

/* While codecs are read: elements become bytes once. */
struct codecs {
    const struct zarr_reader *r;
    struct zarr_meta *m;
    bool is_bytes; /* from here on */
    bool inner;    /* of a shard's chunks */
};

static int refused(const struct zarr_reader *r, const char *what, const char *name)
{
    return ff_fail(r->error, FF_E_UNSUPPORTED, r->place,
                   "its %s '%.60s' is not known here", what, name);
}

/* Members that nobody here knows: fatal, unless they say otherwise. */
static int check_members(const struct zarr_reader *r, struct ff_value root)
{
    static const char known[] =
        " zarr_format node_type shape data_type chunk_grid chunk_key_encoding fill_value "
        "codecs attributes dimension_names storage_transformers ";
    const struct ff_values *v = r->values;

    for (size_t i = 0; i < v->length(root); i++) {
        struct ff_value key, value;
        char name[64], spaced[68];
        int must = 1, rc = v->item(root, i, &key, &value, r->error);

        rc = rc ? rc : zarr_text(r, key, "a member's name", name, sizeof name);
        if (rc) {
            return rc;
        }
        (void)snprintf(spaced, sizeof spaced, " %s ", name);
        if (!strstr(known, spaced) &&
            (v->boolean(zarr_get(r, value, "must_understand"), &must, NULL) || must)) {
            return refused(r, "member", name);
        }
    }
    return FF_OK;
}

static int read_grid(const struct zarr_reader *r, struct ff_value value,
                     struct zarr_meta *m)
{
    struct ff_value config;
    uint32_t ndim = 0;
    char name[32];
    int rc = zarr_extension(r, value, "chunk_grid", name, sizeof name, &config);

    if (rc == FF_OK && strcmp(name, "regular") != 0) {
        return refused(r, "chunk grid", name);
    }
    rc = rc ? rc
            : zarr_shape(r, zarr_get(r, config, "chunk_shape"), "chunk_shape", m->object,
                         &ndim);
    if (rc == FF_OK && ndim != m->ndim) {
        rc = zarr_damaged(r, "chunks of another number of axes");
    }
    memcpy(m->chunk, m->object, sizeof m->chunk);
    return rc;
}

static int read_keys(const struct zarr_reader *r, struct ff_value value,
                     struct zarr_meta *m)
{
    struct ff_value config, separator;
    char name[32], text[4];
    int rc = zarr_extension(r, value, "chunk_key_encoding", name, sizeof name, &config);

    if (rc) {
        return rc;
    }
    m->prefixed = strcmp(name, "default") == 0;
    if (!m->prefixed && strcmp(name, "v2") != 0) {
        return refused(r, "chunk key encoding", name);
    }
    m->separator = m->prefixed ? '/' : '.';
    separator = zarr_get(r, config, "separator");
    if (zarr_absent(r, separator)) {
        return FF_OK;
    }
    rc = zarr_text(r, separator, "separator", text, sizeof text);
    m->separator = text[0];
    return rc == FF_OK && strcmp(text, ".") != 0 && strcmp(text, "/") != 0
               ? zarr_damaged(r, "separator")
               : rc;
}

/* Axis i of what is stored is axis order[i] of what comes in. Drafts had "C" and "F". */
static int read_transpose(const struct codecs *c, struct ff_value config)
{
    const struct zarr_reader *r = c->r;
    struct ff_value value = zarr_get(r, config, "order");
    int64_t order[FF_MAX_NDIM];
    uint32_t before[FF_MAX_NDIM], ndim = 0, seen = 0;
    bool letter = r->values->kind(value) == FF_STR;
    char text[4] = "C";
    int rc = letter ? zarr_text(r, value, "transpose's order", text, sizeof text)
                    : zarr_shape(r, value, "transpose's order", order, &ndim);

    for (uint32_t i = 0; letter && i < c->m->ndim; i++) {
        order[i] = text[0] == 'F' ? (int64_t)(c->m->ndim - 1 - i) : (int64_t)i;
    }
    ndim = letter ? c->m->ndim : ndim;
    if (rc || ndim != c->m->ndim) {
        return rc ? rc : zarr_damaged(r, "transpose's order");
    }
    memcpy(before, c->m->order, sizeof before);
    for (uint32_t i = 0; i < ndim; i++) {
        if (order[i] >= ndim || seen >> order[i] & 1) {
            return zarr_damaged(r, "transpose's order");
        }
        seen |= 1u << order[i];
        c->m->order[i] = before[order[i]];
    }
    return FF_OK;
}

static int read_bytes(const struct codecs *c, struct ff_value config)
{
    struct ff_value endian = zarr_get(c->r, config, "endian");
    char text[8] = "little";
    int rc = zarr_null(c->r, endian)
                 ? FF_OK
                 : zarr_text(c->r, endian, "endian", text, sizeof text);

    if (rc == FF_OK && strcmp(text, "big") == 0) {
        zarr_type_big_endian(c->m->dtype);
    } else if (rc == FF_OK && strcmp(text, "little") != 0) {
        rc = zarr_damaged(c->r, "endian");
    }
    return rc;
}

static int read_codecs(struct codecs *, struct ff_value list);

/* Elements of the index are u64: bytes, and maybe a checksum. */
static int read_index_codec(const struct zarr_reader *r, struct ff_value value,
                            struct zarr_shards *s)
{
    struct ff_value config;
    char name[32], endian[8] = "little";
    int rc = zarr_extension(r, value, "index_codecs", name, sizeof name, &config);

    if (rc) {
        return rc;
    }
    if (strcmp(name, "crc32c") == 0 && !s->crc32c) {
        s->crc32c = true;
        return FF_OK;
    }
    if (strcmp(name, "bytes") != 0 || s->crc32c) {
        return refused(r, "shards' index codec", name);
    }
    if (!zarr_null(r, zarr_get(r, config, "endian"))) {
        rc = zarr_text(r, zarr_get(r, config, "endian"), "endian", endian, sizeof endian);
    }
    s->big_endian = rc == FF_OK && strcmp(endian, "big") == 0;
    return rc;
}

static int read_index_codecs(const struct zarr_reader *r, struct ff_value list,
                             struct zarr_shards *s)
{
    int rc = FF_OK;

    s->crc32c = zarr_null(r, list); /* the default has one */
    for (size_t i = 0; rc == FF_OK && !zarr_null(r, list) && i < r->values->length(list);
         i++) {
        struct ff_value key, item;

        rc = r->values->item(list, i, &key, &item, r->error);
        rc = rc ? rc : read_index_codec(r, item, s);
    }
    return rc;
}

static int read_sharding(struct codecs *c, struct ff_value config)
{
    const struct zarr_reader *r = c->r;
    struct zarr_meta *m = c->m;
    struct codecs inner = {r, m, false, true};
    struct ff_value place = zarr_get(r, config, "index_location");
    uint32_t ndim = 0;
    char text[8] = "end";
    int rc = zarr_shape(r, zarr_get(r, config, "chunk_shape"), "a shard's chunk_shape",
                        m->chunk, &ndim);

    for (uint32_t i = 0; i < m->ndim; i++) {
        if (m->order[i] != i) {
            return refused(r, "codec", "transpose, around shards,");
        }
    }
    if (rc == FF_OK && (c->inner || ndim != m->ndim)) {
        rc = c->inner ? refused(r, "codec", "sharding_indexed, inside shards,")
                      : zarr_damaged(r, "a shard's chunk_shape");
    }
    rc = rc || zarr_null(r, place)
             ? rc
             : zarr_text(r, place, "index_location", text, sizeof text);
    if (rc == FF_OK && strcmp(text, "end") != 0 && strcmp(text, "start") != 0) {
        rc = zarr_damaged(r, "index_location");
    }
    m->sharded = true;
    m->shards.at_start = text[0] == 's';
    rc = rc ? rc : read_index_codecs(r, zarr_get(r, config, "index_codecs"), &m->shards);
    return rc ? rc : read_codecs(&inner, zarr_get(r, config, "codecs"));
}

static int read_codec(struct codecs *c, struct ff_value value)
{
    struct zarr_chain *chain =
        c->m->sharded && !c->inner ? &c->m->shards.outer : &c->m->chain;
    struct ff_value config;
    char name[64];
    int rc = zarr_extension(c->r, value, "a codec", name, sizeof name, &config);

    if (rc) {
        return rc;
    }
    if (strcmp(name, "transpose") == 0 && !c->is_bytes) {
        return read_transpose(c, config);
    }
    if (strcmp(name, "bytes") == 0 || strcmp(name, "endian") == 0) {
        rc = c->is_bytes ? zarr_damaged(c->r, "codecs out of order")
                         : read_bytes(c, config);
        c->is_bytes = true;
        return rc;
    }
    if (strcmp(name, "sharding_indexed") == 0) {
        rc = c->is_bytes ? zarr_damaged(c->r, "codecs out of order")
                         : read_sharding(c, config);
        c->is_bytes = true;
        return rc;
    }
    rc = zarr_step_read(c->r, name, config, c->m->dtype->item_bytes, chain);
    c->is_bytes = c->is_bytes || chain->vlen;
    return rc;
}

static int read_codecs(struct codecs *c, struct ff_value list)
{
    const struct ff_values *v = c->r->values;
    int rc = v->kind(list) == FF_LIST ? FF_OK : zarr_damaged(c->r, "codecs");

    for (size_t i = 0; rc == FF_OK && i < v->length(list); i++) {
        struct ff_value key, item;

        rc = v->item(list, i, &key, &item, c->r->error);
        rc = rc ? rc : read_codec(c, item);
    }
    return rc == FF_OK && !c->is_bytes ? zarr_damaged(c->r, "codecs without bytes") : rc;
}

static int read_array(const struct zarr_reader *r, struct ff_value root,
                      struct zarr_meta *m)
{
    struct codecs codecs = {r, m, false, false};
    struct ff_value more = zarr_get(r, root, "storage_transformers");
    char type[16];
    int64_t format;
    int rc = zarr_int(r, zarr_get(r, root, "zarr_format"), "zarr_format", 3, 3, &format);

    m->format = 3;
    rc =
        rc ? rc
           : zarr_text(r, zarr_get(r, root, "node_type"), "node_type", type, sizeof type);
    if (rc == FF_OK && strcmp(type, "array") != 0) {
        rc = ff_fail(r->error, FF_E_CORRUPT, r->place, "a %s, not an array", type);
    }
    rc = rc ? rc : check_members(r, root);
    if (rc == FF_OK && !zarr_null(r, more) && r->values->length(more)) {
        rc = refused(r, "member", "storage_transformers");
    }
    rc = rc ? rc : zarr_shape(r, zarr_get(r, root, "shape"), "shape", m->shape, &m->ndim);
    for (uint32_t i = 0; i < m->ndim; i++) {
        m->order[i] = i;
    }
    rc = rc ? rc : read_grid(r, zarr_get(r, root, "chunk_grid"), m);
    rc = rc ? rc : read_keys(r, zarr_get(r, root, "chunk_key_encoding"), m);
    rc = rc ? rc : zarr_type3_read(r, zarr_get(r, root, "data_type"), m);
    rc = rc ? rc : read_codecs(&codecs, zarr_get(r, root, "codecs"));
    rc = rc ? rc : zarr_meta_finish(r, m);
    rc = rc ? rc : zarr_fill_read(r, zarr_get(r, root, "fill_value"), m);
    return rc ? rc : zarr_meta_attributes(r, zarr_get(r, root, "attributes"), m);
}

int zarr_meta3(const struct zarr_reader *r, const struct ff_buf *array,
               struct zarr_meta *out)
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
    return rc;
}
