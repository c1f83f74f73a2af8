/* SPDX-License-Identifier: Apache-2.0 */
/* index.c: the page that a server makes of a folder, as Python's http.server, nginx, Apache and
 * lighttpd do: HTML, whose links name what is in it. Links that lead elsewhere are none: to the
 * folder above, to another order of the rows, to other hosts. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/base/name.h"
#include "core/base/alloc.h"
#include "http.h"

enum { TITLE_WITHIN_BYTES = 4096, ENTITY_BYTES = 10 };

/* What their titles have in common; anybody else's page is taken for no list. */
static bool is_index(struct ff_buf *page)
{
    static const char *const titles[] = {"index of", "directory listing"};
    const char *text = ff_buf_text(page);
    size_t most =
        page->length_bytes < TITLE_WITHIN_BYTES ? page->length_bytes : TITLE_WITHIN_BYTES;

    for (size_t i = 0; i < most; i++) {
        for (size_t k = 0; k < 2; k++) {
            if (strncasecmp(text + i, titles[k], strlen(titles[k])) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* ---- decoding ---- */

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* An entity of ASCII at `text`: the character, and how long it is; 0: none. */
static char entity(const char *text, size_t length, size_t *used)
{
    static const struct {
        const char *name;
        char c;
    } named[] = {{"&amp;", '&'},   {"&lt;", '<'},   {"&gt;", '>'},    {"&quot;", '"'},
                 {"&apos;", '\''}, {"&#39;", '\''}, {"&#x27;", '\''}, {"&#34;", '"'}};

    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        size_t n = strlen(named[i].name);

        if (n <= length && strncasecmp(text, named[i].name, n) == 0) {
            *used = n;
            return named[i].c;
        }
    }
    return 0;
}

/* The value of an attribute, and then of a path of a URL, in place. False: it has a query or a
 * fragment, or is badly escaped. */
static bool decode(char *text, size_t length)
{
    size_t to = 0, used = 0;

    for (size_t at = 0; at < length; at++) {
        char c = text[at] == '&' ? entity(text + at, length - at, &used) : 0;

        if (c) {
            at += used - 1;
        } else {
            c = text[at];
        }
        text[to++] = c;
    }
    length = to;
    to = 0;
    for (size_t at = 0; at < length; at++) {
        if (text[at] == '?' || text[at] == '#') {
            return false;
        }
        if (text[at] == '%') {
            int high = at + 2 < length ? hex(text[at + 1]) : -1;
            int low = high < 0 ? -1 : hex(text[at + 2]);

            if (low < 0 || high * 16 + low == 0) {
                return false;
            }
            text[to++] = (char)(high * 16 + low);
            at += 2;
        } else {
            text[to++] = text[at];
        }
    }
    text[to] = '\0';
    return true;
}

/* ---- links ---- */

static int keep(struct ff_vec *names, const char *name)
{
    char *copy = ff_strdup(name);
    int rc = copy ? ff_vec_append(names, &copy) : -ENOMEM;

    if (rc) {
        ff_free(copy);
    }
    return rc;
}

/* A link: "a", "a/", "./a", or with the folder's own path before it. */
static int take_link(char *link, size_t length, const char *path, struct ff_vec *names)
{
    size_t n, own = strlen(path);
    char *slash;

    /* a scheme has a colon before any slash; as a part of a name it is escaped, or stands
     * behind "./" */
    for (size_t i = 0; i < length && link[i] != '/'; i++) {
        if (link[i] == ':') {
            return 0;
        }
    }
    if (!decode(link, length)) {
        return 0;
    }
    if (strncmp(link, "./", 2) == 0) {
        link += 2;
    } else if (strncmp(link, path, own) == 0) {
        link += own;
    }
    n = strlen(link);
    slash = strchr(link, '/');
    if (!n || (slash && slash != link + n - 1)) {
        return 0;
    }
    if (slash) {
        *slash = '\0';
    }
    if (!ff_is_object_name(link)) {
        return 0;
    }
    if (slash) {
        *slash = '/';
    }
    return keep(names, link);
}

/* In a tag "<a ...": the value of href, or NULL. */
static char *find_href(char *tag, const char *end, size_t *length)
{
    for (char *at = tag; at + 5 < end; at++) {
        char quote;
        char *begin, *stop;

        if ((at[-1] != ' ' && at[-1] != '\t' && at[-1] != '\n') ||
            strncasecmp(at, "href=", 5) != 0) {
            continue;
        }
        quote = at[5];
        begin = at + 5 + (quote == '"' || quote == '\'');
        stop = begin;
        while (stop < end && (begin == at + 5 ? *stop != ' ' : *stop != quote)) {
            stop++;
        }
        *length = (size_t)(stop - begin);
        return begin;
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void drop_twins(struct ff_vec *names)
{
    char **all = names->items;
    size_t kept = 0;

    if (names->count) {
        qsort(all, names->count, sizeof *all, by_name);
    }
    for (size_t i = 0; i < names->count; i++) {
        if (kept && strcmp(all[kept - 1], all[i]) == 0) {
            ff_free(all[i]);
        } else {
            all[kept++] = all[i];
        }
    }
    names->count = kept;
}

int ff_http_index_read(struct ff_buf *page, const char *path, struct ff_vec *names)
{
    char *at, *end;
    int rc = 0;

    if (!is_index(page)) {
        return -EINVAL;
    }
    at = (char *)page->data;
    end = at + page->length_bytes;
    while (rc == 0 && (at = memchr(at, '<', (size_t)(end - at)))) {
        char *close = memchr(at, '>', (size_t)(end - at)), *link;
        size_t length;

        if (!close) {
            break;
        }
        if ((at[1] == 'a' || at[1] == 'A') && close - at > 3) {
            link = find_href(at + 3, close, &length);
            rc = link ? take_link(link, length, path, names) : 0;
        }
        at = close;
    }
    drop_twins(names);
    return rc;
}
