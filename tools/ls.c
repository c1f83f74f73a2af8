/* SPDX-License-Identifier: Apache-2.0 */
/* ls.c: ff ls: the workflows of a storage, or the tasks of a workflow. */
#include "address.h"
#include "cli.h"

static void print_names(const struct ff_cli *c, const struct ff_names *names)
{
    for (size_t i = 0; i < names->count && !ferror(stdout); i++) {
        ff_print_name(c, names->name[i]);
        (void)fputc('\n', stdout);
    }
}

static int print_json(struct ff_cli *c, const char *workflow,
                      const struct ff_names *names, struct ff_error *e)
{
    struct ff_json j;
    struct ff_value list;
    ff_json_begin(&j, e);
    if (workflow) {
        ff_json_text(&j, j.root, "workflow", workflow);
    }
    list = ff_json_list(&j, j.root, workflow ? "tasks" : "workflows");
    for (size_t i = 0; i < names->count; i++) {
        ff_json_add_text(&j, list, names->name[i]);
    }
    return ff_json_end(c, &j);
}

/* The names that the address stands for. A task that is not there, named without a pattern, is
 * a failure. */
static struct ff_names *find(struct ff_storage *s, const struct ff_address *a,
                             struct ff_error *e)
{
    if (!a->workflow) {
        return ff_list_workflows(s, e);
    }
    if (a->task && !a->is_pattern && !ff_file_exists(s, a->workflow, a->task, e)) {
        (void)ff_address_missing(a->workflow, a->task, e);
        return NULL;
    }
    return ff_list_tasks(s, a->workflow, a->task, e);
}

int ff_verb_ls(struct ff_cli *c, struct ff_error *e)
{
    struct ff_address a;
    struct ff_names *names = NULL;
    int rc = ff_address_parse(&a, c->arg_count ? c->args[0] : "", FF_ADDRESS_PATTERN, e);
    if (!rc) {
        names = find(ff_cli_storage(c, a.storage, e), &a, e);
    }
    if (names && c->json) {
        rc = print_json(c, a.workflow, names, e);
    } else if (names) {
        print_names(c, names);
    }
    ff_names_free(names);
    ff_address_free(&a);
    return rc ? rc : e->code;
}
