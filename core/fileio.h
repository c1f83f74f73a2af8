/* SPDX-License-Identifier: Apache-2.0 */
/* fileio.h: opening and reading small files through the table of system calls: signals and
 * short reads are hidden here. */
#ifndef FF_CORE_FILEIO_H
#define FF_CORE_FILEIO_H

#include <functionfuse/error.h>
#include "core/base/sys.h"

/* openat without EINTR: a descriptor or -errno. */
int ff_open_at(const struct ff_sys *, int dir_fd, const char *path, int flags);
/* The first bytes of a file, as many as there are and fit: how many, or -errno. */
ssize_t ff_read_start(const struct ff_sys *, int fd, void *data, size_t size_bytes);
/* A whole file as text with NUL behind it, owned. `bytes` may be NULL. FF_E_NOT_FOUND and
 * others. */
char *ff_read_file(const struct ff_sys *, const char *path, size_t max_bytes,
                   size_t *bytes, struct ff_error *);
/* FF_E_* for -errno of a system call. */
int ff_code_of_errno(int negative_errno);

#endif
