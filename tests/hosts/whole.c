/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whole.c FOLDER CONFIG: a program that is linked statically, libc and all, with the protocol "file"
 * and the serializer "npy" in it. Saves and reads through them, prints each row of its host's plugins
 * ("NAME CODE: REASON"), then "well", or what failed.
 */
#include <functionfuse/functionfuse.h>

const struct ff_protocol *file_describe(void);
const struct ff_serializer *npy_describe(void);

static const double elements[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};

static void save_and_read(struct ff_storage *s, struct ff_error *e)
{
    static const int64_t shape[] = {3, 4};
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .chunking = FF_CHUNK_NONE,
                                .ndim = 2,
                                .descr = "<f8",
                                .shape = shape,
                                .data = elements};
    struct ff_doc *doc = ff_doc_new(e), *back;
    double read[3][4] = {{0}};
    const char *serializer = "none";

    (void)ff_new_workflow(s, "wf", e);
    (void)ff_save(s, "wf", "t", ff_new_array_take(doc, ff_array_new(&p, e), e), NULL, e);
    back = ff_read_task(s, "wf", "t", NULL, e);
    (void)ff_persistent(ff_doc_root(back), &serializer, NULL, NULL, NULL, e);
    (void)ff_array_read(ff_array(ff_doc_root(back), e), NULL, read, NULL, NULL, e);
    if (!e->code &&
        (strcmp(serializer, "npy") != 0 || memcmp(read, elements, sizeof read) != 0)) {
        (void)ff_fail(e, FF_E_OTHER, "wf/t", "kept by %s, or not as it was", serializer);
    }
    (void)ff_verify(s, "wf", NULL, 1, NULL, NULL, e);
    (void)ff_remove_workflow(s, "wf", e);
    ff_doc_free(back);
    ff_doc_free(doc);
}

int main(int argc, char **argv)
{
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, config_json),
                                .config_json = argc == 3 ? argv[2] : "{}"};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host *host = ff_host_open(&o, &e);
    const struct ff_plugin_row *row;
    struct ff_storage *s;

    (void)ff_register_static(host, NULL, file_describe, &e);
    (void)ff_register_static(host, npy_describe, NULL, &e);
    s = ff_storage_open(host, argc > 1 ? argv[1] : NULL, &e);
    save_and_read(s, &e);
    for (size_t i = 0; (row = ff_plugin_at(host, i)); i++) {
        (void)printf("%s %s%s%s\n", row->name, row->code, row->reason[0] ? ": " : "",
                     row->reason);
    }
    ff_storage_close(s);
    ff_host_close(host);
    (void)printf("%s%s%s\n", e.code ? e.place : "well", e.code ? ": " : "",
                 e.code ? e.message : "");
    return e.code != 0;
}
