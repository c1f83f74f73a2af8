/* SPDX-License-Identifier: Apache-2.0 */
/* Good plugins whose bytes are changed, and files that are swapped while they are looked at. */
#include "core/host.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/digest.h"
#include "host_help.h"
#include "run.h"

enum {
    FILE_MAX_BYTES = 1 << 20,
    FLIPS = 300,
    LONG_FLIPS = 10000,
    SWAPS = 50,
    LONG_SWAPS = 10000
};

static unsigned long state;

static unsigned next_random(void) /* a linear congruence: Knuth's MMIX */
{
    state = state * 6364136223846793005UL + 1442695040888963407UL;
    return (unsigned)(state >> 33);
}

static int seed(int quick, int whole)
{
    const char *text = getenv("FF_SEED");

    state = text ? strtoul(text, NULL, 10) : (unsigned long)getpid();
    (void)printf("# FF_SEED=%lu\n", state);
    return getenv("FF_LONG") ? whole : quick;
}

static size_t slurp(const char *path, unsigned char *data)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    ck_assert_ptr_nonnull(f);
    n = fread(data, 1, FILE_MAX_BYTES, f);
    (void)fclose(f);
    return n;
}

static void spill(const char *path, const unsigned char *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, n, f), n);
    (void)fclose(f);
}

/* A configuration that enables test.good, and only as these bytes. */
static void pin_config(char *json, size_t size, const unsigned char *data, size_t n)
{
    uint8_t digest[FF_SHA256_BYTES];
    char hex[2 * FF_SHA256_BYTES + 1];

    ck_assert_int_eq(ff_digest_of(FF_DIGEST_SHA256, data, n, digest), 0);
    ff_hex(digest, sizeof digest, hex);
    (void)snprintf(json, size,
                   "{\"plugins\": {\"enable\": [\"test.good\", \"a\"], \"pins\": "
                   "{\"test.good\": \"%s\", \"a\": \"%s\"}}}",
                   hex, hex);
}

/* Any byte may lie: the host lives. A pinned plugin with another byte is never loaded: were it,
 * its code would be anything. */
START_TEST(random_flips_are_survived_and_never_loaded)
{
    static unsigned char good[FILE_MAX_BYTES], bad[FILE_MAX_BYTES];
    int rounds = seed(FLIPS, LONG_FLIPS), pinned = 0;
    struct stage stage;
    char json[512];
    size_t n;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    n = slurp(stage_path(&stage, "a.so"), good);
    pin_config(json, sizeof json, good, n);
    for (int i = 0; i < rounds; i++) {
        const struct ff_plugin_row *row;
        struct ff_host *host;

        memcpy(bad, good, n);
        for (unsigned flips = 1 + next_random() % 3; flips--;) {
            /* half of them in the headers, where most is believed */
            size_t at = next_random() % (next_random() % 2 ? n : 1024);

            bad[at] ^= (unsigned char)(1 + next_random() % 255);
        }
        if (memcmp(bad, good, n) == 0) {
            continue;
        }
        spill(stage_path(&stage, "a.so"), bad, n);
        host = stage_host(&stage, json);
        row = row_of(host, "a.so", NULL);
        ck_assert_str_ne(row->code, "loaded");
        ck_assert_msg(row->reason[0] && row->fix[0], "%s has no reason or fix",
                      row->code);
        pinned += strcmp(row->code, "pin") == 0;
        ff_host_close(host);
    }
    (void)printf("# %d of %d were refused by their pin alone\n", pinned, rounds);
    ck_assert_int_gt(pinned, 0);
    spill(stage_path(&stage, "a.so"), good, n);
    {
        struct ff_host *host = stage_host(&stage, json);

        ck_assert_str_eq(row_of(host, "a.so", NULL)->code, "loaded");
        ff_host_close(host);
    }
    stage_close(&stage);
}
END_TEST

struct swapper {
    const struct stage *stage;
    char path[256], first[256], second[256];
    atomic_int stop;
};

static void *swap(void *ctx)
{
    struct swapper *s = ctx;

    for (int i = 0; !atomic_load(&s->stop); i++) {
        (void)unlink(s->path);
        (void)!link(i % 2 ? s->first : s->second, s->path);
    }
    return NULL;
}

/* While a file is swapped with another, what is loaded is the pinned one, or nothing. */
START_TEST(swapped_file_is_the_pinned_one_or_none)
{
    static unsigned char good[FILE_MAX_BYTES];
    int rounds = seed(SWAPS, LONG_SWAPS), loaded = 0;
    struct swapper s = {.stage = NULL};
    struct stage stage;
    pthread_t thread;
    char json[512];
    size_t n;

    stage_open(&stage);
    stage_copy(&stage, "good", "first");
    stage_copy(&stage, "create", "second"); /* has the same name, and fails */
    (void)snprintf(s.first, sizeof s.first, "%s", stage_path(&stage, "first"));
    (void)snprintf(s.second, sizeof s.second, "%s", stage_path(&stage, "second"));
    (void)snprintf(s.path, sizeof s.path, "%s", stage_path(&stage, "a.so"));
    n = slurp(s.first, good);
    pin_config(json, sizeof json, good, n);
    ck_assert_int_eq(pthread_create(&thread, NULL, swap, &s), 0);
    for (int i = 0; i < rounds; i++) {
        struct ff_host *host = stage_host(&stage, json);

        for (size_t k = 0; k < ff_plugin_count(host); k++) {
            const struct ff_plugin_row *row = ff_plugin_at(host, k);

            if (strcmp(row->file, s.path) == 0) {
                ck_assert_str_ne(row->code, "create"); /* the other one ran */
                loaded += strcmp(row->code, "loaded") == 0;
            }
        }
        ff_host_close(host);
    }
    atomic_store(&s.stop, 1);
    (void)pthread_join(thread, NULL);
    (void)printf("# loaded in %d of %d rounds\n", loaded, rounds);
    stage_close(&stage);
}
END_TEST

/* A file that is cut after it was loaded kills who has it mapped (SIGBUS); not who has a copy. */
START_TEST(pinned_plugin_outlives_its_file)
{
    static unsigned char good[FILE_MAX_BYTES];
    const struct ff_loaded_serializer *s = NULL;
    struct ff_host *host;
    struct stage stage;
    char json[512];
    size_t n;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    n = slurp(stage_path(&stage, "a.so"), good);
    pin_config(json, sizeof json, good, n);
    host = stage_host(&stage, json);
    ck_assert_int_eq(ff_registry_serializer(host, "test.good", &s, &stage.error), FF_OK);
    ck_assert_int_eq(truncate(stage_path(&stage, "a.so"), 0), 0);
    ck_assert_int_eq(
        s->desc->pickle(s->inst, (struct ff_value){NULL, 0}, NULL, NULL, NULL, NULL),
        FF_DECLINED);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

/* Each host that loads the same pinned bytes has the same module, and no file is left open. */
START_TEST(many_hosts_share_one_copy)
{
    static unsigned char good[FILE_MAX_BYTES];
    const struct ff_serializer *first = NULL;
    struct stage stage;
    char json[512];
    size_t n;
    int lowest = -1, after;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    n = slurp(stage_path(&stage, "a.so"), good);
    pin_config(json, sizeof json, good, n);
    for (int i = 0; i < 20; i++) {
        const struct ff_loaded_serializer *s = NULL;
        struct ff_host *host = stage_host(&stage, json);

        ck_assert_int_eq(ff_registry_serializer(host, "test.good", &s, &stage.error),
                         FF_OK);
        ck_assert(!first || s->desc == first);
        lowest = first ? lowest : dup(0);
        first = s->desc;
        ff_host_close(host);
    }
    after = dup(0);
    ck_assert_int_eq(after, lowest + 1);
    (void)close(lowest);
    (void)close(after);
    stage_close(&stage);
}
END_TEST

RUN_TESTS("hostile", random_flips_are_survived_and_never_loaded,
          swapped_file_is_the_pinned_one_or_none, many_hosts_share_one_copy,
          pinned_plugin_outlives_its_file)
