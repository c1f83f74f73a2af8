/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_again.c: what loads is dumped in the newest protocol, which has a form of everything, in
 * both modes, and loaded again: the same tree; dumped once more: the same bytes. Older protocols
 * have other forms of the same values: what is dumped in one loads, and comes back the same from
 * there on. */
#include <string.h>

#include "fuzz.h"
#include "tests/pickle/tree.h"

enum { MOST = 64 << 20, NEWEST = 5 };

static int dump(struct ff_doc *doc, uint32_t protocol, int compact, struct ff_buf *out)
{
    struct ff_write_options options = {
        .protocol = protocol, .compact = compact, .write = fuzz_write, .write_ctx = out};
    return ff_pickle_write(ff_doc_root(doc), &options, NULL);
}

static int same(const struct ff_buf *a, const struct ff_buf *b)
{
    return a->length_bytes == b->length_bytes &&
           (!a->length_bytes || memcmp(a->data, b->data, a->length_bytes) == 0);
}

static void same_tree(struct ff_doc *a, struct ff_doc *b)
{
    struct ff_buf first, second;
    ff_buf_init(&first, MOST);
    ff_buf_init(&second, MOST);
    if (tree_print(a, false, &first) == 0 && tree_print(b, false, &second) == 0) {
        must(same(&first, &second), "what was written is another value");
    }
    ff_buf_free(&first);
    ff_buf_free(&second);
}

/* Bytes of a value in one protocol and mode: they load, and are written the same. Compact: what
 * the writer made of old names it puts into the memo, and knows no more the second time. */
static void again(struct ff_doc *doc, uint32_t protocol, int compact)
{
    struct ff_buf first, second;
    struct ff_doc *twice = NULL;
    struct ff_load_options options = {.struct_size = sizeof options,
                                      .max_bytes = (uint64_t)1 << 30,
                                      .py2_strings = FF_PY2_BYTES};
    ff_buf_init(&first, MOST);
    ff_buf_init(&second, MOST);
    if (dump(doc, protocol, compact, &first) == FF_OK) {
        must(!ff_pickle_read(first.data, first.length_bytes, NULL, NULL, &options, NULL,
                             &twice, NULL, NULL),
             "what was written does not load");
        if (protocol == NEWEST) {
            same_tree(doc, twice);
        }
        must(dump(twice, protocol, compact, &second) == FF_OK, "it does not write again");
        must(compact || same(&first, &second), "it does not write the same bytes again");
    }
    ff_doc_free(twice);
    ff_buf_free(&first);
    ff_buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ff_doc *doc = NULL;
    struct ff_load_options options = {.struct_size = sizeof options,
                                      .py2_strings = FF_PY2_BYTES,
                                      .flags = FF_LOAD_LAX_FRAMES};
    if (ff_pickle_read(data, size, NULL, NULL, &options, NULL, &doc, NULL, NULL) ==
        FF_OK) {
        uint32_t protocol = (uint32_t)ff_doc_protocol(doc);
        again(doc, NEWEST, 0);
        again(doc, NEWEST, 1);
        again(doc, protocol, 0);
        again(doc, data[size - 1] % 6, 0);
    }
    ff_doc_free(doc);
    return 0;
}
