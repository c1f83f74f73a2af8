/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pickle_vectors.c: what CPython's own tests (Lib/test/pickletester.py of 3.11) load and
 * dump. The file has, one after the other: a kind, the size in 4 bytes, the pickle. Kinds:
 * 'A' CPython takes it, 'B' the same with encoding="bytes", 'R' CPython refuses it, 'D' its C
 * pickler wrote it. permitted.txt has what may differ: the SHA-1 of a pickle, and the reason.
 */
#include <stdio.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/digest.h"
#include "core/pickle/pickle.h"
#include "run.h"

enum { MOST_PERMITTED = 64, HEX_SIZE = 2 * FF_SHA1_BYTES + 1 };

struct vectors {
    char permitted[MOST_PERMITTED][HEX_SIZE];
    bool met[MOST_PERMITTED];
    size_t permitted_count;
    size_t count, dumps;
};

static void read_permitted(struct vectors *v)
{
    char line[512], reason[400];
    FILE *f = fopen(TEST_DATA "/pickle/permitted.txt", "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) {
        if (line[0] != '#') {
            ck_assert_uint_lt(v->permitted_count, MOST_PERMITTED);
            ck_assert_int_eq(
                sscanf(line, "%40s %399[^\n]", v->permitted[v->permitted_count], reason),
                2);
            ck_assert_msg(strlen(reason) > 20, "a reason: %s", line);
            v->permitted_count++;
        }
    }
    ck_assert_int_eq(fclose(f), 0);
}

static bool is_permitted(struct vectors *v, const uint8_t *data, size_t size, char *hex)
{
    uint8_t digest[FF_SHA1_BYTES];
    ck_assert_int_eq(ff_digest_of(FF_DIGEST_SHA1, data, size, digest), 0);
    ff_hex(digest, sizeof digest, hex);
    for (size_t i = 0; i < v->permitted_count; i++) {
        if (strcmp(v->permitted[i], hex) == 0) {
            v->met[i] = true;
            return true;
        }
    }
    return false;
}

static int to_buf(void *ctx, const void *data, size_t size, struct ff_error *e)
{
    return ff_buf_append(ctx, data, size) ? ff_fail(e, FF_E_NO_MEMORY, NULL, "full")
                                          : FF_OK;
}

static bool comes_back(const struct ff_doc *doc, const uint8_t *data, size_t size)
{
    struct ff_buf out;
    ff_buf_init(&out, SIZE_MAX / 2);
    struct ff_write_options options = {
        .protocol = (uint32_t)ff_doc_protocol(doc), .write = to_buf, .write_ctx = &out};
    bool same = ff_pickle_write(ff_doc_root(doc), &options, NULL) == FF_OK &&
                out.length_bytes == size && memcmp(out.data, data, size) == 0;
    ff_buf_free(&out);
    return same;
}

/* Whether the library does with a vector what CPython does. */
static bool agrees(char kind, const uint8_t *data, size_t size)
{
    struct ff_doc *doc;
    struct ff_error e = FF_ERROR_INIT;
    const struct ff_pickle_buffer none = {0}; /* as in CPython's tests, none is given */
    struct ff_load_options options = {.struct_size = sizeof options,
                                      .py2_strings =
                                          kind == 'B' ? FF_PY2_BYTES : FF_PY2_ASCII};
    options.buffers = kind == 'R' ? &none : NULL;
    int code = ff_pickle_read(data, size, NULL, NULL, &options, NULL, &doc, NULL, &e);
    bool good = (code == FF_OK) == (kind != 'R') &&
                (kind != 'R' || code == FF_E_CORRUPT) &&
                (kind != 'D' || comes_back(doc, data, size));
    ff_doc_free(doc);
    return good;
}

static void check(struct vectors *v, char kind, const uint8_t *data, size_t size)
{
    char hex[HEX_SIZE];
    bool good = agrees(kind, data, size);
    v->count++;
    v->dumps += kind == 'D';
    if (is_permitted(v, data, size, hex)) {
        ck_assert_msg(!good, "%s is permitted to differ, but does not", hex);
    } else {
        ck_assert_msg(good, "vector %zu, %c, %s: %.60s", v->count, kind, hex, data);
    }
}

START_TEST(vectors_of_cpython_have_its_verdict_and_come_back_the_same)
{
    static struct vectors v;
    uint8_t head[5];
    uint32_t size;
    FILE *f = fopen(TEST_DATA "/pickle/cpython-3.11.vectors", "rb");
    ck_assert_ptr_nonnull(f);
    read_permitted(&v);
    while (fread(head, sizeof head, 1, f) == 1) {
        memcpy(&size, head + 1, sizeof size);
        uint8_t *data = malloc(size + 1u);
        ck_assert_ptr_nonnull(data);
        ck_assert_uint_eq(fread(data, 1, size, f), size);
        data[size] = 0;
        check(&v, (char)head[0], data, size);
        free(data);
    }
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_uint_gt(v.count, 6500);
    ck_assert_uint_gt(v.dumps, 6200);
    for (size_t i = 0; i < v.permitted_count; i++) {
        ck_assert_msg(v.met[i], "%s is in no vector", v.permitted[i]);
    }
}
END_TEST

RUN_TESTS("pickle_vectors", vectors_of_cpython_have_its_verdict_and_come_back_the_same)
