/* SPDX-License-Identifier: Apache-2.0 */
/* faults_cuts.c: answers that are cut, and conditional puts whose answer is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"

enum { SAMPLES = 12 };

static unsigned seed(void)
{
    const char *text = getenv("FF_SEED");

    return text ? (unsigned)strtoul(text, NULL, 10) : 1;
}

/* Cut once at so many places of an answer of `bytes`: everything is asked again. With FF_LONG
 * at each byte. */
static void cut_each(enum operation operation, int bytes)
{
    bool all = getenv("FF_LONG") != NULL;
    unsigned state = seed();

    for (int i = 0; i < (all ? bytes : SAMPLES); i++) {
        int at = all ? i : (int)((unsigned)rand_r(&state) % (unsigned)bytes);
        struct row row = {"cut", operation, 1, FF_OK, at};

        meet(&row);
    }
}

static void get_that_is_cut_once_is_whole(void)
{
    cut_each(GET, 3200);
}

static void get_of_a_range_that_is_cut_once_is_whole(void)
{
    cut_each(RANGE, 1240);
}

static void head_that_is_cut_once_is_whole(void)
{
    cut_each(HEAD, 150);
}

static void list_that_is_cut_once_is_whole(void)
{
    cut_each(LIST, 500);
}

static void put_whose_answer_is_cut_once_is_done(void)
{
    cut_each(PUT, 140);
    cut_each(PUT_IF, 140);
    cut_each(PUT_NEW, 140);
}

static void removal_whose_answer_is_cut_once_is_done(void)
{
    cut_each(REMOVE, 90);
}

static const struct case_test cuts[] = {
    CASE(get_that_is_cut_once_is_whole),
    CASE(get_of_a_range_that_is_cut_once_is_whole),
    CASE(head_that_is_cut_once_is_whole),
    CASE(list_that_is_cut_once_is_whole),
    CASE(put_whose_answer_is_cut_once_is_done),
    CASE(removal_whose_answer_is_cut_once_is_done),
};
const struct case_suite cuts_suite = {.name = "cut answers",
                                      .before = subject_open,
                                      .after = subject_close,
                                      .tests = cuts,
                                      .count = sizeof cuts / sizeof *cuts,
                                      .timeout_s = 600};

/* ---- conditional puts ---- */

/* Put "mine" over "old" while the fault is armed once. How many puts went out. */
static int put_mine(const char *fault, int n, int *code)
{
    struct ff_error own = FF_ERROR_INIT;
    char tag[80];
    int count;

    CLAUSE_OK(put_text(subject.objects, "object", "old", NULL, tag, e), "PUT");
    server_arm(fault, "PUT", 1, n, "/object");
    *code = put_text(subject.objects, "object", "mine", tag, NULL, &own);
    count = server_count("PUT", "/object");
    CASE_ASSERT(server_off().fired == 1);
    return count;
}

static void put_that_landed_unheard_is_done_and_sent_once(void)
{
    static const char *const faults[] = {"reset_landed", "failed_after_landing"};

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        int code, count = put_mine(faults[i], 0, &code);

        CASE_MSG(code == FF_OK && count == 1, "%s: %d after %d", faults[i], code, count);
        CASE_ASSERT(is_text(subject.objects, "object", "mine"));
    }
}

static void put_that_never_came_is_sent_again(void)
{
    int code, count = put_mine("reset_before", 0, &code);

    CASE_MSG(code == FF_OK && count == 2, "%d after %d", code, count);
    CASE_ASSERT(is_text(subject.objects, "object", "mine"));
}

/* The old tag is gone: whether ours was there in between cannot be known, and to put it again
 * over the other's would lose that. */
static void put_unheard_of_under_another_is_unknown_and_never_sent_again(void)
{
    static const char *const faults[] = {"landed_and_replaced", "lost_and_replaced"};

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        int code, count = put_mine(faults[i], 0, &code);

        CASE_MSG(code == FF_E_UNKNOWN_OUTCOME && count == 1, "%s: %d after %d", faults[i],
                 code, count);
        CASE_ASSERT(is_text(subject.objects, "object", "another's"));
    }
}

/* Once more with the same condition: one of both lands, whichever is first. */
static void put_that_lands_late_lands_once(void)
{
    static const int after_ms[] = {0, 20, 100, 400};

    for (size_t i = 0; i < sizeof after_ms / sizeof *after_ms; i++) {
        char tag[80];
        int code;

        (void)put_mine("late", after_ms[i], &code);
        CASE_MSG(code == FF_OK, "%d ms: %d", after_ms[i], code);
        CLAUSE_OK(put_text(subject.objects, "object", "next", NULL, tag, e), "PUT");
        (void)subject.host.sys.poll(&subject.host.sys, NULL, 0, 500);
        CASE_MSG(is_text(subject.objects, "object", "next"),
                 "%d ms: what was late replaced what came after it", after_ms[i]);
    }
}

static void removal_that_is_late_spares_what_came_after_it(void)
{
    char tag[80];

    CLAUSE_OK(put_text(subject.objects, "object", "old", NULL, tag, e), "PUT");
    server_arm("late", "DELETE", 1, 300, "/object");
    (void)remove_if(subject.objects, "object", tag, NULL);
    (void)server_off();
    CLAUSE_OK(put_text(subject.objects, "object", "next", NULL, NULL, e), "PUT");
    (void)subject.host.sys.poll(&subject.host.sys, NULL, 0, 500);
    CASE_MSG(is_text(subject.objects, "object", "next"), "the late one removed it");
}

static void own_write_that_is_refused_is_done(void)
{
    int code;

    (void)put_mine("own_write_refused", 0, &code);
    CASE_MSG(code == FF_OK || code == FF_E_CONFLICT, "%d", code);
    CASE_ASSERT(is_text(subject.objects, "object", "mine"));
}

static const struct case_test commits[] = {
    CASE(put_that_landed_unheard_is_done_and_sent_once),
    CASE(put_that_never_came_is_sent_again),
    CASE(put_unheard_of_under_another_is_unknown_and_never_sent_again),
    CASE(put_that_lands_late_lands_once),
    CASE(removal_that_is_late_spares_what_came_after_it),
    CASE(own_write_that_is_refused_is_done),
};
const struct case_suite commits_suite = {.name = "lost answers",
                                         .before = subject_open,
                                         .after = subject_close,
                                         .tests = commits,
                                         .count = sizeof commits / sizeof *commits,
                                         .timeout_s = 120};
