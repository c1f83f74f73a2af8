/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h: values, as a program sees them and as a plugin sees them.
 *
 * A document (`struct ff_doc`) owns a graph of values: what Python would call objects. A
 * value is a small handle, passed by value, valid as long as its document. Two values are
 * the same object when `doc` and `cell` are equal; cycles and shared references are
 * ordinary.
 *
 * A document that was read is immutable and may be used from any thread. A document that
 * is being built belongs to one thread until it is saved or shared.
 *
 * Plugins reach values through `struct ff_values` (FF_VALUES_1); programs call the
 * functions of functionfuse.h, which are the same ones.
 */
#ifndef FUNCTIONFUSE_VALUE_H
#define FUNCTIONFUSE_VALUE_H

#include "array.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ff_doc;

/* {NULL, 0} is "absent": what a lookup that finds nothing and a builder that fails give.
 * Every function takes it: accessors fail with FF_E_TYPE. */
struct ff_value {
    const struct ff_doc *doc;
    uint64_t cell; /* the document's own business */
};

/* What a value is in the stream. */
enum ff_kind {
    FF_ABSENT = 0,
    FF_NONE,
    FF_BOOL,
    FF_INT, /* of any size */
    FF_FLOAT,
    FF_STR,
    FF_BYTES,
    FF_BYTEARRAY,
    FF_LIST,
    FF_TUPLE,
    FF_DICT,
    FF_SET,
    FF_FROZENSET,
    FF_GLOBAL, /* a class or function by module and name; never imported */
    FF_OBJECT, /* an instance of any other class: its parts, never built; see ff_view */
    FF_ARRAY,  /* an array given by the program, or by a serializer */
    FF_NATIVE, /* a program's or serializer's own thing, with a class name */
    FF_PERSISTENT, /* kept by a serializer, not opened yet; see ff_resolve */
    FF_BUFFER,     /* out of band, protocol 5 */
    FF_EXTENSION   /* a copyreg extension code */
};

/* What an FF_OBJECT, or an FF_ARRAY, can be looked at as, besides its parts.
 * FF_VIEW_NONE: only its parts. Names are Python's types; the accessor of each is in
 * view.h. Members are only ever appended. */
enum ff_view {
    FF_VIEW_NONE = 0,
    FF_VIEW_NDARRAY, /* ff_array() */
    FF_VIEW_SCALAR,  /* a numpy scalar: ff_array(), ndim 0 */
    FF_VIEW_DTYPE,
    FF_VIEW_COMPLEX,
    FF_VIEW_BYTES, /* bytes and bytearray as protocols 0 to 2 spell them */
    FF_VIEW_SET,
    FF_VIEW_DATE,
    FF_VIEW_TIME,
    FF_VIEW_DATETIME,
    FF_VIEW_TIMEDELTA,
    FF_VIEW_TIMEZONE,
    FF_VIEW_DECIMAL,
    FF_VIEW_FRACTION,
    FF_VIEW_UUID,
    FF_VIEW_RANGE,
    FF_VIEW_SLICE,
    FF_VIEW_ORDERED_DICT,
    FF_VIEW_DEFAULT_DICT,
    FF_VIEW_DEQUE,
    FF_VIEW_COUNTER,
    FF_VIEW_PATH,
    FF_VIEW_NAMEDTUPLE, /* a class and its fields: a namedtuple, or what is made like one */
    FF_VIEW_ENUM, /* a class and a member's value or name, or what is made like one */
    FF_VIEW_EXCEPTION,
    FF_VIEW_ARRAY,        /* array.array: ff_array(), one axis */
    FF_VIEW_OBJECT_ARRAY, /* a numpy array of objects */
    FF_VIEW_ZONE,         /* a time zone by name: zoneinfo, pytz */
    FF_VIEW_INDEX,        /* pandas: labels of an axis */
    FF_VIEW_SERIES,       /* pandas */
    FF_VIEW_DATAFRAME     /* pandas */
};

/* The parts of an FF_OBJECT. */
enum ff_part {
    FF_PART_CALLABLE = 1, /* what makes it: a class or function */
    FF_PART_ARGS,         /* a tuple */
    FF_PART_KWARGS,       /* a dict, or absent */
    FF_PART_LIST_ITEMS,   /* a list of what was appended, or absent */
    FF_PART_DICT_ITEMS,   /* a dict of what was set, or absent */
    FF_PART_STATE,        /* what __setstate__ would get, or absent */
    FF_PART_SETTER        /* what would be called with (object, state), or absent */
};

#define FF_VALUES_1 "ff.values/1"

/* Values for plugins. Each member is the public function of the same name (ff_ before
 * it): see functionfuse.h for what it does, who owns what and its errors (FF_E_TYPE of
 * accessors, FF_E_USAGE of builders, FF_E_NO_MEMORY); from_json opens no files. */
struct ff_values {
    uint32_t struct_size, flags;
    int (*kind)(struct ff_value);
    int (*view)(struct ff_value);
    const char *(*class_name)(struct ff_value);
    int (*boolean)(struct ff_value, int *out, struct ff_error *);
    int (*int64)(struct ff_value, int64_t *out, struct ff_error *);
    int (*real)(struct ff_value, double *out, struct ff_error *);
    int (*str)(struct ff_value, const char **text, size_t *size_bytes, struct ff_error *);
    int (*bytes)(struct ff_value, const void **data, size_t *size_bytes,
                 struct ff_error *);
    size_t (*length)(struct ff_value);
    int (*item)(struct ff_value, size_t i, struct ff_value *key, struct ff_value *value,
                struct ff_error *);
    struct ff_value (*get)(struct ff_value, const char *key);
    struct ff_value (*part)(struct ff_value, int part);
    const struct ff_array *(*array)(struct ff_value, struct ff_error *);
    void *(*native)(struct ff_value, const char *class_name);
    /* builders: `doc` is what the plugin was given to fill */
    struct ff_value (*new_none)(struct ff_doc *);
    struct ff_value (*new_bool)(struct ff_doc *, int);
    struct ff_value (*new_int)(struct ff_doc *, int64_t, struct ff_error *);
    struct ff_value (*new_float)(struct ff_doc *, double, struct ff_error *);
    struct ff_value (*new_str)(struct ff_doc *, const char *, size_t size_bytes,
                               struct ff_error *);
    struct ff_value (*new_bytes)(struct ff_doc *, const void *, size_t size_bytes,
                                 struct ff_error *);
    struct ff_value (*new_list)(struct ff_doc *, struct ff_error *);
    struct ff_value (*new_tuple)(struct ff_doc *, const struct ff_value *items,
                                 size_t count, struct ff_error *);
    struct ff_value (*new_dict)(struct ff_doc *, struct ff_error *);
    int (*append)(struct ff_doc *, struct ff_value list, struct ff_value,
                  struct ff_error *);
    int (*set)(struct ff_doc *, struct ff_value dict, const char *key, struct ff_value,
               struct ff_error *);
    struct ff_value (*new_array_take)(struct ff_doc *, struct ff_array *taken,
                                      struct ff_error *);
    struct ff_value (*new_native_take)(struct ff_doc *, const char *class_name,
                                       void *taken, void (*release)(void *),
                                       struct ff_error *);
    struct ff_value (*from_json)(struct ff_doc *, const char *text, size_t size_bytes,
                                 struct ff_error *);
    int (*to_json)(struct ff_value,
                   int (*write)(void *ctx, const char *text, size_t size_bytes),
                   void *ctx, struct ff_error *);
    int (*set_item)(struct ff_doc *, struct ff_value dict, struct ff_value key,
                    struct ff_value, struct ff_error *);
    struct ff_doc *(*doc_new)(struct ff_error *);
    void (*doc_free)(struct ff_doc *);
};

#ifdef __cplusplus
}
#endif
#endif
