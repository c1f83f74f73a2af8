/* SPDX-License-Identifier: Apache-2.0 */
/* diff_key.c: which key of one dict or set is that of another one. */
#include "core/diff.h"

#define MOST_INSIDE 16u /* keys in keys: each is a level of the native stack */

struct ff_value ff_diff_key_at(struct ff_value keyed, size_t i, struct ff_value *value)
{
    struct ff_value key = FF_NOTHING;
    (void)ff_item(keyed, i, &key, value, NULL);
    return ff_kind(keyed) == FF_DICT ? key : *value;
}

static int find(struct ff_differ *d, struct ff_value keyed, struct ff_value key,
                int64_t *at)
{
    if (ff_diff_charge(d,
                       1 + ff_diff_leaf_bytes(ff_kind(key), key) / FF_DIFF_STEP_BYTES)) {
        return d->e->code;
    }
    *at = ff_seq_find(keyed.doc, keyed.cell, key, d->e);
    return d->e->code;
}

static int stop_at_first(void *ctx, const struct ff_difference *found)
{
    (void)ctx;
    return found != NULL;
}

/* 1: two keys have no difference. */
static int is_alike(struct ff_differ *d, struct ff_diff_pair keys)
{
    struct ff_differ inner = {.each = stop_at_first,
                              .e = d->e,
                              .call = d->call,
                              .steps = d->steps,
                              .max_steps = d->max_steps,
                              .inside = d->inside + 1};
    if (inner.inside > MOST_INSIDE) {
        return 0;
    }
    (void)ff_diff_run(&inner, keys);
    ff_diff_end(&inner);
    d->steps = inner.steps;
    return d->e->code ? d->e->code : inner.count == 0;
}

/* A key of B that A has not either: not a real pair, for it has but one document. */
static struct ff_diff_pair taken(struct ff_value b, struct ff_value key)
{
    return (struct ff_diff_pair){b, {NULL, key.cell}};
}

/* A key that equals only itself, as NaN and what a class may compare, in its turn among those of
 * B that A does not have. */
static int find_alike(struct ff_differ *d, struct ff_diff_pair both, size_t *looked,
                      struct ff_value key, int64_t *at)
{
    for (size_t n = ff_length(both.b); *looked < n; ++*looked) {
        struct ff_value value, other = ff_diff_key_at(both.b, *looked, &value);
        int64_t there = -1;
        int rc = find(d, both.a, other, &there);
        if (!rc && there >= 0) {
            continue;
        }
        rc = rc ? rc : is_alike(d, (struct ff_diff_pair){key, other});
        if (rc == 1) {
            *at = (int64_t)(*looked)++;
            rc = ff_diff_met(d, taken(both.b, other));
        }
        return rc < 0 ? rc : FF_OK;
    }
    return FF_OK;
}

int ff_diff_find_in_b(struct ff_differ *d, struct ff_diff_pair both, size_t *looked,
                      struct ff_value key, int64_t *at)
{
    int rc = find(d, both.b, key, at);
    return rc || *at >= 0 ? rc : find_alike(d, both, looked, key, at);
}

int ff_diff_find_in_a(struct ff_differ *d, struct ff_diff_pair both, struct ff_value key,
                      int64_t *at)
{
    int rc = find(d, both.a, key, at);
    if (rc || *at >= 0) {
        return rc;
    }
    rc = ff_diff_met(d, taken(both.b, key));
    *at = rc == 1 ? 0 : -1;
    return rc < 0 ? rc : FF_OK;
}
