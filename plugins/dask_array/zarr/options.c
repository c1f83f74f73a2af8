/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: {"zarr": {"format": 2 | 3, "compressor": "blosc-lz4", "level": 5,
 * "shuffle": "byte", "shard": 16777216 | [1024, 1024]}}.
 */
#include "zarr/zarr.h"

#include "core/base/name.h"

static const char *const keys[] = {"format",  "compressor", "level",
                                   "shuffle", "shard",      NULL};
static const char *const compressors[] = {
    "none",          "blosc-lz4", "blosc-lz4hc", "blosc-zstd", "blosc-zlib",
    "blosc-blosclz", "zstd",      "lz4",         "gzip",       "zlib",
    "bz2",           "lzma",      NULL};

/* As zarr-python 2 writes, and so the Python package. */
void zarr_options_default(struct zarr_options *o)
{
    memset(o, 0, sizeof *o);
    o->format = 2;
    o->step_count = 1;
    o->step[0].kind = ZARR_BLOSC;
    o->step[0].level = 5;
    o->step[0].shuffle = 1;
    (void)snprintf(o->step[0].compressor, sizeof o->step[0].compressor, "lz4");
}

static int unknown(struct ff_error *e, const char *what, const char *text,
                   const char *const *choices)
{
    const char *near = ff_nearest(text, choices);

    ff_fail(e, FF_E_USAGE, "HDFSerializer", "%s '%.60s' is not known", what, text);
    if (near) {
        ff_error_fix(e, "'%s' may be meant", near);
    }
    return FF_E_USAGE;
}

static int default_level(enum zarr_codec_kind kind)
{
    switch (kind) {
    case ZARR_BLOSC:
        return 5;
    case ZARR_ZSTD:
        return 3;
    case ZARR_LZ4:
    case ZARR_GZIP:
    case ZARR_ZLIB:
    case ZARR_BZ2:
        return 1;
    default:
        return 6;
    }
}

static int read_compressor(const struct ff_values *v, struct ff_value value,
                           struct zarr_options *o, struct ff_error *e)
{
    struct zarr_codec *s = &o->step[0];
    char text[32];
    bool known = false;
    int rc = ff_copy_str(v, value, text, sizeof text, e);

    for (size_t i = 0; rc == FF_OK && compressors[i]; i++) {
        known = known || strcmp(text, compressors[i]) == 0;
    }
    if (rc || !known) {
        return rc ? rc : unknown(e, "the compressor", text, compressors);
    }
    memset(o->step, 0, sizeof o->step);
    o->step_count = strcmp(text, "none") != 0;
    if (o->step_count == 0) {
        return FF_OK;
    }
    if (strncmp(text, "blosc-", 6) == 0) {
        s->kind = ZARR_BLOSC;
        s->shuffle = 1;
        (void)snprintf(s->compressor, sizeof s->compressor, "%.11s", text + 6);
    } else {
        s->kind = zarr_codec_named(text)->kind;
    }
    s->level = default_level(s->kind);
    return FF_OK;
}

static int read_level(const struct ff_values *v, struct ff_value value,
                      struct zarr_options *o, struct ff_error *e)
{
    int most = o->step[0].kind == ZARR_ZSTD ? 22 : 9;
    int least = o->step[0].kind == ZARR_BZ2 ? 1 : 0;
    int64_t level;
    int rc = v->int64(value, &level, e);

    if (rc == FF_OK && (o->step_count == 0 || level < least || level > most)) {
        rc = ff_fail(e, FF_E_USAGE, "HDFSerializer", "level is %d to %d, of a compressor",
                     least, most);
    }
    if (rc == FF_OK) {
        o->step[0].level = (int)level;
    }
    return rc;
}

static int read_shuffle(const struct ff_values *v, struct ff_value value,
                        struct zarr_options *o, struct ff_error *e)
{
    static const char *const words[] = {"none", "byte", "bit", NULL};
    char text[16];
    int rc = ff_copy_str(v, value, text, sizeof text, e);

    if (rc == FF_OK && (o->step_count == 0 || o->step[0].kind != ZARR_BLOSC)) {
        return ff_fail(e, FF_E_USAGE, "HDFSerializer", "shuffle goes with blosc");
    }
    for (int i = 0; rc == FF_OK && words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            o->step[0].shuffle = i;
            return FF_OK;
        }
    }
    return rc ? rc : unknown(e, "the shuffle", text, words);
}

static int read_format(const struct ff_values *v, struct ff_value value,
                       struct zarr_options *o, struct ff_error *e)
{
    int64_t format;
    int rc = v->int64(value, &format, e);

    if (rc == FF_OK && format != 2 && format != 3) {
        rc = ff_fail(e, FF_E_USAGE, "HDFSerializer", "zarr's format is 2 or 3");
    }
    o->format = rc ? o->format : (int)format;
    return rc;
}

/* Bytes of elements, or a shape. */
static int read_shard(const struct ff_values *v, struct ff_value value,
                      struct zarr_options *o, struct ff_error *e)
{
    size_t count = v->kind(value) == FF_LIST ? v->length(value) : 0;
    int rc = FF_OK;

    o->shard_bytes = 0;
    o->shard_ndim = (uint32_t)count;
    if (v->kind(value) != FF_LIST) {
        rc = v->int64(value, &o->shard_bytes, e);
    }
    if (rc == FF_OK && (count > FF_MAX_NDIM || o->shard_bytes < 0)) {
        rc = ff_fail(e, FF_E_USAGE, "HDFSerializer", "shard is a size, or a shape");
    }
    for (size_t i = 0; rc == FF_OK && i < count; i++) {
        struct ff_value key, item;

        rc = v->item(value, i, &key, &item, e);
        rc = rc ? rc : v->int64(item, &o->shard[i], e);
        if (rc == FF_OK && o->shard[i] < 1) {
            rc = ff_fail(e, FF_E_USAGE, "HDFSerializer", "shard is a size, or a shape");
        }
    }
    return rc;
}

static int check_keys(const struct ff_values *v, struct ff_value options,
                      struct ff_error *e)
{
    int rc = FF_OK;

    for (size_t i = 0; rc == FF_OK && i < v->length(options); i++) {
        struct ff_value key, value;
        char text[32];
        bool known = false;

        rc = v->item(options, i, &key, &value, e);
        rc = rc ? rc : ff_copy_str(v, key, text, sizeof text, e);
        for (size_t k = 0; rc == FF_OK && keys[k]; k++) {
            known = known || strcmp(text, keys[k]) == 0;
        }
        rc = rc || known ? rc : unknown(e, "the option of zarr", text, keys);
    }
    return rc;
}

int zarr_options_read(const struct ff_values *v, struct ff_value options,
                      struct zarr_options *o, struct ff_error *e)
{
    static int (*const readers[])(const struct ff_values *, struct ff_value,
                                  struct zarr_options *, struct ff_error *) = {
        read_format, read_compressor, read_level, read_shuffle, read_shard};
    int rc;

    if (v->kind(options) != FF_DICT) {
        return ff_fail(e, FF_E_USAGE, "HDFSerializer", "zarr is a dict of options");
    }
    o->on = true;
    rc = check_keys(v, options, e);
    for (size_t i = 0; rc == FF_OK && keys[i]; i++) {
        struct ff_value value = v->get(options, keys[i]);

        if (v->kind(value) != FF_ABSENT) {
            rc = readers[i](v, value, o, e);
            if (rc == FF_E_TYPE) {
                ff_error_at(e, " ");
                ff_error_at(e, keys[i]);
            }
        }
    }
    return rc;
}
