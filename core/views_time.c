/* SPDX-License-Identifier: Apache-2.0 */
/* views_time.c: dates and times. The layout of their bytes is that of CPython's
 * Lib/_pydatetime.py (_getstate): big endian; the highest bit of the month (datetime) or of
 * the hour (time) is the fold. */
#include "core/views.h"

#include <string.h>

#include "core/doc.h"

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool parse_date(const uint8_t *p, struct ff_datetime *d)
{
    d->year = p[0] << 8 | p[1];
    d->month = p[2];
    d->day = p[3];
    return d->year >= 1 && d->year <= 9999 && d->month >= 1 && d->month <= 12 &&
           d->day >= 1 && d->day <= days_in_month(d->year, d->month);
}

static bool parse_time(const uint8_t *p, struct ff_datetime *d)
{
    d->hour = p[0];
    d->minute = p[1];
    d->second = p[2];
    d->microsecond = p[3] << 16 | p[4] << 8 | p[5];
    return d->hour < 24 && d->minute < 60 && d->second < 60 && d->microsecond < 1000000;
}

static bool parse(const struct ff_form *f, int view, struct ff_datetime *d)
{
    uint8_t bytes[10];
    size_t want = view == FF_VIEW_DATE ? 4 : view == FF_VIEW_TIME ? 6 : 10;
    size_t fold_at = view == FF_VIEW_TIME ? 0 : 2;
    memset(d, 0, sizeof *d);
    d->view = view;
    d->zone = ff_form_arg(f, 1);
    if (!ff_form_is_call(f) || f->arg_count < 1 ||
        f->arg_count > (view == FF_VIEW_DATE ? 1 : 2) ||
        ff_view_payload(ff_form_arg(f, 0), bytes, sizeof bytes) != want) {
        return false;
    }
    if (view != FF_VIEW_DATE) {
        d->fold = bytes[fold_at] >> 7;
        bytes[fold_at] &= 0x7f;
    }
    if (ff_kind(d->zone) == FF_NONE) {
        d->zone = (struct ff_value){NULL, 0};
    }
    return (view == FF_VIEW_TIME || parse_date(bytes, d)) &&
           (view == FF_VIEW_DATE || parse_time(bytes + want - 6, d));
}

bool ff_form_is_date(const struct ff_form *f)
{
    struct ff_datetime d;
    return parse(f, FF_VIEW_DATE, &d);
}

bool ff_form_is_time(const struct ff_form *f)
{
    struct ff_datetime d;
    return parse(f, FF_VIEW_TIME, &d);
}

bool ff_form_is_datetime(const struct ff_form *f)
{
    struct ff_datetime d;
    return parse(f, FF_VIEW_DATETIME, &d);
}

bool ff_view_datetime(struct ff_value v, struct ff_datetime *out)
{
    struct ff_form f;
    int view = ff_view(v);
    return (view == FF_VIEW_DATE || view == FF_VIEW_TIME || view == FF_VIEW_DATETIME) &&
           ff_form_of(v, &f) && parse(&f, view, out);
}

/* Python writes it normalised; another form would mean another one than it says. */
static bool parse_delta(const struct ff_form *f, struct ff_timedelta *d)
{
    return ff_form_is_call(f) && f->arg_count == 3 &&
           ff_form_int(ff_form_arg(f, 0), -999999999, 999999999, &d->days) &&
           ff_form_int(ff_form_arg(f, 1), 0, 86399, &d->seconds) &&
           ff_form_int(ff_form_arg(f, 2), 0, 999999, &d->microseconds);
}

bool ff_form_is_timedelta(const struct ff_form *f)
{
    struct ff_timedelta d;
    return parse_delta(f, &d);
}

bool ff_view_timedelta(struct ff_value v, struct ff_timedelta *out)
{
    struct ff_form f;
    return ff_view(v) == FF_VIEW_TIMEDELTA && ff_form_of(v, &f) && parse_delta(&f, out);
}

/* Strictly between -24 h and 24 h. */
static bool parse_zone(const struct ff_form *f, struct ff_timedelta *offset)
{
    struct ff_form delta;
    struct ff_value arg = ff_form_arg(f, 0);
    return ff_form_is_call(f) && (f->arg_count == 1 || f->arg_count == 2) &&
           (f->arg_count == 1 || ff_kind(ff_form_arg(f, 1)) == FF_STR) &&
           ff_form_of(arg, &delta) && strcmp(delta.name, "datetime.timedelta") == 0 &&
           parse_delta(&delta, offset) &&
           (offset->days == 0 ||
            (offset->days == -1 && (offset->seconds || offset->microseconds)));
}

bool ff_form_is_timezone(const struct ff_form *f)
{
    struct ff_timedelta offset;
    return parse_zone(f, &offset);
}

bool ff_view_timezone(struct ff_value v, struct ff_timedelta *offset,
                      struct ff_value *name)
{
    struct ff_form f;
    if (ff_view(v) != FF_VIEW_TIMEZONE || !ff_form_of(v, &f) || !parse_zone(&f, offset)) {
        return false;
    }
    *name = ff_form_arg(&f, 1);
    return true;
}

/* ---- zones by name ---- */

/* getattr(zoneinfo.ZoneInfo, "_unpickle")(key, from_cache): Modules/_zoneinfo.c,
 * zoneinfo_reduce. */
struct ff_value ff_form_zone_key(struct ff_value v)
{
    struct ff_form f;
    struct ff_value key = FF_NOTHING, args = ff_part(v, FF_PART_ARGS);
    const char *name;
    size_t size;
    if (ff_kind(v) != FF_OBJECT || !ff_form_of(ff_part(v, FF_PART_CALLABLE), &f) ||
        strcmp(f.name, "builtins.getattr") != 0 || f.arg_count != 2 ||
        !ff_form_is_global(ff_form_arg(&f, 0), "zoneinfo.ZoneInfo") ||
        ff_str(ff_form_arg(&f, 1), &name, &size, NULL) || size != 9 ||
        memcmp(name, "_unpickle", 9) != 0 || ff_length(args) != 2 ||
        ff_part(v, FF_PART_STATE).doc) {
        return key;
    }
    (void)ff_item(args, 0, NULL, &key, NULL);
    return ff_kind(key) == FF_STR ? key : FF_NOTHING;
}

static void set_seconds(struct ff_zone *z, int64_t seconds)
{
    z->has_offset = 1;
    z->offset.days = seconds < 0 ? -1 : 0;
    z->offset.seconds = seconds - 86400 * z->offset.days;
}

/* pytz/__init__.py and tzinfo.py: _UTC(), FixedOffset(minutes), _p(name), and _p(name,
 * offset, dst, short name) of a zone with its offset at a time, in seconds. */
static bool parse_pytz(const struct ff_form *f, struct ff_zone *z)
{
    int64_t number;
    struct ff_value name = ff_form_arg(f, 0);
    memset(z, 0, sizeof *z);
    if (!ff_form_is_call(f)) {
        return false;
    }
    if (strcmp(f->name, "pytz._UTC") == 0) {
        z->name = "UTC";
        z->name_bytes = 3;
        set_seconds(z, 0);
        return f->arg_count == 0;
    }
    if (strcmp(f->name, "pytz.FixedOffset") == 0) {
        if (f->arg_count != 1 || !ff_form_int(name, -1439, 1439, &number)) {
            return false;
        }
        set_seconds(z, 60 * number);
        return true;
    }
    if (strcmp(f->name, "pytz._p") != 0 || ff_kind(name) != FF_STR ||
        (f->arg_count != 1 && f->arg_count != 4) ||
        ff_str(name, &z->name, &z->name_bytes, NULL)) {
        return false;
    }
    if (f->arg_count == 4) {
        if (!ff_form_int(ff_form_arg(f, 1), -86399, 86399, &number)) {
            return false;
        }
        set_seconds(z, number);
    }
    return true;
}

bool ff_form_is_zone(const struct ff_form *f)
{
    struct ff_zone z;
    return parse_pytz(f, &z);
}

bool ff_view_zone(struct ff_value v, struct ff_zone *out)
{
    struct ff_form f;
    struct ff_value name = ff_form_zone_key(v);
    memset(out, 0, sizeof *out);
    if (!name.doc && ff_form_of(v, &f) && strncmp(f.name, "pytz.", 5) == 0) {
        return parse_pytz(&f, out);
    }
    if (!name.doc) {
        out->has_offset = 1;
        if (!ff_view_timezone(v, &out->offset, &name)) {
            return false;
        }
    }
    return !name.doc || ff_str(name, &out->name, &out->name_bytes, NULL) == FF_OK;
}
