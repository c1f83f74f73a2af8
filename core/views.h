/* SPDX-License-Identifier: Apache-2.0 */
/* views.h: objects of well-known classes as what they mean. A view is computed from an
 * object's parts at each call and changes nothing; parts that do not check out are no view.
 * Any thread, on documents that are not being changed. */
#ifndef FF_CORE_VIEWS_H
#define FF_CORE_VIEWS_H

#include <functionfuse/functionfuse.h>
#include <functionfuse/view.h>
#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/dtype.h"

/* The array over an object's bytes, for FF_VIEW_NDARRAY, FF_VIEW_SCALAR and FF_VIEW_ARRAY. No copy where the
 * bytes stand in the document as they are. Borrowed from the document. FF_E_TYPE: no such
 * view; FF_E_NO_MEMORY. */
const struct ff_array *ff_view_array(struct ff_value, struct ff_error *);

/* All of these: false when the value has not that view. */

bool ff_view_complex(struct ff_value, double *real, double *imaginary);

bool ff_view_datetime(struct ff_value, struct ff_datetime *out);
bool ff_view_timedelta(struct ff_value, struct ff_timedelta *out);
/* `name` is absent, or a str. */
bool ff_view_timezone(struct ff_value, struct ff_timedelta *offset,
                      struct ff_value *name);
bool ff_view_zone(struct ff_value, struct ff_zone *out);
bool ff_view_uuid(struct ff_value, uint8_t out[16]);
/* `labels` as ff_labels has them. */
bool ff_view_index(struct ff_value, struct ff_labels *out);

/* What a FF_VIEW_SET, _DEQUE (a list, tuple or set), _ORDERED_DICT, _DEFAULT_DICT or _COUNTER
 * (a dict; Python 2's: a list that should be of pairs) holds. `items` may be absent: nothing. */
bool ff_view_items(struct ff_value, struct ff_value *items);

/* FF_VIEW_BYTES: the bytes, appended. 0, 1 when it is no such view, or as ff_buf_append. */
int ff_view_bytes(struct ff_value, struct ff_buf *out, bool *is_bytearray);
/* bytes, bytearray, or bytes as Python 2 and protocols 0 to 2 spell them (a str of Latin-1):
 * how many there are, and at most `size` of them. SIZE_MAX: none of these. */
size_t ff_view_payload(struct ff_value, uint8_t *out, size_t size);

/* The canonical text of a date, time, datetime, timedelta, timezone, Decimal, Fraction, UUID,
 * path, complex, range, slice or dtype: "2024-02-29T01:02:03+01:00", "1/3". Appended. 0, 1
 * when the value has no such text, or as ff_buf_append. */
int ff_view_text(struct ff_value, struct ff_buf *out);

/* ---- numpy ---- */

/* The tree of a numpy.dtype object; the caller owns it. 0, 1 when it is no dtype that is
 * understood (object dtypes are not), or -ENOMEM. `plain` (may be NULL): the description says
 * all of it, there is no metadata, alignment, title or class of records. */
int ff_view_dtype(struct ff_value, struct ff_dtype **out, bool *plain);

/* An ndarray, a scalar or an array.array as it lies in the document. */
struct ff_ndarray {
    int view; /* FF_VIEW_NDARRAY, FF_VIEW_SCALAR, FF_VIEW_ARRAY */
    int32_t ndim;
    int64_t shape[FF_MAX_NDIM];
    int64_t strides[FF_MAX_NDIM];
    bool fortran; /* Fortran order, and not C order at once */
    bool
        plain; /* the description says all of the dtype; no subclass; C or Fortran order */
    struct ff_dtype *dtype;
    uint64_t size_bytes;
    struct ff_value data; /* where the bytes are: see ff_ndarray_bytes */
    const uint8_t *bytes; /* NULL: they must be decoded */
};
/* 0, 1 when it is no such view, -ENOMEM. Then ff_ndarray_clear. */
int ff_view_ndarray(struct ff_value, struct ff_ndarray *out);
void ff_ndarray_clear(struct ff_ndarray *);
/* Its first bytes, at most `size`. */
void ff_ndarray_bytes(const struct ff_ndarray *, uint8_t *out, size_t size);
/* A numpy array of objects: `items` is a list as long as the shape says. */
bool ff_view_objects(struct ff_value, int32_t *ndim, int64_t *shape,
                     struct ff_value *items);

/* ---- between the files of this part ---- */

/* An object that is made by calling one global, taken apart. */
struct ff_form {
    struct ff_value self;
    const char *name; /* "module.name", as Python 3 has it */
    struct ff_value args;
    size_t skip, arg_count; /* arguments begin at `skip` of args */
    struct ff_value state, list_items, dict_items;
    bool instance; /* class.__new__(class, *args), not class(*args) */
};
bool ff_form_of(struct ff_value, struct ff_form *out);
/* ZoneInfo is made by a function that is an attribute of it: its key, a str, or absent. */
struct ff_value ff_form_zone_key(struct ff_value);
/* array.array: as ff_view_ndarray; the first bytes of one that lists its numbers. */
int ff_array_form(const struct ff_form *, struct ff_ndarray *out);
void ff_array_numbers(const struct ff_ndarray *, uint8_t *out, size_t size);
/* The shape that a tuple spells. */
bool ff_view_shape(struct ff_value tuple, int32_t *ndim, int64_t *shape);
/* Argument i, or absent. */
struct ff_value ff_form_arg(const struct ff_form *, size_t i);
/* Nothing but a call: no state, no items. */
bool ff_form_is_call(const struct ff_form *);
/* An int within these bounds. */
bool ff_form_int(struct ff_value, int64_t min, int64_t max, int64_t *out);
/* Whether it is the global of that "module.name". */
bool ff_form_is_global(struct ff_value, const char *full);

bool ff_form_is_encode(const struct ff_form *);
bool ff_form_is_bytearray(const struct ff_form *);
bool ff_form_is_empty(const struct ff_form *);
bool ff_form_is_date(const struct ff_form *);
bool ff_form_is_time(const struct ff_form *);
bool ff_form_is_datetime(const struct ff_form *);
bool ff_form_is_timedelta(const struct ff_form *);
bool ff_form_is_timezone(const struct ff_form *);
bool ff_form_is_dtype(const struct ff_form *);
bool ff_form_is_array(const struct ff_form *);
bool ff_form_is_index(const struct ff_form *);
bool ff_form_is_series(const struct ff_form *);
bool ff_form_is_frame(const struct ff_form *);
bool ff_form_is_zone(const struct ff_form *);
bool ff_form_is_ndarray(const struct ff_form *);
bool ff_form_is_objects(const struct ff_form *);
bool ff_form_is_scalar(const struct ff_form *);

#endif
