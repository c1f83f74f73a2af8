/* SPDX-License-Identifier: Apache-2.0 */
/* read_joblib.c: arrays in files of joblib. Behind the BUILD of a NumpyArrayWrapper stand the raw
 * elements, and the opcodes go on behind them: a byte with the length of a padding and the padding
 * (where the state has numpy_array_alignment_bytes, joblib 1.2 and later), then the elements in the
 * order that the state names; an array of objects as a pickle of its own, without padding. Source: joblib's
 * numpy_pickle.py, NumpyArrayWrapper.write_array and read_array. */
#include "core/base/checked.h"
#include "core/views.h"
#include "read.h"

#define WRAPPER "joblib.numpy_pickle.NumpyArrayWrapper"

static int bad(struct ff_reader *r, const char *what)
{
    return ff_read_fail(r, FF_E_CORRUPT, "an array of joblib %s", what);
}

static int skip_padding(struct ff_reader *r, struct ff_value state)
{
    struct ff_value align = ff_get(state, "numpy_array_alignment_bytes");
    if (ff_kind(align) == FF_ABSENT || ff_kind(align) == FF_NONE) {
        return FF_OK;
    }
    size_t left = (size_t)(r->end - r->at);
    if (left < 1 || left - 1 < *r->at) {
        return bad(r, "is cut off in its padding");
    }
    r->at += 1 + *r->at;
    return FF_OK;
}

/* shape, and how many elements. */
static int shape_of(struct ff_reader *r, struct ff_value state,
                    struct ff_array_params *params, int64_t shape[FF_MAX_NDIM],
                    size_t *count)
{
    struct ff_value tuple = ff_get(state, "shape"), edge;
    size_t ndim = ff_length(tuple);
    *count = 1;
    if (ff_kind(tuple) != FF_TUPLE || ndim > FF_MAX_NDIM) {
        return bad(r, "has no shape");
    }
    for (size_t i = 0; i < ndim; i++) {
        if (ff_item(tuple, i, NULL, &edge, NULL) || ff_int64(edge, &shape[i], NULL) ||
            shape[i] < 0 || !ff_mul_size(*count, (size_t)shape[i], count)) {
            return bad(r, "has a shape out of range");
        }
    }
    params->ndim = (int32_t)ndim;
    params->shape = shape;
    return FF_OK;
}

/* Bytes from an element to the next; the whole is known to fit, if there is anything. */
static int strides_of(struct ff_reader *r, struct ff_value state, size_t item_bytes,
                      size_t count, const struct ff_array_params *params,
                      int64_t strides[FF_MAX_NDIM])
{
    const char *order;
    size_t size;
    int64_t step = (int64_t)item_bytes;
    if (ff_str(ff_get(state, "order"), &order, &size, NULL) || size != 1 ||
        (*order != 'C' && *order != 'F')) {
        return bad(r, "has no order");
    }
    for (int32_t i = 0; i < params->ndim; i++) {
        int32_t axis = *order == 'F' ? i : params->ndim - 1 - i;
        strides[axis] = step;
        step *= count ? params->shape[axis] : 1;
    }
    return FF_OK;
}

static int push_array(struct ff_reader *r, struct ff_value state,
                      const struct ff_dtype *dtype)
{
    int64_t shape[FF_MAX_NDIM], strides[FF_MAX_NDIM];
    struct ff_array_params params = {
        .struct_size = sizeof params, .chunking = FF_CHUNK_NONE, .strides = strides};
    struct ff_error own = FF_ERROR_INIT;
    struct ff_buf descr;
    size_t count, bytes;
    int failed = shape_of(r, state, &params, shape, &count);
    failed = failed ? failed : skip_padding(r, state);
    if (failed) {
        return failed;
    }
    if (!ff_mul_size(count, dtype->item_bytes, &bytes) ||
        bytes > (size_t)(r->end - r->at)) {
        return bad(r, "is cut off");
    }
    failed = strides_of(r, state, dtype->item_bytes, count, &params, strides);
    if (failed) {
        return failed;
    }
    ff_buf_init(&descr, 1 << 20);
    if (ff_dtype_print(dtype, FF_DTYPE_PLAIN, &descr)) {
        ff_buf_free(&descr);
        return bad(r, "has a dtype that has no description");
    }
    params.descr = ff_buf_text(&descr);
    params.data = r->at;
    struct ff_array *array = ff_array_new(&params, &own);
    struct ff_value v =
        array ? ff_new_array_take(r->doc, array, &own) : (struct ff_value){NULL, 0};
    ff_buf_free(&descr);
    r->at += bytes;
    r->stack[r->depth - 1] = v.cell;
    return v.cell ? FF_OK
                  : ff_read_fail(r, own.code == FF_E_USAGE ? FF_E_CORRUPT : own.code,
                                 "%s", own.message);
}

int ff_read_nested_begin(struct ff_reader *inner, const struct ff_reader *r)
{
    struct ff_load_options options = r->options;
    uint64_t max_bytes = r->doc->max_bytes, max_steps = r->doc->max_key_steps;
    options.flags &= ~FF_LOAD_JOBLIB;
    options.struct_size = sizeof options;
    int failed = ff_read_init(inner, r->doc, r->begin, (size_t)(r->end - r->begin),
                              &options, r->e);
    r->doc->max_bytes = max_bytes;
    r->doc->max_key_steps = max_steps;
    inner->at = inner->op = r->at;
    return failed;
}

/* A whole pickle, with a memo of its own, in the same document. */
static int push_nested(struct ff_reader *r)
{
    struct ff_reader inner;
    if (r->nested) {
        return r->nested(r);
    }
    int failed = ff_read_nested_begin(&inner, r);
    failed = failed ? failed : ff_read_run(&inner);
    if (failed == FF_STOPPED) {
        r->stack[r->depth - 1] = r->doc->root;
        r->at = inner.at;
        failed = FF_OK;
    }
    ff_read_free(&inner);
    return failed;
}

/* Protocols 0 and 1 have copyreg._reconstructor(class, object, None). */
static uint64_t class_of(const struct ff_reader *r, const struct ff_object_node *o)
{
    const struct ff_seq *args = ff_cell_node(o->args);
    return args->count == 3 && ff_global_is(r->doc, o->callable, "copyreg._reconstructor")
               ? args->cells[0]
               : o->callable;
}

int ff_read_joblib(struct ff_reader *r, uint64_t target)
{
    const struct ff_object_node *o = ff_cell_node(target);
    if (!ff_global_is(r->doc, class_of(r, o), WRAPPER) ||
        ff_tag(o->state) != FF_TAG_DICT) {
        return FF_OK;
    }
    /* What follows is no opcode: no frame goes on here. */
    if (r->framed) {
        if (r->at != r->limit) {
            return bad(r, "begins inside a frame");
        }
        r->framed = false;
        r->limit = r->end;
    }
    struct ff_value state = ff_value_of(r->doc, o->state);
    struct ff_dtype *dtype = NULL;
    int code = ff_view_dtype(ff_get(state, "dtype"), &dtype, NULL);
    int failed = code < 0   ? ff_read_full(r)
                 : code > 0 ? push_nested(r)
                            : push_array(r, state, dtype);
    ff_dtype_free(dtype);
    return failed;
}
