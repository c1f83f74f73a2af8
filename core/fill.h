/* SPDX-License-Identifier: Apache-2.0 */
/* fill.h: between fill.c, fill_finish.c and fill_text.c. */
#ifndef FF_CORE_FILL_H
#define FF_CORE_FILL_H

#include <functionfuse/fill.h>
#include <functionfuse/plugin.h>

#include "core/base/buf.h"
#include "core/storage.h"

/* ---- fill_text.c: tokens and receipts as text. They come from outside: every byte is checked ----
 */

#define FF_FILL_RECEIPT_BYTES (64u << 20)

/* "ff-fill-1/<serializer>/<version>/<uuid>/<workflow>" */
struct ff_fill_token {
    char text[1024];
    char serializer[128], version[64], uuid[FF_UUID_LENGTH + 1], workflow[256];
};

/* Make the text of the parts. FF_E_UNSUPPORTED: a part has a '/', or does not fit. */
int ff_fill_token_print(struct ff_fill_token *, struct ff_error *);
/* Take a text apart. FF_E_USAGE: it is none. The workflow is still to be checked as a name. */
int ff_fill_token_parse(const char *text, struct ff_fill_token *, struct ff_error *);

/* "ff-filled-1/<uuid>/<chunks of the array>/0-15,32,40-47." Each bit of `done` is a chunk. */
int ff_fill_receipt_print(struct ff_buf *out, const char *uuid, const uint8_t *done,
                          uint64_t chunk_count, struct ff_error *);

/* Chunks first .. last. */
struct ff_fill_run {
    uint64_t first, last;
};

/* What receipts say together. */
struct ff_fill_cover {
    uint64_t chunk_count;
    struct ff_vec runs; /* struct ff_fill_run */
};
void ff_fill_cover_init(struct ff_fill_cover *);
void ff_fill_cover_free(struct ff_fill_cover *);
/* FF_E_USAGE: it is none, or not for this uuid. `number`: which one, for people. */
int ff_fill_cover_add(struct ff_fill_cover *, const char *uuid, const char *receipt,
                      size_t number, struct ff_error *);
/* FF_E_USAGE: chunks are missing. */
int ff_fill_cover_check(struct ff_fill_cover *, struct ff_error *);

/* ---- fill_finish.c: for who holds a token ---- */

/* As ff_fill_token_parse, and the workflow is a name. */
int ff_fill_token_check(const char *text, struct ff_fill_token *, struct ff_error *e);
/* What a serializer has for it, or NULL. */
const struct ff_fill *ff_fill_of(const struct ff_loaded_serializer *);
/* The serializer that the token names. FF_E_PLUGIN. */
int ff_fill_by(struct ff_storage *, const struct ff_fill_token *,
               const struct ff_loaded_serializer **, const struct ff_fill **,
               struct ff_error *);
/* The failure of a plugin, which may be that there is no such filling. */
int ff_fill_missing(int code, const struct ff_error *own, struct ff_error *);
/* A failure gets the place. */
int ff_fill_at(int code, const struct ff_fill_token *, struct ff_error *);

#endif
