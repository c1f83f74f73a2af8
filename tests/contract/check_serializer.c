/* SPDX-License-Identifier: Apache-2.0 */
/* check_serializer.c: what a serializer does when nothing fails, on whichever medium. */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 10 };

/* Of the corpus, one that has several chunks where it is an array. */
static int usual_value(void)
{
    return check.value_count ? 0 : values_count() > 4 ? 3 : 0;
}

static void save(int i, const char *task)
{
    struct ff_error e = FF_ERROR_INIT;

    (void)values_save(i, task, NULL, &e);
    CASE_MSG(!e.code, "pickle: stores the object\n  value %d: %s%s%s (%d)", i,
             SAYS(e.code, e));
}

static void expect(int i, const char *task)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(NULL);
    const char *differ = NULL;
    char text[200];

    (void)values_read_back(i, task, NULL, &differ, &e);
    (void)values_make(doc, i, text, sizeof text);
    ff_doc_free(doc);
    CASE_MSG(!e.code, "unpickle: the object back\n  %s: %s%s%s (%d)", text,
             SAYS(e.code, e));
    CASE_MSG(!differ, "unpickle: the object back\n  %s: not as it was: %s", text, differ);
}

/* Nothing of this class that can be made here is kept. */
static void need_kept(void)
{
    if (front.pickles == 0) {
        case_skip(
            "it keeps none of the %d values that can be made here of class %s: give "
            "some with --value FILE",
            values_count(), check.facts.first_class[check.serializer]);
    }
}

static void the_corpus_comes_back_bit_by_bit(void)
{
    char task[32];

    for (int i = 0; i < values_count(); i++) {
        (void)snprintf(task, sizeof task, "t%d", i);
        save(i, task);
        expect(i, task);
    }
    if (strstr(check.storage, "@DIR@")) { /* and in another process */
        store_close_host();
        store_open_host();
    }
    for (int i = 0; i < values_count(); i++) {
        (void)snprintf(task, sizeof task, "t%d", i);
        expect(i, task);
    }
    need_kept();
}

static void removed_and_replaced_values_leave_nothing(void)
{
    struct ff_error e = FF_ERROR_INIT;

    save(usual_value(), "t");
    save(usual_value(), "t");
    expect(usual_value(), "t");
    need_kept();
    CASE_MSG(store_orphans() == 0, "pickle: everything is written below pid->name\n"
                                   "  after a replacement something is left");
    (void)ff_remove_task(store.storage, "wf", "t", &e);
    CASE_MSG(!e.code, "remove: %s%s%s (%d)", SAYS(e.code, e));
    CASE_MSG(store_orphans() == 0, "remove: what is below pid->name\n"
                                   "  after a removal something is left");
}

static void structs_of_later_and_older_hosts_are_read_by_their_size(void)
{
    for (unsigned flags = 0; flags < 4; flags++) {
        store_close_host();
        front.flags = flags;
        store_open_host();
        save(usual_value(), "t");
        expect(usual_value(), "t");
    }
    need_kept();
}

/* ---- threads ---- */

struct worker {
    pthread_t thread;
    int number;
};

static void *work(void *arg)
{
    const struct worker *w = arg;
    char task[32];

    (void)snprintf(task, sizeof task, "t%d", w->number);
    for (int i = 0; i < ROUNDS; i++) {
        int value = (usual_value() + w->number) % values_count();

        save(value, task);
        expect(value, task);
    }
    return NULL;
}

static void as_many_threads_as_the_descriptor_allows(void)
{
    struct worker workers[THREADS];

    save(usual_value(), "t");
    need_kept();
    for (int i = 0; i < THREADS; i++) {
        workers[i].number = i;
        CASE_ASSERT(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(workers[i].thread, NULL);
    }
}

/* Two hosts in a process have an instance each. */
static void two_hosts_in_a_process_do_not_disturb_each_other(void)
{
    struct store first, second;

    save(usual_value(), "t");
    need_kept();
    first = store;
    store_open_host();
    second = store;
    save(usual_value(), "second");
    store = first;
    store_close_host();
    store = second;
    save(usual_value(), "t");
    expect(usual_value(), "t");
    store_open_host(); /* and the other way round: the later one goes first */
    save(usual_value(), "third");
    store_close_host();
    store = second;
    save(usual_value(), "t");
    expect(usual_value(), "t");
}

/* ---- leaks ---- */

static void use(void)
{
    store_open_host();
    save(usual_value(), "t");
    expect(usual_value(), "t");
    store_close_host();
}

/* What grows in each of three rows of uses is lost; caches settle. */
static void what_is_taken_is_given_back(void)
{
    long long least = 0;
    int fds;

    if (alloc_why_not()) {
        case_skip("%s", alloc_why_not());
    }
    save(usual_value(), "t");
    need_kept();
    store_close_host();
    use();
    use();
    fds = state_fds();
    for (int row = 0; row < 3; row++) {
        long long before = alloc_live_bytes(), grown;

        for (int i = 0; i < ROUNDS; i++) {
            use();
        }
        grown = alloc_live_bytes() - before;
        least = row == 0 || grown < least ? grown : least;
    }
    CASE_MSG(least < ROUNDS,
             "what lives longer has a release function\n"
             "  %lld bytes of memory are lost with each save and read",
             least / ROUNDS);
    CASE_MSG(state_fds() == fds,
             "what lives longer has a release function\n"
             "  %d file descriptors are lost with %d saves and reads",
             state_fds() - fds, 3 * ROUNDS);
    store_open_host();
}

static const struct case_test tests[] = {
    CASE(the_corpus_comes_back_bit_by_bit),
    CASE(removed_and_replaced_values_leave_nothing),
    CASE(structs_of_later_and_older_hosts_are_read_by_their_size),
    CASE(as_many_threads_as_the_descriptor_allows),
    CASE(two_hosts_in_a_process_do_not_disturb_each_other),
    CASE(what_is_taken_is_given_back),
};

const struct case_suite serializer_suite = {
    .name = "serializer",
    .before = store_open,
    .after = store_close,
    .tests = tests,
    .count = sizeof tests / sizeof *tests,
    .timeout_s = 60,
};
