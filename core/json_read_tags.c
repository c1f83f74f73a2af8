/* SPDX-License-Identifier: Apache-2.0 */
/* json_read_tags.c: {"$tag": ...}: the table of tags, and references. */
#include "core/json_read.h"

#include <string.h>

#include "core/base/name.h"

/* ---- references ---- */

static int make_ref(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    int64_t id;
    uint64_t *cell;
    int rc = ff_json_number(r, value, 1, INT64_MAX, &id);
    if (rc) {
        return rc;
    }
    cell = ff_cellmap_find(&r->ids, (uint64_t)id);
    return cell && *cell
               ? ff_json_set(r, object, *cell)
               : ff_json_wrong(r, value, "no value with this $id stands before");
}

static int bind_id(struct ff_json_reader *r, uint32_t object, uint64_t cell)
{
    uint32_t id = ff_json_member(&r->tree, object, "$id");
    int64_t number;
    uint64_t *place;
    int rc = ff_json_number(r, id, 1, INT64_MAX, &number);
    if (rc) {
        return rc;
    }
    place = ff_cellmap_put(&r->ids, (uint64_t)number);
    if (!place) {
        return ff_fail(r->error, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    if (*place) {
        return ff_json_wrong(r, id, "the same $id twice");
    }
    *place = cell;
    return ff_json_set(r, object, cell);
}

static bool is_named(const struct ff_json_reader *r, uint32_t n)
{
    return ff_json_type(&r->tree, n) == '{' && ff_json_member(&r->tree, n, "$id");
}

/* {"$id": 1, "$value": ...}: the value is made at once, so that references in it find it. */
static int make_named(struct ff_json_reader *r, uint32_t object, uint32_t ignored)
{
    static const char *const names[] = {"$id", "$value", NULL};
    uint32_t inner = object;
    int rc = FF_OK;
    (void)ignored;
    while (is_named(r, inner) && !rc) {
        rc = ff_json_check_members(r, inner, names);
        if (!rc && !ff_json_member(&r->tree, inner, "$value")) {
            return ff_json_wrong(r, inner, "$id without $value");
        }
        inner = ff_json_member(&r->tree, inner, "$value");
    }
    rc = rc ? rc : ff_json_visit(r, inner);
    for (uint32_t n = object; n != inner && !rc;
         n = ff_json_member(&r->tree, n, "$value")) {
        rc = bind_id(r, n, ff_json_node(&r->tree, inner)->cell);
    }
    return rc;
}

/* ---- the table ---- */

static int make_nothing(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    (void)value;
    return ff_json_fail_at(
        &r->tree, ff_json_node(&r->tree, object)->at, FF_E_UNSUPPORTED, r->error,
        "this only describes what JSON does not hold: it cannot be read back");
}

static const struct {
    const char *name;
    ff_json_maker make;
    bool alone; /* the only member */
} tags[] = {
    {"$tuple", ff_json_make_tuple, true},
    {"$dict", ff_json_make_dict, true},
    {"$set", ff_json_make_set, true},
    {"$frozenset", ff_json_make_frozenset, true},
    {"$bytes", ff_json_make_bytes, true},
    {"$bytearray", ff_json_make_bytearray, true},
    {"$str", ff_json_make_str, true},
    {"$int", ff_json_make_int, true},
    {"$float", ff_json_make_float, true},
    {"$complex", ff_json_make_complex, true},
    {"$ndarray", ff_json_make_ndarray, true},
    {"$scalar", ff_json_make_scalar, true},
    {"$dtype", ff_json_make_dtype, true},
    {"$npy", ff_json_make_npy, false},
    {"$date", ff_json_make_date, true},
    {"$time", ff_json_make_time, true},
    {"$datetime", ff_json_make_datetime, true},
    {"$timedelta", ff_json_make_timedelta, true},
    {"$timezone", ff_json_make_timezone, true},
    {"$decimal", ff_json_make_decimal, true},
    {"$fraction", ff_json_make_fraction, true},
    {"$uuid", ff_json_make_uuid, true},
    {"$path", ff_json_make_path, true},
    {"$range", ff_json_make_range, true},
    {"$slice", ff_json_make_slice, true},
    {"$ordered_dict", ff_json_make_ordered_dict, true},
    {"$defaultdict", ff_json_make_default_dict, true},
    {"$counter", ff_json_make_counter, true},
    {"$deque", ff_json_make_deque, true},
    {"$global", ff_json_make_global, true},
    {"$object", ff_json_make_object, true},
    {"$persistent", ff_json_make_persistent, true},
    {"$extension", ff_json_make_extension, true},
    {"$ref", make_ref, true},
    {"$id", make_named, false},
    {"$value", make_named, false},
    {"$effects", ff_json_make_effects, false},
    {"$array", make_nothing, true},
    {"$native", make_nothing, true},
    {"$buffer", make_nothing, true},
};

enum { TAGS = sizeof tags / sizeof *tags };

static int unknown_tag(struct ff_json_reader *r, uint32_t name)
{
    const struct ff_json_node *node = ff_json_node(&r->tree, name);
    const char *choices[TAGS + 1] = {NULL}, *near;
    char word[32];
    for (size_t i = 0; i < TAGS; i++) {
        choices[i] = tags[i].name;
    }
    (void)snprintf(word, sizeof word, "%.*s",
                   (int)(node->size < 30 ? node->size - 2 : 28),
                   r->tree.text + node->at + 1);
    near = ff_nearest(word, choices);
    (void)ff_json_fail_at(&r->tree, node->at, FF_E_USAGE, r->error, "no such tag%s%s%s",
                          near ? ": is " : "", near ? near : "", near ? " meant?" : "");
    ff_error_fix(r->error, "a dict with a key that begins with $ is written {\"$dict\": "
                           "[[\"$key\", value], ...]}");
    return FF_E_USAGE;
}

int ff_json_read_tag(struct ff_json_reader *r, uint32_t object)
{
    uint32_t name = object + 1, value;
    if (is_named(r, object)) {
        return make_named(r, object, 0);
    }
    value = ff_json_member(&r->tree, object, "$effects");
    if (value) {
        return ff_json_make_effects(r, object, value);
    }
    while (r->tree.text[ff_json_node(&r->tree, name)->at + 1] != '$') {
        name = ff_json_node(&r->tree, ff_json_node(&r->tree, name)->next)->next;
    }
    value = ff_json_node(&r->tree, name)->next;
    for (size_t i = 0; i < TAGS; i++) {
        if (!ff_json_is(&r->tree, name, tags[i].name)) {
            continue;
        }
        if (strcmp(tags[i].name, "$value") == 0) {
            return ff_json_wrong(r, name, "$value without $id");
        }
        if (tags[i].alone && ff_json_node(&r->tree, object)->count != 2) {
            return ff_json_wrong(r, object, "a tag has no other members beside it");
        }
        return tags[i].make(r, object, value);
    }
    return unknown_tag(r, name);
}
