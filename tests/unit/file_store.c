/* SPDX-License-Identifier: Apache-2.0 */
/* file_store.c: what the tests of the protocol "file" share. */
#include "file_store.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void faults_off(struct store *s)
{
    faulty_init(&s->faulty);
}

/* ---- a host with the least of values: one dictionary of one entry ---- */

struct ff_doc {
    const char *key, *value;
};

enum { CELL_DICT, CELL_KEY, CELL_VALUE };

static int value_kind(struct ff_value v)
{
    return v.cell == CELL_DICT                     ? FF_DICT
           : v.cell == CELL_VALUE && !v.doc->value ? FF_INT
                                                   : FF_STR;
}

static int value_str(struct ff_value v, const char **text, size_t *size,
                     struct ff_error *e)
{
    *text = v.cell == CELL_KEY ? v.doc->key : v.doc->value;
    if (!*text) {
        return ff_fail(e, FF_E_TYPE, NULL, "no text");
    }
    *size = strlen(*text);
    return FF_OK;
}

static size_t value_length(struct ff_value v)
{
    return v.doc->key ? 1 : 0;
}

static int value_item(struct ff_value v, size_t i, struct ff_value *key,
                      struct ff_value *value, struct ff_error *e)
{
    (void)i;
    (void)e;
    *key = (struct ff_value){v.doc, CELL_KEY};
    *value = (struct ff_value){v.doc, CELL_VALUE};
    return FF_OK;
}

static const struct ff_values values = {
    .struct_size = FF_SIZE(ff_values, set_item),
    .kind = value_kind,
    .str = value_str,
    .length = value_length,
    .item = value_item,
};

static const void *query(const struct ff_host_services *host, const char *id)
{
    const struct store *s = host->ctx;

    if (strcmp(id, FF_VALUES_1) == 0) {
        return &values;
    }
    return strcmp(id, FF_SYS_1) == 0 ? &s->faulty.sys : NULL;
}

static void log_it(const struct ff_host_services *host, int level, const char *text)
{
    struct store *s = host->ctx;

    (void)level;
    s->log_count++;
    (void)snprintf(s->last_log, sizeof s->last_log, "%s", text);
}

int store_create(struct store *s, const char *key, const char *value, void **inst,
                 struct ff_error *e)
{
    struct ff_doc doc = {key, value};

    return s->protocol->create(&s->services, (struct ff_value){&doc, CELL_DICT}, inst, e);
}

static void must(int code, const struct ff_error *e)
{
    ck_assert_msg(code == FF_OK, "%d at %s: %s", code, e->place, e->message);
}

static void bind_all(struct store *s)
{
    struct ff_error e = FF_ERROR_INIT;

    must(store_create(s, "path", s->folder, &s->inst, &e), &e);
    must(s->protocol->bind(s->inst, "", &s->root_bound, NULL, &e), &e);
    must(s->protocol->bind(s->inst, "wf/bigdata", &s->bigdata_bound, NULL, &e), &e);
    s->root = s->protocol->query(s->root_bound, FF_OBJECTS_1);
    s->commit = s->protocol->query(s->root_bound, FF_COMMIT_1);
    s->objects = s->protocol->query(s->bigdata_bound, FF_OBJECTS_1);
    s->files = s->protocol->query(s->bigdata_bound, FF_FILES_1);
}

/* In memory where that can be had: thousands of stores are made. TMPDIR chooses another. */
static void make_folder(struct store *s)
{
    const char *parent = getenv("TMPDIR");

    if (!parent) {
        parent = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
    }
    (void)snprintf(s->folder, sizeof s->folder, "%.40s/ff-file-XXXXXX", parent);
    ck_assert_ptr_nonnull(mkdtemp(s->folder));
}

void store_open(struct store *s, uint32_t host_flags)
{
    struct ff_error e = FF_ERROR_INIT;

    memset(s, 0, sizeof *s);
    faulty_init(&s->faulty);
    s->services = (struct ff_host_services){
        .struct_size = FF_SIZE(ff_host_services, query),
        .flags = host_flags,
        .abi = FF_ABI,
        .threads = 1,
        .version = "0",
        .ctx = s,
        .log = log_it,
        .query = query,
    };
    make_folder(s);
    s->protocol = ff_protocol_describe();
    bind_all(s);
    must(s->commit->make_workflow(s->commit, "wf", NULL, &e), &e);
    /* bound when the workflow is there */
    s->protocol->unbind(s->bigdata_bound);
    must(s->protocol->bind(s->inst, "wf/bigdata", &s->bigdata_bound, NULL, &e), &e);
    s->objects = s->protocol->query(s->bigdata_bound, FF_OBJECTS_1);
    s->files = s->protocol->query(s->bigdata_bound, FF_FILES_1);
}

static void unbind_all(struct store *s)
{
    s->protocol->unbind(s->bigdata_bound);
    s->protocol->unbind(s->root_bound);
    s->protocol->destroy(s->inst);
}

void store_reopen(struct store *s)
{
    faults_off(s);
    unbind_all(s);
    bind_all(s);
}

static int remove_it(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void store_close(struct store *s)
{
    faults_off(s);
    unbind_all(s);
    (void)nftw(s->folder, remove_it, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- short ways ---- */

static int read_text(void *ctx, uint64_t offset, void *dst, size_t size,
                     const struct ff_call *call, struct ff_error *e)
{
    (void)call;
    (void)e;
    memcpy(dst, (const char *)ctx + offset, size);
    return FF_OK;
}

int put_text(const struct ff_objects *objects, const char *name, const char *text,
             const char *if_match, char tag[80], struct ff_error *e)
{
    struct ff_one_io one;
    int code;

    memset(&one, 0, sizeof one);
    one.io.size_bytes = strlen(text);
    one.io.source = read_text;
    one.io.source_ctx = (void *)(uintptr_t)text;
    one.io.if_match = if_match;
    code = ff_one_run(objects, &one, FF_PUT, name, NULL, e);
    if (tag) {
        memcpy(tag, one.io.tag, 80);
    }
    return code;
}

int get_text(const struct ff_objects *objects, const char *name, char *out, size_t size,
             struct ff_error *e)
{
    struct ff_one_io one;
    int code;

    memset(&one, 0, sizeof one);
    one.dst = out;
    one.dst_bytes = size - 1;
    one.io.size_bytes = FF_ANY_SIZE;
    code = ff_one_run(objects, &one, FF_GET, name, NULL, e);
    out[code ? 0 : one.io.size_bytes] = '\0';
    return code;
}

int copy_object(const struct ff_objects *objects, const char *from, const char *to,
                const char *if_match, struct ff_error *e)
{
    struct ff_one_io one;

    memset(&one, 0, sizeof one);
    one.io.from = from;
    one.io.if_match = if_match;
    return ff_one_run(objects, &one, FF_COPY, to, NULL, e);
}

int create_text(struct store *s, const char *name, const char *text, struct ff_error *e)
{
    struct ff_file *file = NULL;
    int code = s->files->open(s->files, name, FF_OPEN_CREATE, &file, NULL, e);

    if (code) {
        return code;
    }
    code = s->files->resize(s->files, file, strlen(text), 1, e);
    code = code ? code : s->files->write(s->files, file, 0, text, strlen(text), NULL, e);
    if (code) {
        s->files->close(s->files, file);
        return code;
    }
    return s->files->finish(s->files, file, NULL, e);
}

int save_text(struct store *s, const char *task, const char *text, int mode,
              struct ff_error *e)
{
    const struct ff_commit *c = s->commit;
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    struct ff_intent *intent = NULL;
    int code = c->begin(c, "wf", &intent, NULL, e);

    if (code) {
        return code;
    }
    code = c->write(c, intent, text, strlen(text), NULL, e);
    if (code) {
        c->abort(c, intent);
        return code;
    }
    code = c->commit(c, intent, task, mode, &old, NULL, e);
    if (code == FF_OK) {
        c->drop(c, &old, 1);
    }
    return code;
}

const char *store_path(const struct store *s, const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", s->folder, name);
    return path;
}

void task_text(struct store *s, const char *task, char *out, size_t size)
{
    char name[256];
    FILE *file;
    size_t got = 0;

    (void)snprintf(name, sizeof name, "wf/%s", task);
    file = fopen(store_path(s, name), "rb");
    if (file) {
        got = fread(out, 1, size - 1, file);
        (void)fclose(file);
    }
    out[got] = '\0';
}

struct privates {
    struct ff_intent_info infos[64];
    char names[64][300];
    int count;
};

static int note_private(void *ctx, const struct ff_intent_info *info)
{
    struct privates *p = ctx;

    ck_assert_int_lt(p->count, 64);
    p->infos[p->count] = *info;
    (void)snprintf(p->names[p->count++], 300, "%s", info->name);
    return 0;
}

static void find_privates(struct store *s, const char *workflow, struct privates *p)
{
    struct ff_error e = FF_ERROR_INIT;

    p->count = 0;
    must(s->commit->intents(s->commit, workflow, note_private, p, NULL, NULL, &e), &e);
}

int count_private(struct store *s, const char *workflow)
{
    static struct privates p;

    find_privates(s, workflow, &p);
    return p.count;
}

int sweep_private(struct store *s, const char *workflow)
{
    static struct privates p;

    find_privates(s, workflow, &p);
    for (int i = 0; i < p.count; i++) {
        struct ff_error e = FF_ERROR_INIT;

        if (p.infos[i].state == FF_INTENT_STALE) {
            must(s->commit->fence(s->commit, workflow, p.names[i], NULL, &e), &e);
        }
    }
    return count_private(s, workflow);
}

int count_names(const struct store *s, const char *folder)
{
    DIR *dir = opendir(store_path(s, folder));
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir)) {
        count++;
    }
    (void)closedir(dir);
    return count - 2;
}

int count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir)) {
        count++;
    }
    (void)closedir(dir);
    return count;
}

int run_file_tests(const char *name, void (*before)(void), void (*after)(void),
                   const TTest *const *tests, size_t test_count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, before, after);
    for (size_t i = 0; i < test_count; i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
