/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpus.c: how many CPUs this process may use. sched_getaffinity(2) gives the set, a container's
 * share is a quota of its cgroup: v2 in cpu.max ("max 100000" or "150000 100000"), v1 in
 * cpu.cfs_quota_us and cpu.cfs_period_us (-1 = none). Every cgroup above limits too. Where a
 * file cannot be read there is no such limit.
 */
#include "core/pool.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "core/fileio.h"

enum { TEXT_BYTES = 4096, PATH_BYTES = 1024, MAX_CPUS = 1 << 16 };

/* The start of a file as text; 0 when there is none. */
static int read_text(const struct ff_sys *sys, const char *path, char text[TEXT_BYTES])
{
    int fd = ff_open_at(sys, AT_FDCWD, path, O_RDONLY);
    ssize_t got = fd < 0 ? fd : ff_read_start(sys, fd, text, TEXT_BYTES - 1);

    if (fd >= 0) {
        (void)sys->close(sys, fd);
    }
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static uint32_t affinity_count(void)
{
    uint32_t count = 1;

    for (int cpus = 1024; cpus <= MAX_CPUS; cpus *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        size_t size_bytes = CPU_ALLOC_SIZE((size_t)cpus);
        int done = !set;

        if (set && !sched_getaffinity(0, size_bytes, set)) {
            count = (uint32_t)CPU_COUNT_S(size_bytes, set);
            done = 1;
        }
        done = done || errno != EINVAL; /* EINVAL: the kernel's mask is longer */
        if (set) {
            CPU_FREE(set);
        }
        if (done) {
            break;
        }
    }
    return count ? count : 1;
}

/* quota / period, rounded up; 0 = no limit. */
static uint32_t share(long long quota, long long period)
{
    long long cpus = quota > 0 && period > 0 ? (quota - 1) / period + 1 : 0;

    return cpus > MAX_CPUS ? 0 : (uint32_t)cpus;
}

static uint32_t limit_v2(const struct ff_sys *sys, const char *folder)
{
    char path[PATH_BYTES + 64], text[TEXT_BYTES], *end;
    long long quota;

    (void)snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (!read_text(sys, path, text) || text[0] == 'm') {
        return 0;
    }
    quota = strtoll(text, &end, 10);
    return share(quota, strtoll(end, NULL, 10));
}

static uint32_t limit_v1(const struct ff_sys *sys, const char *folder)
{
    char path[PATH_BYTES + 64], text[TEXT_BYTES];
    long long quota;

    (void)snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    if (!read_text(sys, path, text)) {
        return 0;
    }
    quota = strtoll(text, NULL, 10);
    (void)snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    return read_text(sys, path, text) ? share(quota, strtoll(text, NULL, 10)) : 0;
}

/* The least limit of a cgroup and of those above it, up to its mount point. */
static uint32_t least_limit(const struct ff_sys *sys, const char *mount,
                            const char *group,
                            uint32_t (*limit)(const struct ff_sys *, const char *folder))
{
    char folder[PATH_BYTES];
    size_t mount_length = strlen(mount);
    uint32_t least = 0;

    (void)snprintf(folder, sizeof folder, "%s%s", mount, group);
    for (;;) {
        uint32_t here = limit(sys, folder);
        char *slash = strrchr(folder, '/');

        least = here && (!least || here < least) ? here : least;
        if (!slash || (size_t)(slash - folder) < mount_length) {
            return least;
        }
        *slash = '\0';
    }
}

/* One line of /proc/self/cgroup, cgroups(7): "0::/path" or "4:cpu,cpuacct:/path". */
static uint32_t line_limit(const struct ff_sys *sys, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    char words[TEXT_BYTES];

    if (!group) {
        return 0;
    }
    *controllers++ = '\0';
    *group++ = '\0';
    if (!*controllers) {
        return least_limit(sys, "/sys/fs/cgroup", group, limit_v2);
    }
    (void)snprintf(words, sizeof words, ",%s,", controllers);
    return strstr(words, ",cpu,")
               ? least_limit(sys, "/sys/fs/cgroup/cpu", group, limit_v1)
               : 0;
}

uint32_t ff_cpus_allowed(const struct ff_sys *sys)
{
    uint32_t count = affinity_count();
    char text[TEXT_BYTES], *save = NULL;

    if (read_text(sys, "/proc/self/cgroup", text)) {
        for (char *line = strtok_r(text, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save)) {
            uint32_t limit = line_limit(sys, line);

            count = limit && limit < count ? limit : count;
        }
    }
    return count;
}
