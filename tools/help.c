/* SPDX-License-Identifier: Apache-2.0 */
/* help.c: ff help, --help, ff version and ff completion: nothing here opens a host. */
#include "cli.h"

static void print_option(const struct ff_option *o)
{
    char left[64];
    if (o->letter) {
        (void)snprintf(left, sizeof left, "-%c, --%s%s%s", o->letter, o->name,
                       o->arg ? " " : "", o->arg ? o->arg : "");
    } else {
        (void)snprintf(left, sizeof left, "    --%s%s%s", o->name, o->arg ? " " : "",
                       o->arg ? o->arg : "");
    }
    (void)printf("  %-32s %s\n", left, o->help);
}

static void help_verb(const struct ff_cli *c, const struct ff_verb *v)
{
    (void)printf("  $ %s\n\n", v->example);
    ff_print_colored(c, FF_BOLD, "ff ");
    ff_print_colored(c, FF_BOLD, v->name);
    (void)printf("%s%s%s\n%s.\n", v->options ? " [OPTION...]" : "", *v->args ? " " : "",
                 v->args, v->summary);
    if (v->detail[0]) {
        (void)printf("\n%s", v->detail);
    }
    if (v->options) {
        (void)puts("\nOptions:");
    }
    for (int i = 0; i < FF_OPT_COUNT; i++) {
        if (v->options & FF_OPT_BIT(i)) {
            print_option(&ff_options[i]);
        }
    }
    (void)puts("\nff help lists the options that every verb takes.");
}

static void help_all(const struct ff_cli *c)
{
    (void)puts("  $ ff put climate/sst sst.npy\n"
               "  $ ff show climate/sst\n"
               "  $ ff get 'climate/sst#[0, 10:20]' -o part.npy\n");
    ff_print_colored(c, FF_BOLD, "ff VERB [OPTION...] [ARGUMENT...]");
    (void)puts("\nSave, look at and read the results of workflows.\n\nVerbs:");
    for (const struct ff_verb *v = ff_verbs; v->name; v++) {
        (void)printf("  %-12s %s\n", v->name, v->summary);
    }
    (void)puts("\nOptions, before or behind the verb; -- ends them:");
    for (int i = 0; i <= FF_OPT_VERSION; i++) {
        print_option(&ff_options[i]);
    }
    (void)puts(
        "\nExit codes: 0 done, 1 other failure, 2 usage or configuration, 3 not found,\n"
        "4 corrupt, 5 plugin missing or refused, 6 permission, 7 network, 8 conflict,\n"
        "9 unsafe content, 130 interrupted, 141 nobody reads the output.\n"
        "\nff help VERB explains a verb; man ff has everything.");
}

void ff_cli_help(const struct ff_cli *c, const struct ff_verb *verb)
{
    if (verb) {
        help_verb(c, verb);
    } else {
        help_all(c);
    }
}

int ff_verb_help(struct ff_cli *c, struct ff_error *e)
{
    const struct ff_verb *verb = NULL;
    const char *near;
    if (c->arg_count) {
        verb = ff_cli_find_verb(c->args[0]);
        if (!verb) {
            (void)ff_fail(e, FF_E_USAGE, NULL, "there is no verb %.100s", c->args[0]);
            near = ff_cli_nearest_verb(c->args[0]);
            if (near) {
                ff_error_fix(e, "did you mean ff help %s?", near);
            } else {
                ff_error_fix(e, "ff help lists the verbs");
            }
            return FF_E_USAGE;
        }
    }
    ff_cli_help(c, verb);
    return FF_OK;
}

int ff_verb_version(struct ff_cli *c, struct ff_error *e)
{
    struct ff_json j;
    if (!c->json) {
        (void)printf("ff " FF_TOOL_VERSION " (library %s)\n", ff_version());
        return FF_OK;
    }
    ff_json_begin(&j, e);
    ff_json_text(&j, j.root, "ff", FF_TOOL_VERSION);
    ff_json_text(&j, j.root, "library", ff_version());
    return ff_json_end(c, &j);
}

static const char bash[] =
#include "ff.bash.inc"
    ;
static const char zsh[] =
#include "_ff.inc"
    ;
static const char fish[] =
#include "ff.fish.inc"
    ;

int ff_verb_completion(struct ff_cli *c, struct ff_error *e)
{
    static const char *const names[] = {"bash", "zsh", "fish"};
    static const char *const texts[] = {bash, zsh, fish};
    const char *near;
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(c->args[0], names[i]) == 0) {
            (void)fputs(texts[i], stdout);
            return FF_OK;
        }
    }
    (void)ff_fail(e, FF_E_USAGE, NULL, "no completion for the shell %.100s", c->args[0]);
    near = ff_cli_nearest(c->args[0], names, 3);
    ff_error_fix(e, near ? "did you mean %s?" : "%s, zsh or fish", near ? near : "bash");
    return FF_E_USAGE;
}
