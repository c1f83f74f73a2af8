/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pickle.c: any bytes into load and scan; what loads is dumped, loaded again and dumped
 * again: the same bytes, and a value that is equal where equality is defined. Built with
 * -fsanitize=fuzzer it is a libFuzzer target; with REPLAY it has a main that runs files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/pickle/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int to_buf(void *ctx, const void *data, size_t size, struct ff_error *e)
{
    return ff_buf_append(ctx, data, size) ? ff_fail(e, FF_E_NO_MEMORY, NULL, "full")
                                          : FF_OK;
}

static int dump(struct ff_doc *doc, uint32_t protocol, struct ff_buf *out)
{
    struct ff_write_options options = {
        .protocol = protocol, .write = to_buf, .write_ctx = out};
    return ff_pickle_write(ff_doc_root(doc), &options, NULL);
}

static int seen(void *ctx, const struct ff_scanned_pid *pid)
{
    (void)ctx;
    return pid->string_count > 1000;
}

static void must(int holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "%s\n", what);
        abort();
    }
}

static void again(struct ff_doc *doc, uint32_t protocol)
{
    struct ff_buf first, second;
    struct ff_doc *twice = NULL;
    struct ff_load_options options = {.struct_size = sizeof options,
                                      .max_bytes = (uint64_t)256 << 20};
    ff_buf_init(&first, (size_t)64 << 20);
    ff_buf_init(&second, (size_t)64 << 20);
    if (dump(doc, protocol, &first) == FF_OK) {
        int failed = ff_pickle_read(first.data, first.length_bytes, NULL, NULL, &options,
                                    NULL, &twice, NULL, NULL);
        must(!failed, "what was written does not read");
        must(dump(twice, protocol, &second) == FF_OK, "it does not write again");
        must(first.length_bytes == second.length_bytes &&
                 memcmp(first.data, second.data, first.length_bytes) == 0,
             "it does not write the same bytes again");
        (void)ff_equal(ff_doc_root(doc), ff_doc_root(twice), 100000, NULL);
    }
    ff_doc_free(twice);
    ff_buf_free(&first);
    ff_buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ff_doc *doc = NULL;
    struct ff_load_options options = {.struct_size = sizeof options,
                                      .py2_strings = size ? data[size - 1] % 4 : 0};
    const struct ff_scan scan = {.struct_size = sizeof scan, .persistent = seen};
    size_t used = 0, walked = 0;
    int walk = ff_pickle_scan(data, size, &options, &scan, &walked, NULL);
    int read = ff_pickle_read(data, size, NULL, NULL, &options, NULL, &doc, &used, NULL);
    must(read != FF_OK || (walk == FF_OK && walked == used) || walk == FF_E_LIMIT,
         "what loads does not scan");
    if (read == FF_OK) {
        uint32_t protocol = (uint32_t)ff_doc_protocol(doc);
        again(doc, protocol);
        if (protocol != 4) {
            again(doc, 4);
        }
        struct ff_doc *copy = ff_doc_new(NULL);
        (void)ff_import(copy, ff_doc_root(doc), NULL);
        ff_doc_free(copy);
    }
    ff_doc_free(doc);
    return 0;
}

#ifdef REPLAY
/* Each file is one input, or, with the name *.vectors, many: a byte, a length, the input. */
static void replay(const uint8_t *data, size_t size, int many)
{
    for (size_t at = 0; many && at + 5 <= size;) {
        uint32_t n;
        memcpy(&n, data + at + 1, sizeof n);
        must(n <= size - at - 5, "the file of vectors is cut off");
        (void)LLVMFuzzerTestOneInput(data + at + 5, n);
        at += 5 + (size_t)n;
    }
    if (!many) {
        (void)LLVMFuzzerTestOneInput(data, size);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        must(f != NULL, argv[i]);
        must(fseek(f, 0, SEEK_END) == 0, "seek");
        long size = ftell(f);
        rewind(f);
        uint8_t *data = malloc((size_t)size + 1);
        must(data && fread(data, 1, (size_t)size, f) == (size_t)size, "read");
        (void)fclose(f);
        replay(data, (size_t)size, strstr(argv[i], ".vectors") != NULL);
        free(data);
    }
    return 0;
}
#endif
