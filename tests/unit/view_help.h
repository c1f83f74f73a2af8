/* SPDX-License-Identifier: Apache-2.0 */
/* view_help.h: what the tests of views, JSON, trees and paths share. */
#ifndef FF_TEST_VIEW_HELP_H
#define FF_TEST_VIEW_HELP_H

#include <functionfuse/pickle.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"

static inline int help_write(void *ctx, const char *text, size_t size_bytes)
{
    return ff_buf_append(ctx, text, size_bytes);
}

/* malloc'd, NUL behind it. */
static inline char *help_file(const char *path, size_t *size_bytes)
{
    FILE *f = fopen(path, "rb");
    char *data;
    ck_assert_msg(f != NULL, "%s", path);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    *size_bytes = (size_t)ftell(f);
    rewind(f);
    data = malloc(*size_bytes + 1);
    ck_assert_uint_eq(fread(data, 1, *size_bytes, f), *size_bytes);
    data[*size_bytes] = '\0';
    (void)fclose(f);
    return data;
}

/* A golden task: "file-numpy1", "dates". */
static inline struct ff_doc *help_golden(const char *store, const char *task)
{
    char path[512];
    size_t size;
    char *data;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc;
    (void)snprintf(path, sizeof path, GOLDEN_DIR "/%s/file/golden/%s", store, task);
    data = help_file(path, &size);
    doc = ff_pickle_load(data, size, NULL, NULL, NULL, NULL, &e);
    ck_assert_msg(doc != NULL, "%s: %s", path, e.message);
    free(data);
    return doc;
}

/* The JSON of a value; freed with free. */
static inline char *help_json(struct ff_value v)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_buf text;
    char *copy;
    ff_buf_init(&text, 1 << 30);
    ck_assert_msg(ff_to_json(v, help_write, &text, &e) == FF_OK, "%s", e.message);
    copy = strdup(ff_buf_text(&text));
    ff_buf_free(&text);
    return copy;
}

static inline char *help_show(struct ff_value v, size_t max_bytes, unsigned max_depth)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_buf text;
    char *copy;
    ff_buf_init(&text, 1 << 30);
    ck_assert_msg(ff_show(v, max_bytes, max_depth, help_write, &text, &e) == FF_OK, "%s",
                  e.message);
    copy = strdup(ff_buf_text(&text));
    ff_buf_free(&text);
    return copy;
}

/* A document whose root the JSON is. */
static inline struct ff_doc *help_doc(const char *json)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    struct ff_value v = ff_from_json(doc, json, strlen(json), NULL, &e);
    ck_assert_msg(v.doc != NULL, "%s: %s: %s", json, e.place, e.message);
    ck_assert_int_eq(ff_doc_set_root(doc, v, &e), FF_OK);
    return doc;
}

#endif
