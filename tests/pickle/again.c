/* SPDX-License-Identifier: Apache-2.0 */
/* again.c: reads pickles from stdin, each behind its length in 4 bytes, and writes each back
 * as it is dumped, the same way; a length of 0 where it fails. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/pickle/pickle.h"

static int to_buf(void *ctx, const void *data, size_t size, struct ff_error *e)
{
    return ff_buf_append(ctx, data, size) ? ff_fail(e, FF_E_NO_MEMORY, NULL, "full")
                                          : FF_OK;
}

static void again(const uint8_t *data, size_t size, struct ff_buf *out)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = NULL;
    ff_buf_clear(out);
    if (!ff_pickle_read(data, size, NULL, NULL, NULL, NULL, &doc, NULL, &e)) {
        struct ff_write_options options = {.protocol = (uint32_t)ff_doc_protocol(doc),
                                           .write = to_buf,
                                           .write_ctx = out};
        (void)ff_pickle_write(ff_doc_root(doc), &options, &e);
    }
    if (e.code) {
        (void)fprintf(stderr, "%s %s\n", e.place, e.message);
        ff_buf_clear(out);
    }
    ff_doc_free(doc);
}

int main(void)
{
    uint32_t size;
    struct ff_buf out;
    ff_buf_init(&out, SIZE_MAX / 2);
    while (fread(&size, sizeof size, 1, stdin) == 1) {
        uint8_t *data = malloc(size + 1u);
        if (!data || fread(data, 1, size, stdin) != size) {
            return 1;
        }
        again(data, size, &out);
        uint32_t back = (uint32_t)out.length_bytes;
        if (fwrite(&back, sizeof back, 1, stdout) != 1 ||
            fwrite(out.data, 1, back, stdout) != back || fflush(stdout)) {
            return 1;
        }
        free(data);
    }
    ff_buf_free(&out);
    return 0;
}
