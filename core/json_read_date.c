/* SPDX-License-Identifier: Apache-2.0 */
/* json_read_date.c: tags of dates, times, zones and spans of time. */
#include "core/json_read.h"

#include "core/views.h"

struct clock {
    const char *p;
    bool bad;
};

static int digits(struct clock *c, int count)
{
    int value = 0;
    while (count-- && !c->bad) {
        c->bad = *c->p < '0' || *c->p > '9';
        value = 10 * value + (c->bad ? 0 : *c->p++ - '0');
    }
    return value;
}

static void expect(struct clock *c, char wanted)
{
    c->bad = c->bad || *c->p != wanted;
    c->p += c->bad ? 0 : 1;
}

static void read_date(struct clock *c, uint8_t out[4])
{
    int year = digits(c, 4);
    expect(c, '-');
    out[0] = (uint8_t)(year >> 8);
    out[1] = (uint8_t)year;
    out[2] = (uint8_t)digits(c, 2);
    expect(c, '-');
    out[3] = (uint8_t)digits(c, 2);
}

static int read_microseconds(struct clock *c)
{
    if (*c->p != '.') {
        return 0;
    }
    expect(c, '.');
    return digits(c, 6);
}

static void read_time(struct clock *c, uint8_t out[6])
{
    int us;
    out[0] = (uint8_t)digits(c, 2);
    expect(c, ':');
    out[1] = (uint8_t)digits(c, 2);
    expect(c, ':');
    out[2] = (uint8_t)digits(c, 2);
    us = read_microseconds(c);
    out[3] = (uint8_t)(us >> 16);
    out[4] = (uint8_t)(us >> 8);
    out[5] = (uint8_t)us;
}

static uint64_t delta_cell(struct ff_json_reader *r, uint32_t object, int64_t days,
                           int64_t seconds, int64_t us)
{
    uint64_t cells[3] = {ff_cell_of_int(days), ff_cell_of_int(seconds),
                         ff_cell_of_int(us)};
    return ff_json_call(r, object, "datetime", "timedelta", cells, 3);
}

/* "+01:00", "-00:00:01.5" */
static uint64_t zone_cell(struct ff_json_reader *r, uint32_t object, struct clock *c)
{
    bool minus = *c->p == '-';
    int64_t us, seconds;
    uint64_t delta;
    expect(c, minus ? '-' : '+');
    seconds = 3600 * digits(c, 2);
    expect(c, ':');
    seconds += 60 * digits(c, 2);
    if (*c->p == ':') {
        expect(c, ':');
        seconds += digits(c, 2);
    }
    us = seconds * 1000000 + read_microseconds(c);
    us = minus ? -us : us;
    c->bad = c->bad || us <= -86400000000 || us >= 86400000000;
    if (c->bad) {
        return 0;
    }
    int64_t day = us < 0 ? -1 : 0;
    us -= day * 86400000000;
    delta = delta_cell(r, object, day, us / 1000000, us % 1000000);
    return delta ? ff_json_call(r, object, "datetime", "timezone", &delta, 1) : 0;
}

static int make_time(struct ff_json_reader *r, uint32_t object, uint32_t value,
                     const char *name, int view, const char *what)
{
    const char *text;
    size_t size, used = 0;
    uint8_t bytes[10];
    uint64_t cells[2], cell;
    int rc = ff_json_read_text(r, value, &text, &size);
    struct clock c = {text, false};
    if (rc) {
        return rc;
    }
    if (view != FF_VIEW_TIME) {
        read_date(&c, bytes);
        used = 4;
    }
    if (view == FF_VIEW_DATETIME) {
        expect(&c, 'T');
    }
    if (view != FF_VIEW_DATE) {
        read_time(&c, bytes + used);
        used += 6;
    }
    bool zone = !c.bad && *c.p && view != FF_VIEW_DATE;
    cells[1] = zone ? zone_cell(r, object, &c) : 0;
    if (c.bad || (size_t)(c.p - text) != size) {
        return ff_json_wrong(r, value, what);
    }
    cells[0] = ff_doc_scalar(r->doc, FF_TAG_BYTES, bytes, used);
    if (!cells[0] || (zone && !cells[1])) {
        return ff_json_full(r, object);
    }
    cell = ff_json_call(r, object, "datetime", name, cells, zone ? 2 : 1);
    return ff_json_set_checked(r, object, value, cell, view, what);
}

int ff_json_make_date(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    return make_time(r, object, value, "date", FF_VIEW_DATE,
                     "not a date: \"2024-02-29\"");
}

int ff_json_make_time(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    return make_time(r, object, value, "time", FF_VIEW_TIME, "not a time: \"01:02:03\"");
}

int ff_json_make_datetime(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    return make_time(r, object, value, "datetime", FF_VIEW_DATETIME,
                     "not a date and time: \"2024-02-29T01:02:03+00:00\"");
}

int ff_json_make_timezone(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    const char *text;
    size_t size;
    uint64_t cell;
    int rc = ff_json_read_text(r, value, &text, &size);
    struct clock c = {text, false};
    if (rc) {
        return rc;
    }
    cell = zone_cell(r, object, &c);
    if (c.bad || (size_t)(c.p - text) != size) {
        return ff_json_wrong(r, value, "not a zone: \"+01:00\"");
    }
    return cell ? ff_json_set(r, object, cell) : r->error->code;
}

int ff_json_make_timedelta(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    int64_t n[3];
    static const int64_t last[] = {999999999, 86399, 999999};
    uint64_t cell;
    int rc = ff_json_want(r, value, '[', "[days, seconds, microseconds]");
    if (!rc && ff_json_node(&r->tree, value)->count != 3) {
        rc = ff_json_wrong(r, value, "here should be [days, seconds, microseconds]");
    }
    for (uint32_t i = 0; i < 3 && !rc; i++) {
        rc = ff_json_number(r, ff_json_child(&r->tree, value, i), i ? 0 : -last[0],
                            last[i], &n[i]);
    }
    if (rc) {
        return rc;
    }
    cell = delta_cell(r, object, n[0], n[1], n[2]);
    return cell ? ff_json_set(r, object, cell) : r->error->code;
}
