/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/name.h"

#include <stdlib.h>
#include <string.h>

#include "run.h"

/* Each pattern, and which of the names CPython 3.11's glob takes for it. */
static const char names[] = "a b ab axb abc .a . a. - e d c ] [ [a a[ [! [] ! ^ & ~ \\ "
                            "\\* aaaab aaaa λμ λ α ab.c xdy xay *";
static const struct {
    const char *pattern, *hits;
} rows[] = {
    {"*", "a b ab axb abc a. - e d c ] [ [a a[ [! [] ! ^ & ~ \\ \\* aaaab aaaa λμ λ α "
          "ab.c xdy xay *"},
    {"?", "a b - e d c ] [ ! ^ & ~ \\ λ α *"},
    {"a*", "a ab axb abc a. a[ aaaab aaaa ab.c"},
    {"*a", "a [a aaaa"},
    {"a*b", "ab axb aaaab"},
    {"a?b", "axb"},
    {"[abc]", "a b c"},
    {"[!abc]", "- e d ] [ ! ^ & ~ \\ λ α *"},
    {"[a-c]", "a b c"},
    {"[c-a]", ""},
    {"[!c-a]", "a b - e d c ] [ ! ^ & ~ \\ λ α *"},
    {"[]]", "]"},
    {"[!]]", "a b - e d c [ ! ^ & ~ \\ λ α *"},
    {"[]-a]", "a ] ^"},
    {"[a-]", "a -"},
    {"[-a]", "a -"},
    {"[--0]", "-"},
    {"[a-c-e]", "a b - e c"},
    {"[a", "[a"},
    {"a[", "a["},
    {"[!", "[!"},
    {"[]", "[]"},
    {"[!]", ""},
    {"*.*", "a. ab.c"},
    {".*", ".a ."},
    {"[.]a", ""},
    {"?.", "a."},
    {"a**b", "ab axb aaaab"},
    {"*a*a*a*b", "aaaab"},
    {"λ?", "λμ"},
    {"?", "a b - e d c ] [ ! ^ & ~ \\ λ α *"},
    {"[λ-ω]", "λ"},
    {"\\*", "\\ \\*"},
    {"[\\]", "\\"},
    {"[^a]", "a ^"},
    {"[&&]", "&"},
    {"[a~|]", "a ~"},
    {"x[!a-c]y", "xdy"},
    {"", ""},
};

/* Whether `words`, separated by spaces, has `word`. */
static bool has_word(const char *words, const char *word, size_t length)
{
    while (*words) {
        size_t other = strcspn(words, " ");

        if (other == length && memcmp(words, word, length) == 0) {
            return true;
        }
        words += other + (words[other] == ' ');
    }
    return false;
}

START_TEST(glob_matches_as_python)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (const char *at = names; *at;) {
            size_t length = strcspn(at, " ");
            char name[16] = {0};

            memcpy(name, at, length);
            ck_assert_msg(ff_glob_match(rows[i].pattern, name) ==
                              has_word(rows[i].hits, name, length),
                          "'%s' on '%s'", rows[i].pattern, name);
            at += length + (at[length] == ' ');
        }
    }
}
END_TEST

START_TEST(glob_empty_name_needs_empty_match)
{
    ck_assert(ff_glob_match("", ""));
    ck_assert(ff_glob_match("*", ""));
    ck_assert(!ff_glob_match("?", ""));
    ck_assert(!ff_glob_match("[!a]", ""));
}
END_TEST

START_TEST(glob_byte_that_is_no_utf8_is_one_character)
{
    ck_assert(ff_glob_match("a?b", "a\xff"
                                   "b"));
    ck_assert(ff_glob_match("?", "\xe2"));
    ck_assert(!ff_glob_match("?", "\xe2\x82"));
    ck_assert(ff_glob_match("?", "\xe2\x82\xac"));
}
END_TEST

/* 2 x 10,000 characters: exponential or cubic time would meet the test's timeout. */
START_TEST(glob_hostile_pattern_takes_bounded_time)
{
    char *pattern = malloc(10001), *name = malloc(10001);

    for (size_t i = 0; i < 10000; i++) {
        pattern[i] = i % 2 ? 'a' : '*';
        name[i] = 'a';
    }
    pattern[10000] = name[10000] = '\0';
    pattern[9999] = 'b';
    ck_assert(!ff_glob_match(pattern, name));
    name[9999] = 'b';
    ck_assert(ff_glob_match(pattern, name));
    free(pattern);
    free(name);
}
END_TEST

START_TEST(glob_magic_is_seen)
{
    ck_assert(!ff_glob_has_magic("plain]name"));
    ck_assert(ff_glob_has_magic("a*") && ff_glob_has_magic("?") &&
              ff_glob_has_magic("[a"));
}
END_TEST

RUN_TESTS("base_glob", glob_matches_as_python, glob_empty_name_needs_empty_match,
          glob_byte_that_is_no_utf8_is_one_character,
          glob_hostile_pattern_takes_bounded_time, glob_magic_is_seen)
