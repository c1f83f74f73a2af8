/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c: see faults.h. */
#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OBJECT_BYTES = 3000, RANGE_BEGIN = 500, RANGE_BYTES = 1000 };
/* object, x, y, z, and what says that this is a workflow */
enum { LISTED = 5 };
enum { WITHIN_S = 12, GROWTH_KB = 96 << 10 };

static char put_tag[80]; /* what the last put gave */
static const char name[] = "object", new_text[] = "the new value";

static const struct {
    const char *method, *part, *label;
    bool writes;
} operations[] = {
    [GET] = {"GET", "/object", "GET", false},
    [RANGE] = {"GET", "/object", "GET of a range", false},
    [HEAD] = {"HEAD", "/object", "HEAD", false},
    [PUT] = {"PUT", "/object", "PUT", true},
    [PUT_IF] = {"PUT", "/object", "PUT if the tag matches", true},
    [PUT_NEW] = {"PUT", "/new", "PUT if absent", true},
    [REMOVE] = {"DELETE", "/object", "REMOVE", true},
    [REMOVE_IF] = {"DELETE", "/object", "REMOVE if the tag matches", true},
    [LIST] = {"GET", "list-type", "LIST", false},
};

static void old_text(char text[OBJECT_BYTES + 1])
{
    for (size_t i = 0; i < OBJECT_BYTES; i++) {
        text[i] = (char)('a' + i * 7 % 26);
    }
    text[OBJECT_BYTES] = '\0';
}

/* ---- the operations ---- */

static int get(uint64_t offset, uint64_t size, struct ff_error *e)
{
    char old[OBJECT_BYTES + 1], data[OBJECT_BYTES];
    uint64_t came = 0, whole = 0;
    int code =
        get_range(subject.objects, name, offset, data, size, &came, &whole, NULL, e);

    old_text(old);
    if (!code) {
        CASE_MSG(came == size && whole == OBJECT_BYTES, "%llu of %llu bytes came",
                 (unsigned long long)came, (unsigned long long)whole);
        CASE_MSG(!memcmp(data, old + offset, size), "other bytes came");
    }
    return code;
}

static int head(struct ff_error *e)
{
    uint64_t size = 0;
    int code = ff_head(subject.objects, name, &size, NULL, NULL, e);

    CASE_MSG(code || size == OBJECT_BYTES, "HEAD gives %llu bytes",
             (unsigned long long)size);
    return code;
}

static int count_one(void *ctx, const struct ff_io *io)
{
    CASE_MSG(strstr(io->name, "/..") == NULL && strncmp(io->name, "..", 2),
             "a list with \"%s\"", io->name);
    return ++*(int *)ctx > 100000;
}

static int list(struct ff_error *e)
{
    int count = 0, code = subject.objects->list(subject.objects, "", 0, count_one, &count,
                                                NULL, NULL, e);

    CASE_MSG(code < 0 || count == LISTED || count == 0, "%d names came", count);
    return code;
}

static int run(enum operation operation, const char *tag, struct ff_error *e)
{
    switch (operation) {
    case GET:
        return get(0, OBJECT_BYTES, e);
    case RANGE:
        return get(RANGE_BEGIN, RANGE_BYTES, e);
    case HEAD:
        return head(e);
    case PUT:
        return put_text(subject.objects, name, new_text, NULL, put_tag, e);
    case PUT_IF:
        return put_text(subject.objects, name, new_text, tag, put_tag, e);
    case PUT_NEW:
        return put_text(subject.objects, "new", new_text, "", put_tag, e);
    case REMOVE:
        return remove_if(subject.objects, name, NULL, e);
    case REMOVE_IF:
        return remove_if(subject.objects, name, tag, e);
    default:
        return list(e);
    }
}

/* ---- what is true afterwards ---- */

static bool is_as_before(enum operation operation)
{
    char old[OBJECT_BYTES + 1];

    old_text(old);
    return operation == PUT_NEW ? !exists(subject.objects, "new")
                                : is_text(subject.objects, name, old);
}

static bool is_done(enum operation operation)
{
    switch (operation) {
    case PUT:
    case PUT_IF:
        return is_text(subject.objects, name, new_text);
    case PUT_NEW:
        return is_text(subject.objects, "new", new_text);
    case REMOVE:
    case REMOVE_IF:
        return !exists(subject.objects, name);
    default:
        return is_as_before(operation);
    }
}

static bool is_put(enum operation operation)
{
    return operation == PUT || operation == PUT_IF || operation == PUT_NEW;
}

static bool is_tag(enum operation operation)
{
    const char *object = operation == PUT_NEW ? "new" : name;
    char tag[80] = "";

    return !get_range(subject.objects, object, 0, NULL, 0, NULL, NULL, tag, NULL) &&
           !strcmp(tag, put_tag);
}

/* A refusal is certain; without an answer it is not. */
static void check_object(const struct row *r, int code)
{
    bool unsure = code == FF_E_NETWORK || code == FF_E_UNKNOWN_OUTCOME;

    if (code == FF_OK) {
        CASE_MSG(is_done(r->operation), "it said done, and is not");
        CASE_MSG(!is_put(r->operation) || is_tag(r->operation), "it gave another tag");
    } else {
        CASE_MSG(is_as_before(r->operation) || (unsure && is_done(r->operation)),
                 "the old value is gone");
    }
}

static long peak_kb(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[256];
    long kb = 0;

    while (f && fgets(line, sizeof line, f)) {
        (void)sscanf(line, "VmHWM: %ld", &kb);
    }
    if (f) {
        (void)fclose(f);
    }
    return kb;
}

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void prepare(char tag[80])
{
    char old[OBJECT_BYTES + 1];

    old_text(old);
    (void)remove_if(subject.objects, "new", NULL, NULL);
    CLAUSE_OK(put_text(subject.objects, name, old, NULL, tag, e), "PUT");
    for (const char *c = "xyz"; *c; c++) {
        const char other[] = {*c, '\0'};

        CLAUSE_OK(put_text(subject.objects, other, other, NULL, NULL, e), "PUT");
    }
}

void meet(const struct row *r)
{
    struct ff_error own = FF_ERROR_INIT;
    struct server_report report;
    char tag[80];
    long before_kb;
    double begin_s;
    int code;

    case_note("%s, %d times, %s, %d", r->fault, r->times, operations[r->operation].label,
              r->n);
    prepare(tag);
    server_arm(r->fault, operations[r->operation].method, r->times, r->n,
               operations[r->operation].part);
    before_kb = peak_kb();
    begin_s = now_s();
    code = run(r->operation, tag, &own);
    begin_s = now_s() - begin_s;
    report = server_off();
    CASE_MSG(code == r->code, "%s: it said %d (%s: %s), not %d", r->fault, code,
             own.place, own.message, r->code);
    CASE_MSG(code == FF_OK || *own.message, "%d without a message", code);
    CASE_MSG(!strstr(own.message, "ffsecret") && !strpbrk(own.message, "\x1b\x07"),
             "the message has what it must not: %s", own.message);
    CASE_MSG(report.fired > 0, "the fault never happened");
    CASE_MSG(report.leaks == 0, "another host heard of it");
    CASE_MSG(report.bad_signatures == 0, "%d wrong signatures", report.bad_signatures);
    CASE_MSG(begin_s < WITHIN_S, "%s: it took %.1f s", r->fault, begin_s);
    CASE_MSG(peak_kb() - before_kb < GROWTH_KB, "it took %ld KiB", peak_kb() - before_kb);
    check_object(r, code);
}
