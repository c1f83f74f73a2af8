/* SPDX-License-Identifier: Apache-2.0 */
/* json_read_object.c: tags of containers, objects and what serializers keep. */
#include "core/json_read.h"

#include <string.h>

/* ---- cells ---- */

uint64_t ff_json_global(struct ff_json_reader *r, uint32_t node, const char *module,
                        const char *name)
{
    struct ff_value v = ff_new_global(r->doc, module, name, r->error);
    (void)node;
    return v.cell;
}

uint64_t ff_json_tuple(struct ff_json_reader *r, uint32_t node, const uint64_t *cells,
                       size_t count)
{
    struct ff_seq *seq = ff_seq_new_tuple(r->doc, count);
    if (!seq) {
        (void)ff_json_full(r, node);
        return 0;
    }
    if (count && cells) {
        memcpy(seq->cells, cells, count * sizeof *cells);
    }
    for (size_t i = 0; i < count && !cells; i++) {
        seq->cells[i] = FF_TAG_NONE; /* until it is filled */
    }
    return ff_cell(FF_TAG_TUPLE, seq);
}

static uint64_t new_object(struct ff_json_reader *r, uint32_t node, uint64_t callable,
                           uint64_t args, bool more)
{
    struct ff_object_node *o = ff_doc_alloc(r->doc, sizeof *o);
    struct ff_object_more *m = more ? ff_doc_alloc(r->doc, sizeof *m) : NULL;
    if (!o || (more && !m)) {
        (void)ff_json_full(r, node);
        return 0;
    }
    if (m) {
        memset(m, 0, sizeof *m);
    }
    *o = (struct ff_object_node){
        .callable = callable, .args = args, .more = m, .how = FF_HOW_REDUCE};
    return ff_cell(FF_TAG_OBJECT, o);
}

uint64_t ff_json_call(struct ff_json_reader *r, uint32_t node, const char *module,
                      const char *name, const uint64_t *cells, size_t count)
{
    uint64_t callable = ff_json_global(r, node, module, name);
    uint64_t args = callable ? ff_json_tuple(r, node, cells, count) : 0;
    return args ? new_object(r, node, callable, args, false) : 0;
}

/* ---- containers ---- */

int ff_json_make_tuple(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    uint64_t cell;
    int rc = ff_json_want(r, value, '[', "a list");
    if (rc) {
        return rc;
    }
    cell = ff_json_tuple(r, value, NULL, ff_json_node(&r->tree, value)->count);
    rc = ff_json_set(r, object, cell);
    rc = rc ? rc : ff_json_later(r, FF_JSON_FILL_TUPLE, value, cell);
    return rc ? rc : ff_json_visit_children(r, value, 0, 1);
}

static uint64_t new_seq(struct ff_json_reader *r, uint32_t node, unsigned tag)
{
    struct ff_seq *seq = ff_seq_new(r->doc);
    if (!seq) {
        (void)ff_json_full(r, node);
    }
    return seq ? ff_cell(tag, seq) : 0;
}

/* The children of `value` will be the items of a new container. */
static int fill_items(struct ff_json_reader *r, uint32_t value, unsigned tag,
                      uint64_t *cell)
{
    int rc = ff_json_want(r, value, '[', "a list");
    if (rc) {
        return rc;
    }
    *cell = new_seq(r, value, tag);
    rc = *cell ? ff_json_later(r, FF_JSON_FILL_LIST, value, *cell) : r->error->code;
    return rc ? rc : ff_json_visit_children(r, value, 0, 1);
}

int ff_json_make_set(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    uint64_t cell;
    int rc = fill_items(r, value, FF_TAG_SET, &cell);
    return rc ? rc : ff_json_set(r, object, cell);
}

int ff_json_make_frozenset(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    uint64_t cell;
    int rc = fill_items(r, value, FF_TAG_FROZENSET, &cell);
    return rc ? rc : ff_json_set(r, object, cell);
}

static int fill_pairs(struct ff_json_reader *r, uint32_t value, uint64_t *cell)
{
    int rc;
    *cell = new_seq(r, value, FF_TAG_DICT);
    rc = *cell ? ff_json_later(r, FF_JSON_FILL_PAIRS, value, *cell) : r->error->code;
    return rc ? rc : ff_json_visit_pairs(r, value);
}

int ff_json_make_dict(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    uint64_t cell;
    int rc = fill_pairs(r, value, &cell);
    return rc ? rc : ff_json_set(r, object, cell);
}

/* class(*args) with items that are set later. */
static int make_with_items(struct ff_json_reader *r, uint32_t object, uint32_t pairs,
                           const char *name, uint64_t args)
{
    uint64_t callable = args ? ff_json_global(r, object, "collections", name) : 0;
    uint64_t cell = callable ? new_object(r, object, callable, args, true) : 0, dict = 0;
    struct ff_object_node *o;
    int rc = cell ? fill_pairs(r, pairs, &dict) : r->error->code;
    if (rc) {
        return rc;
    }
    o = ff_cell_node(cell);
    o->more->dict_items = ff_json_node(&r->tree, pairs)->count ? dict : 0;
    o->stage = FF_STAGE_DICT;
    return ff_json_set(r, object, cell);
}

int ff_json_make_ordered_dict(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    return make_with_items(r, object, value, "OrderedDict",
                           ff_json_tuple(r, object, NULL, 0));
}

int ff_json_make_default_dict(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    static const char *const names[] = {"factory", "items", NULL};
    uint32_t factory, items;
    uint64_t args;
    int rc = ff_json_want(r, value, '{', "an object");
    rc = rc ? rc : ff_json_check_members(r, value, names);
    if (rc) {
        return rc;
    }
    factory = ff_json_member(&r->tree, value, "factory");
    items = ff_json_member(&r->tree, value, "items");
    if (!factory || !items) {
        return ff_json_wrong(r, value, "factory and items are needed");
    }
    args = ff_json_tuple(r, object, NULL, 1);
    rc = make_with_items(r, object, items, "defaultdict", args);
    if (!rc) {
        rc = ff_json_later(r, FF_JSON_FILL_FACTORY, factory,
                           ff_json_node(&r->tree, object)->cell);
    }
    return rc ? rc : ff_json_later(r, FF_JSON_VISIT, factory, 0);
}

int ff_json_make_counter(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    uint64_t dict, cell;
    int rc = fill_pairs(r, value, &dict);
    if (rc) {
        return rc;
    }
    cell = ff_json_call(r, object, "collections", "Counter", &dict, 1);
    return cell ? ff_json_set(r, object, cell) : r->error->code;
}

int ff_json_make_deque(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    static const char *const names[] = {"maxlen", "items", NULL};
    uint32_t maxlen, items;
    uint64_t cells[2] = {0, FF_TAG_NONE}, list, cell;
    int64_t number;
    int rc = ff_json_want(r, value, '{', "an object");
    rc = rc ? rc : ff_json_check_members(r, value, names);
    if (rc) {
        return rc;
    }
    maxlen = ff_json_member(&r->tree, value, "maxlen");
    items = ff_json_member(&r->tree, value, "items");
    if (!items) {
        return ff_json_wrong(r, value, "items are needed");
    }
    if (maxlen && ff_json_type(&r->tree, maxlen) != 'n') {
        rc = ff_json_number(r, maxlen, 0, INT64_MAX, &number);
        cells[1] = ff_json_node(&r->tree, maxlen)->cell;
    }
    rc = rc ? rc : fill_items(r, items, FF_TAG_LIST, &list);
    if (rc || !(cells[0] = ff_json_tuple(r, object, NULL, 0))) {
        return r->error->code;
    }
    cell = ff_json_call(r, object, "collections", "deque", cells,
                        cells[1] == FF_TAG_NONE ? 0 : 2);
    if (cell && ff_json_node(&r->tree, items)->count) {
        struct ff_object_node *o = ff_cell_node(cell);
        o->more = ff_doc_alloc(r->doc, sizeof *o->more);
        if (!o->more) {
            return ff_json_full(r, object);
        }
        *o->more = (struct ff_object_more){.list_items = list};
        o->stage = FF_STAGE_LIST;
    }
    return cell ? ff_json_set(r, object, cell) : r->error->code;
}

/* The arguments stand in the list. */
static int make_call(struct ff_json_reader *r, uint32_t object, uint32_t value,
                     const char *name)
{
    uint64_t cell;
    int rc = ff_json_want(r, value, '[', "a list of three");
    if (rc || ff_json_node(&r->tree, value)->count != 3) {
        return rc ? rc : ff_json_wrong(r, value, "here should be a list of three");
    }
    cell = ff_json_call(r, object, "builtins", name, NULL, 3);
    if (!cell) {
        return r->error->code;
    }
    rc = ff_json_set(r, object, cell);
    rc = rc ? rc
            : ff_json_later(r, FF_JSON_FILL_TUPLE, value,
                            ((struct ff_object_node *)ff_cell_node(cell))->args);
    return rc ? rc : ff_json_visit_children(r, value, 0, 1);
}

int ff_json_make_range(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    return make_call(r, object, value, "range");
}

int ff_json_make_slice(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    return make_call(r, object, value, "slice");
}

/* ---- objects ---- */

static int later_member(struct ff_json_reader *r, uint32_t object, const char *name)
{
    uint32_t n = ff_json_member(&r->tree, object, name);
    return n ? ff_json_later(r, FF_JSON_VISIT, n, 0) : FF_OK;
}

/* Written as a list, the arguments are a tuple all the same. */
static int later_args(struct ff_json_reader *r, uint32_t object, const char *name)
{
    uint32_t n = ff_json_member(&r->tree, object, name);
    if (!n || ff_json_type(&r->tree, n) != '[') {
        return later_member(r, object, name);
    }
    return ff_json_make_tuple(r, n, n);
}

static int later_steps(struct ff_json_reader *r, uint32_t object)
{
    uint32_t then = ff_json_member(&r->tree, object, "then");
    size_t from = r->work.count;
    int rc = then ? ff_json_want(r, then, '[', "a list of steps") : FF_OK;
    for (uint32_t n = then && !rc ? ff_json_child(&r->tree, then, 0) : 0; n && !rc;
         n = ff_json_node(&r->tree, n)->next) {
        uint32_t count = ff_json_node(&r->tree, n)->count;
        if (ff_json_type(&r->tree, n) != '[' || count < 2 || count > 3 ||
            ff_json_type(&r->tree, n + 1) != '"') {
            return ff_json_wrong(r, n, "no step of an object");
        }
        for (uint32_t i = 1; i < count && !rc; i++) {
            rc = ff_json_later(r, FF_JSON_VISIT, ff_json_child(&r->tree, n, i), 0);
        }
    }
    ff_json_reverse(r, from);
    return rc;
}

static int parse_how(struct ff_json_reader *r, uint32_t value, uint8_t *how)
{
    static const char *const hows[] = {[FF_HOW_REDUCE] = "reduce",
                                       [FF_HOW_NEWOBJ] = "newobj",
                                       [FF_HOW_NEWOBJ_EX] = "newobj_ex",
                                       [FF_HOW_INST] = "inst",
                                       [FF_HOW_OBJ] = "obj"};
    uint32_t n = ff_json_member(&r->tree, value, "how");
    for (*how = 0; n && *how <= FF_HOW_OBJ && !ff_json_is(&r->tree, n, hows[*how]);) {
        ++*how;
    }
    return *how > FF_HOW_OBJ ? ff_json_wrong(r, n, "no way to make an object") : FF_OK;
}

/* Last pushed, first done: the call with what it needs, then the rest in its order. */
int ff_json_make_object(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    static const char *const names[] = {"how",  "callable",   "args",  "kwargs",
                                        "list", "dict",       "state", "setter",
                                        "then", "outer_args", NULL};
    static const char *const rest[] = {"setter", "state", "dict", "list"};
    uint64_t cell;
    uint8_t how;
    int rc = ff_json_want(r, value, '{', "an object");
    rc = rc ? rc : ff_json_check_members(r, value, names);
    rc = rc ? rc : parse_how(r, value, &how);
    if (rc) {
        return rc;
    }
    if (!ff_json_member(&r->tree, value, "callable") ||
        !ff_json_member(&r->tree, value, "args")) {
        return ff_json_wrong(r, value, "callable and args are needed");
    }
    cell = new_object(r, object, 0, 0,
                      ff_json_member(&r->tree, value, "kwargs") ||
                          ff_json_member(&r->tree, value, "list") ||
                          ff_json_member(&r->tree, value, "dict") ||
                          ff_json_member(&r->tree, value, "setter") ||
                          ff_json_member(&r->tree, value, "then") ||
                          ff_json_member(&r->tree, value, "outer_args"));
    if (!cell) {
        return r->error->code;
    }
    ((struct ff_object_node *)ff_cell_node(cell))->how = how;
    rc = ff_json_set(r, object, cell);
    rc = rc ? rc : ff_json_later(r, FF_JSON_FILL_REST, value, cell);
    rc = rc ? rc : later_steps(r, value);
    rc = rc ? rc : later_member(r, value, "outer_args");
    for (size_t i = 0; i < 4 && !rc; i++) {
        rc = later_member(r, value, rest[i]);
    }
    rc = rc ? rc : ff_json_later(r, FF_JSON_FILL_CALL, value, cell);
    rc = rc ? rc : later_member(r, value, "kwargs");
    rc = rc ? rc : later_args(r, value, "args");
    return rc ? rc : later_member(r, value, "callable");
}

int ff_json_make_persistent(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    static const char *const names[] = {"serializer", "version", "name", NULL};
    static const char *const only_id[] = {"id", NULL};
    struct ff_persistent_node *node;
    uint64_t part[3], inner;
    uint32_t id;
    int rc = ff_json_want(r, value, '{', "an object");
    if (rc || !(node = ff_doc_alloc(r->doc, sizeof *node))) {
        return rc ? rc : ff_json_full(r, object);
    }
    *node = (struct ff_persistent_node){.pid = FF_TAG_NONE};
    atomic_init(&node->text, NULL);
    rc = ff_json_set(r, object, ff_cell(FF_TAG_PERSISTENT, node));
    id = ff_json_member(&r->tree, value, "id");
    if (id) {
        rc = rc ? rc : ff_json_check_members(r, value, only_id);
        rc =
            rc ? rc
               : ff_json_later(r, FF_JSON_FILL_PID, id, ff_cell(FF_TAG_PERSISTENT, node));
        return rc ? rc : ff_json_later(r, FF_JSON_VISIT, id, 0);
    }
    rc = rc ? rc : ff_json_check_members(r, value, names);
    for (size_t i = 0; i < 3 && !rc; i++) {
        uint32_t n = ff_json_member(&r->tree, value, names[i]);
        rc = !n ? ff_json_wrong(r, value, "serializer, version and name are needed")
                : ff_json_want(r, n, '"', "a text");
        rc = rc ? rc : ff_json_text_cell(r, n, &part[i]);
    }
    if (rc || !(inner = ff_json_tuple(r, value, part + 1, 2))) {
        return r->error->code;
    }
    part[1] = inner;
    node->pid = ff_json_tuple(r, value, part, 2);
    return node->pid ? FF_OK : r->error->code;
}

int ff_json_make_extension(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    struct ff_extension_node *node = ff_doc_alloc(r->doc, sizeof *node);
    int64_t code;
    int rc =
        node ? ff_json_number(r, value, 1, INT32_MAX, &code) : ff_json_full(r, object);
    if (rc) {
        return rc;
    }
    node->code = (int32_t)code;
    return ff_json_set(r, object, ff_cell(FF_TAG_EXTENSION, node));
}
