/* SPDX-License-Identifier: Apache-2.0 */
/* Big data that is missing, damaged, or made to lead elsewhere: each is told by its code,
 * its task and its cause when it is used, and by verify; nothing outside is opened. */
#include <hdf5.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile.h"

static void make_missing(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
}

static void make_empty(const char *path)
{
    ck_assert_int_eq(truncate(path, 0), 0);
}

static void make_text(const char *path)
{
    char text[4096];
    memset(text, 'x', sizeof text);
    write_file(path, text, sizeof text);
}

static void make_short_text(const char *path)
{
    write_file(path, "HDF", 3);
}

static void make_folder(const char *path)
{
    make_missing(path);
    ck_assert_int_eq(mkdir(path, 0777), 0);
}

/* To a good array file. */
static void make_link(const char *path)
{
    char other[300];
    (void)snprintf(other, sizeof other, "%s.real", path);
    ck_assert_int_eq(rename(path, other), 0);
    ck_assert_int_eq(symlink(other, path), 0);
}

static void make_fifo(const char *path)
{
    make_missing(path);
    ck_assert_int_eq(mkfifo(path, 0666), 0);
}

static hid_t create(const char *path)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(file, 0);
    return file;
}

static void make_no_set(const char *path)
{
    ck_assert_int_ge(H5Fclose(create(path)), 0);
}

static void make_external_link(const char *path)
{
    hid_t file = create(path);
    ck_assert_int_ge(H5Lcreate_external("/etc/passwd", "/x", file, "dask_arrays",
                                        H5P_DEFAULT, H5P_DEFAULT),
                     0);
    ck_assert_int_ge(H5Fclose(file), 0);
}

static void make_soft_link(const char *path)
{
    hid_t file = create(path);
    ck_assert_int_ge(
        H5Lcreate_soft("/other", file, "dask_arrays", H5P_DEFAULT, H5P_DEFAULT), 0);
    ck_assert_int_ge(H5Fclose(file), 0);
}

static void make_set(const char *path, hid_t list)
{
    hsize_t shape[2] = {6, 10};
    hid_t file = create(path), space = H5Screate_simple(2, shape, NULL);
    hid_t set = H5Dcreate2(file, "dask_arrays", H5T_IEEE_F32LE, space, H5P_DEFAULT, list,
                           H5P_DEFAULT);
    ck_assert_int_ge(set, 0);
    (void)H5Dclose(set), (void)H5Sclose(space), (void)H5Pclose(list);
    ck_assert_int_ge(H5Fclose(file), 0);
}

static void make_external_storage(const char *path)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    ck_assert_int_ge(H5Pset_external(list, "/etc/passwd", 0, 240), 0);
    make_set(path, list);
}

static void make_virtual(const char *path)
{
    hsize_t shape[2] = {6, 10};
    hid_t list = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, shape, NULL);
    ck_assert_int_ge(H5Pset_virtual(list, space, "/etc/other.h5", "/x", space), 0);
    (void)H5Sclose(space);
    make_set(path, list);
}

static const struct bad_data {
    const char *name;
    void (*make)(const char *path);
    struct said use;
    const char *verified; /* what verify calls it */
} bad[] = {
    {"missing", make_missing, {FF_E_STALE, "run/a#field", "No such", 1}, "missing"},
    {"empty", make_empty, {FF_E_CORRUPT, "run/a#field", "HDF5", 1}, "corrupt"},
    {"text", make_text, {FF_E_CORRUPT, "run/a#field", "not an HDF5", 1}, "corrupt"},
    {"3 bytes", make_short_text, {FF_E_CORRUPT, "run/a#field", "HDF5", 1}, "corrupt"},
    {"folder", make_folder, {FF_E_STALE, "run/a#field", "folder", 1}, "missing"},
    {"link", make_link, {FF_E_UNSAFE, "run/a#field", "symbolic", 1}, "corrupt"},
    {"fifo", make_fifo, {FF_E_UNSAFE, "run/a#field", "regular", 1}, "corrupt"},
    {"no set", make_no_set, {FF_E_CORRUPT, "run/a#field", "data set", 1}, "corrupt"},
    {"external link",
     make_external_link,
     {FF_E_UNSAFE, "run/a#field", "external link", 1},
     "corrupt"},
    {"soft link", make_soft_link, {FF_E_UNSAFE, "run/a#field", "soft", 1}, "corrupt"},
    {"external storage",
     make_external_storage,
     {FF_E_UNSAFE, "run/a#field", "external storage", 1},
     "corrupt"},
    {"virtual", make_virtual, {FF_E_UNSAFE, "run/a#field", "virtual", 1}, "corrupt"},
};

static int is_what(void *ctx, const struct ff_finding *found)
{
    const struct bad_data *b = ctx;
    if (strcmp(found->task, "a") == 0) {
        ck_assert_msg(strcmp(found->what, b->verified) == 0 && found->reason[0],
                      "%s: %s: %s", b->name, found->what, found->reason);
    } else {
        ck_assert_str_eq(found->what, "ok");
    }
    return 0;
}

static void one_bad(const struct bad_data *b)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d;
    struct fixture f;
    char path[256];
    int64_t n = 0;
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 1);
    save_sample(&f, "whole", 7);
    bigdata_path(&f, "a", path);
    b->make(path);
    d = ff_read_task(f.storage, "run", "a", NULL, &e);
    ck_assert_int_eq(ff_int64(ff_get(ff_doc_root(d), "n"), &n, &e), FF_OK);
    ck_assert_int_eq(n, 1); /* the rest of the value is there */
    ck_assert_ptr_null(ff_array(ff_get(ff_doc_root(d), "field"), &e));
    expect_said(b->name, &e, &b->use);
    ff_doc_free(d);
    d = ff_task_info(f.storage, "run", "a", NULL);
    ck_assert_msg(d != NULL, "%s", b->name);
    ff_doc_free(d);
    CHECK_CODE(ff_verify(f.storage, NULL, NULL, 1, is_what, (void *)(uintptr_t)b, ee),
               FF_E_CORRUPT);
    CHECK_OK(ff_remove_task(f.storage, "run", "a", ee));
    expect_sample_at(&f, "run", "whole", 7);
    fixture_close(&f);
}

START_TEST(big_data_that_is_none_is_told_with_its_task_and_path)
{
    (void)alarm(50);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        one_bad(&bad[i]);
    }
    (void)alarm(0);
}
END_TEST

/* At any length: refused, or told at the read; never wrong elements. */
START_TEST(big_data_that_is_cut_anywhere_is_corrupt)
{
    struct fixture f;
    char path[256], *all;
    size_t n;
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 1);
    bigdata_path(&f, "a", path);
    all = read_file(path, &n);
    for (size_t length = 0; length < n; length += length + 97 < n ? 97 : 1) {
        struct ff_error e = FF_ERROR_INIT;
        float out[60];
        struct ff_doc *d;
        const struct ff_array *a;
        int rc;
        write_file(path, all, length);
        d = ff_read_task(f.storage, "run", "a", NULL, &e);
        a = ff_array(ff_get(ff_doc_root(d), "field"), &e);
        rc = ff_array_read(a, NULL, out, NULL, NULL, &e);
        ck_assert_msg(rc == FF_E_CORRUPT && strstr(e.place, "run/a") && e.message[0],
                      "%zu of %zu bytes: %d at %s: %s", length, n, rc, e.place,
                      e.message);
        ff_doc_free(d);
    }
    write_file(path, all, n);
    free(all);
    expect_sample_at(&f, "run", "a", 1);
    fixture_close(&f);
}
END_TEST

/* ---- another shape than said ---- */

/* Irregular chunks 1 + 4 + 1, 10. */
static void save_irregular(struct fixture *f)
{
    static const int64_t shape[2] = {6, 10}, e0[] = {1, 4, 1}, e1[] = {10};
    static const int64_t *const edges[2] = {e0, e1};
    static const int64_t edge_count[2] = {3, 1};
    static float data[60];
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<f4",
                                .shape = shape,
                                .edges = edges,
                                .edge_count = edge_count,
                                .data = data};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_value v = ff_new_dict(d, &e);
    for (int i = 0; i < 60; i++) {
        data[i] = (float)(1 + i);
    }
    (void)ff_set(d, v, "field", ff_new_array_take(d, ff_array_new(&p, &e), &e), &e);
    (void)ff_save(f->storage, "run", "a", v, NULL, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s", e.place, e.message);
    ff_doc_free(d);
}

static void rewrite_edges(const char *path, const char *text)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), set, attribute, type, space;
    char name[64] = "";
    ck_assert_int_ge(file, 0);
    set = H5Dopen2(file, "dask_arrays", H5P_DEFAULT);
    attribute =
        H5Aopen_by_idx(set, ".", H5_INDEX_NAME, H5_ITER_INC, 0, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_gt(H5Aget_name(attribute, sizeof name, name), 0);
    (void)H5Aclose(attribute);
    ck_assert_int_ge(H5Adelete(set, name), 0);
    type = H5Tcopy(H5T_C_S1);
    (void)H5Tset_size(type, strlen(text) + 1);
    space = H5Screate(H5S_SCALAR);
    attribute = H5Acreate2(set, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(H5Awrite(attribute, type, text), 0);
    (void)H5Aclose(attribute), (void)H5Sclose(space), (void)H5Tclose(type);
    (void)H5Dclose(set);
    ck_assert_int_ge(H5Fclose(file), 0);
}

/* The edges are only a memory of dask's: one that does not fit is no chunk grid, and the
 * elements are those of the file. */
START_TEST(edges_that_lie_are_not_believed)
{
    static const struct {
        const char *text;
        int believed;
    } rows[] = {{"[[1,4,1],[10]]", 1},
                {"[[2,2,2],[10]]", 1},
                {"[[1,4,2],[10]]", 0},
                {"[[1,4],[10]]", 0},
                {"[[6]]", 0},
                {"[[1,4,1],[10],[1]]", 0},
                {"[[-1,7],[10]]", 0},
                {"[[0,6],[10]]", 1} /* dask has empty chunks */,
                {"[[9223372036854775807,9223372036854775807,8],[10]]", 0},
                {"[[[1,1000000000000]],[10]]", 0},
                {"[[[1,6]],[[1,10]]]", 1},
                {"[[6],[99999999999999999999]]", 0},
                {"[[1,4,1],[10]", 0},
                {"", 0},
                {"nonsense", 0},
                {"[[[[[[[[[[", 0}};
    struct fixture f;
    char path[256];
    fixture_open(&f, ON_FILE, NULL);
    save_irregular(&f);
    bigdata_path(&f, "a", path);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *d;
        const struct ff_array *a;
        rewrite_edges(path, rows[i].text);
        d = ff_read_task(f.storage, "run", "a", NULL, &e);
        a = ff_array(ff_get(ff_doc_root(d), "field"), &e);
        ck_assert_msg(a != NULL, "%s: %s: %s", rows[i].text, e.place, e.message);
        ck_assert_msg((a->edges != NULL) == rows[i].believed, "%s", rows[i].text);
        expect_elements(a, 1);
        ff_doc_free(d);
    }
    fixture_close(&f);
}
END_TEST

RUN_TESTS("bad_bigdata", big_data_that_is_none_is_told_with_its_task_and_path,
          big_data_that_is_cut_anywhere_is_corrupt, edges_that_lie_are_not_believed)
