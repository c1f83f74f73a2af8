/* SPDX-License-Identifier: Apache-2.0 */
/* Processes at one task: savers, a reader beside a remover. A reader gets a whole value, or
 * is told; nothing is left over. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

enum { ROUNDS = 300, SAVERS = 3 };

struct at {
    const char *json;
    int first; /* salt */
    int rounds;
};

static struct ff_storage *open_at(const char *json, struct ff_error *e)
{
    struct ff_host *host = new_host(NULL, e);
    struct ff_storage *s = ff_storage_factory(host, json, e);
    ff_host_close(host); /* the storage keeps it */
    return s;
}

static int save_many(void *ctx)
{
    const struct at *at = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_storage *s = open_at(at->json, &e);
    EXPECT(s, &e);
    for (int i = 0; i < at->rounds; i++) {
        struct ff_doc *d = sample(at->first + 100 * i);
        e = (struct ff_error)FF_ERROR_INIT;
        (void)ff_save(s, "run", "a", ff_doc_root(d), NULL, &e);
        ff_doc_free(d);
        EXPECT(e.code == FF_OK, &e);
    }
    ff_storage_close(s);
    return 0;
}

static int remove_many(void *ctx)
{
    const struct at *at = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_storage *s = open_at(at->json, &e);
    EXPECT(s, &e);
    for (int i = 0; i < at->rounds; i++) {
        struct ff_doc *d = sample(i);
        e = (struct ff_error)FF_ERROR_INIT;
        (void)ff_save(s, "run", "a", ff_doc_root(d), NULL, &e);
        ff_doc_free(d);
        EXPECT(e.code == FF_OK, &e);
        EXPECT(ff_remove_task(s, "run", "a", &e) == FF_OK, &e);
    }
    ff_storage_close(s);
    return 0;
}

struct counts {
    int whole, absent, stale;
};

/* Whole: number and elements are of the same save. */
static int read_one(struct ff_storage *s, int pin, struct counts *n)
{
    struct ff_read_options o = {.struct_size = FF_SIZE(ff_read_options, call),
                                .flags = pin ? FF_READ_PIN : 0};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(s, "run", "a", &o, &e);
    float out[60];
    int64_t salt = -1;
    if (!d) {
        EXPECT(e.code == FF_E_NOT_FOUND || (pin && e.code == FF_E_STALE), &e);
        n->absent++;
        return 0;
    }
    EXPECT(ff_int64(ff_get(ff_doc_root(d), "n"), &salt, &e) == FF_OK, &e);
    (void)ff_array_read(ff_array(ff_get(ff_doc_root(d), "field"), &e), NULL, out, NULL,
                        NULL, &e);
    ff_doc_free(d);
    EXPECT(e.code == FF_OK || (!pin && e.code == FF_E_STALE), &e);
    n->stale += e.code == FF_E_STALE;
    for (int i = 0; e.code == FF_OK && i < 60; i++) {
        EXPECT(out[i] == (float)(salt + i), &e);
    }
    n->whole += e.code == FF_OK;
    return 0;
}

static pid_t start(int (*child)(void *), struct at *at)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)alarm(50);
        _exit(child(at));
    }
    return pid;
}

static int ended(pid_t pid, int options)
{
    int status = -1;
    pid_t got = waitpid(pid, &status, options);
    if (got == 0) {
        return 0;
    }
    ck_assert_int_eq(got, pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    return 1;
}

START_TEST(processes_that_save_one_task_leave_one_whole_value)
{
    struct at at[SAVERS];
    pid_t pids[SAVERS];
    struct counts n = {0, 0, 0};
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    int running = SAVERS;
    fixture_open(&f, ON_FILE, "{\"durability\": \"none\"}");
    save_sample(&f, "a", 1);
    for (int i = 0; i < SAVERS; i++) {
        at[i] = (struct at){f.json, 1000 * (i + 1), ROUNDS};
        pids[i] = start(save_many, &at[i]);
    }
    while (running) {
        for (int i = 0; i < SAVERS; i++) {
            if (pids[i] && ended(pids[i], WNOHANG)) {
                pids[i] = 0;
                running--;
            }
        }
        ck_assert_int_eq(read_one(f.storage, n.whole % 2, &n), 0);
    }
    ck_assert_int_gt(n.whole, 10);
    ck_assert_int_eq(ff_file_exists(f.storage, "run", "a", &e), 1);
    n = (struct counts){0, 0, 0};
    ck_assert_int_eq(read_one(f.storage, 0, &n), 0);
    ck_assert_int_eq(n.whole, 1);
    CHECK_OK(ff_verify(f.storage, NULL, NULL, 1, NULL, NULL, ee));
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    fixture_close(&f);
}
END_TEST

START_TEST(reader_beside_a_remover_gets_whole_values_or_is_told)
{
    struct counts n = {0, 0, 0};
    struct fixture f;
    struct at at;
    pid_t pid;
    int i = 0;
    fixture_open(&f, ON_FILE, "{\"durability\": \"none\"}");
    at = (struct at){f.json, 0, ROUNDS};
    pid = start(remove_many, &at);
    do {
        ck_assert_int_eq(read_one(f.storage, i++ % 2, &n), 0);
    } while (!ended(pid, WNOHANG));
    ck_assert_int_gt(n.whole, 0);
    ck_assert_int_gt(n.absent, 0);
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    fixture_close(&f);
}
END_TEST

RUN_TESTS("two_processes", processes_that_save_one_task_leave_one_whole_value,
          reader_beside_a_remover_gets_whole_values_or_is_told)
