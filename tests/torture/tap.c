/* SPDX-License-Identifier: Apache-2.0 */
/* tap.c: the Test Anything Protocol, time, and choices that a seed repeats. */
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "torture.h"

static int points, bad;

static void print(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
static void print(const char *fmt, va_list ap)
{
    char text[TEXT_BYTES + 512];

    (void)vsnprintf(text, sizeof text, fmt, ap);
    for (char *c = text; *c; c++) {
        if (*c == '\n' || *c == '#') {
            *c = ' ';
        }
    }
    (void)puts(text);
    (void)fflush(stdout);
}

bool tap_ok(bool ok, const char *fmt, ...)
{
    va_list ap;

    bad += !ok;
    printf("%sok %d - ", ok ? "" : "not ", ++points);
    va_start(ap, fmt);
    print(fmt, ap);
    va_end(ap);
    return ok;
}

void tap_skip(const char *what, const char *reason)
{
    printf("ok %d - %s # SKIP %s\n", ++points, what, reason);
    (void)fflush(stdout);
}

void tap_note(const char *fmt, ...)
{
    va_list ap;

    printf("# ");
    va_start(ap, fmt);
    print(fmt, ap);
    va_end(ap);
}

int tap_end(void)
{
    printf("1..%d\n", points);
    return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

bool torture_long(void)
{
    const char *text = getenv("FF_LONG");

    return text && *text && *text != '0';
}

double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double torture_until(double seconds)
{
    return torture_long() ? 1e30 : now_s() + seconds;
}

uint64_t torture_seed(void)
{
    static uint64_t seed;

    if (!seed) {
        const char *text = getenv("FF_SEED");

        seed = text && *text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
        seed = seed ? seed : 1;
        tap_note("FF_SEED=%llu", (unsigned long long)seed);
    }
    return seed;
}

/* splitmix64 */
uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

size_t rng_below(struct rng *r, size_t n)
{
    return (size_t)(rng_next(r) % n);
}

void rng_shuffle(struct rng *r, uint32_t *items, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = rng_below(r, i);
        uint32_t kept = items[i - 1];

        items[i - 1] = items[j];
        items[j] = kept;
    }
}

bool say(char *why, const char *fmt, ...)
{
    size_t used = strlen(why);
    va_list ap;

    if (used && used + 2 < TEXT_BYTES) {
        memcpy(why + used, "; ", 3);
        used += 2;
    }
    va_start(ap, fmt);
    (void)vsnprintf(why + used, TEXT_BYTES - used, fmt, ap);
    va_end(ap);
    return false;
}
