/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of base fails in turn. The linker sends malloc and its kin of base here
 * (--wrap); the libraries' own go on as ever. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/base/dtype.h"
#include "core/base/sys.h"
#include "core/base/vec.h"
#include "no_memory.h"
#include "run.h"

/* Check's own assertions allocate, also when they hold. */
static void require_at(int holds, int line)
{
    if (!holds) {
        left = -1;
        ck_abort_msg("line %d", line);
    }
}
#define require(condition) require_at(condition, __LINE__)

static const char text[] = "[(('title', 'a'), '<i4', (2, 3)), ('b', [('c', '<M8[ns]'), "
                           "('d', '|S3')], (2,)), ('e', '>f8'), ('f', '<U2')]";

static int try_parse(void)
{
    struct ff_dtype *d;
    const char *why;
    int rc = ff_dtype_parse(text, sizeof text - 1, &d, &why);

    require(!rc == (d != NULL));
    require(!rc || strcmp(why, "no memory") == 0);
    ff_dtype_free(d);
    return rc;
}

static int try_clone_and_print(void)
{
    long armed = left;
    struct ff_dtype *d, *copy;
    struct ff_buf out;
    int rc;

    left = -1;
    require(ff_dtype_parse(text, sizeof text - 1, &d, NULL) == 0);
    left = armed;
    ff_buf_init(&out, 1000);
    rc = ff_dtype_clone(d, &copy);
    rc = rc ? rc : ff_dtype_print(copy, FF_DTYPE_PYTHON, &out);
    require(rc || strcmp(ff_buf_text(&out), text) == 0);
    require(!rc || out.length_bytes == 0);
    ff_buf_free(&out);
    ff_dtype_free(copy);
    ff_dtype_free(d);
    return rc;
}

static int try_list_dir(void)
{
    struct ff_dir_list list;
    int fd = ff_sys_posix.openat(&ff_sys_posix, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0);
    int rc = ff_sys_list_dir(&ff_sys_posix, fd, 1 << 20, &list);

    require(!rc == (list.records != NULL));
    ff_dir_list_free(&list);
    (void)close(fd);
    return rc;
}

static int try_grow(void)
{
    struct ff_buf b;
    struct ff_vec v;
    int rc = 0;

    ff_buf_init(&b, 10000);
    ff_vec_init(&v, sizeof(int), 10000);
    for (int i = 0; i < 1000 && rc == 0; i++) {
        rc = ff_buf_append_byte(&b, 'x');
        rc = rc ? rc : ff_vec_append(&v, &i);
        require(b.length_bytes >= (size_t)i);
        require(i == 0 || *(int *)ff_vec_at(&v, 0) == 0);
    }
    ff_buf_free(&b);
    ff_vec_free(&v);
    return rc;
}

static int try_plain(void)
{
    char *copy = ff_strdup("text"), *part = ff_strndup("text", 2),
         *zeros = ff_calloc(3, 4);
    void *elements = ff_aligned_alloc(100);
    int rc = copy && part && zeros && elements ? 0 : -ENOMEM;

    ff_free(copy);
    ff_free(part);
    ff_free(zeros);
    ff_aligned_free(elements);
    return rc;
}

START_TEST(each_allocation_fails_once_and_is_told)
{
    static const struct {
        int (*run)(void);
        long at_least;
    } rows[] = {
        {try_parse, 20}, {try_clone_and_print, 15}, {try_list_dir, 1}, {try_grow, 8},
        {try_plain, 4},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        long count = 0;
        int rc;

        do {
            left = count;
            rc = rows[i].run();
            require(rc == 0 || rc == -ENOMEM);
            count += rc != 0;
        } while (rc);
        left = -1;
        ck_assert_int_ge(count, rows[i].at_least);
    }
}
END_TEST

RUN_TESTS("base_no_memory", each_allocation_fails_once_and_is_told)
