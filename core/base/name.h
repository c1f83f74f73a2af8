/* SPDX-License-Identifier: Apache-2.0 */
/* name.h: which names workflows and tasks may have, patterns over them, the nearest
 * match. */
#ifndef FF_BASE_NAME_H
#define FF_BASE_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* File systems end at 255 bytes; the rest is room for our own prefixes and suffixes. */
#define FF_NAME_MAX_BYTES 200

enum ff_name_kind { FF_NAME_WORKFLOW, FF_NAME_TASK };

/* NULL when `name` may be used, else why not, in English, static: "holds a '/'".
 * Completes a sentence that begins with the name. A NULL name counts as empty. */
const char *ff_name_check(const char *name, enum ff_name_kind kind);

/* Whether the text is UTF-8 as RFC 3629 has it: no surrogates, no overlong forms. */
bool ff_utf8_valid(const char *text, size_t length_bytes);
/* Decodes one code point of `length_bytes` > 0; returns how many bytes it takes. What is
 * not UTF-8 gives 1 byte and the code point 0xDC00 + byte, as Python's surrogateescape
 * does. */
size_t ff_utf8_next(const char *text, size_t length_bytes, unsigned *code_point);

/* Whether an object of a protocol may have the name: parts between '/', none of them empty, "." or
 * "..", in UTF-8 without control characters. */
bool ff_is_object_name(const char *name);

/* Pattern as in Python's glob: `*`, `?`, `[seq]`, `[!seq]`, no escape character; a name
 * with a leading dot is matched only by a pattern with one. Time is at most the product
 * of both lengths. */
bool ff_glob_match(const char *pattern, const char *name);
/* Whether the pattern is more than a plain name. */
bool ff_glob_has_magic(const char *pattern);

/* The choice with the fewest edits (of one byte, two neighbours that change places being
 * one, case being none) to `word`, when that is near enough to be meant; else NULL.
 * `choices` ends with NULL. The first of equals. */
const char *ff_nearest(const char *word, const char *const *choices);

#endif
