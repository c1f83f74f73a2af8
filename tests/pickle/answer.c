/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.c: what the library makes of pickles, for the tests that are written in Python.
 * A request on stdin: how Python 2's strings are read, 1 for lax frames and 2 to dump what the
 * builders make of it, the protocol to dump in (255: the stream's own), a byte each, the size in
 * 4 bytes, the pickle. The answer on
 * stdout: the code of the load in 4 bytes, then three texts, each behind its size in 4 bytes:
 * the tree (or the message of the failure), the canonical dump, the compact dump. With a file
 * as its argument it prints the tree of that pickle for people.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rebuild.h"
#include "tree.h"

enum { OWN_PROTOCOL = 255, MOST_TREE = 64 << 20, LAX = 1, REBUILT = 2 };

struct request {
    uint8_t py2_strings, how, protocol;
    uint32_t size;
    uint8_t *data;
};

static int to_buf(void *ctx, const void *data, size_t size, struct ff_error *e)
{
    return ff_buf_append(ctx, data, size) ? ff_fail(e, FF_E_NO_MEMORY, NULL, "full")
                                          : FF_OK;
}

/* Empty when it fails, and then why is on stderr. */
static void dump(const struct ff_doc *doc, const struct request *q, int compact,
                 struct ff_buf *out)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_write_options options = {.protocol = q->protocol == OWN_PROTOCOL
                                                       ? (uint32_t)ff_doc_protocol(doc)
                                                       : q->protocol,
                                       .compact = compact,
                                       .write = to_buf,
                                       .write_ctx = out};
    if (ff_pickle_write(ff_doc_root(doc), &options, &e)) {
        (void)fprintf(stderr, "%s %s\n", e.place, e.message);
        ff_buf_clear(out);
    }
}

static int send(const struct ff_buf *text)
{
    uint32_t size = (uint32_t)text->length_bytes;
    return fwrite(&size, sizeof size, 1, stdout) != 1 ||
           (size && fwrite(text->data, size, 1, stdout) != 1);
}

static int answer(const struct request *q)
{
    struct ff_load_options options = {.struct_size = sizeof options,
                                      .py2_strings = q->py2_strings,
                                      .flags = q->how & LAX ? FF_LOAD_LAX_FRAMES : 0};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_buf tree, dumps[2];
    struct ff_doc *doc;
    ff_buf_init(&tree, MOST_TREE);
    ff_buf_init(&dumps[0], SIZE_MAX / 2);
    ff_buf_init(&dumps[1], SIZE_MAX / 2);
    int32_t code =
        ff_pickle_read(q->data, q->size, NULL, NULL, &options, NULL, &doc, NULL, &e);
    if (code) {
        (void)ff_buf_append_text(&tree, e.message);
    } else {
        if (tree_print(doc, true, &tree)) {
            ff_buf_clear(&tree);
            (void)ff_buf_append_text(&tree, "too big\n");
        }
        if (q->how & REBUILT) {
            struct ff_doc *built = rebuild(doc, &e);
            ff_doc_free(doc);
            doc = built;
        }
        dump(doc, q, 0, &dumps[0]);
        dump(doc, q, 1, &dumps[1]);
    }
    int failed = fwrite(&code, sizeof code, 1, stdout) != 1 || send(&tree) ||
                 send(&dumps[0]) || send(&dumps[1]) || fflush(stdout);
    ff_doc_free(doc);
    ff_buf_free(&tree);
    ff_buf_free(&dumps[0]);
    ff_buf_free(&dumps[1]);
    return failed;
}

static int print_file(const char *path)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_load_options options = {.struct_size = sizeof options,
                                      .py2_strings = FF_PY2_BYTES,
                                      .flags = FF_LOAD_LAX_FRAMES};
    struct ff_buf input, tree;
    struct ff_doc *doc = NULL;
    FILE *f = fopen(path, "rb");
    ff_buf_init(&input, MOST_TREE);
    ff_buf_init(&tree, MOST_TREE);
    for (int c; f && (c = getc(f)) != EOF;) {
        (void)ff_buf_append_byte(&input, (uint8_t)c);
    }
    (void)ff_pickle_read(input.data, input.length_bytes, NULL, NULL, &options, NULL, &doc,
                         NULL, &e);
    int failed = !doc || tree_print(doc, true, &tree);
    (void)fputs(doc ? ff_buf_text(&tree) : e.message, stdout);
    ff_doc_free(doc);
    ff_buf_free(&input);
    ff_buf_free(&tree);
    return failed || !f || fclose(f);
}

static int next_request(struct request *q)
{
    uint8_t head[3];
    if (fread(head, sizeof head, 1, stdin) != 1 ||
        fread(&q->size, sizeof q->size, 1, stdin) != 1) {
        return 0;
    }
    q->py2_strings = head[0];
    q->how = head[1];
    q->protocol = head[2];
    q->data = malloc(q->size + 1u);
    return q->data && fread(q->data, 1, q->size, stdin) == q->size;
}

int main(int argc, char **argv)
{
    struct request q = {0};
    int failed = 0;
    if (argc == 2) {
        return print_file(argv[1]);
    }
    while (!failed && next_request(&q)) {
        failed = answer(&q);
        free(q.data);
    }
    return failed;
}
