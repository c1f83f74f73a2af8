/* SPDX-License-Identifier: Apache-2.0 */
/* Media that fail under a save: full, without inodes, read-only, limited, gone. The old
 * value stays whole, nothing is left behind, and the error says which it was. */
#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile.h"

enum { SKIPPED = 77 };

/* Opened in a child: a host, a storage in `folder`, and its workflow. */
struct there {
    struct ff_host *host;
    struct ff_storage *storage;
};

static int open_there(struct there *t, const char *folder, struct ff_error *e)
{
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"file\", \"options\": {\"path\": \"%s\"}}", folder);
    t->host = new_host(NULL, e);
    t->storage = ff_storage_factory(t->host, json, e);
    return e->code;
}

static void close_there(struct there *t)
{
    ff_storage_close(t->storage);
    ff_host_close(t->host);
}

/* {"text": size_bytes of bytes, "field": f4 array of as many bytes, in chunks} or either. */
static struct ff_doc *large(int64_t text_bytes, int64_t field_bytes)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_value v = ff_new_dict(d, &e);
    if (text_bytes) {
        char *text = calloc(1, (size_t)text_bytes);
        (void)ff_set(d, v, "text", ff_new_bytes(d, text, (size_t)text_bytes, &e), &e);
        free(text);
    }
    if (field_bytes) {
        int64_t shape = field_bytes / 4;
        static const float *data;
        data = data ? data : calloc(1, (size_t)field_bytes);
        (void)ff_set(
            d, v, "field",
            ff_new_array_take(d, ff_array_from_memory("<f4", 1, &shape, data, &e), &e),
            &e);
    }
    (void)ff_doc_set_root(d, v, &e);
    return d;
}

static int save(struct there *t, const char *task, struct ff_doc *d, struct ff_error *e)
{
    int rc;
    *e = (struct ff_error)FF_ERROR_INIT;
    rc = ff_save(t->storage, "run", task, ff_doc_root(d), NULL, e);
    ff_doc_free(d);
    return rc;
}

static int holds(struct there *t, const char *task, int salt)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(t->storage, "run", task, NULL, &e);
    float out[60];
    (void)ff_array_read(ff_array(ff_get(ff_doc_root(d), "field"), &e), NULL, out, NULL,
                        NULL, &e);
    ff_doc_free(d);
    return e.code == FF_OK && out[0] == (float)salt && out[59] == (float)(salt + 59);
}

static int entries;

static int count_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)path, (void)st, (void)type, (void)ftw;
    entries++;
    return 0;
}

/* Everything below a folder, private names too. */
static int entries_of(const char *folder)
{
    entries = 0;
    (void)nftw(folder, count_entry, 16, FTW_PHYS);
    return entries;
}

/* ---- a small file system of our own ---- */

struct medium {
    const char *folder;
    const char *options;
    int64_t text_bytes, field_bytes;
};

static int mount_small(const struct medium *m)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("small", m->folder, "tmpfs", 0, m->options)) {
        return SKIPPED;
    }
    return 0;
}

static int save_into_full(void *ctx)
{
    const struct medium *m = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct there t;
    int before;
    if (mount_small(m)) {
        return SKIPPED;
    }
    EXPECT(open_there(&t, m->folder, &e) == FF_OK, &e);
    EXPECT(ff_new_workflow(t.storage, "run", &e) == FF_OK, &e);
    EXPECT(save(&t, "a", sample(1), &e) == FF_OK, &e);
    before = entries_of(m->folder);
    for (int i = 0; i < 3; i++) {
        EXPECT(save(&t, "a", large(m->text_bytes, m->field_bytes), &e) == FF_E_NO_SPACE,
               &e);
        EXPECT(strstr(e.place, "run/a") && e.os_errno == ENOSPC && e.fix[0], &e);
        EXPECT(strstr(e.message, "No space left"), &e);
        EXPECT(holds(&t, "a", 1), &e);
        EXPECT(entries_of(m->folder) == before, &e);
    }
    EXPECT(save(&t, "a", sample(2), &e) == FF_OK, &e); /* there is room for this */
    EXPECT(holds(&t, "a", 2) && entries_of(m->folder) == before, &e);
    close_there(&t);
    return 0;
}

static int save_without_inodes(void *ctx)
{
    const struct medium *m = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct there t;
    char task[16];
    int before, saved = 0;
    if (mount_small(m)) {
        return SKIPPED;
    }
    EXPECT(open_there(&t, m->folder, &e) == FF_OK, &e);
    EXPECT(ff_new_workflow(t.storage, "run", &e) == FF_OK, &e);
    do {
        before = entries_of(m->folder);
        (void)snprintf(task, sizeof task, "t%d", saved);
    } while (save(&t, task, sample(saved), &e) == FF_OK && ++saved < 100);
    EXPECT(e.code == FF_E_NO_SPACE && e.os_errno == ENOSPC && e.fix[0], &e);
    EXPECT(strstr(e.place, "run/t"), &e);
    EXPECT(saved >= 3 && saved < 100 && entries_of(m->folder) == before, &e);
    for (int i = 0; i < saved; i++) {
        (void)snprintf(task, sizeof task, "t%d", i);
        EXPECT(holds(&t, task, i), &e);
    }
    e = (struct ff_error)FF_ERROR_INIT; /* what is full can be emptied */
    EXPECT(ff_remove_task(t.storage, "run", "t0", &e) == FF_OK, &e);
    EXPECT(ff_remove_task(t.storage, "run", "t1", &e) == FF_OK, &e);
    EXPECT(save(&t, "again", sample(5), &e) == FF_OK && holds(&t, "again", 5), &e);
    EXPECT(ff_new_workflow(t.storage, "run", &e) == FF_OK, &e);
    close_there(&t);
    return 0;
}

static int save_read_only(void *ctx)
{
    const struct medium *m = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct there t;
    if (mount_small(m)) {
        return SKIPPED;
    }
    EXPECT(open_there(&t, m->folder, &e) == FF_OK, &e);
    EXPECT(ff_new_workflow(t.storage, "run", &e) == FF_OK, &e);
    EXPECT(save(&t, "a", sample(1), &e) == FF_OK, &e);
    close_there(&t);
    EXPECT(mount(NULL, m->folder, NULL, MS_REMOUNT | MS_RDONLY, NULL) == 0, &e);
    EXPECT(open_there(&t, m->folder, &e) == FF_OK, &e);
    EXPECT(holds(&t, "a", 1), &e);
    EXPECT(save(&t, "a", sample(2), &e) == FF_E_PERMISSION, &e);
    EXPECT(strstr(e.place, "run/a") && strstr(e.message, "Read-only") && e.fix[0], &e);
    e = (struct ff_error)FF_ERROR_INIT;
    EXPECT(ff_remove_task(t.storage, "run", "a", &e) == FF_E_PERMISSION, &e);
    EXPECT(strstr(e.place, "run/a") && e.fix[0], &e);
    e = (struct ff_error)FF_ERROR_INIT;
    EXPECT(ff_new_workflow(t.storage, "other", &e) == FF_E_PERMISSION, &e);
    e = (struct ff_error)FF_ERROR_INIT;
    EXPECT(ff_verify(t.storage, NULL, NULL, 1, NULL, NULL, &e) == FF_OK, &e);
    EXPECT(holds(&t, "a", 1), &e);
    close_there(&t);
    return 0;
}

static void on_medium(int (*child)(void *), struct medium m)
{
    struct fixture f;
    int rc;
    fixture_open(&f, ON_FILE, NULL); /* for its folder only */
    m.folder = f.folder;
    rc = in_child(child, &m, 50);
    if (rc == SKIPPED) {
        (void)fprintf(stderr, "skipped: no right to mount a tmpfs here\n");
    } else {
        ck_assert_int_eq(rc, 0);
    }
    fixture_close(&f);
}

START_TEST(save_into_a_full_medium_leaves_the_old_value_and_nothing_else)
{
    on_medium(save_into_full, (struct medium){NULL, "size=1m", 2 << 20, 0});
    on_medium(save_into_full, (struct medium){NULL, "size=1m", 0, 8 << 20});
    on_medium(save_into_full, (struct medium){NULL, "size=1m", 900 << 10, 900 << 10});
}
END_TEST

START_TEST(save_without_inodes_is_no_space)
{
    on_medium(save_without_inodes, (struct medium){NULL, "size=4m,nr_inodes=16", 0, 0});
    on_medium(save_without_inodes, (struct medium){NULL, "size=4m,nr_inodes=17", 0, 0});
}
END_TEST

START_TEST(save_into_a_read_only_file_system_is_permission)
{
    on_medium(save_read_only, (struct medium){NULL, "size=4m", 0, 0});
}
END_TEST

/* ---- a limit of file sizes ---- */

static int save_past_limit(void *ctx)
{
    const struct medium *m = ctx;
    struct rlimit limit = {64 << 10, 64 << 10};
    struct ff_error e = FF_ERROR_INIT;
    struct there t;
    int before;
    EXPECT(signal(SIGXFSZ, SIG_DFL) != SIG_ERR, &e); /* it would kill */
    EXPECT(setrlimit(RLIMIT_FSIZE, &limit) == 0, &e);
    EXPECT(open_there(&t, m->folder, &e) == FF_OK, &e);
    EXPECT(ff_new_workflow(t.storage, "run", &e) == FF_OK, &e);
    EXPECT(save(&t, "a", sample(1), &e) == FF_OK, &e);
    before = entries_of(m->folder);
    EXPECT(save(&t, "a", large(m->text_bytes, m->field_bytes), &e) == FF_E_NO_SPACE, &e);
    EXPECT(strstr(e.place, "run/a") && e.os_errno == EFBIG && e.fix[0], &e);
    EXPECT(holds(&t, "a", 1) && entries_of(m->folder) == before, &e);
    close_there(&t);
    return 0;
}

START_TEST(save_past_the_limit_of_file_sizes_does_not_kill)
{
    struct medium text = {NULL, "", 2 << 20, 0}, field = {NULL, "", 0, 8 << 20};
    struct fixture f;
    char path[256];
    fixture_open(&f, ON_FILE, NULL);
    path_in(&f, "limited", path);
    text.folder = field.folder = path;
    ck_assert_int_eq(in_child(save_past_limit, &text, 50), 0);
    ck_assert_int_eq(in_child(save_past_limit, &field, 50), 0);
    fixture_close(&f);
}
END_TEST

/* ---- a folder that may not be written ---- */

static int save_unwelcome(void *ctx)
{
    struct ff_gc_options now = {FF_SIZE(ff_gc_options, really), .really = 1};
    char path[256];
    struct ff_error e = FF_ERROR_INIT;
    struct there t;
    if (geteuid() == 0 && (setegid(65534) || seteuid(65534))) {
        return SKIPPED;
    }
    path_in(ctx, "store", path);
    EXPECT(open_there(&t, path, &e) == FF_OK, &e);
    EXPECT(holds(&t, "a", 1), &e);
    EXPECT(save(&t, "a", sample(2), &e) == FF_E_PERMISSION, &e);
    EXPECT(strstr(e.place, "run/a") && strstr(e.message, "Permission") && e.fix[0], &e);
    e = (struct ff_error)FF_ERROR_INIT;
    EXPECT(save(&t, "new", sample(2), &e) == FF_E_PERMISSION && e.fix[0], &e);
    e = (struct ff_error)FF_ERROR_INIT;
    EXPECT(ff_remove_task(t.storage, "run", "a", &e) == FF_E_PERMISSION, &e);
    e = (struct ff_error)FF_ERROR_INIT;
    EXPECT(ff_new_workflow(t.storage, "other", &e) == FF_E_PERMISSION && e.fix[0], &e);
    e = (struct ff_error)FF_ERROR_INIT;
    EXPECT(ff_gc(t.storage, NULL, &now, NULL, NULL, &e) == FF_E_PERMISSION, &e);
    EXPECT(strcmp(e.place, "run/bigdata/" UUID) == 0 && e.fix[0], &e);
    close_there(&t);
    path_in(ctx, "store/below", path);
    e = (struct ff_error)FF_ERROR_INIT;
    EXPECT(open_there(&t, path, &e) == FF_E_PERMISSION && e.fix[0], &e);
    close_there(&t);
    return 0;
}

START_TEST(save_into_a_folder_of_others_is_permission)
{
    struct fixture f;
    char path[256];
    int before;
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 1);
    ck_assert_int_eq(chmod(f.folder, 0755), 0);
    path_in(&f, "store/run/bigdata/" UUID, path);
    write_file(path, "x", 1); /* an orphan */
    make_old(path);
    path_in(&f, "store", path);
    if (geteuid() != 0) {
        ck_assert_int_eq(chmod(path, 0555), 0);
        path_in(&f, "store/run", path);
        ck_assert_int_eq(chmod(path, 0555), 0);
    }
    before = entries_of(path);
    ck_assert_int_eq(in_child(save_unwelcome, &f, 30), 0);
    ck_assert_int_eq(entries_of(path), before);
    path_in(&f, "store/run", path);
    ck_assert_int_eq(chmod(path, 0755), 0);
    path_in(&f, "store", path);
    ck_assert_int_eq(chmod(path, 0755), 0);
    expect_sample_at(&f, "run", "a", 1);
    fixture_close(&f);
}
END_TEST

/* ---- folders that go ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    (void)remove(path);
    return 0;
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Removes a folder while the array is asked for its elements: in the middle of a save. */
struct vanishing {
    char folder[256];
    int rename; /* else it is deleted */
};

/* The storage's own folder may be renamed: a handle is of the folder, not of its name. */
static int is_moved_store(const struct vanishing *v)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s.away/run/a", v->folder);
    return v->rename && access(path, F_OK) == 0;
}

static int fill_and_vanish(void *ctx, const int64_t *start, const int64_t *count,
                           void *dst, const struct ff_call *call, struct ff_error *e)
{
    const struct vanishing *v = ctx;
    char away[300];
    (void)start, (void)call, (void)e;
    memset(dst, 0, (size_t)count[0] * 4);
    (void)snprintf(away, sizeof away, "%s.away", v->folder);
    if (v->rename) {
        (void)rename(v->folder, away);
    } else {
        remove_tree(v->folder);
    }
    return FF_OK;
}

static struct ff_doc *vanishing_doc(struct vanishing *v)
{
    static const int64_t shape = 4096, chunk = 1024;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 1,
                                .descr = "<f4",
                                .shape = &shape,
                                .chunk = &chunk,
                                .fill = fill_and_vanish,
                                .ctx = v,
                                .flags = FF_ARRAY_SERIAL};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    (void)ff_doc_set_root(d, ff_new_array_take(d, ff_array_new(&p, &e), &e), &e);
    ck_assert_msg(e.code == FF_OK, "%s", e.message);
    return d;
}

START_TEST(folder_that_vanishes_during_a_save_fails_it_and_the_next_save_works)
{
    static const char *const folders[] = {"store/run", "store", "store/run/bigdata"};
    for (size_t i = 0; i < 2 * COUNT_OF(folders); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct vanishing v = {"", i % 2 == 1};
        struct ff_doc *d = vanishing_doc(&v);
        struct ff_storage *again;
        struct fixture f;
        int rc;
        fixture_open(&f, ON_FILE, NULL);
        save_sample(&f, "old", 1);
        path_in(&f, folders[i / 2], v.folder);
        rc = ff_save(f.storage, "run", "a", ff_doc_root(d), NULL, &e);
        ck_assert_msg(rc || is_moved_store(&v), "%s", v.folder);
        ck_assert_msg(!rc || ((rc == FF_E_NOT_FOUND || rc == FF_E_CONFLICT) &&
                              strstr(e.place, "run/a") && e.message[0]),
                      "%s: %d at %s: %s (%s)", v.folder, rc, e.place, e.message, e.fix);
        ff_doc_free(d);
        again = fixture_again(&f);
        CHECK_OK(ff_new_workflow(again, "run", ee));
        ck_assert_int_eq(ff_file_exists(again, "run", "a", &e), 0);
        ff_storage_close(f.storage);
        f.storage = again;
        save_sample(&f, "a", 2);
        expect_sample_at(&f, "run", "a", 2);
        fixture_close(&f);
    }
}
END_TEST

START_TEST(store_whose_root_was_removed_is_told_and_comes_back)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = sample(1);
    struct ff_names *names;
    struct ff_storage *again;
    struct fixture f;
    char path[256];
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 1);
    path_in(&f, "store", path);
    remove_tree(path);
    CHECK_CODE(ff_save(f.storage, "run", "a", ff_doc_root(d), NULL, ee), FF_E_NOT_FOUND);
    CHECK_CODE(ff_read_task(f.storage, "run", "a", NULL, ee) ? 0 : ee->code,
               FF_E_NOT_FOUND);
    CHECK_CODE(ff_remove_task(f.storage, "run", "a", ee), FF_E_NOT_FOUND);
    CHECK_CODE(ff_new_workflow(f.storage, "run", ee), FF_E_NOT_FOUND);
    names = ff_list_workflows(f.storage, &e);
    ck_assert_msg(!names || names->count == 0, "%s", e.message);
    ff_names_free(names);
    again = fixture_again(&f);
    CHECK_OK(ff_new_workflow(again, "run", ee));
    CHECK_OK(ff_save(again, "run", "a", ff_doc_root(d), NULL, ee));
    ff_doc_free(d);
    ff_storage_close(f.storage);
    f.storage = again;
    expect_sample_at(&f, "run", "a", 1);
    fixture_close(&f);
}
END_TEST

/* ---- modes ---- */

static int wrong_mode(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    mode_t want = type == FTW_D ? 0750 : 0640;
    (void)ftw;
    if ((st->st_mode & 07777) != want) {
        (void)fprintf(stderr, "%s: %o\n", path, st->st_mode & 07777);
        return 1;
    }
    return 0;
}

START_TEST(results_get_the_modes_that_the_umask_gives)
{
    struct fixture f;
    char path[256];
    (void)umask(027);
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 1);
    save_sample(&f, "a", 2);
    ck_assert_int_eq(entries_of(f.folder), 6); /* with itself, big data and its folder */
    path_in(&f, "store", path);
    ck_assert_int_eq(nftw(path, wrong_mode, 16, FTW_PHYS), 0);
    fixture_close(&f);
}
END_TEST

RUN_TESTS("bad_media", save_into_a_full_medium_leaves_the_old_value_and_nothing_else,
          save_without_inodes_is_no_space,
          save_into_a_read_only_file_system_is_permission,
          save_past_the_limit_of_file_sizes_does_not_kill,
          save_into_a_folder_of_others_is_permission,
          folder_that_vanishes_during_a_save_fails_it_and_the_next_save_works,
          store_whose_root_was_removed_is_told_and_comes_back,
          results_get_the_modes_that_the_umask_gives)
