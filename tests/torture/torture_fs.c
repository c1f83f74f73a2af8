/* SPDX-License-Identifier: Apache-2.0 */
/* torture_fs: ext4, xfs and btrfs images that are shut down (FS_IOC_SHUTDOWN) before each
 * mutating call of a scenario, mounted again and checked. With FF_LONG=1, as root, where there
 * are loop devices. */
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

/* _IOR('X', 125, __u32) of the kernel's xfs, ext4 and f2fs; not in the public headers of all. */
#define IOC_SHUTDOWN _IOR('X', 125, uint32_t)

/* What is left of the journal: all of it; none since the last commit. */
enum { FLUSH_LOG = 1, NO_FLUSH = 2 };

struct file_system {
    const char *name;
    const char *make;    /* with the image behind it */
    const char *options; /* of mount */
    long megabytes;
    bool shuts_down; /* knows the ioctl */
};

static const struct file_system file_systems[] = {
    {"ext4", "mkfs.ext4 -q -F", "loop", 16, true},
    {"ext4 noauto_da_alloc", "mkfs.ext4 -q -F", "loop,noauto_da_alloc", 16, true},
    {"xfs", "mkfs.xfs -q -f", "loop", 320, true},
    {"btrfs", "mkfs.btrfs -q -f", "loop", 128, false},
};

struct cut {
    char image[PATH_BYTES], mount[PATH_BYTES], root[PATH_BYTES];
    const struct file_system *fs;
    const struct scenario *scenario;
    uint64_t at;
    uint32_t flag;
    bool no_syncs;         /* does this program see what it looks for? */
    struct result *result; /* shared */
};

static bool run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static bool run(const char *fmt, ...)
{
    char command[PATH_BYTES * 4];
    va_list ap;
    int status;

    va_start(ap, fmt);
    (void)vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    status = system(command);
    return status == 0;
}

static bool mount_it(const struct cut *c)
{
    return run("mount -o %s '%s' '%s'", c->fs->options, c->image, c->mount);
}

/* The loop device lets go of the image a little later: until then it may still write. */
static bool unmount_it(const struct cut *c)
{
    bool ok = run("umount '%s'", c->mount);

    for (int i = 0; ok && i < 500; i++) {
        if (run("test -z \"$(losetup -j '%s')\"", c->image)) {
            return true;
        }
        (void)usleep(10000);
    }
    return false;
}

/* The power goes: nothing that is not on the disk by now gets there. */
static void cut_power(void *ctx, int fd)
{
    struct cut *c = ctx;
    int at = open(c->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    (void)fd;
    if (at < 0 || ioctl(at, IOC_SHUTDOWN, &c->flag)) {
        (void)say(c->result->why, "the file system cannot be shut down");
    }
    _exit(EXIT_SUCCESS);
}

static bool act(void *ctx)
{
    struct cut *c = ctx;
    const struct fault_rule rule = {
        .stop_at = c->at, .on_stop = cut_power, .stop_ctx = c, .drop_all = c->no_syncs};
    struct ff_error e = FF_ERROR_INIT;
    struct faultsys f;
    struct client client;

    faultsys_init(&f, &ff_sys_posix);
    if (!client_open(&client, c->root, &f.table, &e)) {
        return say(c->result->why, "open: %d %s: %s", e.code, e.place, e.message);
    }
    faultsys_arm(&f, &rule);
    action_run(&client, c->root, c->scenario, &f, &c->result->outcome);
    c->result->fired = f.fired;
    c->result->mutating = f.mutating;
    /* behind the last call: what has returned must be there */
    c->result->fds_after = 1;
    cut_power(c, -1);
    return true;
}

static bool set_up(void *ctx)
{
    struct cut *c = ctx;

    return setup_run(c->root, c->scenario, c->result->why);
}

static bool look(void *ctx)
{
    struct cut *c = ctx;
    struct expect x;

    expect_outcome(c->scenario, &c->result->outcome, &x);
    return invariants_hold(c->root, &x, CHECK_SAVE, c->result->why);
}

/* One cut. *ended: it was behind the last call. */
static bool cut_once(struct cut *c, bool *ended, char *why)
{
    bool ok;

    memset(c->result, 0, sizeof *c->result);
    ok = run("rm -f '%s' && cp --sparse=always '%s.fresh' '%s'", c->image, c->image,
             c->image) &&
         mount_it(c);
    if (!ok) {
        *ended = true;
        return say(why, "cannot mount");
    }
    ok = in_child(act, c, 60) == CHILD_OK;
    *ended = c->result->fds_after == 1;
    ok = unmount_it(c) && ok;
    if (!ok || *c->result->why || !mount_it(c)) {
        *ended = true;
        return say(why, "the run: %s", c->result->why);
    }
    ok = in_child(look, c, 60) == CHILD_OK;
    if (!unmount_it(c)) {
        *ended = true;
    }
    return ok || say(why, "step %d: %s", c->result->outcome.steps, c->result->why);
}

/* An image with the scenario's set-up in it. */
static bool make_image(struct cut *c)
{
    int fd;
    bool ok;

    (void)run("rm -f '%s' '%s.fresh'", c->image, c->image);
    fd = open(c->image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ok = fd >= 0 && ftruncate(fd, c->fs->megabytes << 20) == 0;
    (void)close(fd);
    ok = ok && run("%s '%s' >/dev/null 2>&1", c->fs->make, c->image) && mount_it(c);
    if (!ok) {
        return false;
    }
    ok = in_child(set_up, c, 60) == CHILD_OK;
    return unmount_it(c) && ok && run("mv '%s' '%s.fresh'", c->image, c->image);
}

static void cut_everywhere(struct cut *c)
{
    size_t cuts = 0, wrong = 0;
    bool ended = !make_image(c);

    while (!ended) {
        char why[TEXT_BYTES] = "";

        c->at = cuts + 1;
        if (!cut_once(c, &ended, why)) {
            wrong++;
        }
        if (*why && !c->no_syncs) {
            tap_note("%s, %s, flag %u, before mutating call %llu: %s", c->fs->name,
                     c->scenario->name, c->flag, (unsigned long long)c->at, why);
        }
        cuts++;
    }
    (void)tap_ok(cuts > 0 && (wrong > 0) == c->no_syncs,
                 "%s, %s%s, flag %u: %zu cuts, %zu wrong", c->fs->name, c->scenario->name,
                 c->no_syncs ? " without a sync" : "", c->flag, cuts, wrong);
}

static void on_file_system(struct cut *c)
{
    static const uint32_t flags[] = {FLUSH_LOG, NO_FLUSH};

    for (size_t i = 0; i < scenario_count; i++) {
        for (size_t f = 0; f < sizeof flags / sizeof flags[0]; f++) {
            c->scenario = &scenarios[i];
            c->flag = flags[f];
            cut_everywhere(c);
        }
    }
    c->scenario = &scenarios[0];
    c->no_syncs = true;
    cut_everywhere(c);
    c->no_syncs = false;
}

static const char *why_not(void)
{
    if (!torture_long()) {
        return "only with FF_LONG=1";
    }
    if (geteuid() != 0) {
        return "mounting needs root";
    }
    return access("/dev/loop-control", R_OK | W_OK) ? "there are no loop devices" : NULL;
}

int main(int argc, char **argv)
{
    static struct cut c;
    char folder[PATH_BYTES];
    const char *reason = why_not();

    if (reason || !scratch_make(folder, "fs")) {
        tap_skip("file systems", reason ? reason : "no scratch folder");
        return tap_end();
    }
    c.result = shared_memory(sizeof *c.result);
    (void)snprintf(c.image, sizeof c.image, "%.400s/image", folder);
    (void)snprintf(c.mount, sizeof c.mount, "%.400s/mount", folder);
    (void)snprintf(c.root, sizeof c.root, "%.400s/mount/store", folder);
    (void)mkdir(c.mount, 0755);
    for (size_t i = 0; i < sizeof file_systems / sizeof file_systems[0]; i++) {
        c.fs = &file_systems[i];
        if (argc > 1 && strcmp(argv[1], c.fs->name) != 0) {
            continue;
        }
        if (!c.fs->shuts_down) {
            tap_skip(c.fs->name, "its kernel driver has no way to be shut down");
            continue;
        }
        on_file_system(&c);
    }
    scratch_remove(folder);
    return tap_end();
}
