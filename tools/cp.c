/* SPDX-License-Identifier: Apache-2.0 */
/* cp.c: ff cp and ff mv: tasks into another place, of this storage or of another. */
#include "address.h"
#include "cli.h"

struct copies {
    struct ff_cli *cli;
    int is_move;
    struct ff_address from, to;
    struct ff_storage *source, *target;
    struct ff_json json;
    struct ff_value list;
    size_t count;
    struct ff_error first; /* of tasks that could not be copied */
};

/* ---- what is said ---- */

static const char *how_name(int how)
{
    static const char *const names[] = {[FF_COPY_THERE] = "there",
                                        [FF_COPY_ON_MEDIUM] = "on the medium",
                                        [FF_COPY_BYTES] = "byte for byte",
                                        [FF_COPY_ANEW] = "anew"};
    return how ? names[how] : "";
}

static void say(struct copies *c, const char *from, const char *to, int how)
{
    static const char *const words[2][2] = {{"copied", "would copy"},
                                            {"moved", "would move"}};
    struct ff_cli *cli = c->cli;
    struct ff_value row;
    if (cli->json) {
        row = ff_json_add_dict(&c->json, c->list);
        ff_json_text(&c->json, row, "from", from);
        ff_json_text(&c->json, row, "to", to);
        ff_json_text(&c->json, row, "how", cli->dry_run ? NULL : how_name(how));
    } else if (cli->dry_run) {
        ff_print_name(cli, from);
        (void)fputs(" -> ", stdout);
        ff_print_name(cli, to);
        (void)fputc('\n', stdout);
    } else if (how == FF_COPY_THERE && !c->is_move) {
        ff_print_note(cli, "%s is there", to);
    } else {
        ff_print_note(cli, "%s %s to %s%s", words[c->is_move][0], from, to,
                      how == FF_COPY_ANEW ? ", in the format of that storage" : "");
    }
}

/* ---- one task ---- */

static int move_within(struct copies *c, const char *workflow, const char *task,
                       const char *to_workflow, const char *to_task, struct ff_error *e)
{
    if (!ff_file_exists(c->source, workflow, task, e)) {
        return ff_address_missing(workflow, task, e);
    }
    (void)ff_new_workflow(c->target, to_workflow, e);
    return ff_move_task(c->source, workflow, task, to_workflow, to_task, e);
}

static int transfer(struct copies *c, const char *workflow, const char *task,
                    const char *to_workflow, const char *to_task, int *how,
                    struct ff_error *e)
{
    struct ff_copy_options o = {
        .struct_size = FF_SIZE(ff_copy_options, call),
        .flags = (ff_cli_has(c->cli, FF_OPT_REPLACE) ? FF_COPY_REPLACE : 0) |
                 (c->is_move ? FF_COPY_MOVE : 0)};
    if (c->is_move && c->source == c->target) {
        *how = FF_COPY_ON_MEDIUM;
        return move_within(c, workflow, task, to_workflow, to_task, e);
    }
    return ff_copy_task(c->source, workflow, task, c->target, to_workflow, to_task, &o,
                        how, e);
}

/* What -n can know. */
static int foresee(struct copies *c, const char *workflow, const char *task,
                   const char *to_workflow, const char *to_task, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    if (!ff_file_exists(c->source, workflow, task, e)) {
        return ff_address_missing(workflow, task, e);
    }
    if (c->is_move && c->target &&
        ff_file_exists(c->target, to_workflow, to_task, &own)) {
        return ff_address_taken(to_workflow, to_task, e);
    }
    return FF_OK;
}

/* Another task may go better. */
static int is_of_one_task(int code)
{
    return code == FF_E_USAGE || code == FF_E_CONFLICT || code == FF_E_CORRUPT ||
           code == FF_E_NOT_FOUND || code == FF_E_STALE || code == FF_E_PLUGIN ||
           code == FF_E_UNSUPPORTED;
}

static int copy_one(struct copies *c, const char *workflow, const char *task,
                    struct ff_error *e)
{
    const char *to_workflow = c->to.workflow ? c->to.workflow : workflow;
    const char *to_task = c->to.task ? c->to.task : task;
    char from[512], to[512];
    int how = 0;
    int rc = c->cli->dry_run ? foresee(c, workflow, task, to_workflow, to_task, e)
                             : transfer(c, workflow, task, to_workflow, to_task, &how, e);
    (void)ff_address_print(workflow, task, from, sizeof from);
    (void)ff_address_print(to_workflow, to_task, to, sizeof to);
    if (rc == FF_E_CONFLICT && !c->is_move) {
        ff_error_fix(e, "ff cp --replace puts this one in its place");
    }
    if (rc) {
        return rc;
    }
    c->count++;
    say(c, from, to, how);
    return FF_OK;
}

/* ---- many ---- */

/* It is told, and the first such failure is that of all. */
static int pass_over(struct copies *c, const char *name, struct ff_error *e)
{
    ff_print_warning(c->cli, "%s: %s", e->place[0] ? e->place : name, e->message);
    ff_error_copy(&c->first, e);
    *e = (struct ff_error)FF_ERROR_INIT;
    return FF_OK;
}

static int copy_tasks(struct copies *c, const char *workflow, const char *pattern,
                      struct ff_error *e)
{
    struct ff_names *tasks = ff_list_tasks(c->source, workflow, pattern, e);
    int rc = tasks ? FF_OK : e->code;
    for (size_t i = 0; !rc && i < tasks->count && !ff_signals_stopped(); i++) {
        rc = copy_one(c, workflow, tasks->name[i], e);
        if (is_of_one_task(rc)) {
            rc = pass_over(c, tasks->name[i], e);
        }
    }
    ff_names_free(tasks);
    return rc;
}

static int copy_workflow(struct copies *c, const char *workflow, struct ff_error *e)
{
    const char *to = c->to.workflow ? c->to.workflow : workflow;
    int rc = c->cli->dry_run ? FF_OK : ff_new_workflow(c->target, to, e);
    return rc ? rc : copy_tasks(c, workflow, NULL, e);
}

static int copy_storage(struct copies *c, struct ff_error *e)
{
    struct ff_names *all = ff_list_workflows(c->source, e);
    int rc = all ? FF_OK : e->code;
    for (size_t i = 0; !rc && i < all->count && !ff_signals_stopped(); i++) {
        rc = copy_workflow(c, all->name[i], e);
        if (rc == FF_E_USAGE) { /* no name of ours: Python makes such */
            rc = pass_over(c, all->name[i], e);
        }
    }
    ff_names_free(all);
    return rc;
}

static int copy_all(struct copies *c, struct ff_error *e)
{
    const struct ff_address *from = &c->from;
    int rc = !from->workflow    ? copy_storage(c, e)
             : !from->task      ? copy_workflow(c, from->workflow, e)
             : from->is_pattern ? copy_tasks(c, from->workflow, from->task, e)
                                : copy_one(c, from->workflow, from->task, e);
    if (!rc && !c->count && !c->first.code && from->is_pattern) {
        ff_print_warning(c->cli, "nothing matches");
    }
    return rc;
}

/* ---- the verbs ---- */

static int check_shape(const struct copies *c, struct ff_error *e)
{
    const char *verb = c->cli->verb->name;
    int many = !c->from.task || c->from.is_pattern;
    if (!c->from.task && !ff_cli_has(c->cli, FF_OPT_RECURSIVE)) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "%s is a %s", c->cli->args[0],
                      c->from.workflow ? "workflow" : "storage");
        ff_error_fix(e, "ff %s -r takes all that is in it", verb);
        return FF_E_USAGE;
    }
    if ((many && c->to.task) || (!c->from.workflow && c->to.workflow)) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "%s may be several, %s is one",
                      c->cli->args[0], c->cli->args[1]);
        ff_error_fix(e, "several keep their names: name a %s",
                     c->from.workflow ? "workflow" : "storage, as STORE:");
        return FF_E_USAGE;
    }
    return FF_OK;
}

/* Its names are no patterns. */
static int parse_target(struct copies *c, struct ff_error *e)
{
    struct ff_address shape;
    int rc = ff_address_parse(&shape, c->cli->args[1], FF_ADDRESS_PATTERN, e);
    enum ff_address_form form = shape.task ? FF_ADDRESS_TASK : FF_ADDRESS_WORKFLOW;
    ff_address_free(&shape);
    return rc ? rc : ff_address_parse(&c->to, c->cli->args[1], form, e);
}

static int parse(struct copies *c, struct ff_error *e)
{
    int rc = ff_address_parse(&c->from, c->cli->args[0], FF_ADDRESS_PATTERN, e);
    rc = rc ? rc : parse_target(c, e);
    if (!rc && !c->to.storage && c->to.workflow && c->to.workflow[0] == '.') {
        rc = ff_fail(e, FF_E_USAGE, NULL, "%s: no workflow begins with a dot",
                     c->cli->args[1]);
        ff_error_fix(e, "a storage goes before a ':', as %.100s:", c->cli->args[1]);
    }
    return rc ? rc : check_shape(c, e);
}

static int run(struct copies *c, struct ff_error *e)
{
    struct ff_error json = FF_ERROR_INIT; /* what was done is said also after a failure */
    int rc = parse(c, e), printed;
    if (!rc) {
        c->source = ff_cli_storage(c->cli, c->from.storage, e);
        c->target = c->source ? ff_cli_storage_new(c->cli, c->to.storage, e) : NULL;
        rc = e->code;
    }
    if (!rc && c->cli->json) {
        ff_json_begin(&c->json, &json);
        ff_json_flag(&c->json, c->json.root, "dry_run", c->cli->dry_run);
        c->list = ff_json_list(&c->json, c->json.root, c->is_move ? "moved" : "copied");
    }
    rc = rc ? rc : copy_all(c, e);
    if (c->json.doc) {
        printed = ff_json_end(c->cli, &c->json);
        if (!rc && printed) {
            *e = json;
            rc = printed;
        }
    }
    if (!rc && c->first.code) {
        *e = c->first;
        rc = e->code;
    }
    ff_address_free(&c->from);
    ff_address_free(&c->to);
    return rc;
}

int ff_verb_cp(struct ff_cli *cli, struct ff_error *e)
{
    struct copies c = {.cli = cli, .first = FF_ERROR_INIT};
    return run(&c, e);
}

int ff_verb_mv(struct ff_cli *cli, struct ff_error *e)
{
    struct copies c = {.cli = cli, .is_move = 1, .first = FF_ERROR_INIT};
    return run(&c, e);
}
