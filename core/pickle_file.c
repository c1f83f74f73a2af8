/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_file.c: files that hold pickles: plain, compressed, or in a zip archive. Sources: RFC 1950 to
 * 1952; PKWARE's APPNOTE.TXT 6.3.9, sections 4.3.7 to 4.3.16 and 4.5.3. */
#include <functionfuse/pickle.h>
#include <stdbool.h>
#include <zlib.h>

#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/base/digest.h"
#include "core/base/vec.h"
#include "core/base/word.h"
#include "core/pickle/read.h"

#define MOST_BYTES  (UINT64_C(1) << 30)
#define MAX_MEMBERS 65536u
#define PIECE_BYTES ((size_t)256 << 10)

struct ff_pickle_file {
    const char *form;
    const uint8_t *data;
    size_t size_bytes;
    void *taken;
    void (*release)(void *);
    uint64_t left_bytes;  /* that may still be decompressed */
    uint64_t used_bytes;  /* of the archive, by the directory and the members */
    struct ff_vec parts;  /* struct ff_pickle_part */
    struct ff_vec blocks; /* void *, ff_free: what the parts point to */
};

static int out_of_memory(struct ff_error *e)
{
    return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
}

/* The file frees `block` from now on, also on failure. */
static int keep(struct ff_pickle_file *f, void *block, struct ff_error *e)
{
    if (!block || ff_vec_append(&f->blocks, &block)) {
        ff_free(block);
        return out_of_memory(e);
    }
    return FF_OK;
}

static int add_part(struct ff_pickle_file *f, const char *member, const void *data,
                    size_t size_bytes, struct ff_error *e)
{
    struct ff_pickle_part part = {member, data, size_bytes};
    return ff_vec_append(&f->parts, &part) ? out_of_memory(e) : FF_OK;
}

/* ---- compressed ---- */

/* Everything that one call of inflate() gives. */
static int inflate_piece(struct ff_pickle_file *f, z_stream *z, struct ff_buf *out,
                         struct ff_error *e)
{
    size_t room = f->left_bytes - out->length_bytes < PIECE_BYTES
                      ? (size_t)(f->left_bytes - out->length_bytes) + 1
                      : PIECE_BYTES;
    if (ff_buf_reserve(out, room)) {
        return out_of_memory(e);
    }
    z->next_out = out->data + out->length_bytes;
    z->avail_out = (uInt)room;
    int rc = inflate(z, Z_NO_FLUSH);
    ff_buf_added(out, room - z->avail_out);
    if (out->length_bytes > f->left_bytes) {
        return ff_fail(e, FF_E_LIMIT, NULL,
                       "it decompresses to more than the allowed bytes");
    }
    if (rc == Z_STREAM_END) {
        return FF_DECLINED;
    }
    return rc == Z_OK
               ? FF_OK
               : ff_fail(e, rc == Z_MEM_ERROR ? FF_E_NO_MEMORY : FF_E_CORRUPT, NULL,
                         "it does not decompress: %s", z->msg ? z->msg : "cut off");
}

/* What stands behind the end of a stream: FF_DECLINED when nothing does. Of gzip, zeros and more
 * members, as Python's gzip reads them; else it is an error: nothing may hide there. */
static int go_on(z_stream *z, const uint8_t *end, bool gzip, struct ff_error *e)
{
    const uint8_t *p = z->next_in;
    while (gzip && p < end && *p == 0) {
        p++;
    }
    if (p == end) {
        return FF_DECLINED;
    }
    if (!gzip || end - p < 2 || p[0] != 0x1f || p[1] != 0x8b) {
        return ff_fail(e, FF_E_CORRUPT, NULL,
                       "bytes follow the end of what is compressed");
    }
    z->next_in = (Bytef *)(uintptr_t)p;
    return inflateReset(z) == Z_OK ? FF_OK : out_of_memory(e);
}

/* bits: of inflateInit2. Several gzip members, one after another, are one. */
static int decompress(struct ff_pickle_file *f, const uint8_t *data, size_t size,
                      int bits, uint8_t **out, size_t *out_bytes, struct ff_error *e)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data};
    struct ff_buf buf;
    const uint8_t *end = data + size;
    int rc = FF_OK;
    if (inflateInit2(&z, bits) != Z_OK) {
        return out_of_memory(e);
    }
    ff_buf_init(&buf, SIZE_MAX / 2);
    while (!rc) {
        size_t left = (size_t)(end - z.next_in);
        z.avail_in = left < PIECE_BYTES ? (uInt)left : (uInt)PIECE_BYTES;
        rc = inflate_piece(f, &z, &buf, e);
        rc = rc == FF_DECLINED ? go_on(&z, end, bits > MAX_WBITS, e) : rc;
    }
    (void)inflateEnd(&z);
    *out = NULL;
    *out_bytes = buf.length_bytes;
    if (rc == FF_DECLINED) {
        f->left_bytes -= buf.length_bytes;
        rc = ff_buf_reserve(&buf, 1) || !(*out = ff_buf_steal(&buf, out_bytes))
                 ? out_of_memory(e)
                 : FF_OK;
    }
    ff_buf_free(&buf);
    return rc;
}

static int open_compressed(struct ff_pickle_file *f, const char *form, int bits,
                           struct ff_error *e)
{
    uint8_t *data;
    size_t size;
    f->form = form;
    int rc = decompress(f, f->data, f->size_bytes, bits, &data, &size, e);
    rc = rc ? rc : keep(f, data, e);
    return rc ? rc : add_part(f, "", data, size, e);
}

/* ---- zip ---- */

enum {
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    ENTRY_BYTES = 46,
    LOCAL_BYTES = 30
};

struct member {
    uint64_t packed, size, offset;
    unsigned method;
    const uint8_t *name;
    size_t name_bytes;
};

static uint64_t le(const uint8_t *p, size_t size)
{
    return ff_read_u64(p, size);
}

static int bad_zip(struct ff_error *e, const char *what)
{
    return ff_fail(e, FF_E_CORRUPT, NULL, "the zip archive %s", what);
}

/* Where the directory is: *at, *bytes. */
static int find_directory(const struct ff_pickle_file *f, uint64_t *at, uint64_t *bytes,
                          struct ff_error *e)
{
    const uint8_t *p = NULL;
    size_t lowest =
        f->size_bytes > 65535 + END_BYTES ? f->size_bytes - 65535 - END_BYTES : 0;
    for (size_t i = f->size_bytes >= END_BYTES ? f->size_bytes - END_BYTES + 1 : 0;
         i-- > lowest && !p;) {
        p = le(f->data + i, 4) == 0x06054b50 ? f->data + i : NULL;
    }
    if (!p) {
        return bad_zip(e, "has no end");
    }
    *bytes = le(p + 12, 4);
    *at = le(p + 16, 4);
    size_t before = (size_t)(p - f->data);
    if (before >= LOCATOR_BYTES && le(p - LOCATOR_BYTES, 4) == 0x07064b50) {
        uint64_t end = le(p - LOCATOR_BYTES + 8, 8);
        if (end > f->size_bytes || f->size_bytes - end < END64_BYTES ||
            le(f->data + end, 4) != 0x06064b50) {
            return bad_zip(e, "has a bad zip64 end");
        }
        *bytes = le(f->data + end + 40, 8);
        *at = le(f->data + end + 48, 8);
    }
    return *at <= f->size_bytes && *bytes <= f->size_bytes - *at
               ? FF_OK
               : bad_zip(e, "has its directory outside of itself");
}

/* The zip64 extra field has those of size, packed, offset, in this order, that are all ones. */
static void widen(struct member *m, const uint8_t *extra, size_t size)
{
    while (size >= 4 && le(extra + 2, 2) <= size - 4) {
        size_t field = (size_t)le(extra + 2, 2), at = 4;
        uint64_t *const wide[] = {&m->size, &m->packed, &m->offset};
        for (size_t i = 0; le(extra, 2) == 1 && i < 3; i++) {
            if (*wide[i] == UINT32_MAX && at + 8 <= 4 + field) {
                *wide[i] = le(extra + at, 8);
                at += 8;
            }
        }
        extra += 4 + field;
        size -= 4 + field;
    }
}

/* One entry of the directory at *p; *p moves on. */
static int next_member(const uint8_t **p, const uint8_t *end, struct member *m,
                       struct ff_error *e)
{
    if (end - *p < ENTRY_BYTES || le(*p, 4) != 0x02014b50) {
        return bad_zip(e, "has a bad directory");
    }
    size_t name = (size_t)le(*p + 28, 2), extra = (size_t)le(*p + 30, 2);
    size_t comment = (size_t)le(*p + 32, 2);
    if ((size_t)(end - *p) - ENTRY_BYTES < name + extra + comment) {
        return bad_zip(e, "has a bad directory");
    }
    *m = (struct member){le(*p + 20, 4),           le(*p + 24, 4),   le(*p + 42, 4),
                         (unsigned)le(*p + 10, 2), *p + ENTRY_BYTES, name};
    m->method |= le(*p + 8, 2) & 1 ? 0x10000u : 0; /* encrypted */
    widen(m, *p + ENTRY_BYTES + name, extra);
    *p += ENTRY_BYTES + name + extra + comment;
    return FF_OK;
}

static int open_member(struct ff_pickle_file *f, const struct member *m,
                       struct ff_error *e)
{
    if (m->offset > f->size_bytes || f->size_bytes - m->offset < LOCAL_BYTES) {
        return bad_zip(e, "has a member outside of itself");
    }
    const uint8_t *local = f->data + m->offset;
    if (le(local, 4) != 0x04034b50) {
        return bad_zip(e, "has a member without its header");
    }
    uint64_t start = m->offset + LOCAL_BYTES + le(local + 26, 2) + le(local + 28, 2);
    if (start > f->size_bytes || m->packed > f->size_bytes - start) {
        return bad_zip(e, "has a member outside of itself");
    }
    if (m->packed > f->size_bytes - f->used_bytes) {
        return bad_zip(e, "has members that overlap");
    }
    f->used_bytes += m->packed;
    char *name = ff_strndup((const char *)m->name, m->name_bytes);
    int rc = keep(f, name, e);
    if (rc) {
        return rc;
    }
    const uint8_t *data = f->data + start;
    uint8_t *wide;
    size_t size = (size_t)m->packed;
    switch (m->method) {
    case 0:
        break;
    case 8:
        rc = decompress(f, data, size, -MAX_WBITS, &wide, &size, e);
        rc = rc ? rc : keep(f, wide, e);
        data = wide;
        break;
    default:
        return ff_fail(e, FF_E_UNSUPPORTED, NULL, "%.100s is %s", name,
                       m->method >> 16 ? "encrypted" : "compressed with another method");
    }
    if (!rc && size != m->size) {
        rc = bad_zip(e, "has a member of another size than it says");
    }
    return rc ? rc : add_part(f, name, data, size, e);
}

static int open_zip(struct ff_pickle_file *f, struct ff_error *e)
{
    uint64_t at = 0, bytes = 0;
    f->form = "zip";
    int rc = find_directory(f, &at, &bytes, e);
    if (rc) {
        return rc;
    }
    const uint8_t *p = f->data + at, *end = p + bytes;
    f->used_bytes = bytes;
    for (unsigned i = 0; !rc && p < end; i++) {
        struct member m = {0};
        if (i == MAX_MEMBERS) {
            return ff_fail(e, FF_E_LIMIT, NULL, "an archive of over %u members", i);
        }
        rc = next_member(&p, end, &m, e);
        if (!rc && m.name_bytes >= 4 &&
            memcmp(m.name + m.name_bytes - 4, ".pkl", 4) == 0) {
            rc = open_member(f, &m, e);
        }
    }
    return rc || f->parts.count ? rc : bad_zip(e, "holds no *.pkl");
}

/* ---- what it is ---- */

static bool begins(const struct ff_pickle_file *f, const char *magic, size_t size)
{
    return f->size_bytes >= size && memcmp(f->data, magic, size) == 0;
}

/* RFC 1950: deflate with a window of 32 KiB, and a check of both bytes. No pickle begins so. */
static bool is_zlib(const struct ff_pickle_file *f)
{
    return f->size_bytes > 2 && f->data[0] == 0x78 &&
           (f->data[0] * 256u + f->data[1]) % 31 == 0;
}

static int open_form(struct ff_pickle_file *f, struct ff_error *e)
{
    static const struct {
        const char *magic;
        size_t size;
        const char *name;
    } others[] = {{"BZh", 3, "bz2"},
                  {"\xfd"
                   "7zXZ\0",
                   6, "xz"},
                  {"\x5d\0\0", 3, "lzma"},
                  {"\x04\x22\x4d\x18", 4, "lz4"},
                  {"\x28\xb5\x2f\xfd", 4, "zstd"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (begins(f, others[i].magic, others[i].size)) {
            (void)ff_fail(e, FF_E_UNSUPPORTED, NULL, "it is compressed with %s",
                          others[i].name);
            ff_error_fix(e, "decompress it first");
            return FF_E_UNSUPPORTED;
        }
    }
    if (begins(f, "\x1f\x8b", 2)) {
        return open_compressed(f, "gzip", MAX_WBITS + 16, e);
    }
    if (begins(f, "PK\3\4", 4)) {
        return open_zip(f, e);
    }
    if (is_zlib(f)) {
        return open_compressed(f, "zlib", MAX_WBITS, e);
    }
    f->form = "plain";
    return add_part(f, "", f->data, f->size_bytes, e);
}

/* ---- from the outside ---- */

struct ff_pickle_file *ff_pickle_file_open(const char *path, uint64_t max_bytes,
                                           struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    const void *data = NULL;
    struct ff_pickle_file *f;
    if (e && e->code) {
        return NULL;
    }
    f = path ? ff_calloc(1, sizeof *f) : NULL;
    if (!f) {
        (void)ff_fail(e, path ? FF_E_NO_MEMORY : FF_E_USAGE, NULL,
                      "no path, or no memory");
        return NULL;
    }
    ff_vec_init(&f->parts, sizeof(struct ff_pickle_part), MAX_MEMBERS);
    ff_vec_init(&f->blocks, sizeof(void *), 2 * (size_t)MAX_MEMBERS);
    f->left_bytes = max_bytes ? max_bytes : MOST_BYTES;
    int rc = ff_map_file(path, &data, &f->size_bytes, &f->taken, &f->release, &own);
    f->data = data;
    rc = rc ? rc : open_form(f, &own);
    if (rc) {
        ff_pickle_file_close(f);
        (void)ff_fail(e, rc, path, "%s", own.message);
        if (own.fix[0]) {
            ff_error_fix(e, "%s", own.fix);
        }
        return NULL;
    }
    return f;
}

void ff_pickle_file_close(struct ff_pickle_file *f)
{
    if (f) {
        for (size_t i = 0; i < f->blocks.count; i++) {
            ff_free(*(void **)ff_vec_at(&f->blocks, i));
        }
        ff_vec_free(&f->blocks);
        ff_vec_free(&f->parts);
        if (f->release) {
            f->release(f->taken);
        }
        ff_free(f);
    }
}

const char *ff_pickle_file_form(const struct ff_pickle_file *f)
{
    return f ? f->form : "";
}

const struct ff_pickle_part *ff_pickle_file_part(const struct ff_pickle_file *f, size_t i)
{
    return f && i < f->parts.count ? ff_vec_at(&f->parts, i) : NULL;
}

int ff_pickle_has_digest(const void *data, size_t used, size_t size_bytes)
{
    uint8_t digest[FF_DIGEST_MAX_BYTES];
    return data && size_bytes >= used && size_bytes - used == 20 &&
           !ff_digest_of(FF_DIGEST_SHA1, data, used, digest) &&
           memcmp(digest, (const uint8_t *)data + used, 20) == 0;
}
