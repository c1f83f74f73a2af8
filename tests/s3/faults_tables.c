/* SPDX-License-Identifier: Apache-2.0 */
/* faults_tables.c: what the server does, and what has to be said. */
#include "faults.h"

static void meet_all(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        meet(&rows[i]);
    }
}
#define MEET_ALL(rows) meet_all(rows, sizeof(rows) / sizeof *(rows))

static void refusals_are_named(void)
{
    static const struct row rows[] = {
        {"status_400", GET, ALWAYS, FF_E_IO, 0},
        {"status_404", GET, ALWAYS, FF_E_NOT_FOUND, 0},
        {"status_405", GET, ALWAYS, FF_E_UNSUPPORTED, 0},
        {"status_411", PUT, ALWAYS, FF_E_IO, 0},
        {"status_418", HEAD, ALWAYS, FF_E_IO, 0},
        {"status_501", PUT_IF, ALWAYS, FF_E_UNSUPPORTED, 0},
        {"status_507", PUT, ALWAYS, FF_E_NO_SPACE, 0},
        {"status_409", PUT_IF, ALWAYS, FF_E_CONFLICT, 0},
        {"basic", GET, ALWAYS, FF_E_PERMISSION, 0},
        {"denied", GET, ALWAYS, FF_E_PERMISSION, 0},
        {"denied", LIST, ALWAYS, FF_E_PERMISSION, 0},
        {"denied", PUT, ALWAYS, FF_E_PERMISSION, 0},
        {"denied", REMOVE, ALWAYS, FF_E_PERMISSION, 0},
        {"escapes", GET, ALWAYS, FF_E_IO, 0},
        {"echo", GET, ALWAYS, FF_E_IO, 0},
        {"long_refusal", GET, ALWAYS, FF_E_IO, 0},
        {"status_304", PUT, ALWAYS, FF_E_NETWORK, 0},
        {"status_300", GET, ALWAYS, FF_E_NETWORK, 0},
    };

    MEET_ALL(rows);
}

static void passing_refusals_are_asked_again(void)
{
    static const struct row rows[] = {
        {"status_500", GET, 1, FF_OK, 0},
        {"status_502", RANGE, 1, FF_OK, 0},
        {"status_503", HEAD, 1, FF_OK, 0},
        {"status_504", PUT, 1, FF_OK, 0},
        {"status_429", GET, 1, FF_OK, 0},
        {"status_509", LIST, 1, FF_OK, 0},
        {"slow_down", PUT_IF, 1, FF_OK, 0},
        {"slow_down", REMOVE, 1, FF_OK, 0},
        {"timeout", PUT, 1, FF_OK, 0},
        {"digest", PUT, 1, FF_OK, 0},
        {"conflict", PUT_IF, 1, FF_OK, 0},
        {"conflict", PUT_NEW, 1, FF_OK, 0},
        {"region", GET, 1, FF_OK, 0},
        {"skewed", GET, 1, FF_OK, 0},
        {"skewed", PUT_IF, 1, FF_OK, 0},
        {"skewed", HEAD, 1, FF_OK, 0}, /* whose answer has no body to say why */
        {"skewed", GET, ALWAYS, FF_E_PERMISSION, 0},
        {"skewed", HEAD, ALWAYS, FF_E_PERMISSION, 0},
        {"expired", GET, ALWAYS, FF_E_PERMISSION, 0},
        {"error_in_200", LIST, 1, FF_OK, 0},
        {"status_500", GET, ALWAYS, FF_E_NETWORK, 0},
        {"slow_down", PUT, ALWAYS, FF_E_NETWORK, 0},
        {"status_429", LIST, ALWAYS, FF_E_NETWORK, 0},
        {"error_in_200", LIST, ALWAYS, FF_E_NETWORK, 0},
        {"digest", PUT, ALWAYS, FF_E_IO, 0},
        {"bad_region", GET, ALWAYS, FF_E_IO, 0},
    };

    MEET_ALL(rows);
}

static void redirects_are_not_followed(void)
{
    static const struct row rows[] = {
        {"moved_301", GET, ALWAYS, FF_E_NETWORK, 0},
        {"moved_302", PUT, ALWAYS, FF_E_NETWORK, 0},
        {"moved_307", PUT_IF, ALWAYS, FF_E_NETWORK, 0},
        {"moved_307", LIST, ALWAYS, FF_E_NETWORK, 0},
        {"moved_308", HEAD, ALWAYS, FF_E_NETWORK, 0},
        {"moved_308", REMOVE, ALWAYS, FF_E_NETWORK, 0},
        {"moved_to_file", GET, ALWAYS, FF_E_NETWORK, 0},
        {"moved_to_metadata", GET, ALWAYS, FF_E_NETWORK, 0},
    };

    MEET_ALL(rows);
}

static const struct case_test refusals[] = {
    CASE(refusals_are_named),
    CASE(passing_refusals_are_asked_again),
    CASE(redirects_are_not_followed),
};
const struct case_suite refusals_suite = {.name = "refusals",
                                          .before = subject_open,
                                          .after = subject_close,
                                          .tests = refusals,
                                          .count = sizeof refusals / sizeof *refusals,
                                          .timeout_s = 120};

static void broken_answers_are_asked_again(void)
{
    static const struct row rows[] = {
        {"garbage", GET, 1, FF_OK, 0},
        {"longer", GET, 1, FF_OK, 0},
        {"shorter", GET, 1, FF_OK, 0},
        {"shorter", RANGE, 1, FF_OK, 0},
        {"squeezed", GET, 1, FF_OK, 0},
        {"two_lengths", GET, 1, FF_OK, 0},
        {"no_range", RANGE, 1, FF_OK, 0},
        {"wrong_range", RANGE, 1, FF_OK, 0},
        {"backward_range", RANGE, 1, FF_OK, 0},
        {"html", RANGE, 1, FF_OK, 0},
        {"no_length", GET, 1, FF_OK, 0},
        {"reset_before", GET, 1, FF_OK, 0},
        {"reset_landed", PUT, 1, FF_OK, 0},
        {"reset_landed", REMOVE, 1, FF_OK, 0},
        {"range_ignored", RANGE, ALWAYS, FF_OK, 0},
        {"hundred_hundreds", GET, ALWAYS, FF_OK, 0},
    };

    MEET_ALL(rows);
}

static void broken_answers_are_no_values(void)
{
    static const struct row rows[] = {
        {"garbage", GET, ALWAYS, FF_E_NETWORK, 0},
        {"garbage", PUT_IF, ALWAYS, FF_E_UNKNOWN_OUTCOME, 0},
        {"status_of_nothing", GET, ALWAYS, FF_E_NETWORK, 0},
        /* how libcurl 7.88 calls a line that is longer than 100 KiB */
        {"big_header", GET, ALWAYS, FF_E_NO_MEMORY, 0},
        {"many_headers", GET, ALWAYS, FF_E_NETWORK, 0},
        {"endless_head", GET, ALWAYS, FF_E_NETWORK, 0},
        {"endless", GET, ALWAYS, FF_E_NETWORK, 0},
        {"endless", LIST, ALWAYS, FF_E_LIMIT, 0},
        {"longer", GET, ALWAYS, FF_E_NETWORK, 0},
        {"shorter", GET, ALWAYS, FF_E_NETWORK, 0},
        {"squeezed", GET, ALWAYS, FF_E_NETWORK, 0},
        {"squeezed", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"huge_length", GET, ALWAYS, FF_E_NETWORK, 0},
        /* the range says the same, and all of it came */
        {"overflowing_length", GET, ALWAYS, FF_OK, 0},
        {"negative_length", GET, ALWAYS, FF_E_NETWORK, 0},
        {"two_lengths", GET, ALWAYS, FF_E_NETWORK, 0},
        {"no_range", RANGE, ALWAYS, FF_E_NETWORK, 0},
        {"wrong_range", RANGE, ALWAYS, FF_E_NETWORK, 0},
        {"html", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"html", GET, ALWAYS, FF_E_NETWORK, 0},
        {"html", HEAD, ALWAYS, FF_E_NETWORK, 0},
        {"html", PUT, ALWAYS, FF_E_NETWORK, 0},
        {"html", PUT_IF, ALWAYS, FF_OK, 0},
        {"no_tag", PUT, ALWAYS, FF_E_NETWORK, 0},
        {"long_tag", GET, ALWAYS, FF_E_UNSUPPORTED, 0},
        {"silent", GET, ALWAYS, FF_E_NETWORK, 0},
        {"silent", PUT_IF, ALWAYS, FF_E_UNKNOWN_OUTCOME, 0},
        {"drip", GET, ALWAYS, FF_E_NETWORK, 0},
        {"reset_before", PUT, ALWAYS, FF_E_NETWORK, 0},
        {"reset_landed", GET, ALWAYS, FF_E_NETWORK, 0},
    };

    MEET_ALL(rows);
}

static const struct case_test broken[] = {
    CASE(broken_answers_are_asked_again),
    CASE(broken_answers_are_no_values),
};
const struct case_suite broken_suite = {.name = "broken answers",
                                        .before = subject_open,
                                        .after = subject_close,
                                        .tests = broken,
                                        .count = sizeof broken / sizeof *broken,
                                        .timeout_s = 240};

static void lists_that_are_none_are_refused(void)
{
    static const struct row rows[] = {
        {"same_token", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"no_token", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"empty_pages", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"outside", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"parent", LIST, ALWAYS, FF_OK, 0},
        {"nul", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"bad_escape", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"long_key", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"no_size", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"no_list", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"cut_document", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"entities", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"external", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"deep", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"bad_utf8", LIST, ALWAYS, FF_E_CORRUPT, 0},
        {"no_document", LIST, ALWAYS, FF_E_CORRUPT, 0},
    };

    MEET_ALL(rows);
}

static const struct case_test lists[] = {CASE(lists_that_are_none_are_refused)};
const struct case_suite lists_suite = {.name = "lists",
                                       .before = subject_open,
                                       .after = subject_close,
                                       .tests = lists,
                                       .count = sizeof lists / sizeof *lists,
                                       .timeout_s = 120};
