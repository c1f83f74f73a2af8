/* SPDX-License-Identifier: Apache-2.0 */
/* digest.h: SHA-1, SHA-256 and MD5 of a stream of bytes. */
#ifndef FF_BASE_DIGEST_H
#define FF_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define FF_MD5_BYTES        16
#define FF_SHA1_BYTES       20
#define FF_SHA256_BYTES     32
#define FF_DIGEST_MAX_BYTES 32
#define FF_DIGEST_WHY_BYTES 160

enum ff_digest_kind { FF_DIGEST_SHA1, FF_DIGEST_SHA256, FF_DIGEST_MD5 };

struct ff_digest {
    void *context;
    size_t size_bytes; /* of the result */
};

/* 0, -ENOMEM, or -EIO when the cryptographic library refuses, or has ended before the process
 * (a function of atexit() that was registered before it was first used). After a failed init, free
 * is harmless; after final, only init and free may follow. */
int ff_digest_init(struct ff_digest *d, enum ff_digest_kind kind);
int ff_digest_update(struct ff_digest *d, const void *data, size_t size_bytes);
int ff_digest_final(struct ff_digest *d, uint8_t *out); /* writes size_bytes */
void ff_digest_free(struct ff_digest *d);
/* All of it at once. */
int ff_digest_of(enum ff_digest_kind kind, const void *data, size_t size_bytes,
                 uint8_t *out);

/* After an -EIO, on the same thread: the cryptographic library's own reason. */
void ff_digest_why(char out[FF_DIGEST_WHY_BYTES]);

/* Lower-case hex, 2 * size_bytes characters and NUL. */
void ff_hex(const uint8_t *data, size_t size_bytes, char *out);

#endif
