/* SPDX-License-Identifier: Apache-2.0 */
/* host_help.c: what the tests of the host share. */
#include "host_help.h"

#include <check.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void stage_open(struct stage *s)
{
    static const char *const names[] = {"FF_CONFIG", "FF_STORAGE", "XDG_CONFIG_HOME"};

    memset(s, 0, sizeof *s);
    (void)umask(022);
    (void)snprintf(s->home, sizeof s->home, "/tmp/ff-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->home));
    (void)snprintf(s->dir, sizeof s->dir, "%s/plugins", s->home);
    ck_assert_int_eq(mkdir(s->dir, 0755), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert_int_eq(unsetenv(names[i]), 0);
    }
    ck_assert_int_eq(setenv("HOME", s->home, 1), 0);
    s->path[0] = s->dir;
    s->options.struct_size = FF_SIZE(ff_host_options, draft_sys);
    s->options.plugin_path = s->path;
    s->error = (struct ff_error)FF_ERROR_INIT;
}

void stage_close(struct stage *s)
{
    (void)nftw(s->home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *stage_path(const struct stage *s, const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", s->dir, name);
    return path;
}

static void copy_bytes(FILE *in, FILE *out)
{
    char bytes[4096];
    size_t n;

    while ((n = fread(bytes, 1, sizeof bytes, in)) > 0) {
        ck_assert_uint_eq(fwrite(bytes, 1, n, out), n);
    }
}

void stage_copy(const struct stage *s, const char *built, const char *as)
{
    char from[512];
    FILE *in, *out;

    (void)snprintf(from, sizeof from, "%s/%s.so", BAD_DIR, built);
    in = fopen(from, "rb");
    out = fopen(stage_path(s, as), "wb");
    ck_assert_ptr_nonnull(in);
    ck_assert_ptr_nonnull(out);
    copy_bytes(in, out);
    (void)fclose(in);
    ck_assert_int_eq(fclose(out), 0);
}

void stage_write(const struct stage *s, const char *as, const char *text)
{
    FILE *out = fopen(stage_path(s, as), "wb");

    ck_assert_ptr_nonnull(out);
    (void)fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
}

struct ff_host *stage_host(struct stage *s, const char *json)
{
    struct ff_host *host;

    s->options.config_json = json;
    s->error = (struct ff_error)FF_ERROR_INIT;
    host = ff_host_open(&s->options, &s->error);
    ck_assert_msg(host != NULL, "%s: %s", s->error.place, s->error.message);
    return host;
}

const struct ff_plugin_row *row_of(const struct ff_host *host, const char *file,
                                   const char *name)
{
    for (size_t i = 0; i < ff_plugin_count(host); i++) {
        const struct ff_plugin_row *row = ff_plugin_at(host, i);
        const char *slash = strrchr(row->file, '/');

        if (slash && strcmp(slash + 1, file) == 0 &&
            (!name || strcmp(row->name, name) == 0)) {
            return row;
        }
    }
    ck_abort_msg("no row for %s %s", file, name ? name : "");
    return NULL;
}

void patch_file(const char *path, long offset, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "r+b");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, offset, SEEK_SET), 0);
    ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
    ck_assert_int_eq(fclose(f), 0);
}

void patch_text(const char *path, const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *f = fopen(path, "rb");
    size_t size, patched = 0;

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(strlen(from), strlen(to));
    size = fread(bytes, 1, sizeof bytes, f);
    (void)fclose(f);
    for (size_t i = 0; i + strlen(from) <= size; i++) {
        if (memcmp(bytes + i, from, strlen(from)) == 0) {
            patch_file(path, (long)i, to, strlen(to));
            patched++;
        }
    }
    ck_assert_uint_gt(patched, 0);
}
