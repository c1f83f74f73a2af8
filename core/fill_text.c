/* SPDX-License-Identifier: Apache-2.0 */
/* fill_text.c: tokens and receipts of arrays that several processes fill. */
#include "core/fill.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/checked.h"

#define TOKEN_BEGIN   "ff-fill-1/"
#define RECEIPT_BEGIN "ff-filled-1/"
#define RUNS_MAX      (1u << 24)

/* ---- tokens ---- */

int ff_fill_token_print(struct ff_fill_token *t, struct ff_error *e)
{
    struct ff_fill_token back;
    struct ff_error own = FF_ERROR_INIT;
    int n = snprintf(t->text, sizeof t->text, TOKEN_BEGIN "%s/%s/%s/%s", t->serializer,
                     t->version, t->uuid, t->workflow);
    if (n < 0 || (size_t)n >= sizeof t->text ||
        ff_fill_token_parse(t->text, &back, &own) ||
        strcmp(back.serializer, t->serializer) != 0 ||
        strcmp(back.version, t->version) != 0) {
        return ff_fail(e, FF_E_UNSUPPORTED, NULL,
                       "the name %.60s or version %.40s does not fit into a token",
                       t->serializer, t->version);
    }
    return FF_OK;
}

/* The part up to the next '/', or the end; NULL: it is empty or does not fit. */
static const char *take_part(const char *at, char *out, size_t size)
{
    size_t n = at ? strcspn(at, "/") : 0;
    if (n == 0 || n >= size) {
        return NULL;
    }
    memcpy(out, at, n);
    out[n] = '\0';
    return at[n] ? at + n + 1 : at + n;
}

int ff_fill_token_parse(const char *text, struct ff_fill_token *t, struct ff_error *e)
{
    size_t begin = strlen(TOKEN_BEGIN);
    const char *at = NULL;
    memset(t, 0, sizeof *t);
    if (text && strnlen(text, sizeof t->text) < sizeof t->text &&
        strncmp(text, TOKEN_BEGIN, begin) == 0) {
        (void)snprintf(t->text, sizeof t->text, "%s", text);
        at = take_part(text + begin, t->serializer, sizeof t->serializer);
        at = take_part(at, t->version, sizeof t->version);
        at = take_part(at, t->uuid, sizeof t->uuid);
        at = take_part(at, t->workflow, sizeof t->workflow);
    }
    if (!at || *at || at[-1] == '/' || !ff_is_uuid4(t->uuid, strlen(t->uuid))) {
        return ff_fail(e, FF_E_USAGE, NULL, "this is no token of an array to be filled");
    }
    return FF_OK;
}

/* ---- receipts ---- */

static int is_done(const uint8_t *done, uint64_t i)
{
    return done[i / 8] >> (i % 8) & 1;
}

int ff_fill_receipt_print(struct ff_buf *out, const char *uuid, const uint8_t *done,
                          uint64_t chunk_count, struct ff_error *e)
{
    const char *comma = "";
    int rc = ff_buf_printf(out, RECEIPT_BEGIN "%s/%llu/", uuid,
                           (unsigned long long)chunk_count);
    for (uint64_t i = 0, last; !rc && i < chunk_count; i = last + 1) {
        for (last = i; last < chunk_count && is_done(done, last); last++) {
        }
        if (last == i) {
            continue;
        }
        rc = ff_buf_printf(out, "%s%llu", comma, (unsigned long long)i);
        if (!rc && last - i > 1) {
            rc = ff_buf_printf(out, "-%llu", (unsigned long long)(last - 1));
        }
        comma = ",";
    }
    rc = rc ? rc : ff_buf_append_byte(out, '.');
    return rc ? ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for a receipt") : FF_OK;
}

/* Digits, without sign, blanks or leading zeros. */
static int take_number(const char **at, uint64_t *out)
{
    const char *from = *at;
    *out = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (!ff_mul_u64(*out, 10, out) ||
            !ff_add_u64(*out, (uint64_t)(**at - '0'), out)) {
            return 0;
        }
    }
    return *at > from && (*from != '0' || *at == from + 1);
}

/* "0-15,32.": ascending, and the end of the text. */
static int take_runs(struct ff_fill_cover *c, const char *at, struct ff_error *e)
{
    uint64_t next = 0;
    int more = *at != '.';
    while (more) {
        struct ff_fill_run run;
        if (!take_number(&at, &run.first)) {
            return FF_E_USAGE;
        }
        run.last = run.first;
        if (*at == '-' && (at++, !take_number(&at, &run.last))) {
            return FF_E_USAGE;
        }
        if (run.first < next || run.last < run.first || run.last >= c->chunk_count) {
            return FF_E_USAGE;
        }
        if (ff_vec_append(&c->runs, &run)) {
            return ff_fail(e, FF_E_NO_MEMORY, NULL, "too many runs of chunks");
        }
        next = run.last + 1;
        more = *at == ',';
        at += more;
    }
    return at[0] == '.' && at[1] == '\0' ? FF_OK : FF_E_USAGE;
}

static int take_receipt(struct ff_fill_cover *c, const char *uuid, const char *at,
                        struct ff_error *e)
{
    size_t begin = strlen(RECEIPT_BEGIN);
    uint64_t chunk_count;
    if (!at || strncmp(at, RECEIPT_BEGIN, begin) != 0 ||
        !ff_is_uuid4(at + begin, strnlen(at + begin, FF_UUID_LENGTH))) {
        return FF_E_USAGE;
    }
    at += begin;
    if (memcmp(at, uuid, FF_UUID_LENGTH) != 0) {
        return ff_fail(e, FF_E_USAGE, NULL, "a receipt is of another array: %.36s", at);
    }
    at += FF_UUID_LENGTH;
    if (*at++ != '/' || !take_number(&at, &chunk_count) || *at++ != '/' ||
        (c->chunk_count && c->chunk_count != chunk_count)) {
        return FF_E_USAGE;
    }
    c->chunk_count = chunk_count;
    return take_runs(c, at, e);
}

void ff_fill_cover_init(struct ff_fill_cover *c)
{
    c->chunk_count = 0;
    ff_vec_init(&c->runs, sizeof(struct ff_fill_run), RUNS_MAX);
}

void ff_fill_cover_free(struct ff_fill_cover *c)
{
    ff_vec_free(&c->runs);
}

int ff_fill_cover_add(struct ff_fill_cover *c, const char *uuid, const char *receipt,
                      size_t number, struct ff_error *e)
{
    int rc = take_receipt(c, uuid, receipt, e);
    return rc == FF_E_USAGE
               ? ff_fail(e, rc, NULL, "text %zu is no whole receipt, or of another array",
                         number)
               : rc;
}

static int by_first(const void *a, const void *b)
{
    uint64_t x = ((const struct ff_fill_run *)a)->first;
    uint64_t y = ((const struct ff_fill_run *)b)->first;
    return x < y ? -1 : x > y;
}

int ff_fill_cover_check(struct ff_fill_cover *c, struct ff_error *e)
{
    const struct ff_fill_run *runs = c->runs.items;
    uint64_t next = 0, missing = 0, first = 0;
    if (c->runs.count) {
        qsort(c->runs.items, c->runs.count, sizeof *runs, by_first);
    }
    for (size_t i = 0; i <= c->runs.count; i++) {
        uint64_t begin = i < c->runs.count ? runs[i].first : c->chunk_count;
        if (begin > next) {
            first = missing ? first : next;
            missing += begin - next;
        }
        if (i < c->runs.count && runs[i].last >= next) {
            next = runs[i].last + 1;
        }
    }
    if (!missing && c->chunk_count) {
        return FF_OK;
    }
    (void)ff_fail(e, FF_E_USAGE, NULL,
                  "%llu of %llu chunks are in no receipt, the first is chunk %llu",
                  (unsigned long long)missing, (unsigned long long)c->chunk_count,
                  (unsigned long long)first);
    ff_error_fix(e, "attach, write them and end, and finish with that receipt too");
    return FF_E_USAGE;
}
