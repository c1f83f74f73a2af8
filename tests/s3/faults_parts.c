/* SPDX-License-Identifier: Apache-2.0 */
/* faults_parts.c: objects that go up in parts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"

enum {
    MIB = 1 << 20,
    LARGE = 40 * MIB
}; /* over 32 MiB an object goes up in parts of 16 */

static uint8_t pattern(uint64_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

/* The source, which fails from `*ctx` on. */
static int read_pattern(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                        const struct ff_call *call, struct ff_error *e)
{
    uint8_t *out = dst;

    (void)call;
    if (offset + size_bytes > *(const uint64_t *)ctx) {
        return ff_fail(e, FF_E_IO, "source", "it breaks off");
    }
    for (size_t i = 0; i < size_bytes; i++) {
        out[i] = pattern(offset + i);
    }
    return FF_OK;
}

static int put_large(uint64_t size_bytes, uint64_t good_bytes, struct ff_error *e)
{
    struct ff_one_io one;

    memset(&one, 0, sizeof one);
    one.io.size_bytes = size_bytes;
    one.io.source = read_pattern;
    one.io.source_ctx = &good_bytes;
    return ff_one_run(subject.objects, &one, FF_PUT, "large", NULL, e);
}

static bool is_whole(uint64_t size_bytes)
{
    char *data = malloc(size_bytes + 1);
    uint64_t came = 0, whole = 0, i = 0;
    int code;

    CASE_ASSERT(data != NULL);
    code = get_range(subject.objects, "large", 0, data, size_bytes + 1, &came, &whole,
                     NULL, NULL);
    while (!code && i < came && (uint8_t)data[i] == pattern(i)) {
        i++;
    }
    free(data);
    return !code && whole == size_bytes && i == size_bytes;
}

static void objects_of_sizes_around_the_parts_come_back(void)
{
    static const struct {
        uint64_t size_bytes;
        int parts; /* 0: one PUT */
    } cases[] = {{32 * MIB, 0},
                 {32 * MIB + 1, 3},
                 {48 * MIB - 1, 3},
                 {48 * MIB, 3},
                 {48 * MIB + 1, 4}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t size_bytes = cases[i].size_bytes;

        case_note("%llu bytes", (unsigned long long)size_bytes);
        (void)server_off();
        CLAUSE_OK(put_large(size_bytes, size_bytes, e), "PUT");
        CASE_ASSERT(server_count("PUT", "partNumber=") == cases[i].parts);
        CASE_ASSERT(is_whole(size_bytes));
        CASE_ASSERT(server_uploads() == 0);
    }
}

/* The fault meets `method` with `part` so many times; then the object is whole, or as it was
 * before: there, or not. No upload is left. */
static const struct {
    const char *fault, *method, *part;
    int times, code;
} faults[] = {
    {"status_503", "POST", "uploads=", 1, FF_OK},
    {"reset_before", "PUT", "partNumber=2", 1, FF_OK},
    {"reset_landed", "PUT", "partNumber=2", 1, FF_OK},
    {"no_tag", "PUT", "partNumber=2", 1, FF_OK},
    {"status_500", "PUT", "partNumber=", 1, FF_OK},
    {"digest", "PUT", "partNumber=1", 1, FF_OK},
    {"reset_landed", "POST", "uploadId=", 1, FF_OK},
    {"error_in_200", "POST", "uploadId=", 1, FF_OK},
    {"landed_error_in_200", "POST", "uploadId=", 1, FF_OK},
    {"reset_before", "POST", "uploadId=", 1, FF_OK},
    {"denied", "POST", "uploads=", ALWAYS, FF_E_PERMISSION},
    {"denied", "PUT", "partNumber=3", ALWAYS, FF_E_PERMISSION},
    {"status_500", "PUT", "partNumber=2", ALWAYS, FF_E_NETWORK},
    {"denied", "POST", "uploadId=", ALWAYS, FF_E_PERMISSION},
    {"error_in_200", "POST", "uploadId=", ALWAYS, FF_E_NETWORK},
};

static void upload_that_meets_a_fault_is_whole_or_nothing(void)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct ff_error own = FF_ERROR_INIT;
        int code;

        case_note("%s, %s %s", faults[i].fault, faults[i].method, faults[i].part);
        CLAUSE_OK(put_text(subject.objects, "large", "old", NULL, NULL, e), "PUT");
        server_arm(faults[i].fault, faults[i].method, faults[i].times, 0, faults[i].part);
        code = put_large(LARGE, LARGE, &own);
        CASE_ASSERT(server_off().fired > 0);
        CASE_MSG(code == faults[i].code, "%s at %s: it said %d (%s)", faults[i].fault,
                 faults[i].part, code, own.message);
        CASE_MSG(code ? is_text(subject.objects, "large", "old") : is_whole(LARGE),
                 "%s at %s: neither whole nor as before", faults[i].fault,
                 faults[i].part);
        CASE_MSG(server_uploads() == 0, "%s at %s: an upload is left", faults[i].fault,
                 faults[i].part);
    }
}

static void source_that_breaks_off_leaves_no_upload(void)
{
    CLAUSE_OK(put_text(subject.objects, "large", "old", NULL, NULL, e), "PUT");
    CLAUSE_CODE(put_large(LARGE, 20 * MIB, e), FF_E_IO, "PUT: the source fails");
    CASE_ASSERT(is_text(subject.objects, "large", "old"));
    CASE_ASSERT(server_uploads() == 0);
}

static void upload_that_somebody_removed_is_not_done(void)
{
    server_arm("upload_removed", "POST", 1, 0, "uploadId=");
    CLAUSE_CODE(put_large(LARGE, LARGE, e), FF_E_NETWORK,
                "PUT: what is there is as long, and another's");
    CASE_ASSERT(server_off().fired == 1);
}

static const struct case_test parts[] = {
    CASE(objects_of_sizes_around_the_parts_come_back),
    CASE(upload_that_meets_a_fault_is_whole_or_nothing),
    CASE(source_that_breaks_off_leaves_no_upload),
    CASE(upload_that_somebody_removed_is_not_done),
};
const struct case_suite parts_suite = {.name = "parts",
                                       .before = subject_open,
                                       .after = subject_close,
                                       .tests = parts,
                                       .count = sizeof parts / sizeof *parts,
                                       .timeout_s = 120};
