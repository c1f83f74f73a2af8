/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c: all steps of a chunk, in memory that the caller has ready. */
#include "zarr/zarr.h"

#include "core/base/checked.h"

enum { SLACK_BYTES = 1 << 20 };

int zarr_chain_plan(struct zarr_chain *c, uint64_t plain_bytes, const char *place,
                    struct ff_error *e)
{
    size_t n;
    bool exact = true;

    if (!ff_u64_to_size(plain_bytes, &n) || n > SIZE_MAX / 4) {
        return ff_fail(e, FF_E_LIMIT, place, "a chunk of %llu bytes",
                       (unsigned long long)plain_bytes);
    }
    c->most_bytes[0] = n;
    c->fixed = 0;
    for (unsigned i = 0; i < c->count; i++) {
        const struct zarr_codec_row *row = zarr_codec_of(c->step[i].kind);

        n = row->bound(&c->step[i], n);
        c->most_bytes[i + 1] = n;
        exact = exact &&
                (row->checksum || row->kind == ZARR_SHUFFLE || row->kind == ZARR_DELTA);
        c->fixed += exact;
    }
    return FF_OK;
}

static int cannot_be(const char *place, uint64_t stored_bytes, struct ff_error *e)
{
    return ff_fail(e, FF_E_CORRUPT, place, "a damaged chunk: %llu bytes cannot be one",
                   (unsigned long long)stored_bytes);
}

int zarr_chain_plausible(const struct zarr_chain *c, uint64_t stored_bytes,
                         const char *place, struct ff_error *e)
{
    uint64_t most = stored_bytes;

    if (stored_bytes > c->most_bytes[c->count] ||
        (c->fixed == c->count && stored_bytes != c->most_bytes[c->count])) {
        return cannot_be(place, stored_bytes, e);
    }
    for (unsigned i = 0; i < c->count; i++) {
        if (!ff_mul_u64(most, zarr_codec_of(c->step[i].kind)->factor, &most)) {
            return FF_OK;
        }
    }
    return most + SLACK_BYTES >= c->most_bytes[0] ? FF_OK
                                                  : cannot_be(place, stored_bytes, e);
}

size_t zarr_chain_spare(const struct zarr_chain *c)
{
    size_t most = 0;

    for (unsigned i = 0; i <= c->count && c->count; i++) {
        most = c->most_bytes[i] > most ? c->most_bytes[i] : most;
    }
    return (most + 63) / 64 * 64;
}

static int failed(const struct zarr_codec_row *row, int code, const char *why,
                  const char *place, struct ff_error *e)
{
    if (code == FF_E_NO_MEMORY) {
        return ff_fail(e, code, place, "no memory for the codec %s", row->name);
    }
    return ff_fail(e, FF_E_CORRUPT, place, "a damaged chunk: it %s (%s)",
                   why ? why : "cannot be decoded", row->name);
}

static int strip_checksum(const struct zarr_codec *s, const uint8_t **data, size_t *n,
                          const char *place, struct ff_error *e)
{
    const uint8_t *stored = *data;
    uint8_t sum[4];

    if (*n < sizeof sum) {
        return cannot_be(place, *n, e);
    }
    *n -= sizeof sum;
    if (s->in_front) {
        *data += sizeof sum;
    } else {
        stored += *n;
    }
    zarr_checksum(s->kind, *data, *n, sum);
    return memcmp(sum, stored, sizeof sum) == 0
               ? FF_OK
               : ff_fail(e, FF_E_CORRUPT, place,
                         "a damaged chunk: its %s checksum is wrong",
                         zarr_codec_of(s->kind)->name);
}

int zarr_chain_decode(const struct zarr_chain *c, const uint8_t *data, size_t size_bytes,
                      uint8_t *spare, uint8_t *dst, const uint8_t **plain,
                      const char *place, struct ff_error *e)
{
    uint8_t *const spares[2] = {spare, spare + zarr_chain_spare(c)};
    unsigned turn = 0;

    for (unsigned i = c->count; i-- > 0;) {
        const struct zarr_codec_row *row = zarr_codec_of(c->step[i].kind);
        struct zarr_coding work = {data, size_bytes, NULL, c->most_bytes[i], 0, NULL};
        int rc;

        if (row->checksum) {
            rc = strip_checksum(&c->step[i], &data, &size_bytes, place, e);
        } else {
            work.dst = dst && i == 0 ? dst : spares[turn];
            turn ^= 1u;
            rc = row->decode(&c->step[i], &work);
            rc = rc ? failed(row, rc, work.why, place, e) : FF_OK;
            data = work.dst;
            size_bytes = work.dst_bytes;
        }
        if (rc == FF_OK && i <= c->fixed && size_bytes != c->most_bytes[i]) {
            rc = ff_fail(e, FF_E_CORRUPT, place,
                         "a damaged chunk: %zu bytes, not %zu, come of it", size_bytes,
                         c->most_bytes[i]);
        }
        if (rc) {
            return rc;
        }
    }
    if (size_bytes != c->most_bytes[0]) {
        return cannot_be(place, size_bytes, e);
    }
    *plain = data;
    return FF_OK;
}

static void add_checksum(const struct zarr_codec *s, struct zarr_coding *work)
{
    uint8_t *data = work->dst + (s->in_front ? 4 : 0);

    if (work->src != data) {
        memmove(data, work->src, work->src_bytes);
    }
    zarr_checksum(s->kind, data, work->src_bytes,
                  s->in_front ? work->dst : data + work->src_bytes);
    work->dst_bytes = work->src_bytes + 4;
}

int zarr_chain_encode(const struct zarr_chain *c, const uint8_t *plain, uint8_t *spare,
                      const uint8_t **out, size_t *out_bytes, const char *place,
                      struct ff_error *e)
{
    uint8_t *const spares[2] = {spare, spare + zarr_chain_spare(c)};
    const uint8_t *data = plain;
    size_t size_bytes = c->most_bytes[0];
    unsigned turn = 0;

    for (unsigned i = 0; i < c->count; i++) {
        const struct zarr_codec_row *row = zarr_codec_of(c->step[i].kind);
        struct zarr_coding work = {data, size_bytes, spares[turn], c->most_bytes[i + 1],
                                   0,    NULL};
        int rc = FF_OK;

        if (row->checksum && !c->step[i].in_front && i > 0) {
            work.dst = spares[turn ^ 1u]; /* behind what is there */
            add_checksum(&c->step[i], &work);
        } else if (row->checksum) {
            add_checksum(&c->step[i], &work);
            turn ^= 1u;
        } else {
            rc = row->encode(&c->step[i], &work);
            turn ^= 1u;
        }
        if (rc) {
            return ff_fail(e, rc, place, "a chunk %s (codec %s)",
                           work.why ? work.why : "cannot be encoded", row->name);
        }
        data = work.dst;
        size_bytes = work.dst_bytes;
    }
    *out = data;
    *out_bytes = size_bytes;
    return FF_OK;
}
