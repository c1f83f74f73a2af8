/* SPDX-License-Identifier: Apache-2.0 */
/* address.c: reading and printing addresses; address.h has the form. */
#include "address.h"

#include <stdlib.h>

#define NAME_ESCAPES ":/#[%"
#define GLOB_SIGNS   "*?["

/* Behind the '}' that closes the JSON object at `text`, or NULL. */
static char *json_end(char *text)
{
    int depth = 0, quoted = 0;
    for (char *at = text; *at; at++) {
        if (quoted && *at == '\\' && at[1]) {
            at++;
        } else if (quoted) {
            quoted = *at != '"';
        } else if (*at == '"') {
            quoted = 1;
        } else {
            depth += (*at == '{') - (*at == '}');
            if (depth == 0) {
                return at + 1;
            }
        }
    }
    return NULL;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* %XX to bytes, in place. 0 when something else follows a '%'. */
static int decode(char *text)
{
    char *to = text;
    for (const char *at = text; *at; at++) {
        if (*at == '%') {
            int high = hex_digit(at[1]), low = high < 0 ? -1 : hex_digit(at[2]);
            if (low < 0 || high * 16 + low == 0) {
                return 0;
            }
            *to++ = (char)(high * 16 + low);
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    *to = 0;
    return 1;
}

/* A pattern: what was written as %XX matches itself, as a class of one. Three characters
 * become at most three. */
static int decode_pattern(char *text)
{
    char *to = text;
    for (char *at = text; *at; at++) {
        char one[4];
        if (*at != '%') {
            *to++ = *at;
            continue;
        }
        (void)snprintf(one, sizeof one, "%.3s", at);
        if (!decode(one)) {
            return 0;
        }
        if (strchr(GLOB_SIGNS, one[0])) {
            *to++ = '[';
            *to++ = one[0];
            *to++ = ']';
        } else {
            *to++ = one[0];
        }
        at += 2;
    }
    *to = 0;
    return 1;
}

static int bad(const char *text, const char *why, const char *fix, struct ff_error *e)
{
    (void)ff_fail(e, FF_E_USAGE, NULL, "not an address: %.200s: %s", text, why);
    ff_error_fix(e, "%s", fix);
    return FF_E_USAGE;
}

/* STORE: to a->storage; *rest: what follows. */
static int parse_storage(struct ff_address *a, const char *text, char **rest,
                         struct ff_error *e)
{
    char *at = a->memory, *colon;
    if (*at == '{') {
        colon = json_end(at);
        if (!colon || *colon != ':') {
            return bad(text, "no ':' after the JSON of the storage",
                       "'{\"kind\": ...}:WORKFLOW/TASK'", e);
        }
    } else {
        colon = at + strcspn(at, ":#[");
    }
    *rest = at;
    if (*colon == ':') {
        *colon = 0;
        a->storage = at;
        *rest = colon + 1;
        if (*at == 0 || (*at != '{' && !decode(at))) {
            return bad(text, "the storage before ':' is not well formed",
                       "% in a name is written %25, : is written %3A", e);
        }
    }
    return FF_OK;
}

static int parse_task(struct ff_address *a, const char *text, enum ff_address_form form,
                      struct ff_error *e)
{
    int pattern = form == FF_ADDRESS_PATTERN;
    if (strchr(a->task, '/')) {
        return bad(text, "more than one '/'",
                   "WORKFLOW/TASK; a storage goes before a ':', as ./lab:WORKFLOW/TASK",
                   e);
    }
    if (*a->task == 0) {
        return bad(text, "no task after '/'",
                   "WORKFLOW/TASK; a workflow alone is written without '/'", e);
    }
    if (pattern && strpbrk(a->task, GLOB_SIGNS)) {
        a->is_pattern = 1;
        return decode_pattern(a->task) ? FF_OK
                                       : bad(text, "'%' without two hexadecimal digits",
                                             "% in a name is written %25", e);
    }
    return decode(a->task) ? FF_OK
                           : bad(text, "'%' without two hexadecimal digits",
                                 "% in a name is written %25", e);
}

/* '#PATH' or '[SLICE]' at the end; the names before it end there. */
static int cut_path(struct ff_address *a, char *names, const char *text,
                    enum ff_address_form form, struct ff_error *e)
{
    char *at = names + strcspn(names, form == FF_ADDRESS_PATTERN ? "#" : "#[");
    if (*at == 0) {
        return FF_OK;
    }
    if (form != FF_ADDRESS_INSIDE) {
        return bad(text, "this verb takes whole tasks",
                   "leave out what begins at '#' or '['", e);
    }
    if (*at == '[') {
        a->path = strdup(at);
        *at = 0;
        return a->path ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    *at = 0;
    a->path = strdup(at + 1);
    return a->path ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
}

static int parse_names(struct ff_address *a, char *names, const char *text,
                       enum ff_address_form form, struct ff_error *e)
{
    char *slash = strchr(names, '/');
    int rc = FF_OK;
    a->workflow = *names ? names : NULL;
    if (slash) {
        *slash = 0;
        a->task = slash + 1;
        rc = form == FF_ADDRESS_WORKFLOW
                 ? bad(text, "a workflow is wanted, without a task",
                       "leave out what begins at '/'", e)
                 : parse_task(a, text, form, e);
    }
    if (rc) {
        return rc;
    }
    if ((form == FF_ADDRESS_TASK || form == FF_ADDRESS_INSIDE) && !a->task) {
        return bad(text, "no '/'", "WORKFLOW/TASK", e);
    }
    if (slash && *names == 0) {
        return bad(
            text, "no workflow before '/'",
            "WORKFLOW/TASK; a storage goes before a ':', as /data/lab:WORKFLOW/TASK", e);
    }
    if (a->workflow && !decode(a->workflow)) {
        return bad(text, "'%' without two hexadecimal digits",
                   "% in a name is written %25", e);
    }
    return FF_OK;
}

int ff_address_parse(struct ff_address *a, const char *text, enum ff_address_form form,
                     struct ff_error *e)
{
    char *names = NULL;
    int rc;
    memset(a, 0, sizeof *a);
    a->memory = strdup(text);
    if (!a->memory) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    rc = parse_storage(a, text, &names, e);
    rc = rc ? rc : cut_path(a, names, text, form, e);
    return rc ? rc : parse_names(a, names, text, form, e);
}

void ff_address_free(struct ff_address *a)
{
    free(a->memory);
    free(a->path);
    memset(a, 0, sizeof *a);
}

static size_t print_name(const char *name, char *out, size_t size, size_t at)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *name && at + 4 < size; name++) {
        if (strchr(NAME_ESCAPES, *name)) {
            out[at++] = '%';
            out[at++] = digits[(unsigned char)*name >> 4];
            out[at++] = digits[*name & 15];
        } else {
            out[at++] = *name;
        }
    }
    out[at] = 0;
    return at;
}

const char *ff_address_print(const char *workflow, const char *task, char *out,
                             size_t size)
{
    size_t at = print_name(workflow ? workflow : "", out, size, 0);
    if (task && *task && at + 2 < size) {
        out[at++] = '/';
        (void)print_name(task, out, size, at);
    }
    return out;
}

/* An error that is there already stays as it is. */
static int tell(const char *workflow, const char *task, int code, const char *what,
                const char *fix, struct ff_error *e)
{
    char name[1024];
    if (!e->code) {
        (void)ff_address_print(workflow, task, name, sizeof name);
        (void)ff_fail(e, code, name, "%s", what);
        ff_error_fix(e, "%s", fix);
    }
    return e->code;
}

int ff_address_missing(const char *workflow, const char *task, struct ff_error *e)
{
    return tell(workflow, task, FF_E_NOT_FOUND, "no such task",
                "ff ls lists workflows, ff ls WORKFLOW its tasks", e);
}

int ff_address_taken(const char *workflow, const char *task, struct ff_error *e)
{
    return tell(workflow, task, FF_E_CONFLICT, "that is there",
                "choose another name, or remove what is there first", e);
}
