/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c: the only file of base that uses OpenSSL. */
#include "digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>

/* OpenSSL cleans up in a function of atexit(); what the program registered before comes after it,
 * and would crash in there. OPENSSL_init_crypto(3) gives 0 from then on. */
static int is_over(void)
{
    return !OPENSSL_init_crypto(0, NULL);
}

int ff_digest_init(struct ff_digest *d, enum ff_digest_kind kind)
{
    const EVP_MD *algorithm = kind == FF_DIGEST_SHA1     ? EVP_sha1()
                              : kind == FF_DIGEST_SHA256 ? EVP_sha256()
                                                         : EVP_md5();

    d->size_bytes = kind == FF_DIGEST_SHA1     ? FF_SHA1_BYTES
                    : kind == FF_DIGEST_SHA256 ? FF_SHA256_BYTES
                                               : FF_MD5_BYTES;
    d->context = NULL;
    if (is_over()) {
        return -EIO;
    }
    d->context = EVP_MD_CTX_new();
    if (!d->context) {
        return -ENOMEM;
    }
    if (!EVP_DigestInit_ex(d->context, algorithm, NULL)) {
        ff_digest_free(d);
        return -EIO;
    }
    return 0;
}

int ff_digest_update(struct ff_digest *d, const void *data, size_t size_bytes)
{
    return EVP_DigestUpdate(d->context, data, size_bytes) ? 0 : -EIO;
}

int ff_digest_final(struct ff_digest *d, uint8_t *out)
{
    return EVP_DigestFinal_ex(d->context, out, NULL) ? 0 : -EIO;
}

void ff_digest_free(struct ff_digest *d)
{
    EVP_MD_CTX_free(d->context);
    d->context = NULL;
}

int ff_digest_of(enum ff_digest_kind kind, const void *data, size_t size_bytes,
                 uint8_t *out)
{
    struct ff_digest d;
    int rc = ff_digest_init(&d, kind);

    if (rc == 0) {
        rc = ff_digest_update(&d, data, size_bytes);
    }
    if (rc == 0) {
        rc = ff_digest_final(&d, out);
    }
    ff_digest_free(&d);
    return rc;
}

void ff_digest_why(char out[FF_DIGEST_WHY_BYTES])
{
    unsigned long code = ERR_peek_last_error();

    if (is_over()) {
        (void)snprintf(out, FF_DIGEST_WHY_BYTES,
                       "the process is ending, and OpenSSL has ended");
    } else if (code) {
        ERR_error_string_n(code, out, FF_DIGEST_WHY_BYTES);
    } else {
        (void)snprintf(out, FF_DIGEST_WHY_BYTES, "OpenSSL does not say why");
    }
}

void ff_hex(const uint8_t *data, size_t size_bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size_bytes; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * size_bytes] = '\0';
}
