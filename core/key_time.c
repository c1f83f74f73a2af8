/* SPDX-License-Identifier: Apache-2.0 */
/* key_time.c: dates and times as keys, as CPython's Modules/_datetimemodule.c compares and
 * hashes them: fold never counts; of aware ones the instant does, of a timezone its offset.
 * A zone that has only a name has no offset without the database of zones: such times are
 * compared in that zone, and differ from those of all others. */
#include <string.h>

#include "core/key_object.h"
#include "core/views.h"

#define DAY_SECONDS 86400

/* Days since 0001-01-01 in the proleptic Gregorian calendar. */
static int64_t days_of(const struct ff_datetime *d)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t y = d->year - 1;
    bool leap = d->year % 4 == 0 && (d->year % 100 != 0 || d->year % 400 == 0);
    return 365 * y + y / 4 - y / 100 + y / 400 + before[d->month - 1] +
           (leap && d->month > 2) + d->day - 1;
}

static int64_t seconds_of_day(const struct ff_datetime *d)
{
    return 3600 * (int64_t)d->hour + 60 * (int64_t)d->minute + d->second;
}

/* In microseconds; below 2^60. */
static int64_t point_of(const struct ff_datetime *d)
{
    int64_t days = d->view == FF_VIEW_TIME ? 0 : days_of(d);
    return (DAY_SECONDS * days + seconds_of_day(d)) * 1000000 + d->microsecond;
}

static int64_t microseconds_of(const struct ff_timedelta *t)
{
    return (DAY_SECONDS * t->days + t->seconds) * 1000000 + t->microseconds;
}

static bool is_utc(const struct ff_zone *z)
{
    static const char *const names[] = {"UTC", "Etc/UTC"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (z->name && z->name_bytes == strlen(names[i]) &&
            memcmp(z->name, names[i], z->name_bytes) == 0) {
            return true;
        }
    }
    return false;
}

/* An offset that is known and does not depend on the date (`always`), or was told with it. */
static bool offset_of(struct ff_value zone, bool always, int64_t *microseconds)
{
    struct ff_zone z;
    *microseconds = 0;
    if (!ff_view_zone(zone, &z)) {
        return false;
    }
    if (is_utc(&z) && !z.has_offset) {
        return true;
    }
    if (!z.has_offset ||
        (always && z.name && !is_utc(&z) && ff_view(zone) != FF_VIEW_TIMEZONE)) {
        return false;
    }
    *microseconds = microseconds_of(&z.offset);
    return true;
}

/* By the wall's clock in a zone that is compared as a key itself. */
static void in_zone(struct ff_value v, int64_t point, const char *name,
                    struct ff_key_form *form)
{
    const struct ff_object_node *o = ff_cell_node(v.cell);
    const struct ff_seq *args = ff_cell_node(o->args);
    *form = (struct ff_key_form){.name = name, .cells = args->cells + 1, .count = 1};
    memcpy(form->data, &point, sizeof point);
}

int ff_key_of_datetime(struct ff_keys *k, struct ff_value v, struct ff_key_form *form)
{
    struct ff_datetime d;
    int64_t offset;
    if (!ff_view_datetime(v, &d)) {
        return FF_KEY_NO_FORM;
    }
    bool time = d.view == FF_VIEW_TIME;
    int64_t point[2] = {d.view, point_of(&d)};
    if (!d.zone.doc) {
        ff_key_hash(k, 'n', point, sizeof point, &form->id);
        return FF_KEY_ID;
    }
    if (!offset_of(d.zone, time, &offset)) {
        in_zone(v, point[1], time ? "datetime.time" : "datetime.datetime", form);
        return FF_KEY_PARTS;
    }
    /* of times the microseconds are compared as they are, and those of the offset hashed */
    int64_t rest = time ? (offset % 1000000 + 1000000) % 1000000 : 0;
    int64_t instant[3] = {d.view, point[1] - (offset - rest), rest};
    ff_key_hash(k, 'i', instant, sizeof instant, &form->id);
    return FF_KEY_ID;
}

int ff_key_of_timedelta(struct ff_keys *k, struct ff_value v, struct ff_key_form *form)
{
    struct ff_timedelta d;
    if (!ff_view_timedelta(v, &d)) {
        return FF_KEY_NO_FORM;
    }
    const int64_t part[] = {d.days, d.seconds, d.microseconds};
    ff_key_hash(k, 'd', part, sizeof part, &form->id);
    return FF_KEY_ID;
}

int ff_key_of_timezone(struct ff_keys *k, struct ff_value v, struct ff_key_form *form)
{
    struct ff_timedelta offset;
    struct ff_value name;
    if (!ff_view_timezone(v, &offset, &name)) {
        return FF_KEY_NO_FORM;
    }
    int64_t microseconds = microseconds_of(&offset);
    ff_key_hash(k, 'z', &microseconds, sizeof microseconds, &form->id);
    return FF_KEY_ID;
}
