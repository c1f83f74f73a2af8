/* SPDX-License-Identifier: Apache-2.0 */
/* key_object.h: what of a key decides whether it equals another one. */
#ifndef FF_CORE_KEY_OBJECT_H
#define FF_CORE_KEY_OBJECT_H

#include "core/base/buf.h"
#include "doc.h"

/* Whoever makes ids has the document's two hash keys, and bytes to work with. */
struct ff_keys {
    uint8_t hash_key[2][16];
    struct ff_buf bytes;
    bool unhashable_too;     /* bytearrays and sets equal bytes and frozensets */
    struct ff_cellmap known; /* cell -> 1 + its number in `ids`, or BEING_MADE */
    struct ff_vec ids;       /* struct ff_key_id */
    struct ff_vec frames;    /* the containers around the place where it is */
    struct ff_vec values;    /* struct ff_key_id: of the parts before that place */
    size_t charged_bytes;
    uint64_t
        work_bytes; /* hashed, or as long as that in arithmetic, and not counted as steps yet */
};

/* The id of these bytes among those of the same tag. */
void ff_key_hash(struct ff_keys *k, uint8_t tag, const void *data, size_t size_bytes,
                 struct ff_key_id *id);
/* An int that fits into a cell. */
struct ff_key_id ff_key_id_of_int(int64_t value);
/* What equals only itself. */
void ff_key_itself(struct ff_keys *k, uint64_t cell, struct ff_key_id *id);

/* What a key is made of: kind FF_KEY_PARTS. All else has its id at once. */
struct ff_key_form {
    struct ff_key_id id;   /* FF_KEY_ID */
    const char *name;      /* what it is: values of other names differ */
    const uint64_t *cells; /* the parts */
    size_t count;
    bool unordered;
    uint8_t data[10]; /* what is a part of it and no cell */
};

/* FF_KEY_NO_FORM: not a key of this kind. FF_KEY_UNHASHABLE: set() or bytearray() as a call, as
 * old protocols have them. */
enum {
    FF_KEY_UNHASHABLE = -2,
    FF_KEY_NO_MEMORY,
    FF_KEY_NO_FORM,
    FF_KEY_ID,
    FF_KEY_PARTS
};

/* A tuple, frozenset or object. */
int ff_key_form(struct ff_keys *k, struct ff_value v, struct ff_key_form *form);

/* ---- numbers (key_number.c) ---- */

void ff_key_of_float(struct ff_keys *k, double value, uint64_t cell,
                     struct ff_key_id *id);
/* Two's complement, little endian. FF_KEY_ID or FF_KEY_NO_MEMORY. */
int ff_key_of_int_bytes(struct ff_keys *k, const uint8_t *bytes, size_t size_bytes,
                        struct ff_key_id *id);
/* Objects of these views. FF_KEY_NO_FORM: by their arguments. */
int ff_key_of_scalar(struct ff_keys *k, struct ff_value v, struct ff_key_form *form);
int ff_key_of_complex(struct ff_keys *k, struct ff_value v, struct ff_key_form *form);
int ff_key_of_decimal(struct ff_keys *k, struct ff_value v, struct ff_key_form *form);
int ff_key_of_fraction(struct ff_keys *k, struct ff_value v, struct ff_key_form *form);
int ff_key_of_range(struct ff_keys *k, struct ff_value v, struct ff_key_form *form);

/* ---- dates and times (key_time.c) ---- */

int ff_key_of_datetime(struct ff_keys *k, struct ff_value v, struct ff_key_form *form);
int ff_key_of_timedelta(struct ff_keys *k, struct ff_value v, struct ff_key_form *form);
int ff_key_of_timezone(struct ff_keys *k, struct ff_value v, struct ff_key_form *form);

#endif
