/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.h: what objects of well-known classes mean.
 */
#ifndef FUNCTIONFUSE_VIEW_H
#define FUNCTIONFUSE_VIEW_H

#include "functionfuse.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One accessor for each enum ff_view; the parts of the object (ff_part) stay as they are.
 * Errors of all here: FF_E_TYPE: the value has not that view, also an absent one; the message
 * says what it is. A failure leaves the outputs undefined. What comes back is borrowed from the
 * document; any thread. Forms: docs/format.md and the __reduce_ex__ of each class.
 *
 *   NDARRAY SCALAR ARRAY          ff_array          BYTES            ff_copy_bytes
 *   OBJECT_ARRAY                  ff_object_array   SET DEQUE ORDERED_DICT
 *   COMPLEX                       ff_complex        DEFAULT_DICT COUNTER  ff_items
 *   DATE TIME DATETIME            ff_datetime       RANGE SLICE      ff_bounds
 *   TIMEDELTA                     ff_timedelta      DECIMAL          ff_decimal
 *   TIMEZONE ZONE                 ff_zone           FRACTION         ff_fraction
 *   DTYPE PATH                    ff_text           UUID             ff_uuid
 *   NAMEDTUPLE ENUM EXCEPTION     ff_made_of        INDEX            ff_labels
 *   SERIES DATAFRAME              ff_column, ff_column_values, ff_axis
 */

/* A numpy array of objects: `items` is a list of the objects in C order. `shape` has room
 * for FF_MAX_NDIM. FF_E_TYPE: also one of numbers, which ff_array takes. */
FF_API int ff_object_array(struct ff_value, int32_t *ndim, int64_t *shape,
                           struct ff_value *items, struct ff_error *);
/* A Python complex; a numpy one is a SCALAR. FF_E_TYPE: also a float. */
FF_API int ff_complex(struct ff_value, double *real, double *imaginary,
                      struct ff_error *);
/* bytes and bytearray in every spelling, FF_BYTES and FF_BYTEARRAY too: the first `size`
 * bytes; *size_bytes (may be NULL): how many there are. `out` may be NULL with size 0.
 * FF_E_TYPE: also an FF_BUFFER, which ff_bytes takes. */
FF_API int ff_copy_bytes(struct ff_value, void *out, size_t size, size_t *size_bytes,
                         struct ff_error *);
/* What a container of these classes holds: a list, tuple, set or dict (Python 2's
 * OrderedDict: a list of [key, value]); absent: nothing. *extra (may be NULL): the
 * default_factory of a defaultdict, the maxlen of a deque, else absent. FF_E_TYPE: also a
 * plain FF_LIST, FF_DICT or FF_SET, which ff_item takes. */
FF_API int ff_items(struct ff_value, struct ff_value *items, struct ff_value *extra,
                    struct ff_error *);

/* What the type has not is 0: of a time the date, of a date the time. */
struct ff_datetime {
    int view; /* FF_VIEW_DATE, FF_VIEW_TIME, FF_VIEW_DATETIME */
    int year, month, day, hour, minute, second, microsecond;
    int fold, reserved;   /* 1: the second time that the clock shows it */
    struct ff_value zone; /* tzinfo: any object (see ff_zone), or absent */
};
/* date, time and datetime; out->view says which. FF_E_TYPE: also a numpy datetime64 or a
 * pandas Timestamp. */
FF_API int ff_datetime(struct ff_value, struct ff_datetime *out, struct ff_error *);

/* As Python normalises it: days may be negative, the rest is not. */
struct ff_timedelta {
    int64_t days;
    int64_t seconds;      /* 0 .. 86399 */
    int64_t microseconds; /* 0 .. 999999 */
};
/* datetime.timedelta. FF_E_TYPE: also a numpy timedelta64. */
FF_API int ff_timedelta(struct ff_value, struct ff_timedelta *out, struct ff_error *);

/* datetime.timezone, zoneinfo.ZoneInfo and the zones of pytz, as data: no time zone
 * database is read. */
struct ff_zone {
    const char *name; /* UTF-8, not NUL-ended; NULL: none */
    size_t name_bytes;
    int reserved, has_offset; /* the zone, or this state of it, has one offset to UTC: */
    struct ff_timedelta offset;
};
/* FF_E_TYPE: also tzinfo classes of others (dateutil), whose code would be needed. */
FF_API int ff_zone(struct ff_value, struct ff_zone *out, struct ff_error *);

/* The text that Decimal() takes: "-1.50E+3", "sNaN". Not NUL-ended. FF_E_TYPE: no Decimal. */
FF_API int ff_decimal(struct ff_value, const char **text, size_t *size_bytes,
                      struct ff_error *);
/* In lowest terms, as Python keeps it, the sign in the numerator. FF_E_TYPE also when one
 * does not fit into 64 bits: then see ff_text. */
FF_API int ff_fraction(struct ff_value, int64_t *numerator, int64_t *denominator,
                       struct ff_error *);
/* The 16 bytes in the order of its text (RFC 9562). FF_E_TYPE: no UUID. */
FF_API int ff_uuid(struct ff_value, uint8_t out[16], struct ff_error *);
/* Start, stop and step of a range (integers) or of a slice (anything, None where it was not
 * given). FF_E_TYPE: neither. */
FF_API int ff_bounds(struct ff_value, struct ff_value *start, struct ff_value *stop,
                     struct ff_value *step, struct ff_error *);
/* The text that Python's str gives for a date, time, datetime, timedelta, timezone, Decimal,
 * Fraction, UUID, path, complex, range, slice or dtype; for other zones their name. At most
 * size - 1 bytes and a NUL; *size_bytes (may be NULL): how long it is without the NUL. `out`
 * may be NULL with size 0. FF_E_TYPE also for a date in a zone whose offset is not known.
 * FF_E_NO_MEMORY. */
FF_API int ff_text(struct ff_value, char *out, size_t size, size_t *size_bytes,
                   struct ff_error *);
/* The class (FF_GLOBAL) and the fields as a tuple of a namedtuple; the class and the value,
 * or the name as a str, of an enum's member; the class and the arguments, a tuple, of an
 * exception. What a class of somebody's really is, only its code knows: NAMEDTUPLE and ENUM
 * say what the object is made of. FF_E_TYPE: none of these. */
FF_API int ff_made_of(struct ff_value, struct ff_value *class_of,
                      struct ff_value *content, struct ff_error *);

/* The labels of an axis: `labels` is an ndarray or an array of objects; absent: a RangeIndex,
 * label i is start + i * step. */
struct ff_labels {
    uint64_t length;
    struct ff_value name; /* any value, or None */
    struct ff_value labels;
    int64_t start, step;
};
/* pandas.Index, RangeIndex, DatetimeIndex, TimedeltaIndex and what pandas had before 2.
 * FF_E_TYPE: others (MultiIndex, CategoricalIndex): see their parts. */
FF_API int ff_labels(struct ff_value, struct ff_labels *out, struct ff_error *);
/* Axis 0: the rows' labels; axis 1 of a DataFrame: the columns'. Not always an index with a
 * view: a MultiIndex has none. FF_E_USAGE: no such axis. */
FF_API int ff_axis(struct ff_value, int axis, struct ff_value *index, struct ff_error *);
/* Where a column lies: row *row of the 2-dimensional `values`, an ndarray or an array of
 * objects; *row -1: `values` is the column, and may be of any class (a Categorical). A
 * Series: `name` NULL. FF_E_NOT_FOUND: no column of that name. FF_E_USAGE: a DataFrame
 * without a name, a Series with one. FF_E_TYPE also: blocks in a form that is not known. */
FF_API int ff_column_values(struct ff_value, const char *name, struct ff_value *values,
                            int64_t *row, struct ff_error *);
/* A column as an array of one axis, without a copy. FF_E_TYPE: it holds objects, or is of a
 * class of its own: ff_column_values gives it as it is. Others as there; FF_E_NO_MEMORY. It
 * may outlive the document. Freed with ff_array_free. */
FF_API struct ff_array *ff_column(struct ff_value, const char *name, struct ff_error *);

#ifdef __cplusplus
}
#endif
#endif
