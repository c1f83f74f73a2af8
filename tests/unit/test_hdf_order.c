/* SPDX-License-Identifier: Apache-2.0 */
/* test_hdf_order.c: memory in Fortran order is stored in C order, as all is. */
#include "hdf_stub.h"

#include <stdlib.h>

#include "core/base/region.h"
#include "run.h"

static const struct {
    int ndim;
    int64_t shape[3], chunk[3];
    const char *options;
} rows[] = {
    {2, {301, 203}, {100, 64}, NULL},
    {2, {301, 203}, {100, 203}, "{\"compression\": \"deflate\"}"},
    {3, {7, 90, 51}, {1, 90, 51}, NULL},
    {3, {7, 90, 51}, {7, 8, 50}, "{\"compression\": \"deflate\"}"},
};

START_TEST(roundtrip_fortran_order_is_equal)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct stub s;
        struct stub_array a;
        struct ff_array fortran, *got;
        int64_t strides[3], stride = 4;
        uint64_t total_bytes;
        char *memory;
        unsigned char *data;

        stub_open(&s, NULL, NULL);
        stub_array_make(&a, "<i4", 4, rows[i].ndim, rows[i].shape, rows[i].chunk);
        for (int k = 0; k < rows[i].ndim; k++) {
            strides[k] = stride;
            stride *= rows[i].shape[k];
        }
        memory = malloc(a.total_bytes);
        ck_assert(ff_copy_strided((size_t)rows[i].ndim, a.shape, 4, memory, strides,
                                  (const char *)a.data, a.strides));
        ck_assert_mem_ne(memory, a.data, a.total_bytes);
        fortran = a.array;
        fortran.data = memory;
        fortran.strides = strides;
        fortran.options = rows[i].options;
        ck_assert_int_eq(stub_pickle(&s, &fortran, "a", NULL, &e), FF_OK);
        got = stub_unpickle(&s, "a", &e);
        data = stub_read_all(got, &total_bytes, &e);
        ck_assert_uint_eq(total_bytes, a.total_bytes);
        ck_assert_mem_eq(data, a.data, a.total_bytes);
        free(data);
        free(memory);
        got->release(got);
        stub_array_free(&a);
        stub_close(&s);
    }
}
END_TEST

RUN_TESTS("hdf_order", roundtrip_fortran_order_is_equal)
