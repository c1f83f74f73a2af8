/* SPDX-License-Identifier: Apache-2.0 */
/* walk.c: every value of a graph once, with its path: what info and pinning need. */
#include "core/storage.h"

#include <stdlib.h>

#include "core/base/alloc.h"

#define MAX_VALUES (1u << 28)

struct step {
    struct ff_value value;
    size_t next; /* the child to go to */
};

void ff_walk_begin(struct ff_walk *w, struct ff_value root)
{
    struct step *first;
    memset(w, 0, sizeof *w);
    ff_vec_init(&w->stack, sizeof(struct step), MAX_VALUES);
    ff_vec_init(&w->seen, sizeof(uint64_t), MAX_VALUES);
    first = ff_vec_push(&w->stack);
    if (first) {
        first->value = root;
        first->next = SIZE_MAX; /* not visited yet */
    }
}

static int has_children(int kind)
{
    return kind == FF_LIST || kind == FF_TUPLE || kind == FF_DICT || kind == FF_SET ||
           kind == FF_FROZENSET || kind == FF_OBJECT;
}

/* An open-addressing set of cells, rebuilt as it grows: `seen` is its table. */
static int enter(struct ff_walk *w, uint64_t cell)
{
    uint64_t *table = w->seen.items;
    size_t size = w->seen.capacity_count, at;
    if (w->seen.count * 2 >= size) {
        size_t bigger = size ? size * 2 : 64;
        uint64_t *fresh = ff_calloc(bigger, sizeof *fresh);
        if (!fresh) {
            return FF_E_NO_MEMORY;
        }
        for (size_t i = 0; i < size; i++) {
            for (at = (size_t)(table[i] >> 3) & (bigger - 1); table[i] && fresh[at];) {
                at = (at + 1) & (bigger - 1);
            }
            if (table[i]) {
                fresh[at] = table[i];
            }
        }
        ff_free(table);
        w->seen.items = table = fresh;
        w->seen.capacity_count = size = bigger;
    }
    for (at = (size_t)(cell >> 3) & (size - 1); table[at]; at = (at + 1) & (size - 1)) {
        if (table[at] == cell) {
            return 0;
        }
    }
    table[at] = cell;
    w->seen.count++;
    return 1;
}

/* What a path may hold without quotes: see core/path.c. */
static int is_word(const char *text, size_t n)
{
    int digit_first = n && text[0] >= '0' && text[0] <= '9';
    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)text[i];
        if (c != '_' && (c < '0' || c > '9') && ((c | 32) < 'a' || (c | 32) > 'z')) {
            return 0;
        }
    }
    return n > 0 && !digit_first;
}

/* Child i of a value, and its name: "[3]", ".state", ".field". 0 = no more. */
static int child_of(struct ff_value v, size_t i, struct ff_value *child, char *name,
                    size_t size)
{
    static const struct {
        int part;
        const char *name;
    } parts[] = {{FF_PART_ARGS, ".args"},
                 {FF_PART_KWARGS, ".kwargs"},
                 {FF_PART_LIST_ITEMS, ".items"},
                 {FF_PART_DICT_ITEMS, ".dict"},
                 {FF_PART_STATE, ".state"}};
    struct ff_value key = {NULL, 0};
    const char *text;
    size_t n;
    if (ff_kind(v) == FF_OBJECT) {
        if (i >= sizeof parts / sizeof *parts) {
            return 0;
        }
        *child = ff_part(v, parts[i].part);
        (void)snprintf(name, size, "%s", parts[i].name);
        return 1;
    }
    if (i >= ff_length(v) || ff_item(v, i, &key, child, NULL)) {
        return 0;
    }
    (void)snprintf(name, size, "[%zu]", i);
    if (key.doc && ff_str(key, &text, &n, NULL) == FF_OK) {
        n = n < 80 ? n : 80;
        if (is_word(text, n)) {
            (void)snprintf(name, size, ".%.*s", (int)n, text);
        } else {
            (void)snprintf(name, size, "['%.*s']", (int)n, text);
        }
    }
    return 1;
}

static int push(struct ff_walk *w, struct ff_value v)
{
    struct step *s = ff_vec_push(&w->stack);
    if (!s) {
        return FF_E_NO_MEMORY;
    }
    s->value = v;
    s->next = SIZE_MAX;
    return FF_OK;
}

/* Made when it is asked for: those of a deep value would need the square of its depth. */
void ff_walk_path(const struct ff_walk *w, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i + 1 < w->stack.count && used + 1 < size; i++) {
        const struct step *s = ff_vec_at(&w->stack, i);
        struct ff_value child;
        char name[128];
        int skip;
        if (child_of(s->value, s->next - 1, &child, name, sizeof name)) {
            skip = i == 0 && name[0] == '.';
            (void)snprintf(out + used, size - used, "%s", name + skip);
            used += strlen(out + used);
        }
    }
}

int ff_walk_next(struct ff_walk *w, struct ff_value *out, struct ff_error *e)
{
    struct step *top;
    while ((top = ff_vec_last(&w->stack))) {
        struct ff_value child = {NULL, 0};
        char name[128];
        int kind = ff_kind(top->value), fresh;
        if (top->next == SIZE_MAX) {
            top->next = 0;
            fresh = has_children(kind) || kind == FF_PERSISTENT
                        ? enter(w, top->value.cell)
                        : 1;
            if (fresh < 0) {
                return ff_fail(e, fresh, NULL, "out of memory");
            }
            if (!fresh) {
                ff_vec_pop(&w->stack);
                continue;
            }
            *out = top->value;
            return 1;
        }
        if (!has_children(kind) ||
            !child_of(top->value, top->next++, &child, name, sizeof name)) {
            ff_vec_pop(&w->stack);
        } else if (child.doc && push(w, child)) {
            return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        }
    }
    return 0;
}

void ff_walk_end(struct ff_walk *w)
{
    ff_vec_free(&w->stack);
    ff_free(w->seen.items);
}
