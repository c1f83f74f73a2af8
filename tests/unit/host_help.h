/* SPDX-License-Identifier: Apache-2.0 */
/* host_help.h: what the tests of the host share: a folder of plugins, hosts, rows. */
#ifndef FF_TEST_HOST_HELP_H
#define FF_TEST_HOST_HELP_H

#include <functionfuse/functionfuse.h>

struct stage {
    char home[64]; /* a fresh folder: also $HOME */
    char dir[96];  /* a folder for plugins in it */
    struct ff_host_options options;
    const char *path[3];
    struct ff_error error;
};

/* A fresh folder, nothing of the user's environment. Ends the test when it cannot. */
void stage_open(struct stage *);
void stage_close(struct stage *); /* removes the folder */
/* A built plugin (tests/doubles/bad) under a name in the stage's folder. */
void stage_copy(const struct stage *, const char *built, const char *as);
void stage_write(const struct stage *, const char *as, const char *text);
/* A full path in the stage's folder; the last of four stays. */
const char *stage_path(const struct stage *, const char *name);
/* A host with this configuration; the test fails when there is none. */
struct ff_host *stage_host(struct stage *, const char *json);
/* The row of a file of the folder, or (name) of a plugin in it; never NULL. */
const struct ff_plugin_row *row_of(const struct ff_host *, const char *file,
                                   const char *name);
/* Change bytes of a file. */
void patch_file(const char *path, long offset, const void *bytes, size_t size);
/* Replace a text in a file by one of the same length. */
void patch_text(const char *path, const char *from, const char *to);

#endif
