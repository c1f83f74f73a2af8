/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: {"compression": "none" | "deflate", "level": 1 .. 9, "shuffle": true, "zarr": {}}. */
#include "hdf.h"

#include "core/base/name.h"
#include "zarr/zarr.h"

enum { LEVEL_DEFAULT = 4 };

static const char *const keys[] = {"compression", "level", "shuffle", "zarr", NULL};
static const char *const compressions[] = {"none", "deflate", NULL};

static int unknown(struct ff_error *e, const char *what, const char *text,
                   const char *const *choices)
{
    const char *near = ff_nearest(text, choices);

    ff_fail(e, FF_E_USAGE, "HDFSerializer", "%s '%.60s' is not known", what, text);
    if (near) {
        ff_error_fix(e, "'%s' may be meant", near);
    } else {
        ff_error_fix(e, "there are: %s, %s%s%s", choices[0], choices[1],
                     choices[2] ? ", " : "", choices[2] ? choices[2] : "");
    }
    return FF_E_USAGE;
}

static int read_compression(const struct ff_values *v, struct ff_value value,
                            struct hdf_options *out, struct ff_error *e)
{
    char text[64];
    int rc = ff_copy_str(v, value, text, sizeof text, e);

    if (rc) {
        return rc;
    }
    if (strcmp(text, "none") == 0) {
        out->level = 0;
        out->shuffle = false;
    } else if (strcmp(text, "deflate") == 0) {
        out->level = out->level ? out->level : LEVEL_DEFAULT;
        out->shuffle = true;
    } else {
        return unknown(e, "the compression", text, compressions);
    }
    out->chosen = true;
    return FF_OK;
}

static int read_level(const struct ff_values *v, struct ff_value value,
                      struct hdf_options *out, struct ff_error *e)
{
    int64_t level;
    int rc = v->int64(value, &level, e);

    if (rc == FF_OK && (level < 1 || level > 9)) {
        rc = ff_fail(e, FF_E_USAGE, "HDFSerializer", "level is 1 to 9, not %lld",
                     (long long)level);
    }
    if (rc == FF_OK && out->level == 0) {
        rc = ff_fail(e, FF_E_USAGE, "HDFSerializer",
                     "level goes with compression: deflate");
    }
    if (rc == FF_OK) {
        out->level = (int)level;
    }
    return rc;
}

static int read_shuffle(const struct ff_values *v, struct ff_value value,
                        struct hdf_options *out, struct ff_error *e)
{
    int on;
    int rc = v->boolean(value, &on, e);

    if (rc == FF_OK && on && out->level == 0) {
        rc = ff_fail(e, FF_E_USAGE, "HDFSerializer",
                     "shuffle goes with compression: deflate");
    }
    if (rc == FF_OK) {
        out->shuffle = on;
    }
    return rc;
}

/* Its compressor stands before `compression`. */
static int read_zarr(const struct ff_values *v, struct ff_value value,
                     struct hdf_options *out, struct ff_error *e)
{
    int rc = zarr_options_read(v, value, &out->zarr, e);

    if (rc == FF_OK && v->kind(v->get(value, "compressor")) != FF_ABSENT) {
        out->chosen = false;
    }
    return rc;
}

static int check_keys(const struct ff_values *v, struct ff_value options,
                      struct ff_error *e)
{
    int rc = FF_OK;

    for (size_t i = 0; rc == FF_OK && i < v->length(options); i++) {
        struct ff_value key, value;
        char text[64];

        rc = v->item(options, i, &key, &value, e);
        rc = rc ? rc : ff_copy_str(v, key, text, sizeof text, e);
        if (rc == FF_OK && strcmp(text, keys[0]) != 0 && strcmp(text, keys[1]) != 0 &&
            strcmp(text, keys[2]) != 0 && strcmp(text, keys[3]) != 0) {
            rc = unknown(e, "the option", text, keys);
        }
    }
    return rc;
}

int hdf_options_read(const struct ff_values *v, struct ff_value options,
                     struct hdf_options *out, struct ff_error *e)
{
    static int (*const readers[])(const struct ff_values *, struct ff_value,
                                  struct hdf_options *, struct ff_error *) = {
        read_compression, read_level, read_shuffle, read_zarr};
    int rc;

    if (v->kind(options) == FF_ABSENT) {
        return FF_OK;
    }
    if (v->kind(options) != FF_DICT) {
        return ff_fail(e, FF_E_USAGE, "HDFSerializer", "the options are not a dict");
    }
    rc = check_keys(v, options, e);
    for (size_t i = 0; rc == FF_OK && keys[i]; i++) {
        struct ff_value value = v->get(options, keys[i]);

        if (v->kind(value) != FF_ABSENT) {
            rc = readers[i](v, value, out, e);
            if (rc == FF_E_TYPE) {
                ff_error_at(e, " ");
                ff_error_at(e, keys[i]);
            }
        }
    }
    return rc;
}

int hdf_options_parse(const struct ff_values *v, const char *json,
                      struct hdf_options *out, struct ff_error *e)
{
    struct ff_doc *doc;
    struct ff_value options;
    int rc;

    if (!json) {
        return FF_OK;
    }
    if (!FF_HAS(v, ff_values, doc_new) || !FF_HAS(v, ff_values, doc_free)) {
        return ff_fail(e, FF_E_PLUGIN, "HDFSerializer",
                       "options for one array need a newer functionfuse");
    }
    doc = v->doc_new(e);
    if (!doc) {
        return FF_E_NO_MEMORY;
    }
    options = v->from_json(doc, json, strlen(json), e);
    rc = v->kind(options) != FF_ABSENT ? hdf_options_read(v, options, out, e)
         : e && e->code                ? e->code
                                       : FF_E_USAGE;
    v->doc_free(doc);
    return rc;
}
