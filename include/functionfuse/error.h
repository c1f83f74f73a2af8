/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h: how a call says that it failed. Shared by programs and plugins.
 *
 * A `struct ff_error` is the caller's memory. It has no pointers: it can be copied, sent
 * and thrown away. Start it with FF_ERROR_INIT. Every function that can fail takes one as
 * its last argument (NULL is allowed) and also says so in what it returns.
 *
 * In the functions of functionfuse.h an error is sticky, as cairo's status is: when
 * `code` is not FF_OK at entry, the call does nothing and fails with that code. So a
 * program may check once at the end, or at each call. The first error wins.
 *
 * Inside plugins: only the function that fails fills the error (ff_fail); its callers may
 * prepend to the place (ff_error_at) and add a fix (ff_error_fix), nothing else.
 */
#ifndef FUNCTIONFUSE_ERROR_H
#define FUNCTIONFUSE_ERROR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The size of struct T up to and with its member `last`. Never sizeof: tail padding would
 * let a later member seem to be there. */
#define FF_SIZE(T, last)                                                                 \
    ((uint32_t)(offsetof(struct T, last) + sizeof(((struct T *)0)->last)))

/* Whether `p` is there, knows member `m`, and has set it. */
#define FF_HAS(p, T, m) ((p) && (p)->struct_size >= FF_SIZE(T, m) && (p)->m)

/* What a call returns. Failures are negative. Values are never reused; an unknown
 * negative value means FF_E_OTHER. The command `ff` exits with -code for -1 to -9. */
enum ff_code {
    FF_OK = 0,
    FF_DECLINED = 1, /* a serializer does not keep this object: ask the next one */
    FF_E_OTHER = -1, /* none of the others */
    FF_E_USAGE = -2, /* an argument, a name, an option or the configuration is wrong */
    FF_E_NOT_FOUND = -3, /* no such workflow, task, object, key */
    FF_E_CORRUPT = -4,   /* what is stored is damaged, or is not what it says it is */
    FF_E_PLUGIN = -5, /* a plugin is missing, disabled, refused, or broke its contract */
    FF_E_PERMISSION = -6, /* the system or the server refused */
    FF_E_NETWORK = -7,    /* no answer, or a broken one; a retry may help */
    FF_E_CONFLICT = -8,   /* somebody else was there first, or holds it */
    FF_E_UNSAFE = -9,     /* the content is refused for safety's sake */
    FF_E_NO_MEMORY = -10, /* an allocation failed */
    FF_E_IO = -11,        /* the medium failed: see os_errno */
    FF_E_NO_SPACE = -12,  /* no space, no inodes, quota, file size limit */
    FF_E_CANCELLED = -13, /* the caller asked for it */
    FF_E_DEADLINE = -14,  /* the deadline passed */
    FF_E_UNSUPPORTED =
        -15, /* well formed, but not something this build or object can do */
    FF_E_UNKNOWN_OUTCOME =
        -16,           /* done or not done cannot be known; nothing old was deleted */
    FF_E_STALE = -17,  /* what this handle names was replaced or removed: read again */
    FF_E_LIMIT = -18,  /* a budget or a maximum was reached; the message names it */
    FF_E_EXISTS = -19, /* create: the name is taken */
    FF_E_TYPE = -20,   /* the value is of another kind, or does not fit the C type */
    FF_E_FORKED = -21  /* the handle belongs to the parent process */
};

#define FF_ERR_RETRYABLE 1u /* the same call may succeed later */

/* One failure. All text is UTF-8, ends with NUL, is cut when too long. */
struct ff_error {
    uint32_t struct_size; /* FF_SIZE(ff_error, fix) */
    int32_t code;         /* enum ff_code */
    uint32_t flags;       /* FF_ERR_* */
    int32_t os_errno;     /* errno, 0 = none */
    int32_t http_status;  /* 0 = none */
    int32_t lib_code;     /* a library's own code, 0 = none */
    char place[256];      /* where: "workflow/task#path", a file, a plugin */
    char message[512];    /* what happened, and why */
    char fix[256];        /* what to do about it; may be empty */
};

/* {.struct_size = ..., all else zero}, in C and in C++ */
#define FF_ERROR_INIT                                                                    \
    {                                                                                    \
        FF_SIZE(ff_error, fix), 0, 0, 0, 0, 0, {0}, {0},                                 \
        {                                                                                \
            0                                                                            \
        }                                                                                \
    }

/* Fill `e` (NULL is allowed; an error that is set stays as it is) and return `code`.
 * `place` may be NULL. Thread rule: the error's owner. */
static inline int ff_fail(struct ff_error *e, int code, const char *place,
                          const char *fmt, ...)
#if defined __GNUC__
    __attribute__((format(printf, 4, 5), unused))
#endif
    ;
static inline int ff_fail(struct ff_error *e, int code, const char *place,
                          const char *fmt, ...)
{
    if (e && !e->code) {
        va_list ap;
        va_start(ap, fmt);
        e->code = code;
        (void)snprintf(e->place, sizeof e->place, "%s", place ? place : "");
        (void)vsnprintf(e->message, sizeof e->message, fmt, ap);
        va_end(ap);
    }
    return code;
}

/* Where ABI 1 began: what every ff_error has, also one whose struct_size says nothing. */
#define FF_ERROR_LEAST                                                                   \
    (offsetof(struct ff_error, fix) + sizeof(((struct ff_error *)0)->fix))

/* Make `to` (NULL is allowed; an error that is set stays as it is) the failure that `from` is,
 * as far as both reach: they may be of different versions, so an assignment would write past
 * the end of the smaller. */
static inline void ff_error_copy(struct ff_error *to, const struct ff_error *from)
{
    if (to && from && !to->code && to != from) {
        size_t least = FF_ERROR_LEAST, size = to->struct_size;
        size = size < from->struct_size ? size : from->struct_size;
        size = size > least ? size : least;
        memcpy((char *)to + sizeof to->struct_size,
               (const char *)from + sizeof from->struct_size,
               size - sizeof to->struct_size);
    }
}

/* No failure any more. */
static inline void ff_error_clear(struct ff_error *e)
{
    memset((char *)e + sizeof e->struct_size, 0,
           (e->struct_size > FF_ERROR_LEAST ? e->struct_size : FF_ERROR_LEAST) -
               sizeof e->struct_size);
}

/* Prepend to the place: "b" at "a" gives "ab". `e` may be NULL. */
static inline void ff_error_at(struct ff_error *e, const char *prefix)
{
    if (e && prefix) {
        size_t most = sizeof e->place - 1, n = strlen(prefix), old = strlen(e->place);
        n = n < most ? n : most;
        old = old < most - n ? old : most - n;
        memmove(e->place + n, e->place, old);
        memcpy(e->place, prefix, n);
        e->place[n + old] = '\0';
    }
}

/* Say what to do about it, if nobody has. `e` may be NULL. */
static inline void ff_error_fix(struct ff_error *e, const char *fmt, ...)
#if defined __GNUC__
    __attribute__((format(printf, 2, 3), unused))
#endif
    ;
static inline void ff_error_fix(struct ff_error *e, const char *fmt, ...)
{
    if (e && !e->fix[0]) {
        va_list ap;
        va_start(ap, fmt);
        (void)vsnprintf(e->fix, sizeof e->fix, fmt, ap);
        va_end(ap);
    }
}

#ifdef __cplusplus
}
#endif
#endif
