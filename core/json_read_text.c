/* SPDX-License-Identifier: Apache-2.0 */
/* json_read_text.c: tags that are one text or a few numbers. An object made of a text is then
 * looked at: when it has not the view that it should have, the text was wrong. */
#include "core/json_read.h"

#include <errno.h>
#include <string.h>

#include "core/number.h"
#include "core/out.h"
#include "core/views.h"

static int no_memory(struct ff_json_reader *r)
{
    return ff_fail(r->error, FF_E_NO_MEMORY, NULL, "out of memory");
}

/* The text of a string, NUL behind it, in `scratch`. */
int ff_json_read_text(struct ff_json_reader *r, uint32_t value, const char **text,
                      size_t *size)
{
    const char *found;
    int rc = ff_json_want(r, value, '"', "a text");
    if (rc) {
        return rc;
    }
    found = ff_json_string(&r->tree, value, &r->scratch, size);
    if (found && found != (const char *)r->scratch.data) {
        ff_buf_clear(&r->scratch);
        if (ff_buf_append(&r->scratch, found, *size)) {
            found = NULL;
        }
    }
    if (!found) {
        return no_memory(r);
    }
    *text = ff_buf_text(&r->scratch);
    return FF_OK;
}

int ff_json_set_checked(struct ff_json_reader *r, uint32_t object, uint32_t value,
                        uint64_t cell, int view, const char *what)
{
    if (!cell) {
        return r->error->code;
    }
    /* a name that finds no memory must not pass for a wrong text */
    if (!ff_global_text(r->doc,
                        ((struct ff_object_node *)ff_cell_node(cell))->callable)) {
        return no_memory(r);
    }
    if (ff_view(ff_value_of(r->doc, cell)) != view) {
        return ff_json_wrong(r, value, what);
    }
    return ff_json_set(r, object, cell);
}

/* ---- bytes and texts ---- */

int ff_json_base64(struct ff_json_reader *r, uint32_t node)
{
    const char *text;
    size_t size, decoded;
    int rc = ff_json_want(r, node, '"', "base64 text");
    if (rc) {
        return rc;
    }
    text = r->tree.text + ff_json_node(&r->tree, node)->at + 1;
    size = ff_json_node(&r->tree, node)->size - 2;
    ff_buf_clear(&r->scratch);
    if (ff_buf_reserve(&r->scratch, size / 4 * 3 + 3)) {
        return no_memory(r);
    }
    decoded = ff_base64_decode(text, size, r->scratch.data);
    if (decoded == SIZE_MAX) {
        return ff_json_wrong(r, node, "not base64");
    }
    ff_buf_added(&r->scratch, decoded);
    return FF_OK;
}

int ff_json_make_bytes(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    int rc = ff_json_base64(r, value);
    return rc ? rc
              : ff_json_set(r, object,
                            ff_doc_built_scalar(r->doc, FF_TAG_BYTES, r->scratch.data,
                                                r->scratch.length_bytes));
}

int ff_json_make_bytearray(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    struct ff_blob *blob;
    uint8_t *data;
    int rc = ff_json_base64(r, value);
    if (rc) {
        return rc;
    }
    blob = ff_doc_alloc(r->doc, sizeof *blob);
    data = ff_doc_alloc(r->doc, r->scratch.length_bytes);
    if (!blob || !data) {
        return ff_json_full(r, object);
    }
    memcpy(data, r->scratch.data, r->scratch.length_bytes);
    *blob = (struct ff_blob){data, r->scratch.length_bytes, false, 0};
    return ff_json_set(r, object, ff_cell(FF_TAG_BYTEARRAY, blob));
}

int ff_json_make_str(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    int rc = ff_json_base64(r, value);
    if (!rc && !ff_utf8_check(r->scratch.data, r->scratch.length_bytes)) {
        rc = ff_json_wrong(r, value, "not UTF-8");
    }
    return rc ? rc
              : ff_json_set(r, object,
                            ff_doc_built_scalar(r->doc, FF_TAG_STR, r->scratch.data,
                                                r->scratch.length_bytes));
}

int ff_json_make_global(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    struct ff_global_node *g;
    uint32_t name;
    uint64_t cells[2];
    int rc = ff_json_want(r, value, '[', "[module, name]");
    if (!rc &&
        (ff_json_node(&r->tree, value)->count != 2 ||
         ff_json_type(&r->tree, value + 1) != '"' ||
         ff_json_type(&r->tree, name = ff_json_child(&r->tree, value, 1)) != '"')) {
        rc = ff_json_wrong(r, value, "here should be [module, name]");
    }
    rc = rc ? rc : ff_json_text_cell(r, value + 1, &cells[0]);
    rc = rc ? rc : ff_json_text_cell(r, ff_json_child(&r->tree, value, 1), &cells[1]);
    if (rc) {
        return rc;
    }
    g = ff_doc_alloc(r->doc, sizeof *g);
    if (!g) {
        return ff_json_full(r, object);
    }
    *g = (struct ff_global_node){.module = cells[0], .name = cells[1]};
    atomic_init(&g->text, NULL);
    return ff_json_set(r, object, ff_cell(FF_TAG_GLOBAL, g));
}

/* ---- numbers ---- */

int ff_json_make_int(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    const char *text = r->tree.text + ff_json_node(&r->tree, value)->at + 1;
    int rc = ff_json_want(r, value, '"', "hex digits as a text");
    if (rc) {
        return rc;
    }
    ff_buf_clear(&r->scratch);
    rc = ff_int_parse_hex(text, ff_json_node(&r->tree, value)->size - 2, &r->scratch);
    if (rc == -ENOMEM) {
        return no_memory(r);
    }
    if (rc || r->scratch.length_bytes > INT32_MAX) {
        return ff_json_wrong(r, value, "not an integer in hex: \"-0x1f\"");
    }
    return ff_json_set(
        r, object, ff_doc_int_bytes(r->doc, r->scratch.data, r->scratch.length_bytes));
}

static bool parse_bits(const char *text, size_t size, uint64_t *bits)
{
    *bits = 0;
    for (size_t i = 2; i < size; i++) {
        static const char hex[] = "0123456789abcdef";
        const char *at = text[i] ? strchr(hex, text[i]) : NULL;
        if (!at) {
            return false;
        }
        *bits = *bits << 4 | (uint64_t)(at - hex);
    }
    return size == 18 && memcmp(text, "0x", 2) == 0;
}

/* "nan", "inf", "-inf", or all 64 bits: "0x7ff8000000000001" */
static bool parse_special(const char *text, size_t size, uint64_t *bits)
{
    static const struct {
        const char *name;
        uint64_t bits;
    } special[] = {{"nan", 0x7ff8000000000000u},
                   {"inf", 0x7ff0000000000000u},
                   {"-inf", 0xfff0000000000000u}};
    for (size_t i = 0; i < 3; i++) {
        if (size == strlen(special[i].name) && memcmp(text, special[i].name, size) == 0) {
            *bits = special[i].bits;
            return true;
        }
    }
    return parse_bits(text, size, bits);
}

int ff_json_make_float(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    uint64_t bits;
    double number;
    int rc = ff_json_want(r, value, '"', "\"nan\", \"inf\" or \"-inf\"");
    if (rc) {
        return rc;
    }
    if (!parse_special(r->tree.text + ff_json_node(&r->tree, value)->at + 1,
                       ff_json_node(&r->tree, value)->size - 2, &bits)) {
        return ff_json_wrong(r, value, "here should be \"nan\", \"inf\" or \"-inf\"");
    }
    memcpy(&number, &bits, sizeof number);
    return ff_json_set(r, object, ff_doc_float(r->doc, number));
}

/* A JSON number, or a {"$float": ...}, as a FLOAT cell. */
static int float_cell(struct ff_json_reader *r, uint32_t node, uint64_t *cell)
{
    double number;
    int rc =
        ff_json_type(&r->tree, node) == '0' ? ff_json_number_cell(r, node)
        : ff_json_type(&r->tree, node) == '{' && ff_json_member(&r->tree, node, "$float")
            ? ff_json_make_float(r, node, ff_json_member(&r->tree, node, "$float"))
            : ff_json_wrong(r, node, "here should be a number");
    if (rc) {
        return rc;
    }
    *cell = ff_json_node(&r->tree, node)->cell;
    if (ff_tag(*cell) != FF_TAG_FLOAT) {
        if (ff_real(ff_value_of(r->doc, *cell), &number, NULL)) {
            return ff_json_wrong(r, node, "a double does not hold the number");
        }
        *cell = ff_doc_float(r->doc, number);
    }
    return *cell ? FF_OK : ff_json_full(r, node);
}

int ff_json_make_complex(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    uint64_t cells[2], cell;
    int rc = ff_json_want(r, value, '[', "[real, imaginary]");
    if (!rc && ff_json_node(&r->tree, value)->count != 2) {
        rc = ff_json_wrong(r, value, "here should be [real, imaginary]");
    }
    rc = rc ? rc : float_cell(r, value + 1, &cells[0]);
    rc = rc ? rc : float_cell(r, ff_json_child(&r->tree, value, 1), &cells[1]);
    if (rc) {
        return rc;
    }
    cell = ff_json_call(r, object, "builtins", "complex", cells, 2);
    return cell ? ff_json_set(r, object, cell) : r->error->code;
}

/* module.name(text) */
static int call_with_text(struct ff_json_reader *r, uint32_t object, uint32_t value,
                          const char *module, const char *name, int view,
                          const char *what)
{
    uint64_t text, cell;
    int rc = ff_json_want(r, value, '"', "a text");
    rc = rc ? rc : ff_json_text_cell(r, value, &text);
    if (rc) {
        return rc;
    }
    cell = ff_json_call(r, object, module, name, &text, 1);
    return ff_json_set_checked(r, object, value, cell, view, what);
}

int ff_json_make_decimal(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    return call_with_text(r, object, value, "decimal", "Decimal", FF_VIEW_DECIMAL,
                          "not a decimal number");
}

/* "1/3" or "5": both parts as integers, as Python 3.11 and later write them. */
int ff_json_make_fraction(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    const char *text, *slash;
    size_t size;
    struct ff_buf bytes;
    uint64_t cells[2] = {0, ff_cell_of_int(1)}, cell;
    int rc = ff_json_read_text(r, value, &text, &size);
    if (rc) {
        return rc;
    }
    slash = memchr(text, '/', size);
    ff_buf_init(&bytes, SIZE_MAX / 2);
    rc = ff_int_parse(text, slash ? (size_t)(slash - text) : size, &bytes);
    if (!rc) {
        cells[0] = ff_doc_int_bytes(r->doc, bytes.data, bytes.length_bytes);
    }
    ff_buf_clear(&bytes);
    if (!rc && slash) {
        rc = ff_int_parse(slash + 1, size - (size_t)(slash + 1 - text), &bytes);
        cells[1] = rc ? 0 : ff_doc_int_bytes(r->doc, bytes.data, bytes.length_bytes);
    }
    ff_buf_free(&bytes);
    if (rc) {
        return rc == -ENOMEM ? no_memory(r)
                             : ff_json_wrong(r, value, "not a fraction: \"1/3\"");
    }
    if (!cells[0] || !cells[1]) {
        return ff_json_full(r, value);
    }
    cell = ff_json_call(r, object, "fractions", "Fraction", cells, 2);
    return ff_json_set_checked(r, object, value, cell, FF_VIEW_FRACTION,
                               "not a fraction: \"1/3\"");
}

int ff_json_make_path(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    return call_with_text(r, object, value, "pathlib", "PosixPath", FF_VIEW_PATH,
                          "not a path");
}

/* uuid.UUID.__new__() with the state {"int": ...} */
int ff_json_make_uuid(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    const char *text;
    size_t size;
    uint8_t bytes[17] = {0};
    int digits = 0, rc = ff_json_read_text(r, value, &text, &size);
    struct ff_value state, number;
    uint64_t cell;
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < size; i++) {
        static const char hex[] = "0123456789abcdef";
        const char *at = text[i] ? strchr(hex, text[i] | 0x20) : NULL;
        if (text[i] == '-' && (i == 8 || i == 13 || i == 18 || i == 23)) {
            continue;
        }
        if (!at || text[i] < '0' || digits == 32) {
            return ff_json_wrong(r, value, "not a UUID");
        }
        bytes[15 - digits / 2] |= (uint8_t)((at - hex) << (digits % 2 ? 0 : 4));
        digits++;
    }
    if (digits != 32 || size != 36) {
        return ff_json_wrong(r, value, "not a UUID");
    }
    cell = ff_json_call(r, object, "uuid", "UUID", NULL, 0);
    state = ff_new_dict(r->doc, r->error);
    number = ff_new_int_bytes(r->doc, bytes, sizeof bytes, r->error);
    if (!cell || ff_set(r->doc, state, "int", number, r->error)) {
        return r->error->code;
    }
    ((struct ff_object_node *)ff_cell_node(cell))->how = FF_HOW_NEWOBJ;
    ((struct ff_object_node *)ff_cell_node(cell))->state = state.cell;
    ((struct ff_object_node *)ff_cell_node(cell))->stage = FF_STAGE_STATE;
    return ff_json_set(r, object, cell);
}
