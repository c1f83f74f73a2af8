/* SPDX-License-Identifier: Apache-2.0 */
/* write_path.c: where the writer is, for error messages: "#traces[3].name". */
#include <string.h>

#include "write.h"

struct text {
    char *at;
    size_t left;
};

static void add(struct text *t, const char *bytes, size_t size)
{
    size_t n = size < t->left ? size : t->left - 1;
    if (t->left > 1) {
        memcpy(t->at, bytes, n);
        t->at += n;
        t->left -= n;
        *t->at = 0;
    }
}

static bool is_name(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return size > 0;
}

static void add_index(struct text *t, size_t index)
{
    char number[32];
    int n = snprintf(number, sizeof number, "[%zu]", index);
    add(t, number, (size_t)n);
}

static void add_key(struct text *t, uint64_t key, bool first)
{
    const char *text;
    size_t size;
    if (ff_tag(key) == FF_TAG_INT) {
        char number[32];
        int n = snprintf(number, sizeof number, "[%lld]", (long long)ff_cell_int(key));
        add(t, number, (size_t)n);
    } else if (!ff_cell_text(key, &text, &size)) {
        add(t, "[?]", 3);
    } else if (is_name(text, size)) {
        add(t, ".", first ? 0 : 1);
        add(t, text, size);
    } else {
        add(t, "['", 2);
        add(t, text, size > 80 ? 80 : size);
        add(t, "']", 2);
    }
}

void ff_dumper_path(const struct ff_dumper *d, char *text, size_t size)
{
    struct text t = {text, size};
    if (size == 0) {
        return;
    }
    *text = 0;
    add(&t, "#", 1);
    for (size_t i = 0; i < d->depth && t.left > 1; i++) {
        const struct ff_part_frame *f = &d->stack[i];
        const struct ff_seq *seq = f->node;
        bool first = t.at == text + 1;
        if (f->at == 0 || !seq) {
            continue;
        }
        if (f->kind == FF_TAG_DICT) {
            add_key(&t, seq->cells[(f->at - 1) / 2 * 2], first);
        } else if (f->kind || ff_tag(f->cell) == FF_TAG_TUPLE ||
                   ff_tag(f->cell) == FF_TAG_FROZENSET) {
            add_index(&t, f->at - 1);
        }
    }
    if (t.at == text + 1) { /* the value itself */
        *text = 0;
    }
}
