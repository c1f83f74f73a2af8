/* SPDX-License-Identifier: Apache-2.0 */
/* steps.c: a codec's name and parameters. Format 2 has {"id": ..., parameters}, format 3
 * {"name": ..., "configuration": {parameters}}; the parameters have the same names, but
 * blosc's shuffle is a number in the one and a word in the other.
 */
#include "zarr/zarr.h"

#include "core/base/buf.h"

#define PREFIX "numcodecs."

static int refused(const struct zarr_reader *r, const char *name, const char *what)
{
    return ff_fail(r->error, FF_E_UNSUPPORTED, r->place, "its codec '%.60s' %s", name,
                   what);
}

static int read_shuffle_mode(const struct zarr_reader *r, struct ff_value config,
                             struct zarr_codec *s)
{
    static const char *const words[] = {"noshuffle", "shuffle", "bitshuffle"};
    struct ff_value value = zarr_get(r, config, "shuffle");
    int64_t number;
    char word[16];
    int rc;

    s->shuffle = 1;
    if (r->values->kind(value) != FF_STR) {
        rc = zarr_int_or(r, config, "shuffle", -1, 2, 1, &number);
        s->shuffle = (int)number;
        return rc;
    }
    rc = zarr_text(r, value, "blosc's shuffle", word, sizeof word);
    for (int i = 0; rc == FF_OK && i < 3; i++) {
        if (strcmp(word, words[i]) == 0) {
            s->shuffle = i;
            return FF_OK;
        }
    }
    return rc ? rc : zarr_damaged(r, "blosc's shuffle");
}

/* Only the stored header counts when a chunk is read. */
static int read_blosc(const struct zarr_reader *r, struct ff_value config,
                      struct zarr_codec *s)
{
    struct ff_value name = zarr_get(r, config, "cname");
    int rc = zarr_null(r, name) ? FF_OK
                                : zarr_text(r, name, "blosc's cname", s->compressor,
                                            sizeof s->compressor);

    if (rc == FF_OK && strcmp(s->compressor, "snappy") == 0) {
        return refused(r, "blosc", "with snappy inside is not known here");
    }
    return rc ? rc : read_shuffle_mode(r, config, s);
}

static int read_number_type(const struct zarr_reader *r, struct ff_value value,
                            const char *what, char type[2], unsigned *size_bytes)
{
    struct ff_dtype *d;
    char text[16];
    int rc = zarr_text(r, value, what, text, sizeof text);

    if (rc) {
        return rc;
    }
    if (ff_dtype_parse(text, strlen(text), &d, NULL)) {
        return zarr_damaged(r, what);
    }
    type[0] = d->kind == 'b' ? 'u' : d->kind;
    type[1] = d->byte_order;
    *size_bytes = (unsigned)d->item_bytes;
    rc = d->ndim || !strchr("biufMm", d->kind) || d->item_bytes > 8 ||
                 (d->kind == 'f' && d->item_bytes < 4)
             ? refused(r, "delta", "of such numbers is not known here")
             : FF_OK;
    ff_dtype_free(d);
    return rc;
}

static int read_delta(const struct zarr_reader *r, struct ff_value config,
                      struct zarr_codec *s)
{
    struct ff_value as = zarr_get(r, config, "astype");
    int rc = read_number_type(r, zarr_get(r, config, "dtype"), "delta's dtype", s->from,
                              &s->from_bytes);

    if (rc == FF_OK && zarr_null(r, as)) {
        memcpy(s->to, s->from, sizeof s->to);
        s->to_bytes = s->from_bytes;
        return FF_OK;
    }
    return rc ? rc : read_number_type(r, as, "delta's astype", s->to, &s->to_bytes);
}

static int read_item_size(const struct zarr_reader *r, struct ff_value config,
                          uint64_t item_bytes, struct zarr_codec *s)
{
    int64_t size;
    int rc = zarr_int_or(r, config, "elementsize", 1, INT32_MAX, 4, &size);

    (void)item_bytes;
    s->item_bytes = (unsigned)size;
    return rc;
}

static int read_location(const struct zarr_reader *r, struct ff_value config,
                         struct zarr_codec *s)
{
    struct ff_value value = zarr_get(r, config, "location");
    char word[8];
    int rc;

    s->in_front = s->kind == ZARR_CRC32; /* numcodecs' default */
    if (zarr_null(r, value)) {
        return FF_OK;
    }
    rc = zarr_text(r, value, "a checksum's location", word, sizeof word);
    s->in_front = rc == FF_OK && strcmp(word, "start") == 0;
    return rc == FF_OK && !s->in_front && strcmp(word, "end") != 0
               ? zarr_damaged(r, "a checksum's location")
               : rc;
}

/* lzma has the .xz container, or .lzma; without one nobody knows the filters. */
static int read_lzma(const struct zarr_reader *r, struct ff_value config)
{
    int64_t format;
    int rc = zarr_int_or(r, config, "format", 0, 100, 1, &format);

    return rc == FF_OK && format != 0 && format != 1 && format != 2
               ? refused(r, "lzma", "without a container is not known here")
               : rc;
}

static int read_parameters(const struct zarr_reader *r, struct ff_value config,
                           uint64_t item_bytes, struct zarr_codec *s)
{
    switch (s->kind) {
    case ZARR_BLOSC:
        return read_blosc(r, config, s);
    case ZARR_DELTA:
        return read_delta(r, config, s);
    case ZARR_SHUFFLE:
        return read_item_size(r, config, item_bytes, s);
    case ZARR_LZMA:
        return read_lzma(r, config);
    case ZARR_CRC32:
    case ZARR_CRC32C:
    case ZARR_FLETCHER32:
        return read_location(r, config, s);
    default:
        return FF_OK;
    }
}

/* Items of their own lengths stand in front of everything. */
static int read_vlen(const struct zarr_reader *r, const char *name, enum zarr_vlen kind,
                     struct zarr_chain *chain)
{
    if (chain->count || chain->vlen) {
        return refused(r, name, "behind others is not known here");
    }
    chain->vlen = kind;
    return FF_OK;
}

int zarr_step_read(const struct zarr_reader *r, const char *name, struct ff_value config,
                   uint64_t item_bytes, struct zarr_chain *chain)
{
    const char *plain =
        strncmp(name, PREFIX, strlen(PREFIX)) == 0 ? name + strlen(PREFIX) : name;
    const struct zarr_codec_row *row = zarr_codec_named(plain);
    struct zarr_codec *s = &chain->step[chain->count];

    if (strcmp(plain, "vlen-utf8") == 0 || strcmp(plain, "vlen-bytes") == 0) {
        return read_vlen(r, name, plain[5] == 'u' ? ZARR_UTF8 : ZARR_BYTES, chain);
    }
    if (strcmp(plain, "pickle") == 0 || strcmp(plain, "msgpack2") == 0 ||
        strcmp(plain, "msgpack") == 0) {
        return ff_fail(r->error, FF_E_UNSAFE, r->place,
                       "its codec '%.60s' makes objects of what is stored: refused",
                       name);
    }
    if (!row) {
        return refused(r, name, "is not known here");
    }
    if (chain->count == ZARR_STEPS_MAX) {
        return ff_fail(r->error, FF_E_UNSUPPORTED, r->place, "more than %d codecs",
                       ZARR_STEPS_MAX);
    }
    memset(s, 0, sizeof *s);
    s->kind = row->kind;
    s->level = 1;
    s->item_bytes = 1;
    (void)snprintf(s->compressor, sizeof s->compressor, "lz4");
    chain->count++;
    return read_parameters(r, config, item_bytes, s);
}
