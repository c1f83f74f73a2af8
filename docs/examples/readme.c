#include <functionfuse/functionfuse.h>

int main(void)
{
    static float year[365][1000] = {{0}, {1, 2, 3}}, day[1000];
    struct ff_region second_day = {(int64_t[]){1, 0}, (int64_t[]){1, 1000}, NULL};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host *host = ff_host_open(NULL, &e);
    struct ff_storage *storage = ff_storage_open(host, "./results", &e);
    struct ff_array *a = ff_array_from_memory("<f4", 2, (int64_t[]){365, 1000}, year, &e);
    struct ff_doc *doc = ff_doc_new(&e), *back;

    ff_new_workflow(storage, "run7", &e);
    ff_save(storage, "run7", "field", ff_new_array_take(doc, a, &e), NULL, &e);
    back = ff_read_task(storage, "run7", "field", NULL, &e);
    ff_array_read(ff_array(ff_doc_root(back), &e), &second_day, day, NULL, NULL, &e);

    printf("%s: %s\n", e.code ? e.place : "run7/field", e.code ? e.message : "read back");
    ff_doc_free(doc);
    ff_doc_free(back);
    ff_storage_close(storage);
    ff_host_close(host);
    return e.code != FF_OK;
}
