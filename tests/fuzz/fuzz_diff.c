/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_diff.c: two pickles, one behind the other, are compared both ways: a value is equal to
 * itself, and as many places are only in the one as are only in the other. */
#include <functionfuse/diff.h>

#include "fuzz.h"

#define MOST_STEPS 20000u

struct seen {
    uint64_t all, only_a, only_b;
};

static int on_difference(void *ctx, const struct ff_difference *d)
{
    struct seen *seen = ctx;
    must(d->path != NULL, "a difference without a path");
    must(d->kind >= FF_DIFF_ONLY_A && d->kind <= FF_DIFF_ELEMENTS, "no such kind");
    seen->all++;
    seen->only_a += d->kind == FF_DIFF_ONLY_A;
    seen->only_b += d->kind == FF_DIFF_ONLY_B;
    return 0;
}

static int diff(const struct ff_doc *a, const struct ff_doc *b, struct seen *seen)
{
    const struct ff_diff_options options = {.struct_size = sizeof options,
                                            .max_steps = MOST_STEPS};
    struct ff_error e = FF_ERROR_INIT;
    uint64_t count = 0;
    int rc = ff_diff(ff_doc_root(a), ff_doc_root(b), &options, on_difference, seen,
                     &count, &e);
    must(rc == e.code, "the code and the error differ");
    must(count == seen->all, "not every difference was counted");
    must(count <= MOST_STEPS + 1, "more differences than steps");
    return rc;
}

static struct ff_doc *load(const uint8_t *data, size_t size, size_t *used)
{
    struct ff_error e = FF_ERROR_INIT;
    return ff_pickle_load(data, size, NULL, NULL, NULL, used, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen ab = {0}, ba = {0}, aa = {0};
    size_t used = 0;
    struct ff_doc *a = load(data, size, &used);
    struct ff_doc *b = a ? load(data + used, size - used, NULL) : NULL;
    if (b) {
        int rc = diff(a, b, &ab), back = diff(b, a, &ba);
        must(rc || back || (ab.only_a == ba.only_b && ab.only_b == ba.only_a),
             "both ways differ");
    }
    if (a) {
        must(diff(a, a, &aa) || aa.all == 0, "a value differs from itself");
    }
    ff_doc_free(a);
    ff_doc_free(b);
    return 0;
}
