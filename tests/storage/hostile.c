/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void expect_said(const char *what, const struct ff_error *e, const struct said *s)
{
    ck_assert_msg(e->code == s->code, "%s: %d, not %d, at \"%s\": %s", what, e->code,
                  s->code, e->place, e->message);
    ck_assert_msg(!s->place || strstr(e->place, s->place),
                  "%s: at \"%s\", not \"%s\": %s", what, e->place, s->place, e->message);
    ck_assert_msg(!s->cause || strstr(e->message, s->cause), "%s: \"%s\" has no \"%s\"",
                  what, e->message, s->cause);
    ck_assert_msg(!s->fix || e->fix[0], "%s: no fix beside \"%s\"", what, e->message);
}

void expect_told(const char *what, struct ff_error *e, int code, const char *place)
{
    ck_assert_msg(e->code == code && strcmp(e->place, place) == 0 && e->fix[0],
                  "%s: %d, not %d, at \"%s\", not \"%s\": %s (%s)", what, e->code, code,
                  e->place, place, e->message, e->fix);
    ff_error_clear(e);
}

void path_in(const struct fixture *f, const char *name, char out[256])
{
    (void)snprintf(out, 256, "%s/%s", f->folder, name);
}

void write_file(const char *path, const void *data, size_t size_bytes)
{
    FILE *file = fopen(path, "w");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_uint_eq(fwrite(data, 1, size_bytes, file), size_bytes);
    ck_assert_int_eq(fclose(file), 0);
}

char *read_file(const char *path, size_t *size_bytes)
{
    struct stat st;
    FILE *file = fopen(path, "r");
    char *data;
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_int_eq(fstat(fileno(file), &st), 0);
    *size_bytes = (size_t)st.st_size;
    data = malloc(*size_bytes + 1);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(fread(data, 1, *size_bytes, file), *size_bytes);
    ck_assert_int_eq(fclose(file), 0);
    return data;
}

void make_old(const char *path)
{
    const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

void write_task(const struct fixture *f, const char *task, const void *pickle,
                size_t size_bytes)
{
    unsigned char *all = malloc(size_bytes + SHA_DIGEST_LENGTH);
    char name[128], path[256];
    ck_assert_ptr_nonnull(all);
    memcpy(all, pickle, size_bytes);
    (void)SHA1(pickle, size_bytes, all + size_bytes);
    (void)snprintf(name, sizeof name, "store/run/%s", task);
    path_in(f, name, path);
    write_file(path, all, size_bytes + SHA_DIGEST_LENGTH);
    make_old(path);
    free(all);
}

static size_t add_text(char *out, const char *text)
{
    size_t n = strlen(text);
    out[0] = (char)0x8c; /* SHORT_BINUNICODE */
    out[1] = (char)n;
    memcpy(out + 2, text, n);
    return n + 2;
}

size_t pickle_pid(char out[512], const char *serializer, const char *version,
                  const char *name)
{
    size_t n = 2;
    memcpy(out, "\x80\x04", 2);
    n += add_text(out + n, serializer);
    n += add_text(out + n, version);
    n += add_text(out + n, name);
    memcpy(out + n, "\x86\x86Q.", 4); /* TUPLE2 TUPLE2 BINPERSID STOP */
    return n + 4;
}

void bigdata_path(struct fixture *f, const char *task, char out[256])
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *info = ff_task_info(f->storage, "run", task, &e);
    struct ff_value p, list = ff_get(ff_doc_root(info), "persistent");
    const char *name = "";
    char below[128];
    size_t n = 0;
    ck_assert_uint_eq(ff_length(list), 1);
    (void)ff_item(list, 0, NULL, &p, &e);
    (void)ff_str(ff_get(p, "name"), &name, &n, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s", e.place, e.message);
    (void)snprintf(below, sizeof below, "store/run/bigdata/%.*s", (int)n, name);
    path_in(f, below, out);
    ff_doc_free(info);
}

int in_child(int (*child)(void *ctx), void *ctx, unsigned seconds)
{
    int status = -1;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)alarm(seconds);
        _exit(child(ctx));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct ff_host *new_host(const char *config, struct ff_error *e)
{
    static const char *const path[] = {FF_TEST_DOUBLES, NULL};
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, draft_sys),
                                .plugin_path = path,
                                .config_json = config ? config : "{}"};
    return ff_host_open(&o, e);
}
