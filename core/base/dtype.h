/* SPDX-License-Identifier: Apache-2.0 */
/* dtype.h: numpy's descriptions of array elements, as text and as a tree. What the text
 * means follows numpy: lib/_format_impl.py (descr_to_dtype) and dtype.descr. */
#ifndef FF_BASE_DTYPE_H
#define FF_BASE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define FF_DTYPE_MAX_DEPTH      32
#define FF_DTYPE_MAX_NDIM       32
#define FF_DTYPE_MAX_TEXT_BYTES 65536
#define FF_DTYPE_MAX_ITEM_BYTES INT32_MAX /* numpy's itemsize is a C int */

struct ff_dtype_field;

/* One type. With ndim > 0 it is a subarray: the elements that the other members describe,
 * in C order. `item_bytes` is the whole of it: element_bytes times the shape. */
struct ff_dtype {
    char kind;                /* b i u f c S U M m V; with fields always V */
    char byte_order;          /* '<' '>', '|' where it does not matter */
    char unit[8];             /* M and m: "ns", "D" ...; empty = generic */
    uint32_t unit_multiplier; /* M and m: 10 of "10us"; else 1 */
    uint64_t element_bytes;
    uint64_t item_bytes;
    uint32_t ndim;
    int64_t *shape;
    struct ff_dtype_field *fields; /* structured: in the order in which they are named */
    size_t field_count;
    bool structured; /* true also with no fields */
    uint32_t depth;  /* structs within structs: 0 for a simple type */
};

struct ff_dtype_field {
    char *name;
    char *title; /* or NULL */
    uint64_t offset_bytes;
    struct ff_dtype *type;
};

/* Reads a description: simple (`<f4`, with or without quotes), structured (`[('a',
 * '<i4'), ...]`) or a subarray (`('<i4', (2,))`). Takes Python's notation and JSON's
 * ([["a", "<i4"]]). Unnamed |V fields are padding, as numpy has it. The caller owns *out.
 * 0, or -EINVAL (not a description), -EOPNOTSUPP (objects), -E2BIG (text, depth, axes),
 * -EOVERFLOW (element size), -ENOMEM. *why, when not NULL, is then a static English
 * reason. */
int ff_dtype_parse(const char *text, size_t length_bytes, struct ff_dtype **out,
                   const char **why);

enum ff_dtype_style {
    FF_DTYPE_PLAIN,  /* simple types without quotes: <f4 */
    FF_DTYPE_PYTHON, /* what a .npy header holds: '<f4' */
    FF_DTYPE_JSON    /* zarr format 2: "<f4", [["a", "<i4", [2, 3]]] */
};

/* Appends the description as numpy prints dtype.descr (a subarray of subarrays as
 * one). 0, -EOPNOTSUPP when fields overlap
 * or are out of order (numpy has no text for these either), or as ff_buf_append. */
int ff_dtype_print(const struct ff_dtype *d, enum ff_dtype_style style,
                   struct ff_buf *out);

/* To build one by hand. -EINVAL for a kind and size that do not go together. For U, the
 * bytes are 4 a character. byte_order '=' is the machine's; it is set to '|' where it
 * does not matter. */
int ff_dtype_new(char kind, char byte_order, uint64_t element_bytes,
                 struct ff_dtype **out);
int ff_dtype_set_unit(struct ff_dtype *d, const char *unit, uint32_t multiplier);
/* A struct of element_bytes without fields yet; then its fields. `type` is taken also
 * when it fails; title may be NULL. -EINVAL: a name or title twice, or it does not fit
 * into element_bytes. */
int ff_dtype_new_struct(uint64_t element_bytes, struct ff_dtype **out);
int ff_dtype_add_field(struct ff_dtype *d, const char *name, const char *title,
                       uint64_t offset_bytes, struct ff_dtype *type);
/* Makes it a subarray; when it is one already, the new axes go before the others. */
int ff_dtype_set_shape(struct ff_dtype *d, size_t ndim, const int64_t *shape);
int ff_dtype_clone(const struct ff_dtype *d, struct ff_dtype **out);
void ff_dtype_free(struct ff_dtype *d); /* NULL is harmless */

bool ff_dtype_equal(const struct ff_dtype *a, const struct ff_dtype *b);
/* No byte has to be swapped on this machine. */
bool ff_dtype_is_native(const struct ff_dtype *d);
void ff_dtype_make_native(struct ff_dtype *d); /* the same type in the machine's order */
/* Turns `item_count` packed items from the orders of `d` into the machine's, or back. */
void ff_dtype_swap(const struct ff_dtype *d, void *data, size_t item_count);
/* Reverses each of `word_count` words of 2, 4, 8 or 16 bytes (other sizes: nothing). */
void ff_swap_words(void *data, size_t word_bytes, size_t word_count);

#endif
