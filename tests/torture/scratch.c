/* SPDX-License-Identifier: Apache-2.0 */
/* scratch.c: scratch folders, and work in a child process. */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "torture.h"

/* ---- folders ---- */

bool scratch_make(char path[PATH_BYTES], const char *what)
{
    const char *tmp = getenv("TMPDIR");
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : tmp ? tmp : "/tmp";

    (void)snprintf(path, PATH_BYTES, "%s/ff-%s-XXXXXX", base, what);
    return mkdtemp(path) != NULL;
}

static const char *kept_root;

static int remove_entry(const char *path, const struct stat *st, int flag,
                        struct FTW *where)
{
    (void)st;
    (void)flag;
    return where->level == 0 && kept_root ? 0 : remove(path);
}

void scratch_remove(const char *path)
{
    kept_root = NULL;
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void scratch_clear(const char *path)
{
    kept_root = path;
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static bool copy_file(const char *from, const char *to, mode_t mode)
{
    char piece[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0777);
    ssize_t got = in < 0 || out < 0 ? -1 : 1;

    while (got > 0) {
        got = read(in, piece, sizeof piece);
        if (got > 0 && write(out, piece, (size_t)got) != got) {
            got = -1;
        }
    }
    (void)close(in);
    (void)close(out);
    return got == 0;
}

bool scratch_copy(const char *from, const char *to)
{
    DIR *dir = opendir(from);
    struct dirent *d;
    bool ok = dir && mkdir(to, 0777) == 0;

    while (ok && (d = readdir(dir))) {
        char a[PATH_BYTES * 2], b[PATH_BYTES * 2];
        struct stat st;

        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0) {
            continue;
        }
        (void)snprintf(a, sizeof a, "%s/%s", from, d->d_name);
        (void)snprintf(b, sizeof b, "%s/%s", to, d->d_name);
        ok = lstat(a, &st) == 0 &&
             (S_ISDIR(st.st_mode) ? scratch_copy(a, b) : copy_file(a, b, st.st_mode));
    }
    if (dir) {
        (void)closedir(dir);
    }
    return ok;
}

int scratch_log(void)
{
    return memfd_create("ff-log", MFD_CLOEXEC);
}

int open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    while (dir && readdir(dir)) {
        count++;
    }
    if (dir) {
        (void)closedir(dir);
    }
    return count;
}

/* ---- children ---- */

const char *const child_end_name[] = {"well", "badly", "killed", "crashed", "hung"};

void *shared_memory(size_t size_bytes)
{
    void *at =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

/* With a sanitizer that looks for leaks, ask it: _exit() does not. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

pid_t child_start(bool (*work)(void *ctx), void *ctx)
{
    pid_t pid;

    (void)fflush(NULL);
    pid = fork();
    if (pid == 0) {
        bool ok = work(ctx);

        if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check()) {
            ok = false;
        }
        (void)fflush(NULL);
        _exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    return pid;
}

static enum child_end ending(int status)
{
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGKILL ? CHILD_KILLED : CHILD_CRASHED;
    }
    return WEXITSTATUS(status) == EXIT_SUCCESS   ? CHILD_OK
           : WEXITSTATUS(status) == EXIT_FAILURE ? CHILD_BAD
                                                 : CHILD_CRASHED;
}

enum child_end child_wait(pid_t pid, unsigned timeout_s)
{
    struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    int status = 0;
    bool hung = p.fd >= 0 && poll(&p, 1, (int)timeout_s * 1000) == 0;

    if (hung) {
        (void)kill(pid, SIGKILL);
    }
    if (p.fd >= 0) {
        (void)close(p.fd);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return hung ? CHILD_HUNG : ending(status);
}

enum child_end in_child(bool (*work)(void *ctx), void *ctx, unsigned timeout_s)
{
    pid_t pid = child_start(work, ctx);

    return pid < 0 ? CHILD_BAD : child_wait(pid, timeout_s);
}
