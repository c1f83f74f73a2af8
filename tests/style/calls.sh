#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the objects of the library and of our plugins call: nothing that ends the process, prints, or
# writes without a bound; memory only through core/base/alloc.c, files only through core/base/sys*.c,
# so that tests can fail each call. The objects themselves are asked, so macros hide nothing.
# shellcheck source-path=SCRIPTDIR source=style.sh
. "$(dirname "$0")/style.sh"
: "${FF_BUILD:?the folder that Meson builds in}"

# objects: lines "OBJECT SOURCE" of the library and of the plugins
objects() {
    awk -F'"' '$2 == "file" { file = $4 } $2 == "output" { print $4, file }' \
        "$FF_BUILD/compile_commands.json" |
        grep -vE ' [^ ]*\btests/' | sed -E 's, [^ ]*/(core|plugins|protocols)/, \1/,' |
        grep -E ' (core|plugins|protocols)/'
}

calls() { # lines "SOURCE function", without the suffixes of other ways to call the same
    awk 'NR == FNR { source[$1] = $2; next }
        { object = $1; sub(/:$/, "", object)
          name = $NF; sub(/@.*/, "", name); sub(/^__isoc[0-9]+_/, "", name)
          if (name ~ /^__.*_chk$/) { sub(/^__/, "", name); sub(/_chk$/, "", name) }
          sub(/64(_2)?$/, "", name)
          print source[object], name }' \
        <(objects) <(cd "$FF_BUILD" && objects | cut -d' ' -f1 | xargs ls 2>/dev/null | xargs nm -A -u)
}

among() { # NAME...: of such lines those that name one of these
    awk -v names=" $* " 'index(names, " " $2 " ") { print $1 " calls " $2 }' | sort -u
}

outside() { # REGEX: of such findings those of other files
    grep -vE "^($1) calls " || true
}

ends='exit _exit _Exit quick_exit abort __assert_fail raise kill longjmp _longjmp siglongjmp atexit on_exit at_quick_exit'
unbounded='strcpy strcat stpcpy sprintf vsprintf gets strtok atoi atol atoll atof alloca scanf sscanf'
runs='system popen execve execv execvp execl fork vfork posix_spawn posix_spawnp mktemp tmpnam tempnam'
prints='printf vprintf puts putchar perror stdout stderr psignal'
process='setlocale setenv putenv unsetenv clearenv getenv chdir fchdir umask signal sigaction srand rand'
memory='malloc calloc realloc reallocarray free posix_memalign aligned_alloc memalign valloc
    strdup strndup asprintf vasprintf getline open_memstream'
files='open openat openat2 creat read pread preadv readv write pwrite pwritev writev fsync fdatasync
    sync syncfs sync_file_range rename renameat renameat2 unlink unlinkat remove rmdir mkdir mkdirat
    mknod mkfifo link linkat symlink symlinkat stat fstat lstat fstatat statx ftruncate truncate
    fallocate posix_fallocate opendir fdopendir readdir scandir nftw ftw close fcntl flock mmap munmap
    msync syscall fopen fdopen freopen fread fwrite fclose fgets fputs fprintf chmod fchmod fchmodat
    chown fchown utimensat futimens access faccessat dup dup2 dup3 pipe pipe2 socket statfs fstatfs
    copy_file_range sendfile mkstemp mkdtemp'

found=$(calls)
none 'objects are there' "$([ "$(wc -l <<<"$found")" -gt 100 ] || echo 'build first')"
# shellcheck disable=SC2086 # lists of words
{
    # a program that hands out credentials, and takes too long; the end of a child of ours
    none 'nothing ends the process' "$(among $ends <<<"$found" | grep -vxE 'protocols/s3/spawn.c calls kill|core/base/sys_child.c calls (_exit|kill|on_exit|at_quick_exit)')"
    none 'nothing writes or reads without a bound' "$(among $unbounded <<<"$found")"
    none 'nothing runs a program or makes a guessable name' "$(among $runs <<<"$found" |
        grep -vxE 'protocols/s3/spawn.c calls posix_spawnp|core/base/sys_child.c calls fork')"
    none 'nothing prints' "$(among $prints <<<"$found")"
    none 'nothing changes the process' "$(among $process <<<"$found")"
    # npy is written as a third party would: with the C library's own
    none 'memory comes through core/base/alloc.c' \
        "$(among $memory <<<"$found" | outside 'core/base/alloc\.c|plugins/npy/npy\.c')"
    none 'files are reached through core/base/sys*.c' \
        "$(among $files <<<"$found" | outside 'core/base/sys[a-z_]*\.c' |
            grep -vxE 'protocols/s3/(spawn.c calls pipe2|sockets.c calls socket)')"

    bites 'the allocations of core/base/alloc.c' "$(among $memory <<<"$found" | grep '^core/base/alloc.c calls malloc$')"
    bites 'the system calls of core/base/sys*.c' "$(among $files <<<"$found" | grep -E '^core/base/sys[a-z_]*.c calls fsync$')"
    bites 'those of any file' "$(among $files <<<'core/gc.c unlinkat' | outside 'core/base/sys[a-z_]*\.c')"
}
finish
