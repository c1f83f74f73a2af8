/* SPDX-License-Identifier: Apache-2.0 */
/* main.c: the command ff: from the command line to an exit code. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that ff opens must not become standard output. */
static void fill_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDONLY);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        (void)close(fd);
    }
}

static int set_threads(const struct ff_cli *c, struct ff_host_options *o,
                       struct ff_error *e)
{
    const char *text = ff_cli_value(c, FF_OPT_THREADS);
    int64_t n = 0;
    if (text && (!ff_cli_parse_int(text, text + strlen(text), 1, &n) || n > 1024)) {
        return ff_fail(e, FF_E_USAGE, NULL, "--threads %.100s: 1 to 1024 are possible",
                       text);
    }
    o->threads = (uint32_t)n;
    return FF_OK;
}

static int set_durability(const struct ff_cli *c, struct ff_host_options *o,
                          struct ff_error *e)
{
    const char *text = ff_cli_value(c, FF_OPT_DURABILITY);
    if (text && strcmp(text, "full") != 0 && strcmp(text, "none") != 0) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "--durability %.100s is not known", text);
        ff_error_fix(e, "full or none");
        return FF_E_USAGE;
    }
    o->durability =
        text && strcmp(text, "none") == 0 ? FF_DURABILITY_NONE : FF_DURABILITY_FULL;
    return FF_OK;
}

static void free_paths(char **paths)
{
    for (size_t i = 0; paths && paths[i]; i++) {
        free(paths[i]);
    }
    free(paths);
}

/* The folders of --plugin-path, as the library takes them: from / on. NULL: no memory. */
static char **plugin_paths(const struct ff_cli *c)
{
    const char **given = ff_cli_values(c, FF_OPT_PLUGIN_PATH);
    char **paths = calloc((size_t)c->given_count + 1, sizeof *paths);
    char *here = getcwd(NULL, 0);
    int failed = !given || !paths || !here;
    for (size_t i = 0; !failed && given[i]; i++) {
        const char *from = given[i][0] == '/' ? "" : here;
        failed = asprintf(&paths[i], "%s%s%s", from, *from ? "/" : "", given[i]) < 0;
        paths[i] = failed ? NULL : paths[i];
    }
    free(here);
    free(given);
    if (failed) {
        free_paths(paths);
        return NULL;
    }
    return paths;
}

struct ff_host *ff_cli_open_host(struct ff_cli *c, const char *config_path,
                                 const char *config_json, const char *const *plugin_path,
                                 struct ff_error *e)
{
    char **given = plugin_paths(c);
    struct ff_host_options o = {
        .struct_size = FF_SIZE(ff_host_options, draft_sys),
        .config_path = config_path ? config_path : ff_cli_value(c, FF_OPT_CONFIG),
        .config_json = config_json,
        .plugin_path = plugin_path ? plugin_path : (const char *const *)given,
        .ctx = c,
        .log = ff_bar_log,
        .progress = ff_bar_progress,
        .cancelled = ff_bar_cancelled,
    };
    const char *memory = ff_cli_value(c, FF_OPT_MEMORY);
    struct ff_host *host = NULL;
    int rc = given ? e->code : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    rc = rc ? rc : set_threads(c, &o, e);
    rc = rc ? rc : set_durability(c, &o, e);
    if (!rc && memory) {
        rc = ff_cli_parse_size(memory, &o.memory_bytes, e);
    }
    if (!rc) {
        host = ff_host_open(&o, e);
    }
    free_paths(given);
    return host;
}

struct ff_host *ff_cli_host(struct ff_cli *c, struct ff_error *e)
{
    if (!c->host) {
        c->host = ff_cli_open_host(c, NULL, NULL, NULL, e);
    }
    return c->host;
}

static void close_store(struct ff_cli_store *s)
{
    ff_storage_close(s->storage);
    free(s->name);
    *s = (struct ff_cli_store){NULL, NULL};
}

/* The one that was asked for last comes first. */
static void swap_stores(struct ff_cli *c)
{
    struct ff_cli_store first = c->stores[0];
    c->stores[0] = c->stores[1];
    c->stores[1] = first;
}

static int is_store(const struct ff_cli_store *s, const char *name)
{
    return s->storage && strcmp(name ? name : "", s->name ? s->name : "") == 0;
}

/* Whether it is the folder `name`: neither one of the configuration's, nor JSON, nor @FILE. */
static bool is_folder(struct ff_cli *c, const char *name, struct ff_error *e)
{
    struct ff_doc *config = ff_config_show(ff_cli_host(c, e), e);
    bool known = ff_get(ff_get(ff_doc_root(config), "storages"), name).doc != NULL;
    ff_doc_free(config);
    return !e->code && !known && name[0] != '{' && name[0] != '@';
}

/* The folder that opening the storage `name` would make, or NULL. */
static const char *missing_folder(struct ff_cli *c, const char *name, struct ff_error *e)
{
    struct stat st;
    name = name ? name : ff_cli_value(c, FF_OPT_STORAGE);
    name = name ? name : getenv("FF_STORAGE");
    return name && name[0] && is_folder(c, name, e) && stat(name, &st) && errno == ENOENT
               ? name
               : NULL;
}

/* To open a folder makes it: a mistyped name would read as a storage without a fault. */
static int check_there(struct ff_cli *c, const char *name, struct ff_error *e)
{
    const char *missing = missing_folder(c, name, e);
    if (missing) {
        (void)ff_fail(e, FF_E_NOT_FOUND, missing,
                      "no storage of this name in the configuration, and no such folder");
        ff_error_fix(e, "ff store list shows what there is; ff put makes a folder");
    }
    return e->code;
}

struct ff_storage *ff_cli_storage(struct ff_cli *c, const char *name, struct ff_error *e)
{
    return check_there(c, name, e) ? NULL : ff_cli_storage_new(c, name, e);
}

struct ff_storage *ff_cli_storage_new(struct ff_cli *c, const char *name,
                                      struct ff_error *e)
{
    struct ff_cli_store *s = c->stores;
    const char *missing = missing_folder(c, name, e);
    if (missing && c->dry_run) {
        ff_print_note(c, "would make the folder %s", missing);
        return NULL;
    }
    name = name ? name : ff_cli_value(c, FF_OPT_STORAGE);
    if (is_store(&s[0], name)) {
        return s[0].storage;
    }
    swap_stores(c);
    if (is_store(&s[0], name)) {
        return s[0].storage;
    }
    close_store(&s[0]);
    s[0].name = name ? strdup(name) : NULL;
    if (name && !s[0].name) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    if (ff_cli_host(c, e)) {
        s[0].storage = ff_storage_open(c->host, name, e);
    }
    if (missing && s[0].storage) {
        ff_print_note(c, "made the folder %s", missing);
    }
    return s[0].storage;
}

void ff_cli_free(struct ff_cli *c)
{
    close_store(&c->stores[0]);
    close_store(&c->stores[1]);
    ff_host_close(c->host);
    free(c->args);
    free(c->given);
}

static int run(struct ff_cli *c, int argc, char **argv, struct ff_error *e)
{
    int rc = ff_cli_parse(c, argc, argv, e);
    int setup = ff_print_setup(c, e);
    if (rc || setup) {
        return rc ? rc : setup;
    }
    ff_bar_begin(c);
    if (ff_cli_has(c, FF_OPT_HELP) || (!c->verb && !ff_cli_has(c, FF_OPT_VERSION))) {
        ff_cli_help(c, c->verb);
        return FF_OK;
    }
    return ff_cli_has(c, FF_OPT_VERSION) ? ff_verb_version(c, e) : c->verb->run(c, e);
}

/* Report what failed, standard output included, and give the exit code. */
static int finish(struct ff_cli *c, int rc, struct ff_error *e)
{
    struct pollfd reader = {.fd = STDOUT_FILENO};
    int broken, number;
    if (rc && ff_signals_stopped()) {
        __fpurge(stdout); /* nobody may be reading */
    }
    broken = fflush(stdout) || ferror(stdout);
    number = errno;
    ff_bar_end(c);
    if ((broken || e->os_errno == EPIPE) && poll(&reader, 1, 0) == 1 &&
        (reader.revents & POLLERR)) {
        return 141; /* as a shell shows a process that SIGPIPE ended */
    }
    if (broken) {
        *e = (struct ff_error)FF_ERROR_INIT;
        e->os_errno = number;
        rc = ff_fail(e, FF_E_IO, "standard output", "cannot write: %s", strerror(number));
    }
    rc = rc ? rc : e->code;
    if (ff_signals_stopped() && (rc == FF_E_IO || rc == FF_E_CANCELLED)) {
        *e = (struct ff_error)
            FF_ERROR_INIT; /* a write that the signal cut off is no fault */
        rc = ff_fail(e, FF_E_CANCELLED, NULL, "interrupted");
    }
    if (rc < 0) {
        e->code = e->code ? e->code : rc;
        ff_print_error(c, e);
    }
    return ff_exit_code(rc);
}

int main(int argc, char **argv)
{
    struct ff_cli c = {.bar = {.lock = PTHREAD_MUTEX_INITIALIZER}};
    struct ff_error e = FF_ERROR_INIT;
    int rc;
    fill_standard_descriptors();
    (void)setvbuf(stderr, NULL, _IOLBF, 4096); /* a line at once, not a character */
    ff_signals_install();
    rc = finish(&c, run(&c, argc, argv, &e), &e);
    ff_cli_free(&c);
    return rc;
}
