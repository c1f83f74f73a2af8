/* SPDX-License-Identifier: Apache-2.0 */
/* How many CPUs there are, by affinity and by cgroup. */
#include "core/pool.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "run.h"

START_TEST(cpus_are_those_of_the_affinity)
{
    cpu_set_t before, one;
    size_t first = 0;

    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    ck_assert_uint_ge(ff_cpus_allowed(&ff_sys_posix), 1);
    ck_assert_uint_le(ff_cpus_allowed(&ff_sys_posix), (unsigned)CPU_COUNT(&before));
    while (!CPU_ISSET(first, &before)) {
        first++;
    }
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_uint_eq(ff_cpus_allowed(&ff_sys_posix), 1);
}
END_TEST

/* A table that shows other files of /proc and /sys: name, then text. */
static const char *const *fake_files;

static int fake_openat(const struct ff_sys *sys, int dir_fd, const char *path, int flags,
                       mode_t mode)
{
    char temp[] = "/tmp/ff-cpus-XXXXXX";

    for (size_t i = 0; fake_files[i]; i += 2) {
        if (strcmp(fake_files[i], path) == 0) {
            int fd = mkstemp(temp);

            ck_assert_int_ge(fd, 0);
            ck_assert_int_ge(write(fd, fake_files[i + 1], strlen(fake_files[i + 1])), 0);
            ck_assert_int_eq(unlink(temp), 0);
            return fd;
        }
    }
    (void)sys;
    (void)dir_fd;
    (void)flags;
    (void)mode;
    return -2; /* ENOENT */
}

START_TEST(cpus_are_those_of_the_cgroup)
{
    static const char *const cases[][9] = {
        /* version 2: the least of a group and those above it, rounded up */
        {"/proc/self/cgroup", "0::/a/b\n", "/sys/fs/cgroup/a/cpu.max", "50000 100000\n",
         "/sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
        {"/proc/self/cgroup", "0::/\n", "/sys/fs/cgroup/cpu.max", "100000 100000\n"},
        /* version 1, where the path is the machine's and not there */
        {"/proc/self/cgroup", "5:memory:/docker/x\n4:cpuacct,cpu:/docker/x\n",
         "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "10000\n",
         "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
    };
    static const char *const unlimited[][9] = {
        {"/proc/self/cgroup", "0::/a\n", "/sys/fs/cgroup/a/cpu.max", "max 100000\n"},
        {"/proc/self/cgroup", "4:cpuset:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
         "1\n"},
        {"/proc/self/cgroup", "4:cpu:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n",
         "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
        {"/proc/self/cgroup", "rubbish\n\n:::\n1:cpu\n"},
        {NULL},
    };
    struct ff_sys sys = ff_sys_posix;
    cpu_set_t set;

    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    sys.openat = fake_openat;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fake_files = cases[i];
        ck_assert_uint_eq(ff_cpus_allowed(&sys), 1);
    }
    for (size_t i = 0; i < COUNT_OF(unlimited); i++) {
        fake_files = unlimited[i];
        ck_assert_uint_eq(ff_cpus_allowed(&sys), (unsigned)CPU_COUNT(&set));
    }
}
END_TEST

RUN_TESTS("cpus", cpus_are_those_of_the_affinity, cpus_are_those_of_the_cgroup)
