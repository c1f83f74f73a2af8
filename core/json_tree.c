/* SPDX-License-Identifier: Apache-2.0 */
/* json_tree.c: the grammar of JSON. Depth is bounded by memory only. */
#include "core/json_tree.h"

#include <string.h>

#include "core/base/name.h"
#include "core/out.h"

struct parser {
    struct ff_json_tree *tree;
    size_t at;
    struct ff_vec open; /* struct place: containers */
    struct ff_error *error;
};

struct place {
    uint32_t node, last; /* the container, its last child so far */
};

int ff_json_fail_at(const struct ff_json_tree *t, size_t at, int code, struct ff_error *e,
                    const char *format, ...)
{
    char message[400], place[64];
    size_t line = 1, column = 1;
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    for (size_t i = 0; i < at && i < t->size_bytes; i++) {
        if (t->text[i] == '\n') {
            line++;
            column = 1;
        } else if (((uint8_t)t->text[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    (void)snprintf(place, sizeof place, "line %zu, column %zu", line, column);
    return ff_fail(e, code, place, "%s", message);
}

#define FAIL(p, ...)                                                                     \
    ff_json_fail_at((p)->tree, (p)->at, FF_E_USAGE, (p)->error, __VA_ARGS__)

static int peek(const struct parser *p)
{
    return p->at < p->tree->size_bytes ? (uint8_t)p->tree->text[p->at] : -1;
}

static void skip_space(struct parser *p)
{
    int c;
    while ((c = peek(p)) == ' ' || c == '\t' || c == '\n' || c == '\r') {
        p->at++;
    }
}

static int unexpected(struct parser *p, const char *wanted)
{
    int c = peek(p);
    if (c < 0) {
        return FAIL(p, "the text ends where %s should be", wanted);
    }
    if (c > 0x20 && c < 0x7f) {
        return FAIL(p, "'%c' where %s should be", c, wanted);
    }
    return FAIL(p, "byte 0x%02x where %s should be", (unsigned)c, wanted);
}

/* ---- scalars ---- */

static int skip_word(struct parser *p, const char *word)
{
    size_t size = strlen(word);
    if (p->tree->size_bytes - p->at < size ||
        memcmp(p->tree->text + p->at, word, size) != 0) {
        return unexpected(p, "a value");
    }
    p->at += size;
    return FF_OK;
}

static bool skip_digits(struct parser *p)
{
    size_t from = p->at;
    while (peek(p) >= '0' && peek(p) <= '9') {
        p->at++;
    }
    return p->at > from;
}

static int skip_number(struct parser *p)
{
    if (peek(p) == '-') {
        p->at++;
    }
    if (peek(p) == '0') {
        p->at++;
        if (peek(p) >= '0' && peek(p) <= '9') {
            return FAIL(p, "a number with a leading zero");
        }
    } else if (!skip_digits(p)) {
        return unexpected(p, "a digit");
    }
    if (peek(p) == '.') {
        p->at++;
        if (!skip_digits(p)) {
            return unexpected(p, "a digit");
        }
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        p->at++;
        if (peek(p) == '+' || peek(p) == '-') {
            p->at++;
        }
        if (!skip_digits(p)) {
            return unexpected(p, "a digit");
        }
    }
    return FF_OK;
}

static int hex_value(int c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static int skip_escape(struct parser *p)
{
    int c;
    p->at++;
    c = peek(p);
    if (c < 0 || !c || !strchr("\"\\/bfnrtu", c)) {
        return unexpected(p, "one of \" \\ / b f n r t u");
    }
    p->at++;
    for (int i = 0; i < 4 && c == 'u'; i++, p->at++) {
        if (hex_value(peek(p)) < 0) {
            return unexpected(p, "a hex digit");
        }
    }
    return FF_OK;
}

static int skip_string(struct parser *p)
{
    int c;
    p->at++;
    while ((c = peek(p)) != '"') {
        size_t from = p->at, n;
        unsigned code;
        if (c < 0) {
            return FAIL(p, "the text ends within a string");
        }
        if (c < 0x20) {
            return FAIL(p, "control character 0x%02x in a string: escape it",
                        (unsigned)c);
        }
        if (c == '\\') {
            if (skip_escape(p)) {
                return FF_E_USAGE;
            }
            continue;
        }
        n = c < 0x80
                ? 1
                : ff_utf8_next(p->tree->text + from, p->tree->size_bytes - from, &code);
        if (c >= 0x80 && n < 2) {
            return FAIL(p, "byte 0x%02x is not UTF-8", (unsigned)c);
        }
        p->at += n;
    }
    p->at++;
    return FF_OK;
}

/* ---- structure ---- */

static int no_memory(struct parser *p)
{
    return ff_fail(p->error, FF_E_NO_MEMORY, NULL, "out of memory");
}

/* A new node as the next child of the innermost open container. */
static int add_node(struct parser *p, uint32_t *number)
{
    struct place *place = ff_vec_last(&p->open);
    struct ff_json_node *node;
    *number = (uint32_t)p->tree->nodes.count;
    node = ff_vec_push(&p->tree->nodes);
    if (!node) {
        return no_memory(p);
    }
    node->at = (uint32_t)p->at;
    node->size = 1;
    if (place) {
        if (place->last) {
            ff_json_node(p->tree, place->last)->next = *number;
        }
        place->last = *number;
        ff_json_node(p->tree, place->node)->count++;
    }
    return FF_OK;
}

static int add_scalar(struct parser *p)
{
    uint32_t n;
    int c = peek(p), rc = add_node(p, &n);
    if (rc) {
        return rc;
    }
    rc = c == '"'                             ? skip_string(p)
         : c == 't'                           ? skip_word(p, "true")
         : c == 'f'                           ? skip_word(p, "false")
         : c == 'n'                           ? skip_word(p, "null")
         : c == '-' || (c >= '0' && c <= '9') ? skip_number(p)
                                              : unexpected(p, "a value");
    if (!rc) {
        ff_json_node(p->tree, n)->size = (uint32_t)(p->at - ff_json_node(p->tree, n)->at);
    }
    return rc;
}

static int add_name(struct parser *p)
{
    int rc;
    skip_space(p);
    if (peek(p) != '"') {
        return unexpected(p, "a name in quotes");
    }
    rc = add_scalar(p);
    skip_space(p);
    if (!rc && peek(p) != ':') {
        return unexpected(p, "':'");
    }
    p->at++;
    return rc;
}

static char closer(const struct parser *p)
{
    const struct place *place = ff_vec_last(&p->open);
    return p->tree->text[ff_json_node(p->tree, place->node)->at] == '{' ? '}' : ']';
}

/* A scalar, or the beginning of a container; *whole: the value is complete. */
static int add_value(struct parser *p, bool *whole)
{
    struct place place = {0, 0};
    int c, rc;
    skip_space(p);
    c = peek(p);
    *whole = true;
    if (c != '{' && c != '[') {
        return add_scalar(p);
    }
    rc = add_node(p, &place.node);
    if (rc || ff_vec_append(&p->open, &place)) {
        return rc ? rc : no_memory(p);
    }
    p->at++;
    skip_space(p);
    if (peek(p) == closer(p)) {
        p->at++;
        ff_vec_pop(&p->open);
        return FF_OK;
    }
    *whole = false;
    return c == '{' ? add_name(p) : FF_OK;
}

/* Behind a value: commas and ends; until another value must follow, or all is closed. */
static int after_value(struct parser *p)
{
    while (p->open.count) {
        char end = closer(p);
        skip_space(p);
        if (peek(p) == ',') {
            p->at++;
            return end == '}' ? add_name(p) : FF_OK;
        }
        if (peek(p) != end) {
            return unexpected(p, end == '}' ? "',' or '}'" : "',' or ']'");
        }
        p->at++;
        ff_vec_pop(&p->open);
    }
    return FF_OK;
}

static int parse_all(struct parser *p)
{
    bool whole;
    int rc;
    if (p->tree->size_bytes >= 3 && memcmp(p->tree->text, "\xef\xbb\xbf", 3) == 0) {
        return FAIL(p, "the text begins with a byte order mark: take it away");
    }
    do {
        rc = add_value(p, &whole);
        if (!rc && whole) {
            rc = after_value(p);
        }
    } while (!rc && p->open.count);
    skip_space(p);
    return rc || peek(p) < 0 ? rc : unexpected(p, "the end of the text");
}

int ff_json_parse(struct ff_json_tree *t, const char *text, size_t size_bytes,
                  struct ff_error *e)
{
    struct parser p = {.tree = t, .error = e};
    int rc;
    t->text = text;
    t->size_bytes = size_bytes;
    ff_vec_init(&t->nodes, sizeof(struct ff_json_node), UINT32_MAX);
    if (size_bytes > FF_JSON_MAX_BYTES) {
        return ff_fail(e, FF_E_LIMIT, NULL, "%zu bytes of JSON, %zu are possible",
                       size_bytes, FF_JSON_MAX_BYTES);
    }
    ff_vec_init(&p.open, sizeof(struct place), UINT32_MAX);
    rc = parse_all(&p);
    ff_vec_free(&p.open);
    return rc;
}

void ff_json_tree_free(struct ff_json_tree *t)
{
    ff_vec_free(&t->nodes);
}

/* ---- looking at it ---- */

uint32_t ff_json_child(const struct ff_json_tree *t, uint32_t n, uint32_t i)
{
    uint32_t child = n + 1;
    if (i >= ff_json_node(t, n)->count) {
        return 0;
    }
    while (i--) {
        child = ff_json_node(t, child)->next;
    }
    return child;
}

static unsigned hex4(const char *p)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        value = value << 4 | (unsigned)hex_value(p[i]);
    }
    return value;
}

/* Two escapes of surrogates that belong together are one character. */
static const char *decode_escape(const char *p, const char *end, char out[4],
                                 size_t *size)
{
    static const char names[] = "bfnrt", plain[] = "\b\f\n\r\t";
    const char *at = strchr(names, p[1]);
    unsigned c;
    *size = 1;
    if (p[1] != 'u') {
        out[0] = at ? plain[at - names] : p[1];
        return p + 2;
    }
    c = hex4(p + 2);
    p += 6;
    if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
        hex4(p + 2) >= 0xdc00 && hex4(p + 2) < 0xe000) {
        c = 0x10000 + ((c & 0x3ff) << 10) + (hex4(p + 2) & 0x3ff);
        p += 6;
    }
    *size = ff_wtf8_put(c, out);
    return p;
}

const char *ff_json_string(const struct ff_json_tree *t, uint32_t n,
                           struct ff_buf *scratch, size_t *size_bytes)
{
    const struct ff_json_node *node = ff_json_node(t, n);
    const char *p = t->text + node->at + 1, *end = p + node->size - 2, *escape;
    *size_bytes = (size_t)(end - p);
    if (!memchr(p, '\\', *size_bytes)) {
        return p;
    }
    ff_buf_clear(scratch);
    while ((escape = memchr(p, '\\', (size_t)(end - p)))) {
        char out[4];
        size_t size;
        const char *next = decode_escape(escape, end, out, &size);
        if (ff_buf_append(scratch, p, (size_t)(escape - p)) ||
            ff_buf_append(scratch, out, size)) {
            return NULL;
        }
        p = next;
    }
    if (ff_buf_append(scratch, p, (size_t)(end - p))) {
        return NULL;
    }
    *size_bytes = scratch->length_bytes;
    return (const char *)scratch->data;
}

bool ff_json_is(const struct ff_json_tree *t, uint32_t n, const char *text)
{
    const struct ff_json_node *node = ff_json_node(t, n);
    size_t size = strlen(text);
    return t->text[node->at] == '"' && node->size == size + 2 &&
           memcmp(t->text + node->at + 1, text, size) == 0;
}

uint32_t ff_json_member(const struct ff_json_tree *t, uint32_t object, const char *name)
{
    uint32_t n = ff_json_node(t, object)->count ? object + 1 : 0;
    while (n) {
        uint32_t value = ff_json_node(t, n)->next;
        if (ff_json_is(t, n, name)) {
            return value;
        }
        n = ff_json_node(t, value)->next;
    }
    return 0;
}
