/* SPDX-License-Identifier: Apache-2.0 */
/* check_faults.c: a serializer whose every call of a protocol, allocation, and stored byte goes
 * wrong in turn. The rules hold while the plugin runs, and not for the host. */
#include "check.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_CALLS = 1000, MOST_FILES = 64, SHORTEST_ROUNDS = 200, LONG_ROUNDS = 20000 };

static int usual_value(void)
{
    return check.value_count ? 0 : values_count() > 4 ? 3 : 0;
}

static void save_old(void)
{
    struct ff_error e = FF_ERROR_INIT;

    (void)values_save(usual_value(), "t", NULL, &e);
    CASE_MSG(!e.code, "pickle: %s%s%s (%d)", SAYS(e.code, e));
    if (front.pickles == 0) {
        case_skip("it keeps no value that can be made here: give some with --value FILE");
    }
}

/* The task is whole, and nothing else is there. */
static void check_old(const char *what, unsigned long k)
{
    struct ff_error e = FF_ERROR_INIT;
    const char *differ = NULL;
    struct front asked = front;

    front.has_rule = false;
    front.alloc_fail_at = 0;
    (void)values_read_back(usual_value(), "t", NULL, &differ, &e);
    CASE_MSG(!e.code && !differ,
             "pickle: after a failure the old value is intact\n  %s %lu: %s%s%s%s", what,
             k, differ ? differ : "", e.place, e.code ? ": " : "", e.message);
    CASE_MSG(
        store_orphans() == 0,
        "pickle: everything is written below pid->name, so that the host can remove it\n"
        "  %s %lu: something is left",
        what, k);
    front.has_rule = asked.has_rule;
    front.alloc_fail_at = asked.alloc_fail_at;
}

static void check_code(const char *function, const char *what, unsigned long k, int code,
                       int expected, const struct ff_error *e)
{
    CASE_MSG(code == FF_OK || code == expected,
             "%s: everybody above the function that fails passes its code on\n"
             "  %s %lu fails with %d (%s), and it with %d: %s",
             function, what, k, expected, ff_code_name(expected), code, e->message);
}

/* ---- calls of the protocol ---- */

/* Save, then read, with the rule at k = 1, 2, ... until no call is left that it hits. */
static void each_k(struct ff_fault_rule rule, const char *what)
{
    int expected = rule.code, cancels = rule.code == FF_E_CANCELLED;
    unsigned long k = 1;

    save_old();
    for (int stage = 0; stage < 2 && k < MOST_CALLS;) {
        unsigned long long fired = front.fired;
        struct ff_error e = FF_ERROR_INIT;
        const char *differ = NULL;
        int code;

        *(cancels ? &rule.cancel_at : &rule.fail_at) = k;
        front.rule = rule;
        front.has_rule = true;
        code = stage == 0 ? values_save(usual_value(), "t", NULL, &e)
                          : values_read_back(usual_value(), "t", NULL, &differ, &e);
        front.has_rule = false;
        check_code(stage == 0 ? "pickle" : "unpickle and read", what, k, code, expected,
                   &e);
        CASE_MSG(!differ, "unpickle, read: whole or failed\n  %s %lu: not as it was: %s",
                 what, k, differ);
        check_old(what, k);
        stage += fired == front.fired;
        k = fired == front.fired ? 1 : k + 1;
    }
    CASE_MSG(k < MOST_CALLS, "%s %d still fails", what, MOST_CALLS);
}

static void each_call_that_fails_is_passed_on(void)
{
    each_k((struct ff_fault_rule){.op = FF_FAULT_ANY, .code = FF_E_IO}, "call");
}

static void no_space_is_passed_on(void)
{
    static const int ops[] = {FF_FAULT_PUT, FF_FAULT_WRITE, FF_FAULT_RESIZE,
                              FF_FAULT_FINISH};

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        each_k((struct ff_fault_rule){.op = ops[i],
                                      .code = FF_E_NO_SPACE,
                                      .from_then_on = 1},
               "call for space");
    }
}

static void each_call_that_is_cancelled_is_passed_on(void)
{
    each_k((struct ff_fault_rule){.op = FF_FAULT_ANY, .code = FF_E_CANCELLED}, "call");
}

static void an_answer_that_is_short_is_noticed(void)
{
    save_old();
    for (uint64_t most = 1; most < 10000; most *= 4) {
        struct ff_error e = FF_ERROR_INIT;
        const char *differ = NULL;

        front.rule = (struct ff_fault_rule){.op = FF_FAULT_GET, .short_bytes = most};
        front.has_rule = true;
        (void)values_read_back(usual_value(), "t", NULL, &differ, &e);
        front.has_rule = false;
        CASE_MSG(!differ,
                 "ff_io, GET: size_bytes is how many came: fewer are FF_E_CORRUPT\n"
                 "  with %llu bytes at most: not as it was: %s",
                 (unsigned long long)most, differ);
    }
}

/* Whoever waits for its answers by a time of its own, or in an order, is found out. */
static void calls_that_are_slow_change_nothing(void)
{
    struct ff_error e = FF_ERROR_INIT;
    const char *differ = NULL;

    save_old();
    front.rule = (struct ff_fault_rule){.op = FF_FAULT_ANY, .delay_ms = 20};
    front.has_rule = true;
    (void)values_save(usual_value(), "t", NULL, &e);
    (void)values_read_back(usual_value(), "t", NULL, &differ, &e);
    front.has_rule = false;
    CASE_MSG(!e.code && !differ,
             "a protocol may take its time\n  with 20 ms for each call: %s%s%s (%d)",
             differ ? differ : e.message, *e.place ? " at " : "", e.place, (int)e.code);
    check_old("slow call", 1);
}

/* ---- cancelled by the caller ---- */

struct polls {
    struct ff_call call;
    atomic_ulong polled;
    unsigned long from;
};

static int is_cancelled(const struct ff_call *call)
{
    struct polls *p = call->ctx;

    return atomic_fetch_add(&p->polled, 1) + 1 >= p->from;
}

static void cancel_at_any_poll_is_cancelled_or_done(void)
{
    save_old();
    for (unsigned long k = 1; k < MOST_CALLS; k++) {
        struct polls p = {.call = {.struct_size = FF_SIZE(ff_call, cancelled),
                                   .ctx = &p,
                                   .cancelled = is_cancelled},
                          .from = k};
        struct ff_error e = FF_ERROR_INIT;
        int code = values_save(usual_value(), "t", &p.call, &e);

        check_code("pickle", "cancelled at poll", k, code, FF_E_CANCELLED, &e);
        check_old("cancelled at poll", k);
        if (atomic_load(&p.polled) < k) {
            break;
        }
    }
}

/* ---- allocations ---- */

static void each_allocation_that_fails_is_no_memory(void)
{
    unsigned long k = 1;

    if (alloc_why_not()) {
        case_skip("%s", alloc_why_not());
    }
    save_old();
    for (int stage = 0; stage < 2 && k < MOST_CALLS; k++) {
        struct ff_error e = FF_ERROR_INIT;
        const char *differ = NULL;
        int code;

        front.alloc_count = 0;
        front.alloc_fail_at = k;
        code = stage == 0 ? values_save(usual_value(), "t", NULL, &e)
                          : values_read_back(usual_value(), "t", NULL, &differ, &e);
        front.alloc_fail_at = 0;
        check_code(stage == 0 ? "pickle" : "unpickle and read", "allocation", k, code,
                   FF_E_NO_MEMORY, &e);
        CASE_MSG(!differ, "unpickle, read: whole or failed\n  allocation %lu: %s", k,
                 differ);
        check_old("allocation", k);
        if (front.alloc_count < k) {
            stage++;
            k = 0;
        }
    }
}

static void each_allocation_of_create_that_fails_is_no_memory(void)
{
    if (alloc_why_not()) {
        case_skip("%s", alloc_why_not());
    }
    save_old();
    for (unsigned long k = 1; k < MOST_CALLS; k++) {
        struct ff_error e = FF_ERROR_INIT;

        store_close_host();
        front.alloc_count = 0;
        front.create_fails_at = k;
        store_open_host();
        (void)values_save(usual_value(), "t", NULL, &e);
        front.create_fails_at = 0;
        CASE_MSG(front.create_code == FF_OK || front.create_code == FF_E_NO_MEMORY,
                 "create: an allocation that fails is FF_E_NO_MEMORY\n"
                 "  allocation %lu: it returned %d",
                 k, front.create_code);
        if (front.alloc_count < k) {
            break;
        }
    }
}

/* ---- what is stored ---- */

static char files[MOST_FILES][PATH_MAX];
static int file_count;

static int find_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    if (type == FTW_F && strstr(path, "/bigdata/") && st->st_size > 0 &&
        file_count < MOST_FILES) {
        (void)snprintf(files[file_count++], PATH_MAX, "%s", path);
    }
    return 0;
}

static void find_files(void)
{
    file_count = 0;
    (void)nftw(store.folder, find_file, 16, FTW_PHYS);
    if (file_count == 0) {
        case_skip("it keeps nothing below bigdata");
    }
}

static uint8_t *slurp(const char *path, size_t *size)
{
    FILE *in = fopen(path, "rb");
    uint8_t *bytes;
    struct stat st;

    CASE_ASSERT(in && fstat(fileno(in), &st) == 0);
    *size = (size_t)st.st_size;
    bytes = malloc(*size + 1);
    CASE_ASSERT(bytes && fread(bytes, 1, *size, in) == *size);
    (void)fclose(in);
    return bytes;
}

static void spill(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *out = fopen(path, "wb");

    CASE_ASSERT(out && fwrite(bytes, 1, size, out) == size && fclose(out) == 0);
}

/* A few bytes changed, mostly near the beginning, where heads are; or an end cut off. */
static size_t damage(uint8_t *bytes, size_t size)
{
    uint64_t kind = check_random() % 4;
    size_t reach = kind == 0 ? size : size < 256 ? size : 256;

    if (kind == 3) {
        return (size_t)(check_random() % size);
    }
    for (uint64_t n = check_random() % 8 + 1; n; n--) {
        bytes[check_random() % reach] = (uint8_t)(kind == 1 ? 0xFF : check_random());
    }
    return size;
}

/* Sizes that are believed ask for more than there is. */
static void limit_memory(void)
{
    struct rlimit limit = {4ul << 30, 4ul << 30};

    if (!alloc_why_not()) {
        (void)setrlimit(RLIMIT_AS, &limit);
    }
}

static void bytes_that_nobody_wrote_are_survived(void)
{
    int rounds = getenv("FF_LONG") ? LONG_ROUNDS : SHORTEST_ROUNDS;

    save_old();
    find_files();
    limit_memory();
    for (int i = 0; i < rounds; i++) {
        const char *path = files[i % file_count];
        struct ff_error e = FF_ERROR_INIT;
        const char *differ = NULL;
        size_t size, now;
        uint8_t *bytes = slurp(path, &size), *bad = malloc(size);

        CASE_ASSERT(bad != NULL);
        memcpy(bad, bytes, size);
        check_seed(1000000 + (uint64_t)i);
        now = damage(bad, size);
        spill(path, bad, now);
        case_note(
            "unpickle: a size that is read is never trusted\n  round %d, FF_SEED=%s", i,
            getenv("FF_SEED") ? getenv("FF_SEED") : "0");
        (void)values_read_back(usual_value(), "t", NULL, &differ, &e);
        spill(path, bytes, size);
        free(bytes);
        free(bad);
    }
}

static void what_is_gone_is_an_error(void)
{
    struct ff_error e = FF_ERROR_INIT;
    const char *differ = NULL;

    save_old();
    find_files();
    for (int i = 0; i < file_count; i++) {
        (void)unlink(files[i]);
    }
    (void)values_read_back(usual_value(), "t", NULL, &differ, &e);
    CASE_MSG(e.code == FF_E_STALE || e.code == FF_E_NOT_FOUND || e.code == FF_E_CORRUPT,
             "unpickle: the big data is gone: FF_E_NOT_FOUND, FF_E_STALE\n"
             "  it gave %d (%s)%s%s",
             (int)e.code, ff_code_name(e.code), e.message[0] ? ": " : "", e.message);
}

#define SUITE(variable, title, table)                                                    \
    const struct case_suite variable = {                                                 \
        .name = title,                                                                   \
        .before = store_open,                                                            \
        .after = store_close,                                                            \
        .tests = table,                                                                  \
        .count = sizeof(table) / sizeof *(table),                                        \
        .timeout_s = 120,                                                                \
    }

static const struct case_test call_tests[] = {
    CASE(each_call_that_fails_is_passed_on),
    CASE(no_space_is_passed_on),
    CASE(each_call_that_is_cancelled_is_passed_on),
    CASE(an_answer_that_is_short_is_noticed),
    CASE(calls_that_are_slow_change_nothing),
    CASE(cancel_at_any_poll_is_cancelled_or_done),
    CASE(each_allocation_that_fails_is_no_memory),
    CASE(each_allocation_of_create_that_fails_is_no_memory),
};
SUITE(fault_calls_suite, "faults", call_tests);

static const struct case_test stored_tests[] = {
    CASE(bytes_that_nobody_wrote_are_survived),
    CASE(what_is_gone_is_an_error),
};
SUITE(stored_suite, "what is stored", stored_tests);
