#include <functionfuse/functionfuse.h>

int main(void)
{
    static float field[365][1000] = {{1, 2, 3}};
    const int64_t shape[2] = {365, 1000};
    float day[1000];
    const struct ff_region second_day = {(int64_t[]){1, 0}, (int64_t[]){1, 1000}, NULL};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host *host = ff_host_open(NULL, &e);
    struct ff_storage *storage = ff_storage_open(host, "./results", &e);
    struct ff_doc *doc = ff_doc_new(&e), *back;
    struct ff_value value = ff_new_dict(doc, &e);

    ff_set(doc, value, "field",
           ff_new_array_take(doc, ff_array_from_memory("<f4", 2, shape, field, &e), &e), &e);
    ff_set(doc, value, "units", ff_new_str(doc, "K", SIZE_MAX, &e), &e);
    ff_new_workflow(storage, "run7", &e);
    ff_save(storage, "run7", "wave", value, NULL, &e);

    back = ff_read_task(storage, "run7", "wave", NULL, &e);
    ff_array_read(ff_array(ff_get(ff_doc_root(back), "field"), &e), &second_day, day, NULL,
                  NULL, &e);

    ff_doc_free(doc);
    ff_doc_free(back);
    ff_storage_close(storage);
    ff_host_close(host);
    if (e.code) {
        fprintf(stderr, "%s: %s\n", e.place, e.message);
    }
    return e.code ? 1 : 0;
}
