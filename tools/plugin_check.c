/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_check.c: ff plugin check: becomes the program that holds the suites. It is one of its
 * own because it replaces malloc, and may die of what it checks. */
#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* Beside this command as installed, then as in the build tree. */
static const char *const places[] = {FF_TOOL_CHECK, "../tests/contract/ff-plugin-check"};

static int find_program(char *path, size_t size, struct ff_error *e)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;
    self[n > 0 ? n : 0] = 0;
    slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        (void)snprintf(path, size, "%.*s/%s", (int)(slash - self), self, places[i]);
        if (access(path, X_OK) == 0) {
            return FF_OK;
        }
    }
    (void)ff_fail(e, FF_E_NOT_FOUND, FF_TOOL_CHECK,
                  "the program that checks plugins is not beside this command");
    ff_error_fix(e, "install Function Fuse as a whole");
    return FF_E_NOT_FOUND;
}

int ff_plugin_check(struct ff_cli *c, const char *file, struct ff_error *e)
{
    static const struct {
        int id;
        const char *word;
    } passed[] = {{FF_OPT_OPTIONS, "--options"},
                  {FF_OPT_VALUE, "--value"},
                  {FF_OPT_WITH, "--with"}};
    const char **args = calloc((size_t)c->given_count * 2 + 4, sizeof *args);
    char path[PATH_MAX * 2];
    int n = 1, rc = args ? find_program(path, sizeof path, e)
                         : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    if (!rc && access(file, R_OK)) {
        rc = ff_fail(e, FF_E_NOT_FOUND, file, "there is no such file");
    }
    for (int i = 0; !rc && i < c->given_count; i++) {
        for (size_t k = 0; k < sizeof passed / sizeof *passed; k++) {
            if (c->given[i].id == passed[k].id) {
                args[n++] = passed[k].word;
                args[n++] = c->given[i].value;
            }
        }
    }
    if (!rc) {
        args[0] = path;
        args[n] = c->json ? "--json" : file;
        args[n + 1] = c->json ? file : NULL;
        (void)execv(path, (char *const *)(uintptr_t)args);
        rc = ff_fail(e, FF_E_OTHER, path, "cannot be run: %s", strerror(errno));
    }
    free(args);
    return rc;
}
