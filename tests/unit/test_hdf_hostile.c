/* SPDX-License-Identifier: Apache-2.0 */
/* test_hdf_hostile.c: HDF5 files of every layout and chunk index with bytes changed and ends cut
 * off: each gives an array or an error, no signal and no endless work. Blocks that carry a
 * checksum are sealed again after a change, as somebody who means harm would do. FF_SEED repeats
 * a run, FF_LONG=1 makes it three hundred times as long.
 */
#include "hdf_stub.h"

#include <check.h>
#include <hdf5.h>
#include <stdlib.h>
#include <time.h>

#include "plugins/dask_array/hdf.h"

enum {
    BLOCKS_MAX = 4096,
    READ_MAX_BYTES = 1 << 20,
    ROUNDS = 500,
    LONG_ROUNDS = 150000,
    ONE_READ_S = 5
};

/* What may come of a file: FF_OK, or one of these. */
static const int may_end[] = {FF_E_CORRUPT, FF_E_UNSUPPORTED, FF_E_UNSAFE, FF_E_LIMIT};

static const struct {
    const char *name;
    int latest, layout, early, deflate, ndim;
    hsize_t shape[2], most[2], chunk[2];
} kinds[] = {
    {"contiguous", 0, H5D_CONTIGUOUS, 0, 0, 2, {20, 30}, {20, 30}, {0}},
    {"compact", 1, H5D_COMPACT, 0, 0, 2, {20, 30}, {20, 30}, {0}},
    {"version 1 B-tree", 0, H5D_CHUNKED, 0, 0, 2, {30, 30}, {30, 30}, {2, 3}},
    {"version 1 B-tree, deflate", 0, H5D_CHUNKED, 0, 1, 2, {30, 30}, {30, 30}, {7, 7}},
    {"single, deflate", 1, H5D_CHUNKED, 0, 1, 2, {30, 30}, {30, 30}, {30, 30}},
    {"implicit", 1, H5D_CHUNKED, 1, 0, 2, {30, 30}, {40, 30}, {4, 7}},
    {"fixed array", 1, H5D_CHUNKED, 0, 0, 1, {1500}, {2000}, {1}},
    {"fixed array, deflate", 1, H5D_CHUNKED, 0, 1, 2, {30, 30}, {30, 30}, {4, 7}},
    {"extensible array", 1, H5D_CHUNKED, 0, 0, 1, {900}, {H5S_UNLIMITED}, {1}},
    {"extensible array, deflate",
     1,
     H5D_CHUNKED,
     0,
     1,
     2,
     {30, 30},
     {40, H5S_UNLIMITED},
     {2, 3}},
    {"version 2 B-tree",
     1,
     H5D_CHUNKED,
     0,
     0,
     2,
     {40, 30},
     {H5S_UNLIMITED, H5S_UNLIMITED},
     {1, 2}},
    {"version 2 B-tree, deflate",
     1,
     H5D_CHUNKED,
     0,
     1,
     2,
     {30, 30},
     {H5S_UNLIMITED, H5S_UNLIMITED},
     {2, 3}},
};

static void make(const struct stub *s, int i)
{
    static int32_t values[2048];
    char path[512];
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), list = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(kinds[i].ndim, kinds[i].shape, kinds[i].most);
    hid_t file, set;

    for (int k = 0; k < 2048; k++) {
        values[k] = k / 3;
    }
    (void)snprintf(path, sizeof path, "%s/good", s->folder);
    if (kinds[i].latest) {
        (void)H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    }
    (void)H5Pset_layout(list, (H5D_layout_t)kinds[i].layout);
    if (kinds[i].layout == H5D_CHUNKED) {
        (void)H5Pset_chunk(list, kinds[i].ndim, kinds[i].chunk);
    }
    if (kinds[i].early) {
        (void)H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    }
    if (kinds[i].deflate) {
        (void)H5Pset_shuffle(list);
        (void)H5Pset_deflate(list, 1);
        (void)H5Pset_fletcher32(list);
    }
    file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    set = H5Dcreate2(file, "dask_arrays", H5T_STD_I32LE, space, H5P_DEFAULT, list,
                     H5P_DEFAULT);
    ck_assert_int_ge(
        H5Dwrite(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    H5Dclose(set);
    H5Fclose(file);
    H5Sclose(space);
    H5Pclose(list);
    H5Pclose(access);
}

/* ---- blocks with a checksum ---- */

struct block {
    size_t begin, size_bytes; /* the checksum is behind it */
};

struct image {
    unsigned char *good, *bad;
    size_t size_bytes;
    struct block blocks[BLOCKS_MAX];
    size_t block_count;
};

static uint32_t sum_at(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

/* A signature, and the first size at which the checksum of the good file is right. */
static void find_blocks(struct image *m)
{
    static const char signatures[][5] = {"OHDR", "OCHK", "FAHD", "FADB", "EAHD", "EAIB",
                                         "EASB", "EADB", "BTHD", "BTIN", "BTLF"};

    m->block_count = 0;
    for (size_t at = 0; at + 8 < m->size_bytes; at++) {
        bool known = at == 0;

        for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
            known = known || memcmp(m->good + at, signatures[i], 4) == 0;
        }
        for (size_t n = 6; known && n < 16384 && at + n + 4 <= m->size_bytes; n++) {
            if (sum_at(m->good + at + n) == hdf_lookup3(m->good + at, n)) {
                ck_assert_uint_lt(m->block_count, BLOCKS_MAX);
                m->blocks[m->block_count++] = (struct block){at, n};
                break;
            }
        }
    }
}

static void seal(struct image *m, size_t changed)
{
    for (size_t i = 0; i < m->block_count; i++) {
        const struct block *b = &m->blocks[i];

        if (changed >= b->begin && changed < b->begin + b->size_bytes) {
            uint32_t sum = hdf_lookup3(m->bad + b->begin, b->size_bytes);

            for (unsigned k = 0; k < 4; k++) {
                m->bad[b->begin + b->size_bytes + k] = (unsigned char)(sum >> (8 * k));
            }
        }
    }
}

/* ---- changes ---- */

static uint64_t state;

static size_t below(size_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % n);
}

static uint64_t seed(void)
{
    const char *text = getenv("FF_SEED");

    return text && *text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
}

static void change(struct image *m, size_t at)
{
    static const unsigned char odd[] = {0, 1, 2, 3, 4, 8, 0x10, 0x7f, 0x80, 0xfe, 0xff};

    if (below(3) == 0) {
        m->bad[at] = odd[below(sizeof odd)];
    } else {
        m->bad[at] ^= (unsigned char)(1u << below(8));
    }
}

/* One to four bytes of metadata mostly; at times an address or a size of eight bytes. The size
 * of what is left. */
static size_t damage(struct image *m)
{
    size_t changes = 1 + below(4), size_bytes = m->size_bytes;

    memcpy(m->bad, m->good, m->size_bytes);
    for (size_t i = 0; i < changes; i++) {
        bool inside = m->block_count && below(4);
        const struct block *b = inside ? &m->blocks[below(m->block_count)] : NULL;
        size_t at = b ? b->begin + below(b->size_bytes) : below(m->size_bytes);

        if (below(6) == 0 && at + 16 <= m->size_bytes) {
            memcpy(m->bad + at, m->good + below(m->size_bytes - 8), 8);
        } else {
            change(m, at);
        }
        seal(m, at);
    }
    return below(10) ? size_bytes : below(size_bytes);
}

/* ---- reading ---- */

static bool may_come(int code)
{
    bool found = code == FF_OK;

    for (size_t i = 0; i < sizeof may_end / sizeof may_end[0]; i++) {
        found = found || may_end[i] == code;
    }
    return found;
}

/* Of the CPU: a machine that is busy with other things is no endless work. */
static double spent_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* All of it where it is small, else its first element. */
static int read_some(const struct ff_array *a, struct ff_error *e)
{
    static unsigned char one[READ_MAX_BYTES];
    int64_t start[FF_MAX_NDIM] = {0}, count[FF_MAX_NDIM], strides[FF_MAX_NDIM] = {0};
    struct ff_region region = {.start = start, .count = count};
    uint64_t total = a->itemsize_bytes, all;
    unsigned char *data;

    for (int32_t i = 0; i < a->ndim; i++) {
        if (__builtin_mul_overflow(total, (uint64_t)a->shape[i], &total)) {
            total = UINT64_MAX;
            break;
        }
    }
    for (int32_t i = 0; i < a->ndim; i++) {
        count[i] = a->shape[i] > 0;
    }
    if (total > READ_MAX_BYTES) {
        return a->itemsize_bytes <= sizeof one
                   ? a->read(a, &region, one, strides, NULL, e)
                   : FF_OK;
    }
    data = stub_read_all(a, &all, e);
    free(data);
    return e->code;
}

static int try_file(struct stub *s, const struct image *m, size_t size_bytes, int *opened)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array *got;
    double begun = spent_s();
    int code;

    stub_store(s, "x", m->bad, size_bytes);
    got = stub_unpickle(s, "x", &e);
    *opened += got != NULL;
    code = got ? read_some(got, &e) : e.code;
    if (got) {
        got->release(got);
    }
    ck_assert_int_eq(stub_open_files(), 0);
    ck_assert_msg(spent_s() - begun < ONE_READ_S, "%g s", spent_s() - begun);
    return code;
}

START_TEST(read_damaged_file_is_an_error_or_an_array)
{
    const char *wish = getenv("FF_LONG");
    int rounds = wish && *wish && *wish != '0' ? LONG_ROUNDS : ROUNDS;
    int opened = 0, failed = 0;
    static struct image m;
    struct stub s;

    stub_open(&s, NULL, NULL);
    make(&s, _i);
    m.good = stub_load(&s, "good", &m.size_bytes);
    m.bad = malloc(m.size_bytes);
    ck_assert(m.good && m.bad);
    find_blocks(&m);
    ck_assert(!kinds[_i].latest || m.block_count > 1);
    state = seed() + (uint64_t)_i + 1;
    for (int i = 0; i < rounds; i++) {
        size_t size_bytes = damage(&m);
        int code = try_file(&s, &m, size_bytes, &opened);

        failed += code != FF_OK;
        ck_assert_msg(may_come(code), "%s, round %d, FF_SEED=%llu: %d", kinds[_i].name, i,
                      (unsigned long long)seed(), code);
    }
    /* both happen, else nothing was tried */
    ck_assert_msg(opened > 0 && failed > 0, "%d opened, %d failed", opened, failed);
    free(m.good);
    free(m.bad);
    stub_close(&s);
}
END_TEST

START_TEST(read_file_cut_anywhere_is_an_error_or_an_array)
{
    static struct image m;
    struct stub s;
    int opened = 0;

    stub_open(&s, NULL, NULL);
    make(&s, _i);
    m.good = stub_load(&s, "good", &m.size_bytes);
    m.bad = m.good;
    for (size_t n = 0; n < m.size_bytes; n += 1 + m.size_bytes / 1000) {
        ck_assert_msg(may_come(try_file(&s, &m, n, &opened)), "%s cut at %zu",
                      kinds[_i].name, n);
    }
    free(m.good);
    stub_close(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hdf_hostile");
    TCase *c = tcase_create("hostile");
    SRunner *runner;
    int failed;

    tcase_set_timeout(c, 600);
    tcase_add_loop_test(c, read_damaged_file_is_an_error_or_an_array, 0,
                        sizeof kinds / sizeof kinds[0]);
    tcase_add_loop_test(c, read_file_cut_anywhere_is_an_error_or_an_array, 0,
                        sizeof kinds / sizeof kinds[0]);
    suite_add_tcase(suite, c);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
