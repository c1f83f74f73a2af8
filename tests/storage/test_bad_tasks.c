/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that are no tasks, or name what they must not: each is told by its code, its place
 * and its cause, harms nothing beside it, and goes when it is removed. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"

/* ---- what stands under a task's name ---- */

static void cut(const char *path, size_t by)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(truncate(path, st.st_size - (off_t)by), 0);
}

static void make_missing(struct fixture *f, const char *path)
{
    (void)f;
    ck_assert_int_eq(unlink(path), 0);
}

static void make_empty(struct fixture *f, const char *path)
{
    (void)f;
    ck_assert_int_eq(truncate(path, 0), 0);
}

static void make_short(struct fixture *f, const char *path)
{
    (void)f;
    ck_assert_int_eq(truncate(path, 20), 0);
}

static void make_cut(struct fixture *f, const char *path)
{
    (void)f;
    cut(path, 7);
}

static void make_halved(struct fixture *f, const char *path)
{
    struct stat st;
    (void)f;
    ck_assert_int_eq(stat(path, &st), 0);
    cut(path, (size_t)st.st_size / 2);
}

static void make_flipped(struct fixture *f, const char *path)
{
    size_t n;
    char *data = read_file(path, &n);
    (void)f;
    data[n - 1] ^= 1;
    write_file(path, data, n);
    free(data);
}

static void make_text(struct fixture *f, const char *path)
{
    static const char text[] = "this is a letter and not the pickle of anything";
    (void)path;
    write_task(f, "a", text, sizeof text - 1);
}

static void make_no_stop(struct fixture *f, const char *path)
{
    (void)path;
    write_task(f, "a", "\x80\x04K\x05", 4);
}

static void make_empty_pickle(struct fixture *f, const char *path)
{
    (void)path;
    write_task(f, "a", ".", 1);
}

static void make_trailing(struct fixture *f, const char *path)
{
    (void)path;
    write_task(f, "a", "\x80\x04K\x05.extra", 10);
}

static void make_folder(struct fixture *f, const char *path)
{
    make_missing(f, path);
    ck_assert_int_eq(mkdir(path, 0777), 0);
}

static void make_link(struct fixture *f, const char *path)
{
    (void)f;
    make_missing(f, path);
    ck_assert_int_eq(symlink("whole", path), 0);
}

static void make_link_out(struct fixture *f, const char *path)
{
    make_missing(f, path);
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
}

static void make_fifo(struct fixture *f, const char *path)
{
    make_missing(f, path);
    ck_assert_int_eq(mkfifo(path, 0666), 0);
}

static const struct bad_task {
    const char *name;
    void (*make)(struct fixture *, const char *path);
    struct said read;
    int listed; /* as a task: a regular file */
    int saved;  /* what a save over it gives */
    int removed;
} bad[] = {
    {"missing", make_missing, {FF_E_NOT_FOUND, "run/a", "No such", 1}, 0, 0, -3},
    {"empty", make_empty, {FF_E_CORRUPT, "run/a", "empty", 1}, 1, 0, 0},
    {"20 bytes", make_short, {FF_E_CORRUPT, "run/a", "20 bytes", 1}, 1, 0, 0},
    {"cut", make_cut, {FF_E_CORRUPT, "run/a", "digest", 1}, 1, 0, 0},
    {"half", make_halved, {FF_E_CORRUPT, "run/a", "digest", 1}, 1, 0, 0},
    {"digest", make_flipped, {FF_E_CORRUPT, "run/a", "digest", 1}, 1, 0, 0},
    {"text", make_text, {FF_E_CORRUPT, "run/a", "pickle", 1}, 1, 0, 0},
    {"no stop", make_no_stop, {FF_E_CORRUPT, "run/a", "end", 1}, 1, 0, 0},
    {"no value", make_empty_pickle, {FF_E_CORRUPT, "run/a", "stack", 1}, 1, 0, 0},
    {"trailing", make_trailing, {FF_E_CORRUPT, "run/a", "5 bytes", 1}, 1, 0, 0},
    {"folder", make_folder, {FF_E_NOT_FOUND, "run/a", "folder", 1}, 0, -8, -8},
    {"link", make_link, {FF_E_UNSAFE, "run/a", "symbolic link", 1}, 0, -9, -9},
    {"link out", make_link_out, {FF_E_UNSAFE, "run/a", "symbolic link", 1}, 0, -9, -9},
    {"fifo", make_fifo, {FF_E_UNSAFE, "run/a", "regular file", 1}, 0, -9, -9},
};

static void expect_read(struct fixture *f, const struct bad_task *b)
{
    struct ff_error e = FF_ERROR_INIT;
    ck_assert_ptr_null(ff_read_task(f->storage, "run", "a", NULL, &e));
    expect_said(b->name, &e, &b->read);
    e = (struct ff_error)FF_ERROR_INIT;
    ck_assert_ptr_null(ff_task_info(f->storage, "run", "a", &e));
    ck_assert_msg(e.code == b->read.code && strstr(e.place, "run/a"),
                  "info of %s: %d at %s: %s", b->name, e.code, e.place, e.message);
}

static void expect_listed(struct fixture *f, const struct bad_task *b)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_names *n = ff_list_tasks(f->storage, "run", NULL, &e);
    ck_assert_msg(n && n->count == (size_t)(b->listed ? 2 : 1), "%s: %d", b->name,
                  n ? (int)n->count : -1);
    ck_assert_str_eq(n->name[n->count - 1], "whole");
    ff_names_free(n);
}

struct tally {
    int ok, faults;
    char reason[512];
};

static int tally_one(void *ctx, const struct ff_finding *found)
{
    struct tally *t = ctx;
    int fine = strcmp(found->what, "ok") == 0;
    t->ok += fine;
    t->faults += !fine;
    if (!fine) {
        ck_assert_str_eq(found->task, "a");
        (void)snprintf(t->reason, sizeof t->reason, "%s", found->reason);
    }
    return 0;
}

static void expect_verified(struct fixture *f, const struct bad_task *b)
{
    struct ff_error e = FF_ERROR_INIT;
    struct tally t = {0};
    int rc = ff_verify(f->storage, NULL, NULL, 1, tally_one, &t, &e);
    ck_assert_msg(rc == (b->listed ? FF_E_CORRUPT : FF_OK), "%s: %d: %s", b->name, rc,
                  e.message);
    ck_assert_int_eq(t.ok, 1);
    ck_assert_int_eq(t.faults, b->listed);
    ck_assert_msg(!b->listed || strstr(t.reason, b->read.cause), "%s: %s", b->name,
                  t.reason);
}

static void expect_ends(struct fixture *f, const struct bad_task *b, int by_save)
{
    struct ff_error e = FF_ERROR_INIT;
    int rc, want = by_save ? b->saved : b->removed;
    if (by_save) {
        struct ff_doc *d = sample(3);
        rc = ff_save(f->storage, "run", "a", ff_doc_root(d), NULL, &e);
        ff_doc_free(d);
    } else {
        rc = ff_remove_task(f->storage, "run", "a", &e);
    }
    ck_assert_msg(rc == want, "%s: %d: %d: %s", b->name, by_save, rc, e.message);
    if (rc) {
        expect_told(b->name, &e, want, "run/a");
    }
    if (by_save && rc == FF_OK) {
        expect_sample_at(f, "run", "a", 3);
    }
    expect_sample_at(f, "run", "whole", 7);
}

static void one_bad_task(enum where where, const struct bad_task *b, int by_save)
{
    struct fixture f;
    char path[256];
    fixture_open(&f, where, NULL);
    save_sample(&f, "a", 1);
    save_sample(&f, "whole", 7);
    path_in(&f, "store/run/a", path);
    b->make(&f, path);
    if (b->listed) {
        make_old(path);
    }
    expect_read(&f, b);
    expect_listed(&f, b);
    expect_verified(&f, b);
    expect_ends(&f, b, by_save);
    fixture_close(&f);
}

START_TEST(task_that_is_none_is_told_and_harms_no_other)
{
    (void)alarm(50); /* a FIFO must not be waited for */
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        one_bad_task(ON_FILE, &bad[i], 0);
        one_bad_task(ON_FILE, &bad[i], 1);
    }
    one_bad_task(ON_FAULT_OVER_FILE, &bad[4], 0);
    (void)alarm(0);
}
END_TEST

/* Python writes in place: a young torn task may be whole in a moment, but not for ever. */
START_TEST(torn_task_that_is_young_is_waited_for_but_not_long)
{
    struct timespec begin, end;
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    char path[256];
    double seconds;
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 1);
    path_in(&f, "store/run/a", path);
    cut(path, 3);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    ck_assert_ptr_null(ff_read_task(f.storage, "run", "a", NULL, &e));
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    seconds = (double)(end.tv_sec - begin.tv_sec) +
              1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    ck_assert_int_eq(e.code, FF_E_CORRUPT);
    ck_assert_msg(seconds > 1.5 && seconds < 20, "%g s", seconds);
    fixture_close(&f);
}
END_TEST

/* ---- who may not read it ---- */

static int read_as_nobody(void *ctx)
{
    struct fixture *f = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host *host;
    struct ff_storage *s;
    if (geteuid() == 0 && (setegid(65534) || seteuid(65534))) {
        return 77;
    }
    host = new_host(NULL, &e);
    s = ff_storage_factory(host, f->json, &e);
    if (!s) {
        (void)fprintf(stderr, "%s: %s\n", e.place, e.message);
        return 1;
    }
    if (ff_read_task(s, "run", "a", NULL, &e) || e.code != FF_E_PERMISSION ||
        !strstr(e.place, "run/a") || !strstr(e.message, "Permission denied") ||
        !e.fix[0]) {
        (void)fprintf(stderr, "%d at %s: %s (%s)\n", e.code, e.place, e.message, e.fix);
        return 2;
    }
    ff_storage_close(s);
    ff_host_close(host);
    return 0;
}

START_TEST(task_that_may_not_be_read_is_permission)
{
    struct fixture f;
    char path[256];
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 1);
    path_in(&f, "store/run/a", path);
    ck_assert_int_eq(chmod(f.folder, 0755), 0);
    ck_assert_int_eq(chmod(path, 0), 0);
    ck_assert_int_eq(in_child(read_as_nobody, &f, 30), 0);
    fixture_close(&f);
}
END_TEST

/* ---- persistent ids ---- */

#define UPPER "0E4C9F3A-5C0F-4D0E-9A51-0F4A7D2C1B3E"
/* What no removal may touch: beside the store, in it, in the workflow, in bigdata. */
static const char *const canaries[] = {"canary",
                                       "store/canary",
                                       "store/" UUID,
                                       "store/run/canary",
                                       "store/run/bigdata/canary",
                                       "store/run/bigdata/sub/canary",
                                       "store/run/bigdata/" UPPER,
                                       "store/run/bigdata/" UUID};

static void place_canaries(struct fixture *f)
{
    char path[256];
    path_in(f, "store/run/bigdata", path);
    ck_assert_int_eq(mkdir(path, 0777), 0);
    path_in(f, "store/run/bigdata/sub", path);
    ck_assert_int_eq(mkdir(path, 0777), 0);
    for (size_t i = 0; i < COUNT_OF(canaries); i++) {
        path_in(f, canaries[i], path);
        write_file(path, "sings", 5);
    }
}

/* `owned`: the uuid's own file goes with its task. */
static void expect_canaries(struct fixture *f, const char *what, int owned)
{
    for (size_t i = 0; i < COUNT_OF(canaries); i++) {
        char path[256];
        int own = owned && i == COUNT_OF(canaries) - 1;
        path_in(f, canaries[i], path);
        ck_assert_msg((access(path, F_OK) == 0) == !own, "%s: %s", what, path);
    }
}

#define NO_ID                                                                            \
    {                                                                                    \
        FF_E_CORRUPT, "run/a", "persistent id", 1                                        \
    }

static const struct bad_pid {
    const char *serializer, *version, *name;
    const char *raw; /* the pickle itself, instead */
    struct said use;
    int copy; /* what saving it back gives */
} pids[] = {
    {"HDFSerializer", "0.0.0", "../x", NULL, {FF_E_UNSAFE, "run/a", "../x", 1}, -9},
    {"HDFSerializer", "0.0.0", "../canary", NULL, {-9, "run/a", "uuid", 1}, -9},
    {"HDFSerializer", "0.0.0", "../../../canary", NULL, {-9, "run/a", "uuid", 1}, -9},
    {"HDFSerializer", "0.0.0", "../../" UUID, NULL, {-9, "run/a", "uuid", 1}, -9},
    {"HDFSerializer", "0.0.0", UUID "/../canary", NULL, {-9, "run/a", "uuid", 1}, -9},
    {"HDFSerializer", "0.0.0", "sub/../" UUID, NULL, {-9, "run/a", "uuid", 1}, -9},
    {"HDFSerializer", "0.0.0", "/etc/passwd", NULL, {-9, "run/a", "/etc/passwd", 1}, -9},
    {"HDFSerializer", "0.0.0", "canary", NULL, {-9, "run/a", "canary", 1}, -9},
    {"HDFSerializer", "0.0.0", "", NULL, {-9, "run/a", "uuid", 1}, -9},
    {"HDFSerializer", "0.0.0", ".", NULL, {-9, "run/a", "uuid", 1}, -9},
    {"HDFSerializer", "0.0.0", UPPER, NULL, {-9, "run/a", "uuid", 1}, -9},
    {"NoSuch", "0.0.0", "../canary", NULL, {-9, "run/a", "uuid", 1}, -9},
    {NULL, NULL, "text", "\x80\x04\x8c\x04text\x51.", NO_ID, -4},
    {NULL, NULL, "int", "\x80\x04K\x05Q.", NO_ID, -4},
    {NULL, NULL, "flat", "\x80\x04K\x05K\x06\x86Q.", NO_ID, -4},
    {NULL, NULL, "line", "Pcanary\n.", NO_ID, -4},
};

static void plant(struct fixture *f, const struct bad_pid *p)
{
    char pickle[512];
    size_t n;
    if (p->raw) {
        write_task(f, "a", p->raw, strlen(p->raw));
    } else {
        n = pickle_pid(pickle, p->serializer, p->version, p->name);
        write_task(f, "a", pickle, n);
    }
}

static int show_some(void *ctx, const char *text, size_t size_bytes)
{
    (void)text;
    *(size_t *)ctx += size_bytes;
    return 0;
}

/* As a value itself, and in another; a copy says the same. */
static void copy_pid(struct fixture *f, const struct bad_pid *p, struct ff_value v)
{
    const int unsafe = p->copy == FF_E_UNSAFE;
    struct ff_storage *st = f->storage;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_value dict = ff_new_dict(d, &e);
    (void)ff_set(d, dict, "field", ff_import(d, v, &e), &e);
    (void)ff_save(st, "run", "b", v, NULL, &e);
    expect_told(p->name, &e, p->copy, unsafe ? "run/b: run/a" : "run/b");
    (void)ff_save(st, "run", "b", dict, NULL, &e);
    expect_told(p->name, &e, p->copy, unsafe ? "run/b#field: run/a" : "run/b#field");
    (void)ff_copy_task(st, "run", "a", st, "run", "b", NULL, NULL, &e);
    expect_told(p->name, &e, p->copy, unsafe ? "run/b: run/a" : "run/b");
    ff_doc_free(d);
}

static void use_pid(struct fixture *f, const struct bad_pid *p)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(f->storage, "run", "a", NULL, &e);
    size_t shown = 0;
    ck_assert_msg(d != NULL, "%s: %s", p->name, e.message);
    ck_assert_int_eq(ff_kind(ff_doc_root(d)), FF_PERSISTENT);
    ck_assert_ptr_null(ff_array(ff_doc_root(d), &e));
    expect_said(p->name, &e, &p->use);
    CHECK_OK(ff_show(ff_doc_root(d), 0, 0, show_some, &shown, ee));
    ck_assert_uint_gt(shown, 0);
    copy_pid(f, p, ff_doc_root(d));
    ff_doc_free(d);
}

static void end_of(struct fixture *f, const char *what, int way)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_gc_options all = {.struct_size = FF_SIZE(ff_gc_options, assume_lost)};
    int rc;
    if (way == 0) {
        rc = ff_remove_task(f->storage, "run", "a", &e);
    } else if (way == 1) {
        struct ff_doc *d = sample(1);
        rc = ff_save(f->storage, "run", "a", ff_doc_root(d), NULL, &e);
        ff_doc_free(d);
    } else {
        rc = ff_gc(f->storage, NULL, &all, NULL, NULL, &e);
    }
    ck_assert_msg(rc == FF_OK, "%s, %d: %d at %s: %s", what, way, rc, e.place, e.message);
}

START_TEST(persistent_id_that_names_no_uuid_opens_and_deletes_nothing)
{
    for (size_t i = 0; i < COUNT_OF(pids); i++) {
        for (int way = 0; way < 3; way++) {
            struct fixture f;
            fixture_open(&f, ON_FILE, NULL);
            place_canaries(&f);
            plant(&f, &pids[i]);
            if (way == 0) {
                use_pid(&f, &pids[i]);
                expect_canaries(&f, pids[i].name, 0);
            }
            end_of(&f, pids[i].name, way);
            expect_canaries(&f, pids[i].name, 0);
            fixture_close(&f);
        }
    }
}
END_TEST

/* Control of the test above: a name that is a uuid takes its own file along, and only it. */
START_TEST(persistent_id_of_unknown_serializer_or_version_is_told_and_removed)
{
    static const struct bad_pid unknown[] = {
        {"NoSuch",
         "0.0.0",
         UUID,
         NULL,
         {FF_E_PLUGIN, "run/a: NoSuch", "no plugin", 1},
         0},
        {"HDFSerialiser", "0.0.0", UUID, NULL, {FF_E_PLUGIN, "run/a", "no plugin", 1}, 0},
        {"HDFSerializer", "9.9.9", UUID, NULL, {FF_E_PLUGIN, "run/a", "9.9.9", 1}, 0},
    };
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        for (int way = 0; way < 2; way++) {
            struct fixture f;
            fixture_open(&f, ON_FILE, NULL);
            place_canaries(&f);
            plant(&f, &unknown[i]);
            if (way == 0) {
                struct ff_error e = FF_ERROR_INIT;
                struct ff_doc *d = ff_read_task(f.storage, "run", "a", NULL, &e);
                ck_assert_ptr_null(ff_array(ff_doc_root(d), &e));
                expect_said(unknown[i].serializer, &e, &unknown[i].use);
                ff_doc_free(d);
            }
            expect_canaries(&f, unknown[i].serializer, 0);
            end_of(&f, unknown[i].serializer, way);
            expect_canaries(&f, unknown[i].serializer, 1);
            fixture_close(&f);
        }
    }
}
END_TEST

RUN_TESTS("bad_tasks", task_that_is_none_is_told_and_harms_no_other,
          torn_task_that_is_young_is_waited_for_but_not_long,
          task_that_may_not_be_read_is_permission,
          persistent_id_that_names_no_uuid_opens_and_deletes_nothing,
          persistent_id_of_unknown_serializer_or_version_is_told_and_removed)
