/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h: what the files of the command ff share: the command line, output, the host. */
#ifndef FF_TOOLS_CLI_H
#define FF_TOOLS_CLI_H

#include <functionfuse/pickle.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* ---- the command line ---- */

enum ff_option_id {
    FF_OPT_STORAGE,
    FF_OPT_CONFIG,
    FF_OPT_PLUGIN_PATH,
    FF_OPT_JSON,
    FF_OPT_QUIET,
    FF_OPT_VERBOSE,
    FF_OPT_DRY_RUN,
    FF_OPT_YES,
    FF_OPT_COLOR,
    FF_OPT_THREADS,
    FF_OPT_MEMORY,
    FF_OPT_DURABILITY,
    FF_OPT_HELP,
    FF_OPT_VERSION, /* the last one that every verb takes */
    FF_OPT_OUTPUT,
    FF_OPT_AS,
    FF_OPT_CHUNKS,
    FF_OPT_INLINE,
    FF_OPT_COMPRESSION,
    FF_OPT_IF_ABSENT,
    FF_OPT_RECURSIVE,
    FF_OPT_REPLACE,
    FF_OPT_DEEP,
    FF_OPT_GRACE,
    FF_OPT_ASSUME_LOST,
    FF_OPT_OPCODES,
    FF_OPT_ALLOW,
    FF_OPT_POLICY,
    FF_OPT_OPTIONS,
    FF_OPT_VALUE,
    FF_OPT_WITH,
    FF_OPT_KIND,
    FF_OPT_LANG,
    FF_OPT_BUILD,
    FF_OPT_COUNT
};

#define FF_OPT_BIT(id) (UINT64_C(1) << (id))

struct ff_option {
    const char *name; /* without the dashes */
    char letter;      /* or 0 */
    const char *arg;  /* what its argument is called, or NULL */
    const char *help;
};

struct ff_cli;

struct ff_verb {
    const char *name;
    const char *args; /* for people */
    int min_args, max_args;
    uint64_t options; /* FF_OPT_BIT of those that are its own */
    const char *summary;
    const char *example;
    const char *detail;
    int (*run)(struct ff_cli *, struct ff_error *);
};

extern const struct ff_option ff_options[FF_OPT_COUNT];
extern const struct ff_verb ff_verbs[]; /* ends with a NULL name */

struct ff_given {
    int id; /* enum ff_option_id */
    const char *value;
};

/* Where progress is drawn: standard error, when that is a terminal. */
struct ff_bar {
    pthread_mutex_t lock;
    struct timespec begun;
    int64_t drawn_ns; /* since begun; 0 = there is nothing on the screen */
    int on;
};

/* One run of the command. */
struct ff_cli {
    const struct ff_verb *verb; /* NULL: none was given */
    const char **args;          /* of the verb */
    int arg_count;
    struct ff_given *given;
    int given_count;
    int json, quiet, verbose, dry_run, yes;
    int out_terminal, err_terminal, out_color, err_color;
    struct ff_bar bar;
    struct ff_call call; /* Ctrl-C and progress, for calls that take them */
    struct ff_host *host;
    struct ff_cli_store {
        struct ff_storage *storage;
        char *name; /* how it was opened; NULL = by default */
    } stores[2];    /* the last two */
};

/* Fill c->verb, args, given and the switches. FF_E_USAGE. */
int ff_cli_parse(struct ff_cli *c, int argc, char **argv, struct ff_error *);
void ff_cli_free(struct ff_cli *c);
int ff_cli_has(const struct ff_cli *c, int id);
/* The last value given for an option, or NULL. */
const char *ff_cli_value(const struct ff_cli *c, int id);
/* All values of an option, NULL-ended; owned by the caller (free). NULL: no memory. */
const char **ff_cli_values(const struct ff_cli *c, int id);
const struct ff_verb *ff_cli_find_verb(const char *name);
/* Of `count` names, the one that was probably meant, or NULL. */
const char *ff_cli_nearest(const char *word, const char *const *names, size_t count);
/* The same among the verbs. */
const char *ff_cli_nearest_verb(const char *word);

/* "256M", "1G", "4096" as bytes; "24h", "30m", "0" as nanoseconds. FF_E_USAGE. */
int ff_cli_parse_size(const char *text, uint64_t *bytes, struct ff_error *);
int ff_cli_parse_duration(const char *text, int64_t *ns, struct ff_error *);
/* A whole number of at least `least`, ending at `end`. 0 when it is not one. */
int ff_cli_parse_int(const char *text, const char *end, int64_t least, int64_t *out);

void ff_cli_help(const struct ff_cli *c, const struct ff_verb *verb);

/* ---- host and storage: opened at first need, closed by ff_cli_free ---- */

struct ff_host *ff_cli_host(struct ff_cli *c, struct ff_error *);
/* name NULL: what -S says, else the default. Borrowed until two others were asked for; the same
 * name gives the same one. FF_E_NOT_FOUND: it is a folder that is not there. */
struct ff_storage *ff_cli_storage(struct ff_cli *c, const char *name, struct ff_error *);
/* The same, which makes the folder; with -n NULL without an error where it would be made. */
struct ff_storage *ff_cli_storage_new(struct ff_cli *c, const char *name,
                                      struct ff_error *);
/* A host that reads this configuration instead; the caller closes it. config_json goes first;
 * both NULL: as the command line says. */
struct ff_host *ff_cli_open_host(struct ff_cli *c, const char *config_path,
                                 const char *config_json, const char *const *plugin_path,
                                 struct ff_error *);

/* ---- signals ---- */

void ff_signals_install(void);
/* Ctrl-C was pressed, or the system asks to end. */
int ff_signals_stopped(void);
/* A file to remove when a second signal ends the process at once; NULL = none any more. */
void ff_signals_guard(const char *path);

/* ---- output ---- */

enum ff_color { FF_RED = 31, FF_GREEN = 32, FF_YELLOW = 33, FF_BOLD = 1 };

/* Decide about terminals and colour. FF_E_USAGE for --color. */
int ff_print_setup(struct ff_cli *c, struct ff_error *);
/* Text to `f` with control and direction characters and what is not UTF-8 as \x1b; blank lines
 * and tabs too unless `lines`. */
void ff_print_safe(FILE *f, const char *text, size_t size_bytes, int lines);
/* The same to standard output, but only where that is a terminal: files and pipes get the
 * bytes. Also a write callback of the library (ctx: the ff_cli). */
void ff_print_name(const struct ff_cli *c, const char *name);
int ff_print_text(void *cli, const char *text, size_t size_bytes);
/* In colour on a terminal. */
void ff_print_colored(const struct ff_cli *c, enum ff_color, const char *text);
/* A line on standard error: a warning always but with -q, a note only on a terminal or with
 * -v. */
void ff_print_warning(struct ff_cli *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void ff_print_note(struct ff_cli *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void ff_print_error(struct ff_cli *c, const struct ff_error *);
/* How many columns a name takes. */
int ff_print_width(const char *text);
/* "777.6 kB" */
const char *ff_print_size(uint64_t bytes, char out[32]);
/* An exit code for an enum ff_code. */
int ff_exit_code(int code);

void ff_bar_begin(struct ff_cli *c);
void ff_bar_end(struct ff_cli *c);
/* The host's callbacks; ctx = the ff_cli. */
void ff_bar_progress(void *cli, uint64_t done_bytes, uint64_t total_bytes);
int ff_bar_cancelled(void *cli);
void ff_bar_log(void *cli, int level, const char *text);

/* ---- JSON: {"version": 1, ...}, built as a document ---- */

struct ff_json {
    struct ff_doc *doc;
    struct ff_value root;
    struct ff_error *e; /* sticky */
};

void ff_json_begin(struct ff_json *, struct ff_error *);
/* What is not UTF-8 in `text` is written as \xff. NULL = null. */
void ff_json_text(struct ff_json *, struct ff_value dict, const char *key,
                  const char *text);
void ff_json_int(struct ff_json *, struct ff_value dict, const char *key, int64_t);
void ff_json_flag(struct ff_json *, struct ff_value dict, const char *key, int);
/* A copy of a value of another document. */
void ff_json_copy(struct ff_json *, struct ff_value dict, const char *key,
                  struct ff_value);
struct ff_value ff_json_list(struct ff_json *, struct ff_value dict, const char *key);
struct ff_value ff_json_dict(struct ff_json *, struct ff_value dict, const char *key);
struct ff_value ff_json_add_dict(struct ff_json *, struct ff_value list);
void ff_json_add_text(struct ff_json *, struct ff_value list, const char *text);
void ff_json_add_ints(struct ff_json *, struct ff_value dict, const char *key,
                      const int64_t *numbers, int32_t count);
/* Print on standard output and free; also after a failure. */
int ff_json_end(struct ff_cli *c, struct ff_json *);

/* ---- output files: whole or not there ---- */

struct ff_out {
    int fd; /* -1: not open */
    int is_stdout, is_terminal;
    char *path, *temporary; /* temporary NULL: written directly */
    char *buffer;
    size_t buffered_bytes;
    int os_errno; /* of the first failed write */
    uint64_t size_bytes;
};

/* "-" is standard output. FF_E_PERMISSION, FF_E_NOT_FOUND (its folder), FF_E_IO. */
int ff_out_open(struct ff_out *, const char *path, struct ff_error *);
/* Write callbacks; ctx: the ff_out. */
int ff_out_write(void *out, const void *data, size_t size_bytes);
int ff_out_text(void *out, const char *text, size_t size_bytes);
/* rc: how the writing went; a failure leaves what was there. */
int ff_out_close(struct ff_out *, int rc, struct ff_error *);

/* All of a file or of standard input ("-"); owned (free). */
int ff_in_read(const char *path, char **data, size_t *size_bytes, struct ff_error *);
/* A path under which the input can be read at any position: itself, or an anonymous copy in
 * memory whose descriptor is *fd (else -1). */
int ff_in_seekable(const char *path, char *out, size_t size, int *fd, struct ff_error *);

/* ---- the verbs ---- */

int ff_verb_ls(struct ff_cli *, struct ff_error *);
int ff_verb_du(struct ff_cli *, struct ff_error *);
int ff_verb_show(struct ff_cli *, struct ff_error *);
int ff_verb_info(struct ff_cli *, struct ff_error *);
int ff_verb_get(struct ff_cli *, struct ff_error *);
int ff_verb_diff(struct ff_cli *, struct ff_error *);
int ff_verb_inspect(struct ff_cli *, struct ff_error *);
int ff_verb_put(struct ff_cli *, struct ff_error *);
int ff_verb_cp(struct ff_cli *, struct ff_error *);
int ff_verb_rm(struct ff_cli *, struct ff_error *);
int ff_verb_mv(struct ff_cli *, struct ff_error *);
int ff_verb_verify(struct ff_cli *, struct ff_error *);
int ff_verb_gc(struct ff_cli *, struct ff_error *);
int ff_verb_plugin(struct ff_cli *, struct ff_error *);
/* Becomes another program; returns only to say why it cannot. */
int ff_plugin_check(struct ff_cli *, const char *file, struct ff_error *);
/* A line for each option of a JSON Schema ("" = none). */
void ff_plugin_print_fact(const struct ff_cli *, const char *label, const char *text);
/* What the file of a row is linked with and what it exports: printed, or (j) as "libraries" and
 * "symbols" of the row in JSON. Nothing of it runs; of a file that the gate refused, nothing. */
void ff_plugin_tell_links(struct ff_cli *, const struct ff_plugin_row *,
                          struct ff_json *j, struct ff_value row);
void ff_plugin_print_options(const struct ff_cli *, const char *schema);
int ff_plugin_new(struct ff_cli *, struct ff_error *);
int ff_verb_store(struct ff_cli *, struct ff_error *);
int ff_verb_config(struct ff_cli *, struct ff_error *);
int ff_verb_completion(struct ff_cli *, struct ff_error *);
int ff_verb_version(struct ff_cli *, struct ff_error *);
int ff_verb_help(struct ff_cli *, struct ff_error *);

#endif
