/* SPDX-License-Identifier: Apache-2.0 */
/* print.c: names, notes and errors for people: colour and escapes only where a terminal reads. */
#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int colored(const char *when, int terminal)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    if (when && strcmp(when, "auto") != 0) {
        return strcmp(when, "always") == 0;
    }
    return terminal && !(no && no[0]) && term && strcmp(term, "dumb") != 0;
}

int ff_print_setup(struct ff_cli *c, struct ff_error *e)
{
    const char *when = ff_cli_value(c, FF_OPT_COLOR);
    c->out_terminal = isatty(STDOUT_FILENO);
    c->err_terminal = isatty(STDERR_FILENO);
    if (when && strcmp(when, "auto") != 0 && strcmp(when, "always") != 0 &&
        strcmp(when, "never") != 0) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "--color %.100s is not known", when);
        ff_error_fix(e, "auto, always or never");
        return FF_E_USAGE;
    }
    c->out_color = colored(when, c->out_terminal);
    c->err_color = colored(when, c->err_terminal);
    return FF_OK;
}

/* The length of the UTF-8 character at `s`, 0 when it is none. */
static size_t utf8_at(const unsigned char *s, size_t left, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (n == 0 || n > left || s[0] > 0xf4) {
        return 0;
    }
    *point = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        *point = *point << 6 | (s[i] & 0x3fu);
    }
    return *point < least[n] || *point > 0x10ffff || (*point >> 11) == 0x1b ? 0 : n;
}

/* What moves the cursor, rings, or turns the direction of what follows. */
static int is_unsafe(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
           (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069);
}

void ff_print_safe(FILE *f, const char *text, size_t size_bytes, int lines)
{
    const unsigned char *s = (const unsigned char *)text;
    while (size_bytes) {
        uint32_t point = 0;
        size_t n = utf8_at(s, size_bytes, &point);
        if (n && (!is_unsafe(point) || (lines && (point == '\n' || point == '\t')))) {
            (void)fwrite(s, 1, n, f);
        } else {
            n = n ? n : 1;
            for (size_t i = 0; i < n; i++) {
                (void)fprintf(f, "\\x%02x", s[i]);
            }
        }
        s += n;
        size_bytes -= n;
    }
}

void ff_print_name(const struct ff_cli *c, const char *name)
{
    if (c->out_terminal) {
        ff_print_safe(stdout, name, strlen(name), 0);
    } else {
        (void)fputs(name, stdout);
    }
}

int ff_print_text(void *cli, const char *text, size_t size_bytes)
{
    const struct ff_cli *c = cli;
    if (c->out_terminal) {
        ff_print_safe(stdout, text, size_bytes, 1);
    } else {
        (void)fwrite(text, 1, size_bytes, stdout);
    }
    return ferror(stdout) ? FF_E_IO : ff_signals_stopped() ? FF_E_CANCELLED : FF_OK;
}

void ff_print_colored(const struct ff_cli *c, enum ff_color color, const char *text)
{
    if (c->out_color) {
        (void)printf("\033[%dm%s\033[0m", color, text);
    } else {
        (void)fputs(text, stdout);
    }
}

static void complain(struct ff_cli *c, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static void complain(struct ff_cli *c, const char *fmt, va_list ap)
{
    char line[1024];
    (void)vsnprintf(line, sizeof line, fmt, ap);
    ff_bar_end(c);
    (void)fflush(stdout);
    (void)fputs("ff: ", stderr);
    ff_print_safe(stderr, line, strlen(line), 0);
    (void)fputc('\n', stderr);
}

void ff_print_warning(struct ff_cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (!c->quiet) {
        complain(c, fmt, ap);
    }
    va_end(ap);
}

void ff_print_note(struct ff_cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (!c->quiet && (c->err_terminal || c->verbose)) {
        complain(c, fmt, ap);
    }
    va_end(ap);
}

void ff_print_error(struct ff_cli *c, const struct ff_error *e)
{
    const char *message = e->message[0] ? e->message : ff_code_name(e->code);
    ff_bar_end(c);
    (void)fflush(stdout);
    (void)fputs(c->err_color ? "\033[31mff:\033[0m " : "ff: ", stderr);
    if (e->place[0]) {
        ff_print_safe(stderr, e->place, strlen(e->place), 0);
        (void)fputs(": ", stderr);
    }
    ff_print_safe(stderr, message, strlen(message), 0);
    (void)fputc('\n', stderr);
    if (e->fix[0]) {
        (void)fputs("  fix: ", stderr);
        ff_print_safe(stderr, e->fix, strlen(e->fix), 0);
        (void)fputc('\n', stderr);
    }
    if (c->verbose) {
        (void)fprintf(stderr, "  code: %s", ff_code_name(e->code));
        if (e->os_errno) {
            (void)fprintf(stderr, ", errno %d: %s", e->os_errno, strerror(e->os_errno));
        }
        if (e->http_status) {
            (void)fprintf(stderr, ", HTTP %d", e->http_status);
        }
        (void)fputc('\n', stderr);
    }
}

int ff_print_width(const char *text)
{
    int width = 0;
    for (; *text; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

const char *ff_print_size(uint64_t bytes, char out[32])
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double n = (double)bytes / 1000;
    size_t i = 0;
    if (bytes < 1000) {
        (void)snprintf(out, 32, "%u B", (unsigned)bytes);
        return out;
    }
    for (; n >= 999.95 && i + 1 < sizeof units / sizeof *units; i++) {
        n /= 1000;
    }
    (void)snprintf(out, 32, "%.1f %s", n, units[i]);
    return out;
}

int ff_exit_code(int code)
{
    switch (code) {
    case FF_E_CANCELLED:
        return 130;
    case FF_E_STALE:
    case FF_E_EXISTS:
        return 8;
    case FF_E_TYPE:
        return 2;
    default:
        return code >= 0 ? 0 : code >= FF_E_UNSAFE ? -code : 1;
    }
}
