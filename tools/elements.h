/* SPDX-License-Identifier: Apache-2.0 */
/* elements.h: the elements of an array as nested JSON lists, as lines of text, or as bytes. */
#ifndef FF_TOOLS_ELEMENTS_H
#define FF_TOOLS_ELEMENTS_H

#include "cli.h"

enum ff_elements_form { FF_ELEMENTS_JSON, FF_ELEMENTS_TEXT, FF_ELEMENTS_RAW };

/* Read in bands of the first axis and write. FF_E_UNSUPPORTED: a dtype that has no text. */
int ff_elements_write(const struct ff_array *, enum ff_elements_form, struct ff_out *,
                      const struct ff_call *, struct ff_error *);

/* How one element is printed; core knows dtypes, this only what text needs. */
struct ff_element {
    char kind; /* numpy's: b i u f c S U M m */
    int swap;
    uint64_t size_bytes;
};

/* FF_E_UNSUPPORTED: structured, void and extended floats. */
int ff_element_parse(const char *descr, uint64_t size_bytes, struct ff_element *,
                     struct ff_error *);
/* Print one element at `data`. */
int ff_element_print(const struct ff_element *, const void *data, int json,
                     struct ff_out *, struct ff_error *);

#endif
