/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c: folders that do not tell upper from lower case (vfat, ext4 with +F, macOS). Two names
 * that differ by case only are one entry there, and to save one would replace the other. */
#include <errno.h>
#include <string.h>

#include "file.h"

/* Each ASCII letter in its other case. False: the name has none. */
static bool swap_case(const char *name, char out[FF_FILE_PATH_BYTES])
{
    bool swapped = false;
    size_t i = 0;

    for (; name[i] && i < FF_FILE_PATH_BYTES - 1; i++) {
        bool is_letter =
            (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z');

        out[i] = (char)(is_letter ? name[i] ^ ('a' ^ 'A') : name[i]);
        swapped = swapped || is_letter;
    }
    out[i] = '\0';
    return swapped;
}

static bool is_ascii(const char *name)
{
    while (*name && (unsigned char)*name < 0x80) {
        name++;
    }
    return *name == '\0';
}

/* Whether the name is there with its letters in their other case: 1, 0 or -errno. */
static int is_there_swapped(const struct ff_file_root *root, int dir_fd,
                            const char swapped[FF_FILE_PATH_BYTES])
{
    struct stat st;
    int rc = root->sys->fstatat(root->sys, dir_fd, swapped, &st, AT_SYMLINK_NOFOLLOW);

    return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
}

/* Whether it folds names, by one that is made for that. 1 where none can be made, too. */
static int may_fold(const struct ff_file_root *root, int dir_fd)
{
    char name[FF_FILE_NAME_BYTES], swapped[FF_FILE_PATH_BYTES];
    int fd, rc;

    if (ff_file_private_new(root, dir_fd, FF_FILE_PROBE, name, &fd) < 0) {
        return 1;
    }
    (void)swap_case(name, swapped);
    rc = is_there_swapped(root, dir_fd, swapped);
    (void)root->sys->unlinkat(root->sys, dir_fd, name, 0);
    ff_file_close(root, fd);
    return rc;
}

/* Whether the folder has to be read to know: 1, 0 or -errno. To read it for each name that has no
 * ASCII letter ("É" and "é") would cost the square of the tasks. */
static int must_look(const struct ff_file_root *root, int dir_fd, const char *name)
{
    char swapped[FF_FILE_PATH_BYTES];

    if (swap_case(name, swapped)) {
        return is_there_swapped(root, dir_fd, swapped);
    }
    return is_ascii(name) ? 0 : may_fold(root, dir_fd);
}

/* Whether one has the name itself; *shown: what has its inode, where that can be seen. */
static bool is_listed(const struct ff_file_names *names, const char *name, ino_t inode,
                      const char **shown)
{
    *shown = NULL;
    for (size_t i = 0; i < names->entries.count; i++) {
        const struct ff_dir_entry *entry = ff_vec_at(&names->entries, i);

        if (strcmp(entry->name, name) == 0) {
            return true;
        }
        *shown = entry->inode == inode ? entry->name : *shown;
    }
    return false;
}

static int conflict(const char *place, const char *shown, struct ff_error *e)
{
    int code = ff_fail(e, FF_E_CONFLICT, place,
                       "its folder does not tell upper from lower case, and has it under "
                       "another name%s%.200s",
                       shown ? ": " : "", shown ? shown : "");

    ff_error_fix(e, "use that name, or one that differs by more than case; or keep the "
                    "storage in a folder that tells case apart");
    return code;
}

static int look(const struct ff_file_root *root, int dir_fd, const char *name,
                const char *place, const struct stat *st, struct ff_error *e)
{
    struct ff_file_names names;
    const char *shown;
    int rc = ff_file_names_read(root, dir_fd, &names), code = FF_OK;

    if (rc >= 0 && !is_listed(&names, name, st->st_ino, &shown)) {
        rc = ff_file_name_has(root, dir_fd, name, ff_file_id_of(st));
        if (rc == 1) {
            code = conflict(place, shown, e); /* else it has just gone */
        }
    }
    if (rc < 0) {
        code = ff_file_fail(e, rc, place, "see under which name it is there");
    }
    ff_file_names_free(&names);
    return code;
}

int ff_file_check_case(const struct ff_file_root *root, int dir_fd, const char *name,
                       const char *place, struct ff_error *e)
{
    struct stat st;
    int rc = root->sys->fstatat(root->sys, dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), fd;
    int code;

    rc = rc < 0 ? rc : must_look(root, dir_fd, name);
    if (rc == 0 || rc == -ENOENT) {
        return FF_OK;
    }
    /* dir_fd may be good for paths only, and its place in a listing is shared. */
    fd = rc < 0 ? rc
                : root->sys->openat(root->sys, dir_fd, ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) {
        return ff_file_fail(e, fd, place, "see under which name it is there");
    }
    code = look(root, fd, name, place, &st, e);
    ff_file_close(root, fd);
    return code;
}

static bool is_twin(const char *name)
{
    static const char bigdata[] = "bigdata";
    size_t i = 0;

    while (name[i] && (name[i] | ('a' ^ 'A')) == bigdata[i]) {
        i++;
    }
    return !name[i] && i == sizeof bigdata - 1;
}

int ff_file_spare_bigdata(const struct ff_file_root *root, int dir_fd, const char *task,
                          const char *place, struct ff_error *e)
{
    int rc;

    if (!is_twin(task)) {
        return FF_OK;
    }
    rc = root->sys->mkdirat(root->sys, dir_fd, "bigdata", 0777);
    return rc < 0 && rc != -EEXIST
               ? ff_file_fail(e, rc, place, "make the folder of big data")
               : ff_file_check_case(root, dir_fd, task, place, e);
}
