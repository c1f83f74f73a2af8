/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: the options of ff, and reading a command line. Options may stand anywhere. */
#include "cli.h"

#include <stdlib.h>

const struct ff_option ff_options[FF_OPT_COUNT] = {
    [FF_OPT_STORAGE] = {"storage", 'S', "STORE",
                        "a name of the configuration, a folder, JSON, or @FILE"},
    [FF_OPT_CONFIG] = {"config", 0, "FILE", "read this configuration"},
    [FF_OPT_PLUGIN_PATH] = {"plugin-path", 0, "DIR", "look for plugins here first"},
    [FF_OPT_JSON] = {"json", 0, NULL, "print JSON"},
    [FF_OPT_QUIET] = {"quiet", 'q', NULL, "print errors only"},
    [FF_OPT_VERBOSE] = {"verbose", 'v', NULL, "say more on standard error"},
    [FF_OPT_DRY_RUN] = {"dry-run", 'n', NULL, "change nothing, say what would happen"},
    [FF_OPT_YES] = {"yes", 'y', NULL, "do it, where a verb only reports without it"},
    [FF_OPT_COLOR] = {"color", 0, "WHEN", "auto, always or never"},
    [FF_OPT_THREADS] = {"threads", 0, "N", "how many threads work on arrays"},
    [FF_OPT_MEMORY] = {"memory", 0, "SIZE", "memory for work on arrays, as 256M"},
    [FF_OPT_DURABILITY] = {"durability", 0, "HOW", "full, or none: no fsync"},
    [FF_OPT_HELP] = {"help", 'h', NULL, "explain the verb"},
    [FF_OPT_VERSION] = {"version", 0, NULL, "print the version"},
    [FF_OPT_OUTPUT] = {"output", 'o', "FILE", "where to write; - is standard output"},
    [FF_OPT_AS] = {"as", 0, "FORMAT", "the format, where no suffix tells it"},
    [FF_OPT_CHUNKS] = {"chunks", 0, "SIZES", "chunk lengths, as 1024,1024, or auto"},
    [FF_OPT_INLINE] = {"inline", 0, NULL, "keep the array inside the task"},
    [FF_OPT_COMPRESSION] = {"compression", 0, "NAME[:LEVEL]", "deflate:4, or none"},
    [FF_OPT_IF_ABSENT] = {"if-absent", 0, NULL, "fail when the task is there"},
    [FF_OPT_RECURSIVE] = {"recursive", 'r', NULL, "a workflow with all in it"},
    [FF_OPT_REPLACE] = {"replace", 0, NULL, "replace tasks that have another value"},
    [FF_OPT_DEEP] = {"deep", 0, NULL, "read every element"},
    [FF_OPT_GRACE] = {"grace", 0, "TIME", "spare what is younger, 24h by default"},
    [FF_OPT_ASSUME_LOST] = {"assume-lost", 0, "WF/TASK",
                            "go ahead in spite of this unreadable task"},
    [FF_OPT_OPCODES] = {"opcodes", 0, NULL, "print each opcode"},
    [FF_OPT_ALLOW] = {"allow", 0, "MODULE.NAME", "this global is harmless"},
    [FF_OPT_POLICY] = {"policy", 0, "FILE", "JSON with harmless globals"},
    [FF_OPT_OPTIONS] = {"options", 0, "JSON", "the plugin's options"},
    [FF_OPT_VALUE] = {"value", 0, "FILE", "one more value to store: npy, json or pkl"},
    [FF_OPT_WITH] = {"with", 0, "FILE", "a plugin that this one needs"},
    [FF_OPT_KIND] = {"kind", 0, "KIND", "serializer or protocol"},
    [FF_OPT_LANG] = {"lang", 0, "LANG", "c, c++ or rust"},
    [FF_OPT_BUILD] = {"build", 0, "HOW", "meson, make or cmake; with rust cargo"},
};

int ff_cli_has(const struct ff_cli *c, int id)
{
    int count = 0;
    for (int i = 0; i < c->given_count; i++) {
        count += c->given[i].id == id;
    }
    return count;
}

const char *ff_cli_value(const struct ff_cli *c, int id)
{
    for (int i = c->given_count - 1; i >= 0; i--) {
        if (c->given[i].id == id) {
            return c->given[i].value;
        }
    }
    return NULL;
}

const char **ff_cli_values(const struct ff_cli *c, int id)
{
    const char **all = calloc((size_t)c->given_count + 1, sizeof *all);
    for (int i = 0, n = 0; all && i < c->given_count; i++) {
        if (c->given[i].id == id) {
            all[n++] = c->given[i].value;
        }
    }
    return all;
}

static int unknown_option(const char *dashes, const char *name, struct ff_error *e)
{
    const char *names[FF_OPT_COUNT], *near;
    for (int i = 0; i < FF_OPT_COUNT; i++) {
        names[i] = ff_options[i].name;
    }
    (void)ff_fail(e, FF_E_USAGE, NULL, "there is no option %s%.100s", dashes, name);
    near = dashes[1] ? ff_cli_nearest(name, names, FF_OPT_COUNT) : NULL;
    if (near) {
        ff_error_fix(e, "did you mean --%s?", near);
    } else {
        ff_error_fix(e, "ff help lists the options");
    }
    return FF_E_USAGE;
}

static void give(struct ff_cli *c, int id, const char *value)
{
    c->given[c->given_count++] = (struct ff_given){id, value};
}

/* `next` is the following argument, or NULL. *used: it was taken. */
static int parse_long(struct ff_cli *c, char *word, const char *next, int *used,
                      struct ff_error *e)
{
    char *equals = strchr(word, '=');
    int id = 0;
    if (equals) {
        *equals = 0;
    }
    while (id < FF_OPT_COUNT && strcmp(ff_options[id].name, word) != 0) {
        id++;
    }
    if (id == FF_OPT_COUNT) {
        return unknown_option("--", word, e);
    }
    if (!ff_options[id].arg && equals) {
        return ff_fail(e, FF_E_USAGE, NULL, "--%s takes no value", word);
    }
    if (ff_options[id].arg && !equals && !next) {
        return ff_fail(e, FF_E_USAGE, NULL, "--%s needs a value: %s", word,
                       ff_options[id].arg);
    }
    *used = ff_options[id].arg && !equals;
    give(c, id, equals ? equals + 1 : next);
    return FF_OK;
}

static int parse_letters(struct ff_cli *c, const char *letters, const char *next,
                         int *used, struct ff_error *e)
{
    for (const char *at = letters; *at; at++) {
        int id = 0;
        while (id < FF_OPT_COUNT && ff_options[id].letter != *at) {
            id++;
        }
        if (id == FF_OPT_COUNT) {
            return unknown_option("-", at, e);
        }
        if (!ff_options[id].arg) {
            give(c, id, NULL);
            continue;
        }
        if (!at[1] && !next) {
            return ff_fail(e, FF_E_USAGE, NULL, "-%c needs a value: %s", *at,
                           ff_options[id].arg);
        }
        *used = !at[1];
        give(c, id, at[1] ? at + 1 : next);
        return FF_OK;
    }
    return FF_OK;
}

static int take_word(struct ff_cli *c, const char *word, struct ff_error *e)
{
    const char *near;
    if (c->verb) {
        c->args[c->arg_count++] = word;
        return FF_OK;
    }
    c->verb = ff_cli_find_verb(word);
    if (c->verb) {
        return FF_OK;
    }
    (void)ff_fail(e, FF_E_USAGE, NULL, "there is no verb %.100s", word);
    near = ff_cli_nearest_verb(word);
    if (near) {
        ff_error_fix(e, "did you mean ff %s?", near);
    } else {
        ff_error_fix(e, "ff help lists the verbs");
    }
    return FF_E_USAGE;
}

static int parse_words(struct ff_cli *c, int argc, char **argv, struct ff_error *e)
{
    int rc = FF_OK, words_only = 0;
    for (int i = 1; !rc && i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        int used = 0;
        if (words_only || argv[i][0] != '-' || !argv[i][1]) {
            rc = take_word(c, argv[i], e);
        } else if (strcmp(argv[i], "--") == 0) {
            words_only = 1;
        } else if (argv[i][1] == '-') {
            rc = parse_long(c, argv[i] + 2, next, &used, e);
        } else {
            rc = parse_letters(c, argv[i] + 1, next, &used, e);
        }
        i += used;
    }
    return rc;
}

/* An option that this verb does not take, and a verb that does. */
static int check_options(const struct ff_cli *c, struct ff_error *e)
{
    for (int i = 0; c->verb && i < c->given_count; i++) {
        int id = c->given[i].id;
        const struct ff_verb *other = ff_verbs;
        if (id <= FF_OPT_VERSION || (c->verb->options & FF_OPT_BIT(id))) {
            continue;
        }
        while (other->name && !(other->options & FF_OPT_BIT(id))) {
            other++;
        }
        (void)ff_fail(e, FF_E_USAGE, NULL, "ff %s has no option --%s", c->verb->name,
                      ff_options[id].name);
        ff_error_fix(e, "it belongs to ff %s; see ff help %s", other->name,
                     c->verb->name);
        return FF_E_USAGE;
    }
    return FF_OK;
}

static int check_arg_count(const struct ff_cli *c, struct ff_error *e)
{
    const struct ff_verb *v = c->verb;
    if (!v || ff_cli_has(c, FF_OPT_HELP) || ff_cli_has(c, FF_OPT_VERSION) ||
        (c->arg_count >= v->min_args && c->arg_count <= v->max_args)) {
        return FF_OK;
    }
    if (c->arg_count < v->min_args) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "ff %s needs %s", v->name, v->args);
    } else {
        (void)ff_fail(e, FF_E_USAGE, NULL, "ff %s: one word too many: %.100s", v->name,
                      c->args[v->max_args]);
    }
    ff_error_fix(e, "%.200s", v->example);
    return FF_E_USAGE;
}

int ff_cli_parse(struct ff_cli *c, int argc, char **argv, struct ff_error *e)
{
    size_t letters = 1;
    int rc;
    for (int i = 1; i < argc; i++) {
        letters += strlen(argv[i]) + 1;
    }
    c->args = calloc((size_t)argc + 1, sizeof *c->args);
    c->given = calloc(letters, sizeof *c->given);
    if (!c->args || !c->given) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    rc = parse_words(c, argc, argv, e);
    c->json = ff_cli_has(c, FF_OPT_JSON);
    c->quiet = ff_cli_has(c, FF_OPT_QUIET);
    c->verbose = ff_cli_has(c, FF_OPT_VERBOSE);
    c->dry_run = ff_cli_has(c, FF_OPT_DRY_RUN);
    c->yes = ff_cli_has(c, FF_OPT_YES);
    rc = rc ? rc : check_options(c, e);
    return rc ? rc : check_arg_count(c, e);
}
