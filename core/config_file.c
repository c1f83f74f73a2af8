/* SPDX-License-Identifier: Apache-2.0 */
/* config_file.c: where the configuration is. In a process that gained privileges when it was
 * started (AT_SECURE) the environment says nothing. */
#include "core/config.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/alloc.h"

enum { PASSWD_BYTES = 16384 };

static char *passwd_home(void)
{
    char *text = ff_malloc(PASSWD_BYTES), *home = NULL;
    struct passwd entry, *found = NULL;

    if (text && !getpwuid_r(geteuid(), &entry, text, PASSWD_BYTES, &found) && found &&
        found->pw_dir[0] == '/') {
        home = ff_strdup(found->pw_dir);
    }
    ff_free(text);
    return home;
}

char *ff_home(void)
{
    const char *home = secure_getenv("HOME");

    return home && home[0] == '/' ? ff_strdup(home) : passwd_home();
}

static char *joined(const char *a, const char *b)
{
    struct ff_buf text;
    char *out = NULL;

    ff_buf_init(&text, FF_CONFIG_MAX_BYTES);
    if (!ff_buf_append_text(&text, a) && !ff_buf_append_text(&text, b)) {
        out = (char *)ff_buf_steal(&text, NULL);
    }
    ff_buf_free(&text);
    return out;
}

char *ff_expand_home(const char *path)
{
    char *home, *out = NULL;

    if (strcmp(path, "~") != 0 && strncmp(path, "~/", 2) != 0) {
        return ff_strdup(path);
    }
    home = ff_home();
    if (home) {
        out = joined(home, path + 1);
    }
    ff_free(home);
    return out;
}

static int is_there(const struct ff_sys *sys, const char *path)
{
    struct stat st;

    return sys->fstatat(sys, AT_FDCWD, path, &st, 0) != -ENOENT;
}

/* $XDG_CONFIG_HOME, or what that specification says it is when not set. */
static char *user_file(void)
{
    const char *xdg = secure_getenv("XDG_CONFIG_HOME");

    return xdg && xdg[0] == '/' ? joined(xdg, "/functionfuse/config.json")
                                : ff_expand_home("~/.config/functionfuse/config.json");
}

char *ff_config_locate(const struct ff_sys *sys, const char *path, int *must_exist)
{
    const char *named = path ? path : secure_getenv("FF_CONFIG");
    char *user;

    *must_exist = named && named[0];
    if (path || (named && named[0])) {
        return ff_strdup(named);
    }
    user = user_file();
    if (is_there(sys, "/etc/functionfuse/config.json") &&
        (!user || !is_there(sys, user))) {
        ff_free(user);
        return ff_strdup("/etc/functionfuse/config.json");
    }
    return user ? user : ff_strdup("");
}
