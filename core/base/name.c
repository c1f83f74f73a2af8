/* SPDX-License-Identifier: Apache-2.0 */
/* name.c: the rules for names, UTF-8, the nearest match. */
#include "name.h"

#include <string.h>

/* How many bytes a lead byte announces, 0 when it is none. */
static size_t sequence_bytes(unsigned char lead)
{
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead < 0xe0) {
        return 2;
    }
    if (lead >= 0xe0 && lead < 0xf0) {
        return 3;
    }
    return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

size_t ff_utf8_next(const char *text, size_t length_bytes, unsigned *code_point)
{
    static const unsigned lead_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = (unsigned char)text[0];
    size_t need = sequence_bytes(lead);
    unsigned point = lead & lead_mask[need];

    *code_point = 0xdc00u + lead;
    if (need == 0 || need > length_bytes) {
        return 1;
    }
    for (size_t i = 1; i < need; i++) {
        unsigned char next = (unsigned char)text[i];

        if ((next & 0xc0) != 0x80) {
            return 1;
        }
        point = point << 6 | (next & 0x3f);
    }
    if (point < smallest[need] || point > 0x10ffff ||
        (point >= 0xd800 && point < 0xe000)) {
        return 1;
    }
    *code_point = point;
    return need;
}

bool ff_utf8_valid(const char *text, size_t length_bytes)
{
    unsigned point;

    for (size_t i = 0; i < length_bytes;) {
        size_t step = ff_utf8_next(text + i, length_bytes - i, &point);

        if (step == 1 && point >= 0x80) {
            return false;
        }
        i += step;
    }
    return true;
}

/* "", ".", "..": no part of a name. */
static bool is_part(const char *part, size_t length)
{
    return length && !(length == 1 && part[0] == '.') &&
           !(length == 2 && part[0] == '.' && part[1] == '.');
}

bool ff_is_object_name(const char *name)
{
    for (const char *part = name;; part++) {
        size_t length = strcspn(part, "/");

        if (!is_part(part, length)) {
            return false;
        }
        part += length;
        if (!*part) {
            break;
        }
    }
    for (const char *c = name; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return false;
        }
    }
    return ff_utf8_valid(name, strlen(name));
}

static bool has_control(const char *name, size_t length)
{
    unsigned point;

    for (size_t i = 0; i < length;) {
        i += ff_utf8_next(name + i, length - i, &point);
        if (point < 0x20 || (point >= 0x7f && point < 0xa0)) {
            return true;
        }
    }
    return false;
}

const char *ff_name_check(const char *name, enum ff_name_kind kind)
{
    size_t length = name ? strlen(name) : 0;

    if (length == 0) {
        return "is empty";
    }
    if (length > FF_NAME_MAX_BYTES) {
        return "is longer than 200 bytes";
    }
    if (name[0] == '.') {
        return "begins with a dot";
    }
    if (memchr(name, '/', length)) {
        return "holds a '/'";
    }
    if (!ff_utf8_valid(name, length)) {
        return "is not valid UTF-8";
    }
    if (has_control(name, length)) {
        return "holds a control character";
    }
    if (strcmp(name, "bigdata") == 0) {
        return kind == FF_NAME_TASK ? "is the folder of the workflow's big data"
                                    : "is kept for folders of big data";
    }
    return NULL;
}

enum { WORD_MAX_BYTES = 64 };

static unsigned char fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Edits from a to b, a swap of neighbours being one: optimal string alignment, of which
 * three rows are enough. Both are at most WORD_MAX_BYTES long. */
static unsigned edit_distance(const char *a, size_t a_length, const char *b,
                              size_t b_length)
{
    unsigned rows[3][WORD_MAX_BYTES + 1];

    for (unsigned j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3],
                 *swap = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned char ca = fold(a[i - 1]), cb = fold(b[j - 1]);

            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + (ca != cb));
            if (i > 1 && j > 1 && ca == fold(b[j - 2]) && fold(a[i - 2]) == cb) {
                row[j] = least(row[j], row[j], swap[j - 2] + 1);
            }
        }
    }
    return rows[a_length % 3][b_length];
}

const char *ff_nearest(const char *word, const char *const *choices)
{
    const char *best = NULL;
    unsigned best_distance = WORD_MAX_BYTES;
    size_t length = strlen(word);

    for (; length <= WORD_MAX_BYTES && *choices; choices++) {
        size_t other = strlen(*choices);
        size_t longer = length > other ? length : other;
        unsigned distance;

        if (other > WORD_MAX_BYTES) {
            continue;
        }
        distance = edit_distance(word, length, *choices, other);
        /* further away it is another word */
        if (distance <= (longer + 2) / 3 && distance < longer &&
            distance < best_distance) {
            best = *choices;
            best_distance = distance;
        }
    }
    return best;
}
