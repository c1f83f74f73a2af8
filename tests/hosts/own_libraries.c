/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_libraries.c WHAT FOLDER CONFIG URL: a program that uses HDF5 and libcurl itself, beside the
 * library, whose plugins use the same copies of them. Its file, its handles, what it has in HDF5's
 * error stack and who prints that stay as they were.
 *
 *   beside   arrays are saved and read, over files and from URL, a published store; some calls fail
 *   ends     the same, and the program says H5close() and curl_global_cleanup() in the middle; from
 *            then on its handler of errors is one of HDF5 1.6
 *   late     a function of atexit() that comes after those of HDF5 and OpenSSL reads an array that
 *            was opened before; what else it asks for is refused
 *   threads  another thread uses HDF5 all the while
 *
 * FOLDER has "published/store" behind URL. Prints "well", or what failed.
 */
#include <curl/curl.h>
#include <functionfuse/functionfuse.h>
#include <hdf5.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROWS = 40, COLUMNS = 30 };

static const char *folder, *config, *url;
static double elements[ROWS][COLUMNS];
static int failed;

#define CHECK(ok, ...)                                                                   \
    do {                                                                                 \
        if (!(ok)) {                                                                     \
            (void)printf("%d: ", __LINE__);                                              \
            (void)printf(__VA_ARGS__);                                                   \
            (void)printf("\n");                                                          \
            failed = 1;                                                                  \
        }                                                                                \
    } while (0)

static const char *below(const char *name)
{
    static _Thread_local char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- what the program has of its own ---- */

static struct {
    hid_t file, set;
    CURL *easy;
    int printed; /* calls of its handler of HDF5's errors */
    int is_v1;   /* set as programs of HDF5 1.6 do */
} own;

static herr_t on_error(hid_t stack, void *ctx)
{
    (void)stack;
    ++*(int *)ctx;
    return 0;
}

static herr_t on_error_v1(void *ctx)
{
    return on_error(H5E_DEFAULT, ctx);
}

static void set_handler(int is_v1)
{
    own.is_v1 = is_v1;
    if (is_v1) {
        (void)H5Eset_auto1(on_error_v1, &own.printed);
    } else {
        (void)H5Eset_auto2(H5E_DEFAULT, on_error, &own.printed);
    }
}

static int has_handler(void)
{
    H5E_auto1_t v1 = NULL;
    H5E_auto2_t v2 = NULL;
    void *ctx = NULL;

    return ((own.is_v1 ? H5Eget_auto1(&v1, &ctx)
                       : H5Eget_auto2(H5E_DEFAULT, &v2, &ctx)) >= 0) &&
           (own.is_v1 ? v1 == on_error_v1 : v2 == on_error) && ctx == &own.printed;
}

static void open_own_file(void)
{
    hsize_t shape[2] = {ROWS, COLUMNS};
    hid_t space = H5Screate_simple(2, shape, NULL);

    own.file = H5Fcreate(below("own.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    own.set = H5Dcreate2(own.file, "own", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT,
                         H5P_DEFAULT, H5P_DEFAULT);
    CHECK(H5Dwrite(own.set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, elements) >=
              0,
          "HDF5: its own file cannot be written");
    (void)H5Sclose(space);
}

static size_t count_bytes(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    *(size_t *)ctx += size * count;
    return size * count;
}

static void check_curl(void)
{
    size_t bytes = 0;

    (void)curl_easy_setopt(own.easy, CURLOPT_WRITEDATA, &bytes);
    CHECK(curl_easy_perform(own.easy) == CURLE_OK && bytes == 3,
          "curl: its own handle gives %zu bytes", bytes);
}

/* An error of its own, not looked at yet: the next call of HDF5 by the program drops it. */
static void push_own_error(void)
{
    (void)H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_FILE,
                   H5E_CANTOPENFILE, "mine");
}

static herr_t is_mine(unsigned n, const H5E_error2_t *entry, void *ctx)
{
    *(int *)ctx += n == 0 && strcmp(entry->desc, "mine") == 0;
    return 0;
}

static void check_hdf5(void)
{
    double back[ROWS][COLUMNS] = {{0}};
    int mine = 0;

    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, is_mine, &mine);
    CHECK(H5Eget_num(H5E_DEFAULT) == 1 && mine == 1,
          "HDF5: %zd errors in its stack, %d of them its own", H5Eget_num(H5E_DEFAULT),
          mine);
    CHECK(has_handler(), "HDF5: its handler is gone");
    CHECK(own.printed == 0, "HDF5: its handler was called %d times", own.printed);
    CHECK(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 2,
          "HDF5: %zd things are open, not a file and a data set",
          H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL));
    CHECK(H5Dread(own.set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, back) >= 0 &&
              memcmp(back, elements, sizeof back) == 0,
          "HDF5: its own file reads otherwise");
}

static void open_own(int is_v1)
{
    char file_url[4200];
    FILE *f = fopen(below("three"), "w");

    CHECK(f && fputs("one", f) >= 0 && fclose(f) == 0, "no file of three bytes");
    (void)snprintf(file_url, sizeof file_url, "file://%s", below("three"));
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "curl_global_init");
    own.easy = curl_easy_init();
    (void)curl_easy_setopt(own.easy, CURLOPT_URL, file_url);
    (void)curl_easy_setopt(own.easy, CURLOPT_WRITEFUNCTION, count_bytes);
    set_handler(is_v1);
    open_own_file();
}

static void close_own(void)
{
    CHECK(H5Dclose(own.set) >= 0 && H5Fclose(own.file) >= 0,
          "HDF5: its own file does not close");
    curl_easy_cleanup(own.easy);
}

/* ---- what it does with the library ---- */

static struct ff_host *host;
static struct ff_storage *files, *published, *nowhere;

static struct ff_storage *storage(const char *json, struct ff_error *e)
{
    return ff_storage_factory(host, json, e);
}

static void open_library(void)
{
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, config_json),
                                .config_json = config};
    struct ff_error e = FF_ERROR_INIT;
    char json[4400];

    host = ff_host_open(&o, &e);
    files = ff_storage_open(host, below("published/store"), &e);
    (void)ff_new_workflow(files, "wf", &e);
    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"http\", \"options\": {\"url\": \"%sstore/\"}}", url);
    published = url[0] ? storage(json, &e) : NULL;
    nowhere = storage(
        "{\"kind\": \"http\", \"options\": {\"url\": \"http://127.0.0.1:9/\"}}", &e);
    CHECK(!e.code, "opening: %s: %s", e.place, e.message);
}

static void save(const char *task, const char *options, struct ff_error *e)
{
    static const int64_t shape[] = {ROWS, COLUMNS}, chunk[] = {8, COLUMNS};
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<f8",
                                .shape = shape,
                                .chunk = chunk,
                                .data = elements,
                                .options = options};
    struct ff_doc *doc = ff_doc_new(e);

    (void)ff_save(files, "wf", task, ff_new_array_take(doc, ff_array_new(&p, e), e), NULL,
                  e);
    ff_doc_free(doc);
}

static void read_array(const struct ff_doc *doc, struct ff_error *e)
{
    double back[ROWS][COLUMNS] = {{0}};

    (void)ff_array_read(ff_array(ff_doc_root(doc), e), NULL, back, NULL, NULL, e);
    if (!e->code && memcmp(back, elements, sizeof back) != 0) {
        (void)ff_fail(e, FF_E_OTHER, NULL, "not as it was saved");
    }
}

static void read_back(struct ff_storage *s, const char *task, struct ff_error *e)
{
    struct ff_doc *doc = ff_read_task(s, "wf", task, NULL, e);

    read_array(doc, e);
    ff_doc_free(doc);
}

static void save_and_read(void)
{
    struct ff_error e = FF_ERROR_INIT;

    save("raw", NULL, &e);
    save("packed", "{\"compression\": \"deflate\"}", &e);
    read_back(files, "raw", &e);
    read_back(files, "packed", &e);
    if (url[0]) {
        read_back(published, "raw", &e);
        read_back(published, "packed", &e);
    }
    CHECK(!e.code, "saving and reading: %s: %s (%d)", e.place, e.message, (int)e.code);
}

static void fail(void)
{
    struct ff_error e = FF_ERROR_INIT;

    read_back(nowhere, "raw", &e);
    CHECK(e.code == FF_E_NETWORK, "a server that is not there: %d: %s", (int)e.code,
          e.message);
}

static void close_library(void)
{
    ff_storage_close(files);
    ff_storage_close(published);
    ff_storage_close(nowhere);
    ff_host_close(host);
}

/* ---- the ways ---- */

static int end(void)
{
    (void)puts(failed ? "failed" : "well");
    (void)fflush(stdout);
    return failed;
}

/* Registered behind HDF5's own, so it comes before that. */
static void at_exit(void)
{
    push_own_error();
    check_hdf5();
    check_curl();
    close_own();
    if (end()) {
        _exit(1);
    }
}

static int beside(int ends)
{
    open_own(0);
    (void)atexit(at_exit);
    open_library();
    push_own_error();
    save_and_read();
    fail();
    check_hdf5();
    check_curl();
    if (ends) {
        close_own();
        CHECK(H5close() >= 0, "H5close");
        curl_global_cleanup();
        save_and_read();
        open_own(1);
        push_own_error();
        save_and_read();
        check_hdf5();
    }
    close_library();
    return 0;
}

static struct ff_doc *opened;

/* Registered before those of HDF5 and OpenSSL, so it comes after them. */
static void after_both(void)
{
    struct ff_error e = FF_ERROR_INIT, saving = FF_ERROR_INIT, reading = FF_ERROR_INIT;

    read_array(opened, &e);
    CHECK(!e.code, "late: an array that is open: %s: %s", e.place, e.message);
    save("late", NULL, &saving);
    CHECK(saving.code == FF_E_OTHER && strstr(saving.message, "OpenSSL has ended"),
          "late: saving: %d: %s", (int)saving.code, saving.message);
    read_back(files, "raw", &reading);
    CHECK(reading.code == FF_E_OTHER && strstr(reading.message, "OpenSSL has ended"),
          "late: reading: %d: %s", (int)reading.code, reading.message);
    ff_doc_free(opened);
    close_library();
    if (end()) {
        _exit(1);
    }
}

static int late(void)
{
    struct ff_error e = FF_ERROR_INIT;

    (void)atexit(after_both);
    open_own(0);
    open_library();
    save_and_read();
    opened = ff_read_task(files, "wf", "packed", NULL, &e);
    read_array(opened, &e);
    CHECK(!e.code, "late: %s: %s", e.place, e.message);
    close_own();
    return 0;
}

static atomic_int over;

static void *use_hdf5(void *unused)
{
    while (!atomic_load(&over)) {
        double back[ROWS][COLUMNS];

        if (H5Dread(own.set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, back) <
                0 ||
            memcmp(back, elements, sizeof back) != 0) {
            return unused;
        }
    }
    return &over;
}

static int threads(void)
{
    hbool_t safe = 0;
    pthread_t thread;
    void *fine = NULL;

    (void)H5is_library_threadsafe(&safe);
    if (!safe) {
        (void)puts("not thread-safe");
        return 0;
    }
    open_own(0);
    open_library();
    CHECK(pthread_create(&thread, NULL, use_hdf5, NULL) == 0, "no thread");
    for (int i = 0; i < 20; i++) {
        save_and_read();
    }
    atomic_store(&over, 1);
    (void)pthread_join(thread, &fine);
    CHECK(fine != NULL, "HDF5: its own file reads otherwise on another thread");
    close_library();
    close_own();
    return end();
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        return 2;
    }
    folder = argv[2];
    config = argv[3];
    url = argv[4];
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        elements[i / COLUMNS][i % COLUMNS] = i * 0.5;
    }
    return strcmp(argv[1], "late") == 0      ? late()
           : strcmp(argv[1], "threads") == 0 ? threads()
                                             : beside(strcmp(argv[1], "ends") == 0);
}
