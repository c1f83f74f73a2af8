/* SPDX-License-Identifier: Apache-2.0 */
/* contract_objects.c: ff.objects/1, one object at a time, and its lists. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"

#define OBJECTS subject.objects

static void get_a_range_past_the_end_is_clamped(void)
{
    static const struct {
        uint64_t offset, size, came;
    } cases[] = {{0, 10, 10}, {0, 11, 10}, {3, 4, 4},  {9, 1, 1},
                 {9, 5, 1},   {10, 5, 0},  {99, 5, 0}, {3, 0, 0}};
    char data[16];

    CLAUSE_OK(put_text(OBJECTS, "a", "0123456789", NULL, NULL, e), "PUT");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t came = 99, whole = 99;

        CLAUSE_OK(get_range(OBJECTS, "a", cases[i].offset, data, cases[i].size, &came,
                            &whole, NULL, e),
                  "GET: a range past the end is no failure");
        CLAUSE(came == cases[i].came, "GET: clamped to the object's end");
        CLAUSE(whole == 10, "GET: object_bytes is the whole size");
        CLAUSE(!memcmp(data, &"0123456789"[came ? cases[i].offset : 0], (size_t)came),
               "GET: the bytes of the range");
    }
    CLAUSE_CODE(get_range(OBJECTS, "b", 0, data, 1, NULL, NULL, NULL, e), FF_E_NOT_FOUND,
                "GET: absent");
}

static void get_of_an_empty_object_is_empty(void)
{
    static const uint64_t offsets[] = {0, 1, 1000}, sizes[] = {0, 1, 4096, FF_ANY_SIZE};
    char data[1], put_tag[80] = "";

    CLAUSE_OK(put_text(OBJECTS, "empty", "", NULL, put_tag, e), "PUT: of nothing");
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            uint64_t came = 99, whole = 99;
            char tag[80] = "";

            CLAUSE_OK(get_range(OBJECTS, "empty", offsets[i], data, sizes[j], &came,
                                &whole, tag, e),
                      "GET: of an empty object");
            CLAUSE(came == 0 && whole == 0, "GET: of an empty object nothing comes");
            CLAUSE(!strcmp(tag, put_tag), "GET: the object's tag");
        }
    }
}

static size_t buffer_calls;

static void *counting_buffer(struct ff_io *io, uint64_t size)
{
    struct ff_one_io *one = io->user;

    buffer_calls++;
    return one->dst_bytes == size ? one->dst : NULL;
}

/* ff_one_run() has a buffer of its own. */
static int get_with(void *(*buffer)(struct ff_io *, uint64_t), struct ff_one_io *one,
                    struct ff_error *e)
{
    int rc;

    one->batch = (struct ff_batch){.struct_size = FF_SIZE(ff_batch, done),
                                   .ctx = one,
                                   .next = ff_one_next,
                                   .done = ff_one_done};
    one->io = (struct ff_io){.struct_size = FF_SIZE(ff_io, is_folder),
                             .op = FF_GET,
                             .name = "a",
                             .user = one,
                             .size_bytes = FF_ANY_SIZE,
                             .buffer = buffer};
    one->error = e;
    rc = OBJECTS->run(OBJECTS, &one->batch, NULL, e);
    return rc ? rc : one->code;
}

static void *no_buffer(struct ff_io *io, uint64_t size)
{
    (void)io;
    (void)size;
    return NULL;
}

static void get_of_any_size_asks_for_one_buffer(void)
{
    char data[16];
    struct ff_one_io one = {.dst = data, .dst_bytes = 10};

    CLAUSE_OK(put_text(OBJECTS, "a", "0123456789", NULL, NULL, e), "PUT");
    buffer_calls = 0;
    CLAUSE_OK(get_with(counting_buffer, &one, e), "GET: FF_ANY_SIZE");
    CLAUSE(buffer_calls == 1, "GET: buffer is called once, with how many will come");
    CLAUSE(one.io.size_bytes == 10, "GET: size_bytes is how many came");
    memset(&one, 0, sizeof one);
    CLAUSE_CODE(get_with(no_buffer, &one, e), FF_E_NO_MEMORY, "GET: buffer gives NULL");
}

static void put_again_replaces_whole_and_changes_the_tag(void)
{
    char first[80], second[80], third[80], seen[80], data[16];

    CLAUSE_OK(put_text(OBJECTS, "a", "0123456789", NULL, first, e), "PUT");
    CLAUSE(is_text(OBJECTS, "a", "0123456789"), "PUT: visible when done");
    CLAUSE_OK(put_text(OBJECTS, "a", "xy", NULL, second, e), "PUT");
    CLAUSE(is_text(OBJECTS, "a", "xy"), "PUT: the whole object is replaced");
    CLAUSE_OK(put_text(OBJECTS, "a", "", NULL, third, e), "PUT");
    CLAUSE(is_text(OBJECTS, "a", ""), "PUT: an empty object");
    CLAUSE(first[0] && second[0] && third[0], "PUT: gives a tag");
    CLAUSE(strcmp(first, second) && strcmp(second, third) && strcmp(first, third),
           "PUT: the tag changes when the object does");
    CLAUSE_OK(get_range(OBJECTS, "a", 0, data, 1, NULL, NULL, seen, e), "GET");
    CLAUSE(!strcmp(seen, third), "GET: the tag that PUT gave");
}

static int failing_source(void *ctx, uint64_t offset, void *dst, size_t size,
                          const struct ff_call *call, struct ff_error *e)
{
    (void)ctx;
    (void)offset;
    (void)dst;
    (void)size;
    (void)call;
    return ff_fail(e, FF_E_STALE, NULL, "the source fails");
}

static void put_whose_source_fails_changes_nothing(void)
{
    struct ff_one_io one = {.io = {.size_bytes = 100, .source = failing_source}};

    CLAUSE_OK(put_text(OBJECTS, "a", "old", NULL, NULL, e), "PUT");
    CLAUSE_CODE(ff_one_run(OBJECTS, &one, FF_PUT, "a", NULL, e), FF_E_STALE,
                "PUT: the source's failure is the item's");
    CLAUSE(is_text(OBJECTS, "a", "old"), "PUT: whole or not at all");
    one = (struct ff_one_io){.io = {.size_bytes = 100, .source = failing_source}};
    CLAUSE_CODE(ff_one_run(OBJECTS, &one, FF_PUT, "b", NULL, e), FF_E_STALE, "PUT");
    CLAUSE(!exists(OBJECTS, "b"), "PUT: whole or not at all");
}

static void put_that_nobody_looks_for_is_there_when_done(void)
{
    struct bytes text = {"unseen", 6};
    struct ff_io io = {.size_bytes = 6,
                       .source = read_bytes,
                       .source_ctx = &text,
                       .if_match = "",
                       .flags = FF_IO_UNSEEN};
    struct ff_one_io one = {.io = io};

    CLAUSE_OK(ff_one_run(OBJECTS, &one, FF_PUT, "d/a", NULL, e), "FF_IO_UNSEEN");
    CLAUSE(is_text(OBJECTS, "d/a", "unseen"), "FF_IO_UNSEEN: whole when done");
    CLAUSE(one.io.tag[0], "FF_IO_UNSEEN: gives a tag");
    one = (struct ff_one_io){.io = io};
    CLAUSE_CODE(ff_one_run(OBJECTS, &one, FF_PUT, "d/a", NULL, e), FF_E_CONFLICT,
                "FF_IO_UNSEEN: it is there");
    one = (struct ff_one_io){.io = io};
    one.io.source = failing_source;
    CLAUSE_CODE(ff_one_run(OBJECTS, &one, FF_PUT, "d/b", NULL, e), FF_E_STALE,
                "FF_IO_UNSEEN: the source fails");
    CLAUSE(!exists(OBJECTS, "d/b"), "FF_IO_UNSEEN: not there after a failure");
    CLAUSE_OK(OBJECTS->sync(OBJECTS, NULL, e), "sync");
}

static void put_with_a_condition_holds_to_it(void)
{
    char first[80], second[80];

    CLAUSE_CODE(put_text(OBJECTS, "a", "x", "no-such-tag", NULL, e), FF_E_CONFLICT,
                "if_match: a tag, and the object is absent");
    CLAUSE_OK(put_text(OBJECTS, "a", "1", "", first, e), "if_match \"\": absent");
    CLAUSE_CODE(put_text(OBJECTS, "a", "x", "", NULL, e), FF_E_CONFLICT,
                "if_match \"\": it is there");
    CLAUSE(is_text(OBJECTS, "a", "1"), "if_match: a conflict changes nothing");
    CLAUSE_OK(put_text(OBJECTS, "a", "22", first, second, e), "if_match: the tag");
    CLAUSE_CODE(put_text(OBJECTS, "a", "x", first, NULL, e), FF_E_CONFLICT,
                "if_match: an old tag");
    CLAUSE(is_text(OBJECTS, "a", "22"), "if_match: a conflict changes nothing");
    CLAUSE_OK(put_text(OBJECTS, "a", "333", second, NULL, e), "if_match: the tag");
}

static void remove_is_idempotent_and_holds_to_its_condition(void)
{
    char tag[80], old[80];

    CLAUSE_OK(remove_if(OBJECTS, "a", NULL, e), "REMOVE: absent is FF_OK");
    CLAUSE_OK(put_text(OBJECTS, "a", "1", NULL, old, e), "PUT");
    CLAUSE_OK(put_text(OBJECTS, "a", "22", NULL, tag, e), "PUT");
    CLAUSE_CODE(remove_if(OBJECTS, "a", old, e), FF_E_CONFLICT, "REMOVE: an old tag");
    CLAUSE(is_text(OBJECTS, "a", "22"), "REMOVE: a conflict changes nothing");
    CLAUSE_OK(remove_if(OBJECTS, "a", tag, e), "REMOVE: the tag");
    CLAUSE(!exists(OBJECTS, "a"), "REMOVE: it is gone");
    CLAUSE_CODE(remove_if(OBJECTS, "a", tag, e), FF_E_CONFLICT,
                "REMOVE: a tag, and the object is absent: who removed it cannot be us");
    CLAUSE_OK(remove_if(OBJECTS, "a", NULL, e), "REMOVE: absent is FF_OK");
}

static void copy_is_an_object_of_its_own(void)
{
    CLAUSE_OK(put_text(OBJECTS, "a", "1", NULL, NULL, e), "PUT");
    CLAUSE_OK(copy_if(OBJECTS, "a", "b", "", e), "COPY: if_match \"\", absent");
    CLAUSE(is_text(OBJECTS, "b", "1"), "COPY: the bytes");
    CLAUSE_CODE(copy_if(OBJECTS, "a", "b", "", e), FF_E_CONFLICT,
                "COPY: if_match \"\", it is there");
    CLAUSE_OK(put_text(OBJECTS, "a", "22", NULL, NULL, e), "PUT");
    CLAUSE(is_text(OBJECTS, "b", "1"), "COPY: a put of the source leaves it");
    CLAUSE_OK(remove_if(OBJECTS, "a", NULL, e), "REMOVE");
    CLAUSE(is_text(OBJECTS, "b", "1"), "COPY: outlives its source");
    CLAUSE_CODE(copy_if(OBJECTS, "a", "c", NULL, e), FF_E_NOT_FOUND, "COPY: no source");
    CLAUSE_OK(put_text(OBJECTS, "a", "333", NULL, NULL, e), "PUT");
    CLAUSE_OK(copy_if(OBJECTS, "a", "b", NULL, e), "COPY: over another");
    CLAUSE(is_text(OBJECTS, "b", "333"), "COPY: over another");
}

static void head_gives_size_time_and_tag(void)
{
    struct ff_one_io one;
    char tag[80];
    int64_t now = ff_sys_now_ns(&subject.host.sys, CLOCK_REALTIME);

    CLAUSE_OK(put_text(OBJECTS, "a", "12345", NULL, tag, e), "PUT");
    memset(&one, 0, sizeof one);
    CLAUSE_OK(ff_one_run(OBJECTS, &one, FF_HEAD, "a", NULL, e), "HEAD");
    CLAUSE(one.io.object_bytes == 5, "HEAD: object_bytes");
    CLAUSE(!strcmp(one.io.tag, tag), "HEAD: the tag that PUT gave");
    CLAUSE(llabs((long long)(one.io.mtime_ns - now)) < 60000000000, "HEAD: mtime_ns");
    memset(&one, 0, sizeof one);
    CLAUSE_CODE(ff_one_run(OBJECTS, &one, FF_HEAD, "b", NULL, e), FF_E_NOT_FOUND,
                "HEAD: absent");
}

static void names_that_are_none_are_refused(void)
{
    static const char *const names[] = {"",   "/",    "/a",   "a/",     "a//b", ".",
                                        "..", "../a", "a/..", "a/../b", "a/.",  "./a"};

    CLAUSE_OK(put_text(OBJECTS, "a/x", "1", NULL, NULL, e), "PUT: a name with levels");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ff_error e = FF_ERROR_INIT;
        int rc = put_text(OBJECTS, names[i], "1", NULL, NULL, &e);

        CASE_MSG(rc < 0 && e.code == rc && e.message[0],
                 "names: \"%s\" gave %d, and an error with code %d", names[i], rc,
                 (int)e.code);
        CASE_MSG(!exists(OBJECTS, names[i]), "names: \"%s\" is there", names[i]);
    }
}

static void bind_gives_a_view_of_one_folder(void)
{
    const struct ff_objects *root = subject.root_objects, *inner;
    void *bound;

    CLAUSE_OK(put_text(OBJECTS, "d/a", "1", NULL, NULL, e), "PUT");
    CLAUSE(is_text(root, "wf/bigdata/d/a", "1"),
           "bind: names are relative to the folder");
    CLAUSE_OK(subject.protocol->bind(subject.inst, "wf/bigdata/d", &bound, NULL, e),
              "bind");
    inner = subject.protocol->query(bound, FF_OBJECTS_1);
    CLAUSE(inner && is_text(inner, "a", "1"), "bind: names are relative to the folder");
    CLAUSE(!exists(inner, "wf/bigdata/d/a"), "bind: and to nothing else");
    CLAUSE(subject.protocol->query(bound, "ff.no-such/1") == NULL,
           "query: unknown is NULL");
    subject.protocol->unbind(bound);
    CLAUSE(is_text(OBJECTS, "d/a", "1"), "unbind: the others stay");
}

/* ---- list ---- */

struct seen {
    char text[4096]; /* " name" or " name/" of each, in any order */
    size_t count;
    size_t stop_at;
    bool bad_facts;
};

static int note(void *ctx, const struct ff_io *io)
{
    struct seen *s = ctx;
    size_t used = strlen(s->text);

    if (io->name[0] == '.') { /* a record of the derived ff.commit/1 */
        return 0;
    }
    (void)snprintf(s->text + used, sizeof s->text - used, " %s%s", io->name,
                   io->is_folder ? "/" : "");
    s->bad_facts |=
        !io->is_folder && (io->object_bytes != 2 || !io->tag[0] || !io->mtime_ns);
    return ++s->count == s->stop_at ? 77 : 0;
}

static bool has(const struct seen *s, const char *name)
{
    char word[200];
    const char *at;
    size_t length = (size_t)snprintf(word, sizeof word, " %s", name);

    at = strstr(s->text, word);
    while (at && at[length] && at[length] != ' ') {
        at = strstr(at + 1, word);
    }
    return at != NULL;
}

static int list(const char *prefix, int one_level, struct seen *s, struct ff_error *e)
{
    memset(s->text, 0, sizeof s->text);
    s->count = 0;
    return OBJECTS->list(OBJECTS, prefix, one_level, note, s, NULL, NULL, e);
}

static void list_gives_each_name_once(void)
{
    static const char *const names[] = {"a", "b", "d/a", "d/b", "d/e/f", "d-x", "dd"};
    struct seen s = {0};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CLAUSE_OK(put_text(OBJECTS, names[i], "12", NULL, NULL, e), "PUT");
    }
    CLAUSE_OK(list("", 0, &s, e), "list: all levels");
    CLAUSE(s.count == 7 && !s.bad_facts, "list: each once, with size, time and tag");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CLAUSE(has(&s, names[i]), "list: names are relative to the bound folder");
    }
    CLAUSE_OK(list("", 1, &s, e), "list: one level");
    CLAUSE(
        s.count == 5 && has(&s, "a") && has(&s, "b") && has(&s, "d/") && has(&s, "d-x") &&
            has(&s, "dd"),
        "list, one level: those with more behind them once, as is_folder, without '/'");
    CLAUSE_OK(list("d/", 0, &s, e), "list: a prefix");
    CLAUSE(s.count == 3 && has(&s, "d/a") && has(&s, "d/b") && has(&s, "d/e/f"),
           "list: a prefix");
    CLAUSE_OK(list("d/", 1, &s, e), "list: one level of a prefix");
    CLAUSE(s.count == 3 && has(&s, "d/a") && has(&s, "d/b") && has(&s, "d/e/"),
           "list: one level of a prefix");
    CLAUSE_OK(list("none/", 0, &s, e), "list: a folder that is not there is FF_OK");
    CLAUSE(s.count == 0, "list: a folder that is not there lists nothing");
    s.stop_at = 2;
    CLAUSE_CODE(list("", 0, &s, e), 77, "list: nonzero stops, and is returned");
    CLAUSE(s.count == 2, "list: nonzero stops");
}

static void list_gives_the_clock_of_the_medium(void)
{
    struct seen s = {0};
    int64_t now = 0, mtime = 0;

    CLAUSE_OK(put_text(OBJECTS, "a", "12", NULL, NULL, e), "PUT");
    CLAUSE_OK(ff_head(OBJECTS, "a", NULL, &mtime, NULL, e), "HEAD");
    CLAUSE_OK(OBJECTS->list(OBJECTS, "", 0, note, &s, &now, NULL, e), "list");
    CLAUSE(now >= mtime && now - mtime < 60000000000,
           "list: *now_ns, the medium's clock");
}

struct replacing {
    atomic_int stop;
    int failures;
};

static void *replace_names(void *arg)
{
    struct replacing *r = arg;
    char name[32];

    for (int i = 0; !atomic_load(&r->stop); i++) {
        (void)snprintf(name, sizeof name, "t%d", i % 100);
        r->failures +=
            put_text(OBJECTS, name, i % 2 ? "34" : "12", NULL, NULL, NULL) != 0;
    }
    return NULL;
}

static void list_during_replacement_misses_nothing(void)
{
    struct replacing r = {.failures = 0};
    pthread_t thread;
    char name[32];

    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "t%d", i);
        CLAUSE_OK(put_text(OBJECTS, name, "12", NULL, NULL, e), "PUT");
    }
    atomic_init(&r.stop, 0);
    CASE_ASSERT(pthread_create(&thread, NULL, replace_names, &r) == 0);
    for (int round = 0; round < 50; round++) {
        struct seen s = {0};

        CLAUSE_OK(list("", round % 2, &s, e), "list");
        CLAUSE(s.count == 100,
               "list: what is there throughout is listed once, replaced or not");
        CLAUSE(!s.bad_facts, "list: facts of a whole object");
    }
    atomic_store(&r.stop, 1);
    pthread_join(thread, NULL);
    CLAUSE(r.failures == 0, "PUT: any thread");
}

static void sync_succeeds(void)
{
    CLAUSE_OK(put_text(OBJECTS, "d/a", "12", NULL, NULL, e), "PUT");
    CLAUSE_OK(OBJECTS->sync(OBJECTS, NULL, e), "sync");
    CLAUSE_OK(subject.root_objects->sync(subject.root_objects, NULL, e),
              "sync, of the root");
}

static const struct case_test tests[] = {
    CASE(get_a_range_past_the_end_is_clamped),
    CASE(get_of_an_empty_object_is_empty),
    CASE(get_of_any_size_asks_for_one_buffer),
    CASE(put_again_replaces_whole_and_changes_the_tag),
    CASE(put_whose_source_fails_changes_nothing),
    CASE(put_that_nobody_looks_for_is_there_when_done),
    CASE(put_with_a_condition_holds_to_it),
    CASE(remove_is_idempotent_and_holds_to_its_condition),
    CASE(copy_is_an_object_of_its_own),
    CASE(head_gives_size_time_and_tag),
    CASE(names_that_are_none_are_refused),
    CASE(bind_gives_a_view_of_one_folder),
    CASE(list_gives_each_name_once),
    CASE(list_gives_the_clock_of_the_medium),
    CASE(list_during_replacement_misses_nothing),
    CASE(sync_succeeds),
};

const struct case_suite objects_suite = {
    .name = "ff.objects/1",
    .before = subject_open,
    .after = subject_close,
    .tests = tests,
    .count = sizeof tests / sizeof *tests,
    .timeout_s = 60,
};
