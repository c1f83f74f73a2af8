/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/uuid.h"

#include <errno.h>
#include <string.h>

#include "run.h"

START_TEST(uuid4_fresh_is_one_and_another)
{
    char a[FF_UUID_LENGTH + 1], b[FF_UUID_LENGTH + 1];

    ck_assert_int_eq(ff_uuid4(&ff_sys_posix, a), 0);
    ck_assert_int_eq(ff_uuid4(&ff_sys_posix, b), 0);
    ck_assert(ff_is_uuid4(a, strlen(a)));
    ck_assert_str_ne(a, b);
}
END_TEST

static ssize_t all_ones(const struct ff_sys *s, void *data, size_t size, unsigned flags)
{
    (void)s;
    (void)flags;
    memset(data, 0xff, size);
    return (ssize_t)size;
}

static ssize_t no_random(const struct ff_sys *s, void *data, size_t size, unsigned flags)
{
    (void)s;
    (void)data;
    (void)size;
    (void)flags;
    return -ENOSYS;
}

START_TEST(uuid4_sets_version_and_variant)
{
    struct ff_sys sys = ff_sys_posix;
    char a[FF_UUID_LENGTH + 1];

    sys.getrandom = all_ones;
    ck_assert_int_eq(ff_uuid4(&sys, a), 0);
    ck_assert_str_eq(a, "ffffffff-ffff-4fff-bfff-ffffffffffff");
}
END_TEST

START_TEST(random_failure_is_told)
{
    struct ff_sys sys = ff_sys_posix;
    char out[64];

    sys.getrandom = no_random;
    ck_assert_int_eq(ff_uuid4(&sys, out), -ENOSYS);
    ck_assert_int_eq(ff_random_name(&sys, "x", out, sizeof out), -ENOSYS);
}
END_TEST

START_TEST(is_uuid4_judges_strictly)
{
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        {"f47ac10b-58cc-4372-a567-0e02b2c3d479", true},
        {"00000000-0000-4000-8000-000000000000", true},
        {"F47AC10B-58CC-4372-A567-0E02B2C3D479", false},
        {"f47ac10b-58cc-1372-a567-0e02b2c3d479", false},
        {"f47ac10b-58cc-4372-c567-0e02b2c3d479", false},
        {"f47ac10b-58cc-4372-a567-0e02b2c3d47", false},
        {"f47ac10b-58cc-4372-a567-0e02b2c3d4790", false},
        {"f47ac10b058cc-4372-a567-0e02b2c3d479", false},
        {"f47ac10b-58cc-4372-a567-0e02b2c3d47g", false},
        {"f47ac10b-58cc-4372-a567-0e02b2c3d47-", false},
        {"{47ac10b-58cc-4372-a567-0e02b2c3d479", false},
        {"../../../../../../../../../../etc/ab", false},
        {"", false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ck_assert_msg(ff_is_uuid4(rows[i].text, strlen(rows[i].text)) == rows[i].ok, "%s",
                      rows[i].text);
    }
    ck_assert(!ff_is_uuid4("f47ac10b-58cc-4372-\0567-0e02b2c3d479", FF_UUID_LENGTH));
    ck_assert(!ff_is_uuid4(NULL, 0));
}
END_TEST

START_TEST(random_name_fits_exactly_or_fails)
{
    char out[5 + 32 + 1];

    ck_assert_int_eq(ff_random_name(&ff_sys_posix, ".tmp-", out, sizeof out), 0);
    ck_assert_uint_eq(strlen(out), 37);
    ck_assert_int_eq(strncmp(out, ".tmp-", 5), 0);
    ck_assert_uint_eq(strspn(out + 5, "0123456789abcdef"), 32);
    ck_assert_int_eq(ff_random_name(&ff_sys_posix, ".tmp-", out, sizeof out - 1),
                     -ENAMETOOLONG);
    ck_assert_int_eq(ff_random_name(&ff_sys_posix, ".tmp-", out, 3), -ENAMETOOLONG);
}
END_TEST

RUN_TESTS("base_uuid", uuid4_fresh_is_one_and_another, uuid4_sets_version_and_variant,
          random_failure_is_told, is_uuid4_judges_strictly,
          random_name_fits_exactly_or_fails)
