/* SPDX-License-Identifier: Apache-2.0 */
/* sys_dir.c: a directory's entries, from one call of the kernel where it allows that.
 *
 * A listing by several calls can miss a task that was merely replaced in between (tmpfs,
 * under exchange also ext4 and xfs): the new entry is put where the reader has been
 * already. Within one getdents64 the kernel holds the directory's lock. So when the
 * entries did not fit, the buffer grows and the listing starts again, instead of going
 * on. */
#include "sys.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "alloc.h"

enum {
    FIRST_BYTES = 64 << 10,
    RECORD_MAX_BYTES =
        1048 /* 19 + the longest name of any file system, FUSE's 1024, + NUL */
};

/* struct linux_dirent64 of getdents64(2) */
struct record {
    uint64_t inode;
    int64_t offset;
    unsigned short record_bytes;
    unsigned char type;
    char name[];
};

static ssize_t read_records(const struct ff_sys *sys, int fd, uint8_t *at,
                            size_t room_bytes)
{
    ssize_t got;

    do {
        got = sys->getdents64(sys, fd, at, room_bytes);
    } while (got == -EINTR);
    return got;
}

/* Reads to the directory's end. 0, 1 when the buffer is too small, or -errno. */
static int fill(const struct ff_sys *sys, int fd, size_t capacity_bytes,
                struct ff_dir_list *out)
{
    unsigned call_count = 0;
    ssize_t got;

    out->used_bytes = 0;
    do {
        size_t room_bytes = capacity_bytes - out->used_bytes;

        if (room_bytes < RECORD_MAX_BYTES) {
            return 1;
        }
        got =
            read_records(sys, fd, (uint8_t *)out->records + out->used_bytes, room_bytes);
        if (got < 0) {
            return (int)got;
        }
        out->used_bytes += (size_t)got;
        call_count += got > 0;
    } while (got > 0);
    out->whole = call_count <= 1;
    return 0;
}

/* The kernel's records are trusted; a wrapped table's are checked once, here. */
static bool records_are_sound(const struct ff_dir_list *list)
{
    size_t at = 0;

    while (at < list->used_bytes) {
        const struct record *r = (const void *)((const uint8_t *)list->records + at);
        size_t left = list->used_bytes - at;

        if (left <= offsetof(struct record, name) || r->record_bytes > left ||
            r->record_bytes <= offsetof(struct record, name) || r->record_bytes % 8 ||
            !memchr(r->name, 0, r->record_bytes - offsetof(struct record, name))) {
            return false;
        }
        at += r->record_bytes;
    }
    return true;
}

int ff_sys_list_dir(const struct ff_sys *sys, int dir_fd, size_t max_bytes,
                    struct ff_dir_list *out)
{
    size_t size_bytes = max_bytes < FIRST_BYTES ? max_bytes : FIRST_BYTES;
    int rc;

    *out = (struct ff_dir_list){0};
    max_bytes = max_bytes < INT_MAX ? max_bytes : INT_MAX; /* getdents64's own limit */
    for (;;) {
        int64_t start = sys->lseek(sys, dir_fd, 0, SEEK_SET);

        ff_free(out->records);
        out->records = start < 0 ? NULL : ff_malloc(size_bytes);
        if (!out->records) {
            return start < 0 ? (int)start : -ENOMEM;
        }
        rc = fill(sys, dir_fd, size_bytes, out);
        if (rc != 1) {
            break;
        }
        if (size_bytes == max_bytes) {
            rc = -E2BIG;
            break;
        }
        size_bytes = size_bytes > max_bytes / 2 ? max_bytes : size_bytes * 2;
    }
    if (rc == 0 && !records_are_sound(out)) {
        rc = -EIO;
    }
    if (rc < 0) {
        ff_dir_list_free(out);
    }
    return rc;
}

bool ff_dir_next(const struct ff_dir_list *list, size_t *cursor, struct ff_dir_entry *out)
{
    while (*cursor < list->used_bytes) {
        const struct record *r = (const void *)((const uint8_t *)list->records + *cursor);

        *cursor += r->record_bytes;
        if (strcmp(r->name, ".") != 0 && strcmp(r->name, "..") != 0) {
            *out = (struct ff_dir_entry){r->name, r->inode, r->type};
            return true;
        }
    }
    return false;
}

void ff_dir_list_free(struct ff_dir_list *list)
{
    ff_free(list->records);
    *list = (struct ff_dir_list){0};
}
