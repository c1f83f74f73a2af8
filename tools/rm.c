/* SPDX-License-Identifier: Apache-2.0 */
/* rm.c: ff rm: remove tasks with their big data. */
#include "address.h"
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* What is reported: to a list of JSON, or to standard output with -n. */
struct removal {
    struct ff_cli *cli;
    struct ff_json json;
    struct ff_value list;
    size_t count;
};

static void report(struct removal *r, const char *workflow, const char *task,
                   struct ff_error *e)
{
    char name[1024];
    (void)ff_address_print(workflow, task, name, sizeof name);
    r->count++;
    if (r->cli->json) {
        ff_json_add_text(&r->json, r->list, name);
    } else if (r->cli->dry_run) {
        ff_print_name(r->cli, name);
        (void)fputc('\n', stdout);
    } else if (!e->code) {
        ff_print_note(r->cli, "removed %s", name);
    }
}

static int check_recursive(const struct removal *r, const char *workflow,
                           struct ff_error *e)
{
    if (!ff_cli_has(r->cli, FF_OPT_RECURSIVE)) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "%s is a workflow", workflow);
        ff_error_fix(e, "-r removes it with all its tasks; '%.150s/*' its tasks",
                     workflow);
    }
    return e->code;
}

static int remove_workflow(struct removal *r, struct ff_storage *s, const char *workflow,
                           struct ff_error *e)
{
    struct ff_names *tasks;
    if (check_recursive(r, workflow, e)) {
        return e->code;
    }
    tasks = ff_list_tasks(s, workflow, NULL, e);
    if (tasks && !r->cli->dry_run) {
        (void)ff_remove_workflow(s, workflow, e);
    }
    for (size_t i = 0; !e->code && tasks && i < tasks->count; i++) {
        report(r, workflow, tasks->name[i], e);
    }
    if (!e->code) {
        report(r, workflow, NULL, e);
    }
    ff_names_free(tasks);
    return e->code;
}

/* "wf/a[0:3]" is a pattern; where it matches nothing, and wf/a is there, it is meant otherwise. */
static int check_slice(struct ff_storage *s, const struct ff_address *a,
                       struct ff_error *e)
{
    int at = ff_selection_slice_at(a->task);
    char *task = at > 0 ? strndup(a->task, (size_t)at) : NULL;
    if (task && ff_file_exists(s, a->workflow, task, NULL)) {
        (void)ff_fail(e, FF_E_USAGE, NULL,
                      "%s/%s: a slice cannot be removed, only whole tasks", a->workflow,
                      a->task);
        ff_error_fix(e, "ff rm %.100s/%.100s removes the task", a->workflow, task);
    }
    free(task);
    return e->code;
}

/* Whether it could be removed, by its name. */
static int check_name(struct ff_storage *s, const char *workflow, const char *task,
                      struct ff_error *e)
{
    (void)ff_file_exists(s, workflow, task, e);
    return e->code;
}

/* One by one, so that what went is known when one fails. */
static int remove_pattern(struct removal *r, struct ff_storage *s,
                          const struct ff_address *a, struct ff_error *e)
{
    struct ff_names *tasks = ff_list_tasks(s, a->workflow, a->task, e);
    size_t count = tasks ? tasks->count : 0;
    struct ff_error odd = FF_ERROR_INIT; /* of names that are none: Python makes such */
    for (size_t i = 0; i < count && !e->code; i++) {
        int rc = r->cli->dry_run ? check_name(s, a->workflow, tasks->name[i], e)
                                 : ff_remove_task(s, a->workflow, tasks->name[i], e);
        if (rc == FF_E_USAGE) {
            ff_error_copy(&odd, e);
        }
        if (rc == FF_E_USAGE || rc == FF_E_NOT_FOUND) { /* somebody else was faster */
            *e = (struct ff_error)FF_ERROR_INIT;
        } else if (!rc) {
            report(r, a->workflow, tasks->name[i], e);
        }
    }
    if (!e->code && count == 0 && !check_slice(s, a, e)) {
        ff_print_warning(r->cli, "nothing matches");
    }
    ff_error_copy(e, &odd);
    ff_names_free(tasks);
    return e->code;
}

static int check_there(struct ff_storage *s, const struct ff_address *a,
                       struct ff_error *e)
{
    return ff_file_exists(s, a->workflow, a->task, e)
               ? FF_OK
               : ff_address_missing(a->workflow, a->task, e);
}

static int remove_task(struct removal *r, struct ff_storage *s,
                       const struct ff_address *a, struct ff_error *e)
{
    if (!r->cli->dry_run) {
        (void)ff_remove_task(s, a->workflow, a->task, e);
    } else {
        (void)check_there(s, a, e);
    }
    if (!e->code) {
        report(r, a->workflow, a->task, e);
    }
    return e->code;
}

static int parse(struct ff_address *a, const char *text, struct ff_error *e)
{
    int rc = ff_address_parse(a, text, FF_ADDRESS_PATTERN, e);
    return rc || a->workflow ? rc
                             : ff_fail(e, FF_E_USAGE, NULL,
                                       "ff rm takes no whole storage: %.200s", text);
}

/* Of several arguments none is removed when one of them cannot be. */
static int judge(struct removal *r, const char *text, struct ff_error *e)
{
    struct ff_address a;
    int rc = parse(&a, text, e);
    if (!rc && !a.task) {
        rc = check_recursive(r, a.workflow, e);
    } else if (!rc && !a.is_pattern) {
        rc = check_there(ff_cli_storage(r->cli, a.storage, e), &a, e);
    }
    ff_address_free(&a);
    return rc;
}

static int remove_address(struct removal *r, const char *text, struct ff_error *e)
{
    struct ff_address a;
    struct ff_storage *s;
    int rc = parse(&a, text, e);
    if (!rc) {
        s = ff_cli_storage(r->cli, a.storage, e);
        rc = !a.task        ? remove_workflow(r, s, a.workflow, e)
             : a.is_pattern ? remove_pattern(r, s, &a, e)
                            : remove_task(r, s, &a, e);
    }
    ff_address_free(&a);
    return rc;
}

int ff_verb_rm(struct ff_cli *c, struct ff_error *e)
{
    struct removal r = {.cli = c};
    struct ff_error json = FF_ERROR_INIT; /* what went is said also after a failure */
    int rc = FF_OK;
    if (c->json) {
        ff_json_begin(&r.json, &json);
        ff_json_flag(&r.json, r.json.root, "dry_run", c->dry_run);
        r.list = ff_json_list(&r.json, r.json.root, "removed");
    }
    for (int i = 0; !rc && c->arg_count > 1 && i < c->arg_count; i++) {
        rc = judge(&r, c->args[i], e);
    }
    for (int i = 0; !rc && i < c->arg_count; i++) {
        rc = remove_address(&r, c->args[i], e);
    }
    if (c->json) {
        int printed = ff_json_end(c, &r.json);
        if (!rc && printed) {
            *e = json;
            rc = printed;
        }
    }
    return rc;
}
