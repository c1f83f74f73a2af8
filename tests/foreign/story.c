/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.c WHAT VALUE STORAGE CONFIG [SERIALIZER]: the way of one value through a storage, for the tests of
 * plugins that others made: written against the public headers alone.
 *
 *   save    make the workflow "wf" and save the value as "t"
 *   read    read "t" and compare: whole, by the region, deep verification, in the list
 *   all     both, then a replacement, a copy, removal, and nothing is left
 *
 * VALUE: "plain", "inline" (an array within the value), "chunked", or "wave" (a native thing).
 * SERIALIZER: which one has to have kept it. Prints "well", or what failed.
 */
#include <functionfuse/functionfuse.h>

#include "acme_wave.h"

enum { ROWS = 61, COLUMNS = 50, SAMPLES = 1000 };

static double elements[ROWS][COLUMNS];
static float samples[SAMPLES];

/* ---- values ---- */

static int samples_from_memory(const struct acme_wave *wave, uint64_t first,
                               uint64_t count, float *dst, struct ff_error *e)
{
    (void)e;
    memcpy(dst, (const float *)wave->ctx + first, (size_t)count * sizeof *dst);
    return FF_OK;
}

static struct ff_array *make_array(int chunked, struct ff_error *e)
{
    static const int64_t shape[] = {ROWS, COLUMNS}, chunk[] = {16, COLUMNS};
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .chunking = chunked ? 0 : FF_CHUNK_NONE,
                                .ndim = 2,
                                .descr = "<f8",
                                .shape = shape,
                                .chunk = chunked ? chunk : NULL,
                                .data = elements};

    return ff_array_new(&p, e);
}

static struct ff_value make(struct ff_doc *doc, const char *what, struct ff_error *e)
{
    static const char json[] = "{\"a\": [1, 2.5, \"x\"], \"b\": null}";
    static struct acme_wave wave = {100.0, SAMPLES, "station 7", samples_from_memory,
                                    samples};

    if (strcmp(what, "plain") == 0) {
        return ff_from_json(doc, json, sizeof json - 1, NULL, e);
    }
    if (strcmp(what, "wave") == 0) {
        return ff_new_native_take(doc, ACME_WAVE_CLASS, &wave, NULL, e);
    }
    return ff_new_array_take(doc, make_array(strcmp(what, "chunked") == 0, e), e);
}

/* ---- comparing ---- */

static int differ(struct ff_error *e, const char *how)
{
    return ff_fail(e, FF_E_OTHER, "story", "not as it was saved: %s", how);
}

static int compare_array(const struct ff_array *a, struct ff_error *e)
{
    static const int64_t start[] = {1, 3}, count[] = {19, 40}, step[] = {3, 1};
    static const struct ff_region region = {start, count, step};
    static double all[ROWS][COLUMNS], some[19][40];

    if (!a || a->ndim != 2 || a->shape[0] != ROWS || a->shape[1] != COLUMNS ||
        strcmp(a->descr, "<f8") != 0) {
        return differ(e, "dtype or shape");
    }
    (void)ff_array_read(a, NULL, all, NULL, NULL, e);
    (void)ff_array_read(a, &region, some, NULL, NULL, e);
    if (!e->code && memcmp(all, elements, sizeof all) != 0) {
        return differ(e, "elements");
    }
    for (int i = 0; i < 19 && !e->code; i++) {
        if (memcmp(some[i], &elements[1 + 3 * i][3], sizeof some[i]) != 0) {
            return differ(e, "a region");
        }
    }
    return e->code;
}

static int compare_wave(struct ff_value v, struct ff_error *e)
{
    const struct acme_wave *wave = ff_native(ff_resolve(v, NULL, e), ACME_WAVE_CLASS);
    float some[3] = {0};

    if (!wave || wave->sample_count != SAMPLES || strcmp(wave->label, "station 7") != 0) {
        return differ(e, "a wave's head");
    }
    if (wave->read(wave, SAMPLES - 3, 3, some, e)) {
        return e->code;
    }
    return memcmp(some, samples + SAMPLES - 3, sizeof some) ? differ(e, "samples")
                                                            : FF_OK;
}

static int compare(struct ff_value v, const char *what, struct ff_error *e)
{
    struct ff_doc *doc;

    if (e->code) {
        return e->code;
    }
    if (strcmp(what, "wave") == 0) {
        return compare_wave(v, e);
    }
    if (strcmp(what, "plain") != 0) {
        return compare_array(ff_array(ff_resolve(v, NULL, e), e), e);
    }
    doc = ff_doc_new(e);
    if (!ff_equal(v, make(doc, what, e), 0, e)) {
        (void)differ(e, "a plain value");
    }
    ff_doc_free(doc);
    return e->code;
}

/* ---- the parts of the story ---- */

static void save(struct ff_storage *s, const char *what, struct ff_error *e)
{
    struct ff_doc *doc = ff_doc_new(e);

    (void)ff_new_workflow(s, "wf", e);
    (void)ff_save(s, "wf", "t", make(doc, what, e), NULL, e);
    ff_doc_free(doc);
}

static const char *expected; /* serializer, or NULL */

static int check_kept(struct ff_value v, struct ff_error *e)
{
    const char *serializer;

    if (expected && !ff_persistent(v, &serializer, NULL, NULL, NULL, e) &&
        strcmp(serializer, expected) != 0) {
        return ff_fail(e, FF_E_OTHER, "story", "kept by %s", serializer);
    }
    return e->code;
}

static void read_back(struct ff_storage *s, const char *task, const char *what,
                      struct ff_error *e)
{
    struct ff_doc *doc = ff_read_task(s, "wf", task, NULL, e);
    struct ff_names *names = ff_list_tasks(s, "wf", task, e);

    (void)check_kept(ff_doc_root(doc), e);
    (void)compare(ff_doc_root(doc), what, e);
    if (!e->code && names->count != 1) {
        (void)differ(e, "the list of tasks");
    }
    (void)ff_verify(s, "wf", NULL, 1, NULL, NULL, e);
    ff_names_free(names);
    ff_doc_free(doc);
}

static int count_one(void *ctx, const struct ff_finding *f)
{
    (void)f;
    ++*(int *)ctx;
    return 0;
}

static void replace_copy_and_remove(struct ff_storage *s, const char *what,
                                    struct ff_error *e)
{
    struct ff_gc_options options = {.struct_size = FF_SIZE(ff_gc_options, assume_lost)};
    struct ff_doc *doc;
    int left = 0;

    save(s, what, e);
    doc = ff_read_task(s, "wf", "t", NULL, e);
    (void)ff_save(s, "wf", "copy", ff_doc_root(doc), NULL, e);
    ff_doc_free(doc);
    (void)ff_remove_task(s, "wf", "t", e);
    read_back(s, "copy", what, e);
    (void)ff_remove_tasks(s, "wf", "*", NULL, e);
    (void)ff_gc(s, "wf", &options, count_one, &left, e);
    if (!e->code && left) {
        (void)ff_fail(e, FF_E_OTHER, "story", "removed, and %d things are left", left);
    }
}

int main(int argc, char **argv)
{
    struct ff_host_options options = {.struct_size = FF_SIZE(ff_host_options, draft_sys)};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host *host;
    struct ff_storage *s;

    if (argc != 5 && argc != 6) {
        (void)fprintf(stderr,
                      "usage: story save|read|all VALUE STORAGE CONFIG [SERIALIZER]\n");
        return 2;
    }
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        elements[i / COLUMNS][i % COLUMNS] = i * 0.25;
    }
    for (int i = 0; i < SAMPLES; i++) {
        samples[i] = (float)i / 8;
    }
    options.config_json = argv[4];
    expected = argv[5];
    host = ff_host_open(&options, &e);
    s = ff_storage_open(host, argv[3], &e);
    if (strcmp(argv[1], "read") != 0) {
        save(s, argv[2], &e);
    }
    if (strcmp(argv[1], "save") != 0) {
        read_back(s, "t", argv[2], &e);
    }
    if (strcmp(argv[1], "all") == 0) {
        replace_copy_and_remove(s, argv[2], &e);
    }
    ff_storage_close(s);
    ff_host_close(host);
    if (e.code) {
        (void)printf("%s (%d): %s: %s; fix: %s\n", ff_code_name(e.code), e.code, e.place,
                     e.message, e.fix);
    } else {
        (void)puts("well");
    }
    return e.code != FF_OK;
}
