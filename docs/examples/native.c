/* SPDX-License-Identifier: Apache-2.0 */
/* native.c: a program that saves a thing of its own, and reads three samples of it back. */
#include <functionfuse/functionfuse.h>

#include "acme_wave.h"

static int from_memory(const struct acme_wave *wave, uint64_t first, uint64_t count,
                       float *dst, struct ff_error *e)
{
    (void)e;
    memcpy(dst, (const float *)wave->ctx + first, (size_t)count * sizeof *dst);
    return FF_OK;
}

int main(void)
{
    static float samples[1000] = {[500] = 1, 2, 3};
    struct acme_wave wave = {100.0, 1000, "station 7", from_memory, samples};
    const struct acme_wave *read;
    float three[3] = {0};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host *host = ff_host_open(NULL, &e);
    struct ff_storage *storage = ff_storage_open(host, "./results", &e);
    struct ff_doc *doc = ff_doc_new(&e), *back;
    struct ff_value value = ff_new_native_take(doc, ACME_WAVE_CLASS, &wave, NULL, &e);

    ff_new_workflow(storage, "run7", &e);
    ff_save(storage, "run7", "wave", value, NULL, &e);
    back = ff_read_task(storage, "run7", "wave", NULL, &e);
    read = ff_native(ff_resolve(ff_doc_root(back), NULL, &e), ACME_WAVE_CLASS);
    if (read && !read->read(read, 500, 3, three, &e)) {
        printf("%s: %g %g %g\n", read->label, three[0], three[1], three[2]);
    } else {
        fprintf(stderr, "%s: %s\n", e.place, e.message);
    }
    ff_doc_free(doc);
    ff_doc_free(back);
    ff_storage_close(storage);
    ff_host_close(host);
    return e.code != FF_OK;
}
