/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_zarr.c: any bytes into what reads zarr: metadata of both formats, the index of a shard,
 * items of variable length, each codec; and the rest of the input through each codec that
 * writes, and back. The first byte chooses. Built with -fsanitize=fuzzer it is a libFuzzer
 * target; with REPLAY it has a main that runs a file of vectors (a byte, a length, the input)
 * and changes of them, by the seed FF_SEED. */
#include <functionfuse/functionfuse.h>

#include <stdlib.h>

#include "core/base/alloc.h"
#include "zarr/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { META2, META3, INDEX, VLEN, FIRST_CODEC };
enum { CODECS = ZARR_FLETCHER32, PLAIN_MOST = 1 << 16 };

static struct ff_value from_json(struct ff_doc *doc, const char *text, size_t size_bytes,
                                 struct ff_error *e)
{
    return ff_from_json(doc, text, size_bytes, NULL, e);
}

static const struct ff_values values = {
    .struct_size = FF_SIZE(ff_values, doc_free),
    .kind = ff_kind,
    .boolean = ff_boolean,
    .int64 = ff_int64,
    .real = ff_real,
    .str = ff_str,
    .length = ff_length,
    .item = ff_item,
    .get = ff_get,
    .from_json = from_json,
    .to_json = ff_to_json,
    .doc_new = ff_doc_new,
    .doc_free = ff_doc_free,
};

static void must(int holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "%s\n", what);
        abort();
    }
}

static void read_meta(const uint8_t *data, size_t size, int format)
{
    struct ff_error e = FF_ERROR_INIT;
    struct zarr_reader r = {&values, "fuzz", &e};
    struct ff_buf text;
    struct zarr_meta m;
    int rc;

    ff_buf_init(&text, ZARR_TEXT_MAX);
    must(ff_buf_append(&text, data, size) == 0, "memory");
    rc = format == 2 ? zarr_meta2(&r, &text, &text, &m) : zarr_meta3(&r, &text, &m);
    must((rc == FF_OK) == (e.code == FF_OK),
         "a failure without an error, or the reverse");
    if (rc == FF_OK) {
        must(m.ndim <= FF_MAX_NDIM && m.dtype && m.dtype->item_bytes > 0, "a bad shape");
        for (uint32_t i = 0; i < m.ndim; i++) {
            must(m.chunk[i] > 0 && m.object[i] >= m.chunk[i] && m.shape[i] >= 0,
                 "a bad grid");
        }
    }
    zarr_meta_free(&m);
    ff_buf_free(&text);
}

/* A byte for the shard's size, one for how the index is, then the index. */
static void read_index(const uint8_t *data, size_t size)
{
    struct zarr_meta m = {.sharded = true};
    struct zarr_entry *entries;
    uint64_t shard_bytes = (uint64_t)data[0] * 257;
    size_t sum_bytes = data[1] & 1 ? 4 : 0;
    uint8_t *own;

    if (size < 2 + sum_bytes) {
        return;
    }
    m.shards.crc32c = sum_bytes > 0;
    m.shards.big_endian = data[1] & 2;
    m.shards.count = (size - 2 - sum_bytes) / 16;
    m.shards.index_bytes = (size_t)m.shards.count * 16 + sum_bytes;
    own = ff_memdup(data + 2, m.shards.index_bytes);
    entries = ff_realloc_array(NULL, (size_t)m.shards.count, sizeof *entries);
    must(own && entries, "memory");
    if (zarr_index_read(&m, own, shard_bytes, entries, "fuzz", NULL) == FF_OK) {
        for (uint64_t i = 0; i < m.shards.count; i++) {
            must(entries[i].offset == ZARR_EMPTY ||
                     (entries[i].offset <= shard_bytes &&
                      entries[i].size_bytes <= shard_bytes - entries[i].offset),
                 "an entry leads out of the shard");
        }
    }
    ff_free(entries);
    ff_free(own);
}

static void read_vlen(const uint8_t *data, size_t size)
{
    for (int kind = ZARR_UTF8; kind <= ZARR_BYTES; kind++) {
        uint64_t longest, count = size ? data[0] : 0;
        uint64_t width = kind == ZARR_UTF8 ? 4 : 1;
        uint8_t *out;

        if (size < 1 || zarr_vlen_measure((enum zarr_vlen)kind, data + 1, size - 1, count,
                                          &longest, "fuzz", NULL)) {
            continue;
        }
        out = ff_malloc((size_t)(count * longest * width) + 1);
        must(out != NULL, "memory");
        zarr_vlen_spread((enum zarr_vlen)kind, data + 1, size - 1, count, longest * width,
                         out);
        ff_free(out);
    }
}

static struct zarr_codec codec_of(enum zarr_codec_kind kind)
{
    struct zarr_codec s = {.kind = kind, .level = 1, .shuffle = 1, .item_bytes = 4};

    (void)snprintf(s.compressor, sizeof s.compressor, "lz4");
    memcpy(s.from, "i<", 2);
    memcpy(s.to, "i<", 2);
    s.from_bytes = 4;
    s.to_bytes = 2;
    s.in_front = kind == ZARR_CRC32;
    return s;
}

/* Memory of exactly the sizes that are promised, so that a sanitizer sees what is past them. */
static void decode(const struct zarr_chain *c, const uint8_t *data, size_t size,
                   const uint8_t *wanted)
{
    uint8_t *own = ff_memdup(data, size), *dst = ff_malloc(c->most_bytes[0]);
    uint8_t *spare = ff_malloc(2 * zarr_chain_spare(c));
    const uint8_t *plain = NULL;
    int rc;

    must(own && dst && spare, "memory");
    rc = zarr_chain_plausible(c, size, "fuzz", NULL);
    rc = rc ? rc : zarr_chain_decode(c, own, size, spare, dst, &plain, "fuzz", NULL);
    must(!wanted || rc == FF_OK, "what was encoded does not decode");
    must(!wanted || memcmp(plain, wanted, c->most_bytes[0]) == 0, "it is not the same");
    ff_free(spare);
    ff_free(dst);
    ff_free(own);
}

static void run_codec(enum zarr_codec_kind kind, const uint8_t *data, size_t size)
{
    struct zarr_chain c = {.count = 1};
    const uint8_t *out;
    size_t out_bytes, plain_bytes = (size_t)data[0] | (size_t)data[1] << 8;
    uint8_t *spare, *grown = NULL;

    c.step[0] = codec_of(kind);
    must(zarr_chain_plan(&c, plain_bytes, "fuzz", NULL) == FF_OK, "a plan");
    decode(&c, data + 2, size - 2, NULL);
    if (zarr_vlen_decode(&c, data + 2, size - 2, &grown, &out_bytes, "fuzz", NULL) ==
        FF_OK) {
        ff_free(grown);
    }
    if (kind == ZARR_DELTA || size - 2 > PLAIN_MOST) {
        return;
    }
    plain_bytes = (size - 2) / 4 * 4; /* whole items for shuffle */
    must(zarr_chain_plan(&c, plain_bytes, "fuzz", NULL) == FF_OK, "a plan");
    spare = ff_malloc(2 * zarr_chain_spare(&c));
    must(spare != NULL, "memory");
    if (plain_bytes &&
        zarr_chain_encode(&c, data + 2, spare, &out, &out_bytes, "fuzz", NULL) == FF_OK) {
        decode(&c, out, out_bytes, data + 2);
    }
    ff_free(spare);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned what = size ? data[0] % (FIRST_CODEC + CODECS) : 0;

    if (size < 4 || size > 1 << 20) {
        return 0;
    }
    switch (what) {
    case META2:
    case META3:
        read_meta(data + 1, size - 1, what == META2 ? 2 : 3);
        break;
    case INDEX:
        read_index(data + 1, size - 1);
        break;
    case VLEN:
        read_vlen(data + 1, size - 1);
        break;
    default:
        run_codec((enum zarr_codec_kind)(what - FIRST_CODEC + 1), data + 1, size - 1);
    }
    return 0;
}

#ifdef REPLAY
enum { CHANGES = 60, CHANGES_LONG = 5000 };

static uint64_t state;

static uint64_t random_below(uint64_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % n;
}

/* A few bytes are others, or it ends earlier. */
static void change_and_run(const uint8_t *data, size_t size)
{
    uint8_t *own = ff_memdup(data, size);
    size_t length = random_below(8) ? size : random_below(size) + 1;

    must(own != NULL, "memory");
    for (uint64_t n = random_below(4) + 1; n > 0; n--) {
        size_t at = 1 + (size_t)random_below(size - 1);

        own[at] = (uint8_t)(random_below(2) ? random_below(256)
                                            : own[at] ^ 1u << random_below(8));
    }
    (void)LLVMFuzzerTestOneInput(own, length);
    ff_free(own);
}

static void replay(const uint8_t *data, size_t size)
{
    size_t changes = getenv("FF_LONG") ? CHANGES_LONG : CHANGES;

    for (size_t at = 0; at + 5 <= size;) {
        uint32_t n;

        memcpy(&n, data + at + 1, sizeof n);
        must(n >= 4 && n <= size - at - 5, "the file of vectors is cut off");
        (void)LLVMFuzzerTestOneInput(data + at + 5, n);
        for (size_t i = 0; i < changes; i++) {
            change_and_run(data + at + 5, n);
        }
        at += 5 + (size_t)n;
    }
}

int main(int argc, char **argv)
{
    const char *seed = getenv("FF_SEED");

    state = seed ? strtoull(seed, NULL, 10) : 1;
    (void)printf("FF_SEED=%llu\n", (unsigned long long)state);
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        uint8_t *data;
        long size;

        must(f != NULL && fseek(f, 0, SEEK_END) == 0, argv[i]);
        size = ftell(f);
        rewind(f);
        data = malloc((size_t)size + 1);
        must(data && fread(data, 1, (size_t)size, f) == (size_t)size, "read");
        (void)fclose(f);
        replay(data, (size_t)size);
        free(data);
    }
    return 0;
}
#endif
