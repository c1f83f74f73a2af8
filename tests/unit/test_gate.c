/* SPDX-License-Identifier: Apache-2.0 */
/* The gate by itself: notes, trust, and files whose numbers lie. */
#include "core/gate.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_help.h"
#include "run.h"

static void check(const struct stage *s, const char *name, struct ff_gate *g)
{
    struct ff_trust trust;
    int fd = open(s->dir, O_RDONLY | O_DIRECTORY);

    ff_trust_init(&trust, &ff_sys_posix, NULL, NULL, NULL);
    ff_gate_check(&trust, &ff_sys_posix, fd, s->dir, name, g);
    (void)close(fd);
}

START_TEST(note_is_read_without_loading)
{
    struct stage stage;
    struct ff_gate g;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    stage_copy(&stage, "void", "b.so");
    stage_copy(&stage, "plain", "c.so");
    check(&stage, "a.so", &g);
    ck_assert_ptr_null(g.verdict.code);
    ck_assert_uint_eq(g.note_count, 1);
    ck_assert_str_eq(g.note[0].kind, "serializer");
    ck_assert_str_eq(g.note[0].name, "test.good");
    ck_assert_str_eq(g.note[0].version, "1.0");
    ck_assert_str_eq(g.note[0].classes, "test.Good");
    ck_assert_uint_gt(g.size_bytes, 0);
    ck_assert_uint_ne(g.ino, 0);
    check(&stage, "b.so", &g);
    ck_assert_str_eq(g.note[0].kind, "protocol");
    ck_assert_str_eq(g.note[0].classes, "void protocol");
    check(&stage, "c.so", &g);
    ck_assert_ptr_null(g.verdict.code);
    ck_assert_uint_eq(g.note_count, 0);
    stage_close(&stage);
}
END_TEST

START_TEST(note_survives_strip)
{
    struct stage stage;
    char command[300];
    struct ff_gate g;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    (void)snprintf(command, sizeof command, "strip '%s'", stage_path(&stage, "a.so"));
    ck_assert_int_eq(system(command), 0);
    check(&stage, "a.so", &g);
    ck_assert_ptr_null(g.verdict.code);
    ck_assert_uint_eq(g.note_count, 1);
    stage_close(&stage);
}
END_TEST

/* Every byte of the file's head, set to three values: never a crash, never a hang (ASan and
 * UBSan look on). */
START_TEST(any_byte_of_the_head_may_lie)
{
    static const unsigned char values[] = {0x00, 0x7f, 0xff};
    struct stage stage;
    unsigned char was;
    struct ff_gate g;
    FILE *f;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    f = fopen(stage_path(&stage, "a.so"), "r+b");
    for (long at = 0; at < 1024; at++) {
        ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
        ck_assert_uint_eq(fread(&was, 1, 1, f), 1);
        for (size_t i = 0; i < COUNT_OF(values); i++) {
            ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
            ck_assert_uint_eq(fwrite(&values[i], 1, 1, f), 1);
            ck_assert_int_eq(fflush(f), 0);
            check(&stage, "a.so", &g);
            ck_assert_uint_le(g.note_count, FF_NOTES_MAX);
        }
        ck_assert_int_eq(fseek(f, at, SEEK_SET), 0);
        ck_assert_uint_eq(fwrite(&was, 1, 1, f), 1);
    }
    (void)fclose(f);
    check(&stage, "a.so", &g);
    ck_assert_ptr_null(g.verdict.code);
    stage_close(&stage);
}
END_TEST

START_TEST(any_length_of_the_file_may_be_short)
{
    struct stage stage;
    struct ff_gate g;
    int refused = 0, lengths = 0;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    for (long length = 5000; length >= 0; length -= length > 1100 ? 211 : 1) {
        ck_assert_int_eq(truncate(stage_path(&stage, "a.so"), length), 0);
        check(&stage, "a.so", &g);
        lengths++;
        refused += g.verdict.code && strcmp(g.verdict.code, "not-elf") == 0;
    }
    ck_assert_int_eq(refused, lengths);
    ck_assert_int_gt(lengths, 900);
    stage_close(&stage);
}
END_TEST

static struct ff_trust trust_of(uid_t owner, mode_t writable, gid_t group)
{
    struct ff_trust t = {.owner = {owner}, .owner_count = 1, .writable = writable};

    t.group = group;
    return t;
}

START_TEST(owner_and_mode_decide)
{
    static const struct {
        uid_t uid;
        gid_t gid;
        mode_t mode;
        mode_t library;
        const char *code;
    } rows[] = {
        {0, 0, S_IFREG | 0644, 0, NULL},         {0, 0, S_IFREG | 0755, 0, NULL},
        {7, 0, S_IFREG | 0644, 0, "owner"},      {7, 0, S_IFREG | 0666, 0, "owner"},
        {0, 60001, S_IFREG | 0664, 0, "mode"},   {0, 0, S_IFREG | 0646, 0, "mode"},
        {0, 60001, S_IFREG | 0664, 020, NULL}, /* the library is as open to that group */
        {0, 60002, S_IFREG | 0664, 020, "mode"}, {0, 60001, S_IFREG | 0666, 020, "mode"},
        {0, 60001, S_IFREG | 0666, 022, NULL},   {0, 0, S_IFDIR | 0755, 0, NULL},
        {0, 0, S_IFDIR | 0777, 0, "mode"},       {0, 0, S_IFDIR | 01777, 0, NULL},
        {7, 0, S_IFDIR | 01777, 0, "owner"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_trust t = trust_of(0, rows[i].library, 60001);
        struct ff_verdict v = {.code = NULL};
        struct stat st = {
            .st_mode = rows[i].mode, .st_uid = rows[i].uid, .st_gid = rows[i].gid};

        ff_trust_check(&t, &st, "/x", &v);
        ck_assert_msg(rows[i].code ? v.code && strcmp(v.code, rows[i].code) == 0
                                   : !v.code,
                      "row %zu: %s", i, v.code ? v.code : "taken");
    }
}
END_TEST

START_TEST(folders_that_hold_the_library_are_not_asked)
{
    struct ff_verdict v = {.code = NULL};
    struct stage stage;
    struct ff_trust t;
    int fd;

    stage_open(&stage);
    fd = open(stage.dir, O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(chmod(stage.home, 0777), 0);
    ff_trust_init(&t, &ff_sys_posix, NULL, NULL, NULL);
    ff_trust_folder(&t, &ff_sys_posix, fd, stage.dir, &v);
    ck_assert_str_eq(v.code, "mode");
    v.code = NULL;
    ff_trust_init(&t, &ff_sys_posix, stage.home, NULL, NULL);
    ff_trust_folder(&t, &ff_sys_posix, fd, stage.dir, &v);
    ck_assert_ptr_null(v.code);
    (void)close(fd);
    stage_close(&stage);
}
END_TEST

START_TEST(owners_are_names_or_numbers)
{
    char number[] = "12345", name[] = "root", nobody[] = "nobody-of-this-name",
         odd[] = "12x";
    char *owners[] = {number, name, nobody, odd, NULL};
    struct ff_trust t;

    ff_trust_init(&t, &ff_sys_posix, NULL, NULL, owners);
    ck_assert_uint_eq(t.owner_count, 4); /* root, us, 12345, root */
    ck_assert_uint_eq(t.owner[2], 12345);
    ck_assert_uint_eq(t.owner[3], 0);
}
END_TEST

static int failing_pread_errno;

static ssize_t failing_pread(const struct ff_sys *sys, int fd, void *data,
                             size_t size_bytes, int64_t offset)
{
    (void)sys;
    (void)fd;
    (void)data;
    (void)size_bytes;
    (void)offset;
    return -failing_pread_errno;
}

START_TEST(file_that_cannot_be_read_says_why)
{
    struct ff_sys sys = ff_sys_posix;
    struct stage stage;
    struct ff_trust t;
    struct ff_gate g;
    int fd;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    fd = open(stage.dir, O_RDONLY | O_DIRECTORY);
    sys.pread = failing_pread;
    failing_pread_errno = 5; /* EIO */
    ff_trust_init(&t, &ff_sys_posix, NULL, NULL, NULL);
    ff_gate_check(&t, &sys, fd, stage.dir, "a.so", &g);
    ck_assert_str_eq(g.verdict.code, "dlopen");
    ck_assert_ptr_nonnull(strstr(g.verdict.reason, "Input/output error"));
    ff_gate_check(&t, &sys, fd, stage.dir, "gone.so", &g);
    ck_assert_ptr_nonnull(strstr(g.verdict.reason, "No such file"));
    (void)close(fd);
    stage_close(&stage);
}
END_TEST

RUN_TESTS("gate", note_is_read_without_loading, note_survives_strip,
          any_byte_of_the_head_may_lie, any_length_of_the_file_may_be_short,
          owner_and_mode_decide, folders_that_hold_the_library_are_not_asked,
          owners_are_names_or_numbers, file_that_cannot_be_read_says_why)
