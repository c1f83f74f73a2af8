/* SPDX-License-Identifier: Apache-2.0 */
/* body.c: what requests send. It is hashed before, since the hash is signed: that is the check
 * of integrity that every server makes. */
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/digest.h"
#include "s3.h"

enum { PIECE_BYTES = 256 << 10 };

static bool is_signed(const struct ff_s3_root *root)
{
    return root->options.sign_body || !root->options.https;
}

static int hash_failed(const struct ff_s3_request *r, struct ff_error *e)
{
    return ff_fail(e, FF_E_IO, r->key, "the cryptographic library refuses SHA-256");
}

static int hash_bytes(const struct ff_s3_root *root, struct ff_s3_request *r,
                      struct ff_error *e)
{
    uint8_t hash[FF_SHA256_BYTES];

    if (!is_signed(root)) {
        (void)snprintf(r->body_hash, sizeof r->body_hash, "UNSIGNED-PAYLOAD");
        return FF_OK;
    }
    if (ff_digest_of(FF_DIGEST_SHA256, r->body, (size_t)r->body_bytes, hash)) {
        return hash_failed(r, e);
    }
    ff_hex(hash, sizeof hash, r->body_hash);
    return FF_OK;
}

/* Reads the source once for its hash; it is read again when it is sent. */
static int hash_source(struct ff_s3_root *root, struct ff_s3_request *r,
                       const struct ff_call *call, struct ff_error *e)
{
    uint8_t hash[FF_SHA256_BYTES], *piece;
    struct ff_digest d = {0};
    int code = FF_OK, rc;

    if (!is_signed(root)) {
        return hash_bytes(root, r, e);
    }
    piece = ff_malloc(PIECE_BYTES);
    rc = piece ? ff_digest_init(&d, FF_DIGEST_SHA256) : -1;
    for (uint64_t at = 0; rc == 0 && !code && at < r->body_bytes; at += PIECE_BYTES) {
        uint64_t left = r->body_bytes - at;
        size_t n = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;

        code = ff_s3_stopped(root, call, r->key, e);
        code = code ? code
                    : r->source(r->source_ctx, r->source_offset + at, piece, n, call, e);
        rc = code ? 0 : ff_digest_update(&d, piece, n);
    }
    rc = rc || code ? rc : ff_digest_final(&d, hash);
    ff_digest_free(&d);
    ff_free(piece);
    if (rc) {
        return hash_failed(r, e);
    }
    ff_hex(hash, sizeof hash, r->body_hash);
    return code;
}

int ff_s3_body_source(struct ff_s3_root *root, struct ff_s3_request *r,
                      const struct ff_io *io, uint64_t offset, uint64_t size_bytes,
                      const struct ff_call *call, struct ff_error *e)
{
    int code;

    r->body_bytes = size_bytes;
    if (size_bytes > FF_S3_BUFFERED_BYTES) {
        r->source = io->source;
        r->source_ctx = io->source_ctx;
        r->source_offset = offset;
        r->call = call;
        return hash_source(root, r, call, e);
    }
    r->body_owned = ff_aligned_alloc(size_bytes ? (size_t)size_bytes : 1);
    if (!r->body_owned) {
        return ff_fail(e, FF_E_NO_MEMORY, r->key, "no memory for %llu bytes",
                       (unsigned long long)size_bytes);
    }
    r->body = r->body_owned;
    atomic_fetch_add(&root->body_bytes, size_bytes);
    code = size_bytes ? io->source(io->source_ctx, offset, r->body_owned,
                                   (size_t)size_bytes, call, e)
                      : FF_OK;
    return code ? code : hash_bytes(root, r, e);
}

int ff_s3_body_set(struct ff_s3_root *root, struct ff_s3_request *r, const void *data,
                   size_t size_bytes, struct ff_error *e)
{
    r->body = data;
    r->body_bytes = size_bytes;
    return hash_bytes(root, r, e);
}

void ff_s3_request_end(struct ff_s3_root *root, struct ff_s3_request *r)
{
    if (r && r->body_owned) {
        atomic_fetch_sub(&root->body_bytes, r->body_bytes);
    }
    ff_s3_request_free(r);
}
