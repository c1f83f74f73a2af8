/* SPDX-License-Identifier: Apache-2.0 */
/* json.h: between the files of the JSON mapping (docs/json.md). */
#ifndef FF_CORE_JSON_H
#define FF_CORE_JSON_H

#include <functionfuse/functionfuse.h>
#include <stdbool.h>

#include "core/base/vec.h"
#include "core/cellmap.h"
#include "core/doc.h"
#include "core/out.h"
#include "core/views.h"

/* ---- writing ---- */

enum ff_json_form {
    FF_JSON_ITEMS, /* a, b, c */
    FF_JSON_MAP,   /* "k": v, ... */
    FF_JSON_PAIRS, /* [k, v], ... */
    FF_JSON_PARTS, /* of an object */
    FF_JSON_STEPS  /* what happened to an object later */
};

/* A container that is being written. */
struct ff_json_frame {
    struct ff_value items;
    size_t next;
    const struct ff_step *step;
    const char *close;
    int form;
    bool named; /* within {"$id": .., "$value": */
};

struct ff_json_writer {
    struct ff_out out;
    struct ff_cellmap seen; /* ff_graph_scan; the writer adds its number << 2 */
    struct ff_vec stack;    /* struct ff_json_frame */
    uint64_t last_id;
    const struct ff_doc *doc;
    uint64_t max_bytes; /* of text */
    struct ff_error *error;
};

/* Bytes that are no part of the document's own may be written on top of the budget. */
void ff_json_allow(struct ff_json_writer *, const void *data, uint64_t size_bytes);

/* Writes a value without items whole, and returns true; else leaves it to the others. */
bool ff_json_write_leaf(struct ff_json_writer *, struct ff_value);
/* An object with a view that says all of it: written, or its frame begun; else false. */
bool ff_json_write_view(struct ff_json_writer *, struct ff_value, struct ff_json_frame *,
                        bool *begun);
/* enum ff_step_kind by name, in both directions; steps of objects, and what a document did. */
enum { FF_JSON_STEP_KINDS = FF_STEP_CALL + 1 };
extern const char *const ff_json_step_names[FF_JSON_STEP_KINDS];

void ff_json_put_quoted(struct ff_json_writer *, const char *text);
void ff_json_put_double(struct ff_json_writer *, double value);
void ff_json_put_base64(struct ff_json_writer *, const void *data, size_t size_bytes);
/* Members that every description of an array begins with. */
void ff_json_put_description(struct ff_json_writer *, const char *tag, const char *descr,
                             const int64_t *shape, int32_t ndim);
bool ff_json_is_shared(const struct ff_json_writer *, struct ff_value);
int ff_json_fail(struct ff_json_writer *, int code, const char *message);

#endif
