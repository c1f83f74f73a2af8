/* SPDX-License-Identifier: Apache-2.0 */
/* key_object.h: which parts of a key decide whether it equals another one. */
#ifndef FF_CORE_KEY_OBJECT_H
#define FF_CORE_KEY_OBJECT_H

#include "doc.h"

#define FF_KEY_BY_PARTS 2u

struct ff_key_form {
    const char *name;      /* what it is: values of other names differ */
    const uint64_t *cells; /* the parts */
    size_t count;
    bool unordered;
    /* a number: its word, 0 = no memory, or FF_KEY_BY_PARTS; NULL = by name and parts */
    uint64_t (*finish)(struct ff_doc *doc, uint64_t cell, const struct ff_key_form *form);
};

/* False: it has no parts, it is a scalar or equals only itself. */
bool ff_key_form(struct ff_doc *doc, uint64_t cell, struct ff_key_form *form);

/* Numbers and UUIDs (key_number.c). */
bool ff_key_number_form(const struct ff_object_node *o, const char *full,
                        struct ff_key_form *form);
bool ff_key_uuid_form(const struct ff_object_node *o, const char *full,
                      struct ff_key_form *form);

/* Words of numbers (key.c). 0 = no memory. */
uint64_t ff_key_word_float(struct ff_doc *doc, double value, uint64_t identity);
uint64_t ff_key_word_big(struct ff_doc *doc, const uint8_t *bytes, size_t size);
/* The word of these bytes among those of the same tag. */
uint64_t ff_key_word_tagged(struct ff_doc *doc, uint8_t tag, const void *data,
                            size_t size_bytes);

#endif
