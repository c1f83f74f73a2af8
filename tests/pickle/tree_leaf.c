/* SPDX-License-Identifier: Apache-2.0 */
/* tree_leaf.c: lines of what has no children. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "tree_own.h"

void add(struct text *t, const char *text)
{
    t->failed = t->failed ? t->failed : ff_buf_append_text(t->out, text);
}

void addf(struct text *t, const char *format, ...)
{
    char line[128];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    add(t, line);
}

/* ---- scalars ---- */

static void add_hex(struct text *t, const uint8_t *data, size_t size)
{
    char line[129];
    while (size && !t->failed) {
        size_t n = size < 64 ? size : 64;
        ff_hex(data, n, line);
        add(t, line);
        data += n;
        size -= n;
    }
}

static void add_bytes(struct text *t, const char *kind, const uint8_t *data, size_t size)
{
    bool plain = true;
    for (size_t i = 0; i < size; i++) {
        plain = plain && data[i] >= 0x20 && data[i] < 0x7f;
    }
    addf(t, "%s %c", kind, plain ? '\'' : 'x');
    if (!plain) {
        add_hex(t, data, size);
    } else if (!t->failed) {
        t->failed = ff_buf_append(t->out, data, size);
    }
}

/* Sign, and the digits of the absolute value, the highest first. */
static void add_int(struct text *t, uint64_t cell)
{
    uint8_t scratch[8];
    const uint8_t *bytes;
    size_t size;
    struct ff_value v = {NULL, cell};
    (void)ff_int_bytes(v, scratch, &bytes, &size, NULL);
    bool negative = bytes[size - 1] & 0x80, carry = negative;
    uint8_t *digits = malloc(size);
    if (!digits) {
        t->failed = -ENOMEM;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(negative ? ~bytes[i] + carry : bytes[i]);
        carry = carry && byte == 0;
        digits[size - 1 - i] = byte;
    }
    size_t zeros = 0;
    while (zeros + 1 < size && digits[zeros] == 0) {
        zeros++;
    }
    addf(t, "int %s0x%x", negative ? "-" : "", digits[zeros]);
    add_hex(t, digits + zeros + 1, size - zeros - 1);
    free(digits);
}

static void add_float(struct text *t, uint64_t cell)
{
    double value = ff_cell_float(cell);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    addf(t, "float %016llx", (unsigned long long)bits);
}

static void add_global(struct text *t, uint64_t cell)
{
    const struct ff_global_node *g = ff_cell_node(cell);
    const struct ff_global_text *names = t->doc ? ff_global_text(t->doc, cell) : NULL;
    const char *text = "";
    size_t size = 0;
    if (names) {
        add_bytes(t, "global", (const uint8_t *)names->module, strlen(names->module));
        add_bytes(t, "", (const uint8_t *)names->name, strlen(names->name));
        return;
    }
    (void)ff_cell_text(g->module, &text, &size);
    add_bytes(t, "global", (const uint8_t *)text, size);
    (void)ff_cell_text(g->name, &text, &size);
    add_bytes(t, "", (const uint8_t *)text, size);
}

static void add_buffer(struct text *t, uint64_t cell)
{
    const struct ff_buffer_node *b = ff_cell_node(cell);
    addf(t, "buffer %llu%s", (unsigned long long)b->number, b->base ? " readonly" : "");
}

bool add_leaf(struct text *t, uint64_t cell)
{
    const uint8_t *data;
    const char *text;
    size_t size;
    unsigned tag = ff_tag(cell);
    if (tag >= FF_TAG_NONE && tag <= FF_TAG_TRUE) {
        static const char *const words[] = {"none", "false", "true"};
        add(t, words[tag - FF_TAG_NONE]);
    } else if (tag == FF_TAG_INT || tag == FF_TAG_BIGINT) {
        add_int(t, cell);
    } else if (tag == FF_TAG_FLOAT) {
        add_float(t, cell);
    } else if (ff_cell_text(cell, &text, &size)) {
        add_bytes(t, "str", (const uint8_t *)text, size);
    } else if (ff_cell_bytes(cell, &data, &size)) {
        add_bytes(t, tag == FF_TAG_BYTEARRAY ? "bytearray" : "bytes", data, size);
    } else if (tag == FF_TAG_GLOBAL) {
        add_global(t, cell);
    } else if (tag == FF_TAG_EXTENSION) {
        addf(t, "extension %d",
             ((const struct ff_extension_node *)ff_cell_node(cell))->code);
    } else if (tag == FF_TAG_BUFFER) {
        add_buffer(t, cell);
    } else {
        return false;
    }
    return true;
}
