/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that several processes fill: regions, tokens, receipts and descriptions that are
 * refused. */
#include <string.h>

#include "filling.h"

START_TEST(region_that_is_not_whole_chunks_is_refused)
{
    static const int64_t bad[][4] = {{1, 0, 2, 4},  {0, 1, 3, 3},         {0, 0, 2, 4},
                                     {0, 0, 3, 5},  {3, 4, 3, 5},         {6, 8, 2, 2},
                                     {-3, 0, 3, 4}, {0, 0, 3, 12},        {9, 0, 1, 4},
                                     {0, 0, -3, 4}, {0, 12, 3, INT64_MAX}};
    struct fixture f;
    struct ff_draft_filling *b, *a;
    int32_t data[ELEMENTS] = {0};
    fixture_open(&f, ON_FILE, NULL);
    b = begin(&f);
    a = attach(&f, ff_draft_fill_token(b));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        CHECK_CODE(ff_draft_fill_write(a, bad[i], bad[i] + 2, data, NULL, ee),
                   FF_E_USAGE);
    }
    CHECK_CODE(ff_draft_fill_write(a, NULL, NULL, data, NULL, ee), FF_E_USAGE);
    ck_assert_ptr_nonnull(strstr(ff_draft_fill_end(a, NULL), "/9/.")); /* nothing */
    ff_draft_fill_close(a);
    ff_draft_fill_close(b);
    fixture_close(&f);
}
END_TEST

START_TEST(token_is_read_as_hostile_input)
{
    static const char *const bad[] = {
        "",
        "x",
        "ff-fill-1/",
        "ff-fill-1/HDFSerializer/0.0.0/00000000-0000-4000-8000-000000000000",
        "ff-fill-1/HDFSerializer/0.0.0/00000000-0000-4000-8000-000000000000/",
        "ff-fill-1/HDFSerializer/0.0.0/00000000-0000-4000-8000-000000000000/run/",
        "ff-fill-1/HDFSerializer/0.0.0/00000000-0000-4000-8000-000000000000/run/x",
        "ff-fill-1/HDFSerializer/0.0.0/00000000-0000-4000-8000-000000000000/..",
        "ff-fill-1/HDFSerializer/0.0.0/00000000-0000-4000-8000-000000000000/bigdata",
        "ff-fill-1/HDFSerializer/0.0.0/00000000-0000-4000-8000-000000000000/r\nn",
        "ff-fill-1/HDFSerializer/0.0.0/00000000-0000-4000-8000-00000000000/run",
        "ff-fill-1/HDFSerializer/0.0.0/00000000-0000-4000-8000-0000000000000/run",
        "ff-fill-1/HDFSerializer/0.0.0/../run",
        "ff-fill-1/HDFSerializer/0.0.0//run",
        "ff-fill-1//0.0.0/00000000-0000-4000-8000-000000000000/run",
        "ff-fill-2/HDFSerializer/0.0.0/00000000-0000-4000-8000-000000000000/run"};
    const char *receipt = "ff-filled-1/00000000-0000-4000-8000-000000000000/1/0.";
    struct fixture f;
    char text[4096];
    fixture_open(&f, ON_FILE, NULL);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        CHECK_CODE(attach_code(f.storage, bad[i], ee), FF_E_USAGE);
        CHECK_CODE(save(f.storage, bad[i], &receipt, 1, ee), FF_E_USAGE);
        CHECK_CODE(ff_draft_fill_remove(f.storage, bad[i], ee), FF_E_USAGE);
    }
    CHECK_CODE(attach_code(f.storage, NULL, ee), FF_E_USAGE);
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memcpy(text, "ff-fill-1/", 10);
    CHECK_CODE(attach_code(f.storage, text, ee), FF_E_USAGE);
    CHECK_CODE(attach_code(f.storage,
                           "ff-fill-1/nobody/1/00000000-0000-4000-8000-000000000000/run",
                           ee),
               FF_E_PLUGIN);
    CHECK_CODE(attach_code(f.storage,
                           "ff-fill-1/HDFSerializer/9.9.9/"
                           "00000000-0000-4000-8000-000000000000/run",
                           ee),
               FF_E_PLUGIN);
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    fixture_close(&f);
}
END_TEST

START_TEST(token_reaches_nothing_that_a_task_refers_to)
{
    struct fixture f;
    char uuid[37], token[1024], receipt[128];
    const char *receipts[1] = {receipt};
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 5);
    uuid_of_task(&f, "a", uuid);
    (void)snprintf(token, sizeof token, "ff-fill-1/HDFSerializer/0.0.0/%s/run", uuid);
    (void)snprintf(receipt, sizeof receipt, "ff-filled-1/%s/3/0-2.", uuid);
    CHECK_CODE(attach_code(f.storage, token, ee), FF_E_NOT_FOUND);
    CHECK_CODE(save(f.storage, token, receipts, 1, ee), FF_E_NOT_FOUND);
    CHECK_OK(ff_draft_fill_remove(f.storage, token, ee));
    expect_sample_at(&f, "run", "a", 5);
    fixture_close(&f);
}
END_TEST

START_TEST(token_of_another_place_finds_nothing)
{
    struct fixture f, g;
    struct ff_draft_filling *b;
    char token[1024];
    size_t n;
    fixture_open(&f, ON_FILE, NULL);
    fixture_open(&g, ON_FILE, NULL);
    CHECK_OK(ff_new_workflow(f.storage, "ran", ee));
    b = begin(&f);
    (void)snprintf(token, sizeof token, "%s", ff_draft_fill_token(b));
    CHECK_CODE(attach_code(g.storage, token, ee), FF_E_NOT_FOUND);
    n = strlen(token);
    token[n - 2] = 'a'; /* workflow "ran" */
    CHECK_CODE(attach_code(f.storage, token, ee), FF_E_NOT_FOUND);
    token[n - 2] = 'o'; /* no such workflow */
    CHECK_CODE(attach_code(f.storage, token, ee), FF_E_NOT_FOUND);
    ff_draft_fill_close(b);
    fixture_close(&g);
    fixture_close(&f);
}
END_TEST

START_TEST(receipt_is_read_as_hostile_input)
{
    static const char *const bad[] = {"",
                                      ".",
                                      "9/0-8",
                                      "9/0-8,",
                                      "9/0-9.",
                                      "9/0-8..",
                                      "9/0-8. ",
                                      "9/8-0.",
                                      "9/0-4,4-8.",
                                      "9/-1.",
                                      "9/0--8.",
                                      "9/00-8.",
                                      "9/ 0-8.",
                                      "9/0-18446744073709551616.",
                                      "18446744073709551616/0-8.",
                                      "09/0-8.",
                                      "/0-8.",
                                      "9",
                                      "9/",
                                      "10/0-8."};
    struct fixture f;
    struct ff_draft_filling *b, *a;
    const char *token, *receipts[2];
    char text[256], stump[256];
    fixture_open(&f, ON_FILE, NULL);
    b = begin(&f);
    token = ff_draft_fill_token(b);
    a = attach(&f, token);
    receipts[0] = fill_all(a);
    receipts[1] = text;
    (void)snprintf(stump, sizeof stump, "%.*s",
                   (int)(strlen(receipts[0]) - strlen("9/0-8.")), receipts[0]);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        (void)snprintf(text, sizeof text, "%.200s%s", stump, bad[i]);
        CHECK_CODE(save(f.storage, token, receipts, 2, ee), FF_E_USAGE);
    }
    (void)snprintf(text, sizeof text,
                   "ff-filled-1/00000000-0000-4000-8000-000000000000/9/0-8.");
    CHECK_CODE(save(f.storage, token, receipts, 2, ee), FF_E_USAGE);
    (void)snprintf(text, sizeof text, "%s", token);
    CHECK_CODE(save(f.storage, token, receipts, 2, ee), FF_E_USAGE);
    receipts[1] = NULL;
    CHECK_CODE(save(f.storage, token, receipts, 2, ee), FF_E_USAGE);
    CHECK_CODE(save(f.storage, token, receipts, 0, ee), FF_E_USAGE);
    CHECK_CODE(save(f.storage, token, NULL, 1, ee), FF_E_USAGE);
    receipts[1] = receipts[0];
    CHECK_OK(save(f.storage, token, receipts, 2, ee)); /* twice the same is no fault */
    ff_draft_fill_close(a);
    ff_draft_fill_close(b);
    expect_saved(&f);
    fixture_close(&f);
}
END_TEST

/* ---- what is not offered, by name ---- */

static int begin_code(struct ff_storage *s, const char *workflow,
                      const struct ff_array_params *p, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_array *like = ff_array_new(p, &own);
    struct ff_draft_filling *b;
    ck_assert_msg(like != NULL, "%s", own.message);
    b = ff_draft_fill_begin(s, workflow, like, e);
    ff_array_free(like);
    ck_assert((b != NULL) == (e->code == FF_OK));
    ff_draft_fill_close(b);
    return e->code;
}

START_TEST(array_that_cannot_be_filled_is_refused_by_name)
{
    static const int64_t flow[2] = {-1, 10}, none[2] = {0, 10}, e0[] = {3, 4},
                         e1[] = {10};
    static const int64_t *const edges[2] = {e0, e1};
    static const int64_t edge_count[2] = {2, 1};
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<i4",
                                .shape = fill_shape,
                                .chunk = fill_chunk};
    struct ff_array_params q = p;
    struct ff_storage *objects_alone;
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    fixture_open(&f, ON_FILE, NULL);
    CHECK_CODE(begin_code(f.storage, "absent", &p, ee), FF_E_NOT_FOUND);
    CHECK_CODE(begin_code(f.storage, "..", &p, ee), FF_E_USAGE);
    q.options = "{\"compression\": \"deflate\"}";
    CHECK_CODE(begin_code(f.storage, "run", &q, ee), FF_E_UNSUPPORTED);
    q.options = "{\"zarr\": {\"format\": 3}}";
    CHECK_CODE(begin_code(f.storage, "run", &q, ee), FF_E_UNSUPPORTED);
    q = p;
    q.shape = flow;
    CHECK_CODE(begin_code(f.storage, "run", &q, ee), FF_E_UNSUPPORTED);
    q.shape = none;
    CHECK_CODE(begin_code(f.storage, "run", &q, ee), FF_E_UNSUPPORTED);
    q = p;
    q.chunk = NULL;
    q.edges = edges;
    q.edge_count = edge_count;
    CHECK_CODE(begin_code(f.storage, "run", &q, ee), FF_E_UNSUPPORTED);
    q = p;
    q.chunk = NULL;
    q.chunking = FF_CHUNK_NONE;
    CHECK_CODE(begin_code(f.storage, "run", &q, ee), FF_E_USAGE);
    ck_assert_ptr_null(ff_draft_fill_begin(f.storage, "run", NULL, &e));
    ck_assert_int_eq(e.code, FF_E_USAGE);
    objects_alone = ff_storage_factory(
        f.host, "{\"kind\": \"memory\", \"options\": {\"files\": false}}", NULL);
    CHECK_OK(ff_new_workflow(objects_alone, "run", ee));
    CHECK_CODE(begin_code(objects_alone, "run", &p, ee), FF_E_UNSUPPORTED);
    ff_storage_close(objects_alone);
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    fixture_close(&f);
}
END_TEST

RUN_TESTS("fill_refused", region_that_is_not_whole_chunks_is_refused,
          token_is_read_as_hostile_input, token_reaches_nothing_that_a_task_refers_to,
          token_of_another_place_finds_nothing, receipt_is_read_as_hostile_input,
          array_that_cannot_be_filled_is_refused_by_name)
