/* SPDX-License-Identifier: Apache-2.0 */
/* bar.c: what a host calls while it works: a progress line, Ctrl-C, and the log. */
#include "cli.h"

#include <stdlib.h>

#define PATIENCE_NS INT64_C(1000000000) /* shorter work is not worth a line */
#define REDRAW_NS   INT64_C(100000000)
#define BAR_COLUMNS 20

static int64_t since_begun(const struct ff_bar *bar)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - bar->begun.tv_sec) * INT64_C(1000000000) + now.tv_nsec -
           bar->begun.tv_nsec;
}

static int call_cancelled(const struct ff_call *call)
{
    (void)call;
    return ff_signals_stopped();
}

static void call_progress(const struct ff_call *call, uint64_t done, uint64_t total)
{
    ff_bar_progress(call->ctx, done, total);
}

void ff_bar_begin(struct ff_cli *c)
{
    const char *term = getenv("TERM");
    (void)clock_gettime(CLOCK_MONOTONIC, &c->bar.begun);
    c->bar.on = c->err_terminal && !c->quiet && term && strcmp(term, "dumb") != 0;
    c->call.struct_size = FF_SIZE(ff_call, progress);
    c->call.ctx = c;
    c->call.cancelled = call_cancelled;
    c->call.progress = call_progress;
}

static void draw(int64_t passed_ns, uint64_t done, uint64_t total)
{
    char done_text[32], total_text[32], rate_text[32], bar[BAR_COLUMNS + 1];
    double part = total ? (double)done / (double)total : 0;
    int full = (int)(part * BAR_COLUMNS);
    double rate = (double)done / ((double)passed_ns / 1e9);
    for (int i = 0; i < BAR_COLUMNS; i++) {
        bar[i] = i < full ? '#' : '.';
    }
    bar[BAR_COLUMNS] = 0;
    (void)ff_print_size(done, done_text);
    (void)ff_print_size(total, total_text);
    (void)ff_print_size((uint64_t)rate, rate_text);
    if (total >= done && total) {
        (void)fprintf(stderr, "\r\033[K%3d%% [%s] %s of %s, %s/s", (int)(100 * part), bar,
                      done_text, total_text, rate_text);
    } else {
        (void)fprintf(stderr, "\r\033[K%s, %s/s", done_text, rate_text);
    }
    (void)fflush(stderr);
}

void ff_bar_progress(void *cli, uint64_t done, uint64_t total)
{
    struct ff_cli *c = cli;
    int64_t now;
    if (!c->bar.on || pthread_mutex_trylock(&c->bar.lock)) {
        return;
    }
    now = since_begun(&c->bar);
    if (c->bar.on && now > PATIENCE_NS && now - c->bar.drawn_ns > REDRAW_NS) {
        draw(now, done, total);
        c->bar.drawn_ns = now;
    }
    (void)pthread_mutex_unlock(&c->bar.lock);
}

/* Remove the line; it comes back when work goes on. */
static void wipe(struct ff_cli *c)
{
    if (c->bar.drawn_ns) {
        (void)fputs("\r\033[K", stderr);
        c->bar.drawn_ns = 0;
    }
}

void ff_bar_end(struct ff_cli *c)
{
    (void)pthread_mutex_lock(&c->bar.lock);
    wipe(c);
    (void)pthread_mutex_unlock(&c->bar.lock);
}

int ff_bar_cancelled(void *cli)
{
    (void)cli;
    return ff_signals_stopped();
}

/* Levels are enum ff_log_level of plugin.h: 0 plugin misbehaves, 1 error, 2 warning, 3 information,
 * 4 debugging. */
void ff_bar_log(void *cli, int level, const char *text)
{
    struct ff_cli *c = cli;
    static const char *const names[] = {"plugin misbehaves", "error", "warning", "info",
                                        "debug"};
    static const char loader[] = "plugin: ";
    const char *debug = getenv("FF_PLUGIN_DEBUG");
    int asked =
        debug && strcmp(debug, "1") == 0 && strncmp(text, loader, sizeof loader - 1) == 0;
    if (level < 0 || level > 4 || (!asked && (c->quiet || level > 2 + c->verbose))) {
        return;
    }
    (void)pthread_mutex_lock(&c->bar.lock);
    wipe(c);
    (void)fprintf(stderr, "ff: %s: ", names[level]);
    ff_print_safe(stderr, text, strlen(text), 0);
    (void)fputc('\n', stderr);
    (void)pthread_mutex_unlock(&c->bar.lock);
}
