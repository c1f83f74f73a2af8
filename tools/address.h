/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h: [STORE:]WORKFLOW/TASK[#PATH[SLICE]] and numpy's slices, as text and as a region.
 *
 * In names %XX stands for a byte, so that : / # [ % can be part of one.
 */
#ifndef FF_TOOLS_ADDRESS_H
#define FF_TOOLS_ADDRESS_H

#include <functionfuse/functionfuse.h>

struct ff_address {
    char *storage;  /* NULL: none was given */
    char *workflow; /* NULL: none was given */
    char *task;     /* a name, or a glob pattern where that is asked for; NULL: none */
    char *path;     /* what follows '#', or begins with '['; NULL: none */
    int is_pattern; /* `task` has * ? [ that were not written as %XX */
    char *memory;
};

/* What may stand in an address. */
enum ff_address_form {
    FF_ADDRESS_TASK,    /* WORKFLOW/TASK */
    FF_ADDRESS_INSIDE,  /* WORKFLOW/TASK[#PATH] */
    FF_ADDRESS_PATTERN, /* [WORKFLOW[/PATTERN]] */
    FF_ADDRESS_WORKFLOW /* [WORKFLOW] */
};

/* FF_E_USAGE. Freed with ff_address_free, also after a failure. */
int ff_address_parse(struct ff_address *, const char *text, enum ff_address_form,
                     struct ff_error *);
void ff_address_free(struct ff_address *);
/* "workflow/task" with what needs it as %XX; task NULL or "": the workflow. Cut at size. */
const char *ff_address_print(const char *workflow, const char *task, char *out,
                             size_t size);
/* FF_E_NOT_FOUND, FF_E_CONFLICT: there is no such task; there is one. With what to do. An error
 * that is set stays. */
int ff_address_missing(const char *workflow, const char *task, struct ff_error *);
int ff_address_taken(const char *workflow, const char *task, struct ff_error *);

/* A selection of an array: the region, and the axes that an integer index dropped. */
struct ff_selection {
    int32_t ndim; /* of the whole array */
    int64_t start[FF_MAX_NDIM], count[FF_MAX_NDIM], step[FF_MAX_NDIM];
    unsigned char dropped[FF_MAX_NDIM];
};

/* All of an array. */
void ff_selection_all(struct ff_selection *, int32_t ndim, const int64_t *shape);
/* "0, 10:20, ..., ::2, -1": what stands between the brackets, `size` bytes. FF_E_USAGE. */
int ff_selection_parse(struct ff_selection *, const char *text, size_t size, int32_t ndim,
                       const int64_t *shape, struct ff_error *);
/* The last bracket of a path, when it could be a slice: "field[0]" gives 5; -1 when there is
 * none. */
int ff_selection_split(const char *path);
/* Where the slice of "field[0:3, -1]" begins: 5; -1 when what is in the last bracket, at the end,
 * is none, as in "field[0-9]". */
int ff_selection_slice_at(const char *text);

#endif
