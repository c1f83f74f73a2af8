/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c: the files in ~/.aws: sections of `name = value`.
 * https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html */
#include <string.h>

#include "core/base/alloc.h"
#include "options.h"

enum { FILE_MAX_BYTES = 1 << 20, SECTION_BYTES = 300 };

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* The text of a line between two places, without the blanks around it. */
static size_t trimmed(const char *from, const char *to)
{
    while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r')) {
        to--;
    }
    return (size_t)(to - from);
}

static bool is_section(const char *line, const char *end, const char *section)
{
    const char *close = memchr(line, ']', (size_t)(end - line));
    const char *from = skip_blanks(line + 1);
    size_t length = close ? trimmed(from, close) : 0;

    return close && length == strlen(section) && !memcmp(from, section, length);
}

/* A comment begins with '#' or ';' after a blank. */
static const char *value_end(const char *from, const char *end)
{
    for (const char *c = from; c < end; c++) {
        if ((*c == '#' || *c == ';') && (c == from || c[-1] == ' ' || c[-1] == '\t')) {
            return c;
        }
    }
    return end;
}

char *ff_s3_ini_get(const char *text, const char *section, const char *name)
{
    size_t name_bytes = strlen(name);
    bool inside = false;
    char *found = NULL;

    for (const char *line = text, *next; *line && !found; line = next) {
        const char *end = line + strcspn(line, "\n"), *equals;

        next = *end ? end + 1 : end;
        if (*line == '[') {
            inside = is_section(line, end, section);
            continue;
        }
        equals = memchr(line, '=', (size_t)(end - line));
        /* a line that begins with a blank belongs to the one before */
        if (!inside || !equals || *line == ' ' || *line == '\t' ||
            trimmed(line, equals) != name_bytes || memcmp(line, name, name_bytes)) {
            continue;
        }
        equals = skip_blanks(equals + 1);
        equals = equals < end ? equals : end;
        found = ff_strndup(equals, trimmed(equals, value_end(equals, end)));
    }
    return found;
}

static char *file_get(const struct ff_sys *sys, const char *variable, const char *below,
                      const char *section, const char *name)
{
    char *path = ff_s3_env(variable), *found = NULL;
    struct ff_buf text;

    path = path ? path : ff_s3_home_path(below);
    if (path && ff_s3_read_file(sys, path, FILE_MAX_BYTES, &text) == 0) {
        found = ff_s3_ini_get(ff_buf_text(&text), section, name);
        if (text.data) {
            explicit_bzero(text.data, text.length_bytes);
        }
        ff_buf_free(&text);
    }
    ff_free(path);
    return found;
}

char *ff_s3_profile_get(const struct ff_sys *sys, const char *profile, const char *name)
{
    char section[SECTION_BYTES];
    char *found =
        file_get(sys, "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials", profile, name);

    (void)snprintf(section, sizeof section, "%s%s",
                   strcmp(profile, "default") ? "profile " : "", profile);
    return found ? found
                 : file_get(sys, "AWS_CONFIG_FILE", "/.aws/config", section, name);
}
