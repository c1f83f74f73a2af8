/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.c: what the targets share. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

void must(int holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "%s\n", what);
        abort();
    }
}

struct ff_doc *fuzz_load(const uint8_t *data, size_t size, struct ff_error *e)
{
    struct ff_doc *doc = NULL;
    unsigned choice = size ? data[size - 1] : 0;
    struct ff_load_options options = {.struct_size = sizeof options,
                                      .py2_strings = choice % 4,
                                      .flags = (choice >> 2) % 2};
    int code = ff_pickle_read(data, size, NULL, NULL, &options, NULL, &doc, NULL, e);
    must((code == FF_OK) == (doc != NULL), "a document and a failure, or neither");
    must(code == e->code, "the code and the error differ");
    return doc;
}

int fuzz_write(void *buf, const void *data, size_t size, struct ff_error *e)
{
    return ff_buf_append(buf, data, size) ? ff_fail(e, FF_E_LIMIT, NULL, "full") : FF_OK;
}
