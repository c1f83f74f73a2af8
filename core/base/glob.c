/* SPDX-License-Identifier: Apache-2.0 */
/* glob.c: patterns as Python's glob and fnmatch have them (3.8 to 3.13). */
#include <string.h>

#include "name.h"

static size_t next_point(const char *text, unsigned *point)
{
    return ff_utf8_next(text, strnlen(text, 4), point);
}

/* The ']' that ends the set which begins after '[', or NULL: then '[' is a plain
 * character. A ']' in first place, also after '!', is a member. */
static const char *set_end(const char *set)
{
    set += *set == '!';
    set += *set == ']';
    return strchr(set, ']');
}

/* Whether `point` is in the set between `set` and `end`. A range whose ends are in the
 * wrong order is empty. */
static bool set_has(const char *set, const char *end, unsigned point)
{
    bool negated = *set == '!', found = false;
    unsigned low, high;

    set += negated;
    while (set < end) {
        set += ff_utf8_next(set, (size_t)(end - set), &low);
        high = low;
        if (set + 1 < end && *set == '-') {
            set++;
            set += ff_utf8_next(set, (size_t)(end - set), &high);
        }
        found = found || (low <= point && point <= high);
    }
    return found != negated;
}

/* Matches one item of the pattern that is no '*' with one character. Sets *after to the
 * rest of the pattern. */
static bool match_one(const char *pattern, unsigned point, const char **after)
{
    const char *end = *pattern == '[' ? set_end(pattern + 1) : NULL;
    unsigned wanted;

    if (end) {
        *after = end + 1;
        return set_has(pattern + 1, end, point);
    }
    *after = pattern + next_point(pattern, &wanted);
    return wanted == '?' || wanted == point;
}

bool ff_glob_match(const char *pattern, const char *name)
{
    const char *star = NULL, *star_name = NULL, *after;
    unsigned point;

    if (name[0] == '.' && pattern[0] != '.') {
        return false;
    }
    /* Only the last '*' can have to take more: what an earlier one took is settled once
     * the part between the two has matched at its first place. */
    while (*name) {
        size_t step = next_point(name, &point);

        if (*pattern == '*') {
            star = ++pattern;
            star_name = name;
        } else if (*pattern && match_one(pattern, point, &after)) {
            pattern = after;
            name += step;
        } else if (star) {
            pattern = star;
            star_name += next_point(star_name, &point);
            name = star_name;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

bool ff_glob_has_magic(const char *pattern)
{
    return strpbrk(pattern, "*?[") != NULL;
}
