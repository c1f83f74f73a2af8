/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c: numbers, sizes and durations of options, and the nearest word to a misspelt one. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_WORD 24

int ff_cli_parse_int(const char *text, const char *end, int64_t least, int64_t *out)
{
    char digits[32], *stop;
    size_t n = (size_t)(end - text);
    long long number;
    if (n == 0 || n >= sizeof digits ||
        (text[0] != '-' && (text[0] < '0' || text[0] > '9'))) {
        return 0;
    }
    memcpy(digits, text, n);
    digits[n] = 0;
    errno = 0;
    number = strtoll(digits, &stop, 10);
    *out = number;
    return !errno && !*stop && number >= least;
}

struct unit {
    const char *name;
    int64_t worth;
};

/* "12h", "256 MiB": a number and the name of a unit. */
static int parse_unit(const char *text, const struct unit *units, int64_t *out)
{
    const char *end = text + strspn(text, "0123456789"), *name = end;
    if (!ff_cli_parse_int(text, end, 0, out)) {
        return 0;
    }
    name += *name == ' ' && name[1];
    while (units->name && strcmp(units->name, name) != 0) {
        units++;
    }
    return units->name ? !__builtin_mul_overflow(*out, units->worth, out)
                       : *out == 0 && !*name;
}

int ff_cli_parse_size(const char *text, uint64_t *bytes, struct ff_error *e)
{
    static const struct unit units[] = {
        {"", 1},
        {"B", 1},
        {"K", INT64_C(1) << 10},
        {"M", INT64_C(1) << 20},
        {"G", INT64_C(1) << 30},
        {"T", INT64_C(1) << 40},
        {"KiB", INT64_C(1) << 10},
        {"MiB", INT64_C(1) << 20},
        {"GiB", INT64_C(1) << 30},
        {"TiB", INT64_C(1) << 40},
        {"kB", 1000},
        {"KB", 1000},
        {"MB", 1000000},
        {"GB", 1000000000},
        {"TB", INT64_C(1000000000000)},
        {NULL, 0},
    };
    int64_t n;
    if (!parse_unit(text, units, &n)) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "not a size: %.100s", text);
        ff_error_fix(e, "a number and K, M, G or T, as 256M");
        return FF_E_USAGE;
    }
    *bytes = (uint64_t)n;
    return FF_OK;
}

int ff_cli_parse_duration(const char *text, int64_t *ns, struct ff_error *e)
{
    static const struct unit units[] = {
        {"s", INT64_C(1000000000)},
        {"m", INT64_C(60000000000)},
        {"h", INT64_C(3600000000000)},
        {"d", INT64_C(86400000000000)},
        {NULL, 0}, /* 0 needs none */
    };
    if (!parse_unit(text, units, ns)) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "not a time: %.100s", text);
        ff_error_fix(e, "a number and s, m, h or d, as 24h, or 0");
        return FF_E_USAGE;
    }
    return FF_OK;
}

/* Levenshtein's distance. */
static size_t distance(const char *a, const char *b)
{
    size_t row[MAX_WORD + 1], n = strlen(b);
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i]; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = corner + (a[i] != b[j]);
            corner = row[j + 1];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j + 1] = corner + 1 < best ? corner + 1 : best;
        }
    }
    return row[n];
}

const char *ff_cli_nearest(const char *word, const char *const *names, size_t count)
{
    size_t length = strlen(word), least = length > 4 ? 3 : 2;
    const char *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) <= MAX_WORD && length <= MAX_WORD) {
            size_t d = distance(word, names[i]);
            if (d < least || (d == least && !found && d < length)) {
                least = d;
                found = names[i];
            }
        }
    }
    return found;
}
