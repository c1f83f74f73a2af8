/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c: ff verify and ff gc: both print findings. */
#include "address.h"
#include "cli.h"

#include <stdlib.h>

#define DEFAULT_GRACE (-1)

struct findings {
    struct ff_cli *cli;
    struct ff_json json;
    struct ff_value list;
    uint64_t size_bytes;
    size_t count, faults, removed, spared;
};

static enum ff_color color_of(const char *what)
{
    return strcmp(what, "ok") == 0                                        ? FF_GREEN
           : strcmp(what, "corrupt") == 0 || strcmp(what, "missing") == 0 ? FF_RED
                                                                          : FF_YELLOW;
}

static void add_json(struct findings *f, const struct ff_finding *one)
{
    struct ff_value v = ff_json_add_dict(&f->json, f->list);
    ff_json_text(&f->json, v, "workflow", one->workflow);
    ff_json_text(&f->json, v, "task", one->task);
    ff_json_text(&f->json, v, "name", one->name);
    ff_json_text(&f->json, v, "what", one->what);
    ff_json_text(&f->json, v, "reason", one->reason);
    ff_json_int(&f->json, v, "bytes", (int64_t)one->size_bytes);
    ff_json_int(&f->json, v, "age_ns", one->age_ns);
    ff_json_flag(&f->json, v, "removed", one->removed);
}

/* "corrupt  run7/wave  3f0c..: the digest is wrong" */
static void print_line(const struct findings *f, const struct ff_finding *one)
{
    const struct ff_cli *c = f->cli;
    char name[1024], size[32];
    ff_print_colored(c, color_of(one->what), one->what);
    (void)printf("%*s ", 9 - (int)strlen(one->what) > 0 ? 9 - (int)strlen(one->what) : 0,
                 "");
    ff_print_name(c, ff_address_print(one->workflow, one->task, name, sizeof name));
    if (one->name[0]) {
        (void)fputc(' ', stdout);
        ff_print_name(c, one->name);
    }
    if (one->size_bytes) {
        (void)printf(" %s", ff_print_size(one->size_bytes, size));
    }
    if (one->reason[0]) {
        (void)fputs(": ", stdout);
        ff_print_name(c, one->reason);
    }
    (void)fputc('\n', stdout);
}

static int stop(const struct findings *f)
{
    (void)f;
    return ferror(stdout) || ff_signals_stopped();
}

/* ---- verify ---- */

static int see_task(void *ctx, const struct ff_finding *one)
{
    struct findings *f = ctx;
    int ok = strcmp(one->what, "ok") == 0;
    f->count += (size_t)ok;
    f->faults += strcmp(one->what, "corrupt") == 0 || strcmp(one->what, "missing") == 0;
    if (f->cli->json) {
        add_json(f, one);
    } else if (!ok || f->cli->verbose) {
        print_line(f, one);
    }
    return stop(f);
}

static void begin_json(struct findings *f, struct ff_error *json)
{
    if (f->cli->json) {
        ff_json_begin(&f->json, json);
        f->list = ff_json_list(&f->json, f->json.root, "findings");
    }
}

/* What was found is printed also when that is a failure. */
static int end_json(struct findings *f, int rc, struct ff_error *json, struct ff_error *e)
{
    int printed = ff_json_end(f->cli, &f->json);
    if (!rc && printed) {
        *e = *json;
    }
    return rc ? rc : printed;
}

int ff_verb_verify(struct ff_cli *c, struct ff_error *e)
{
    struct findings f = {.cli = c};
    struct ff_error json = FF_ERROR_INIT;
    struct ff_address a;
    struct ff_storage *s;
    int rc = ff_address_parse(&a, c->arg_count ? c->args[0] : "", FF_ADDRESS_PATTERN, e);
    begin_json(&f, &json);
    if (!rc) {
        s = ff_cli_storage(c, a.storage, e);
        if (a.task && !a.is_pattern && !ff_file_exists(s, a.workflow, a.task, e)) {
            (void)ff_address_missing(a.workflow, a.task, e);
        }
        rc =
            ff_verify(s, a.workflow, a.task, ff_cli_has(c, FF_OPT_DEEP), see_task, &f, e);
    }
    ff_address_free(&a);
    if (c->json) {
        ff_json_int(&f.json, f.json.root, "faults", (int64_t)f.faults);
        return end_json(&f, rc, &json, e);
    }
    if (!rc) {
        ff_print_note(c, "%zu task%s, no fault", f.count, f.count == 1 ? "" : "s");
    }
    return rc;
}

/* ---- gc ---- */

/* An orphan with a reason is one that is spared. */
static int see_leftover(void *ctx, const struct ff_finding *one)
{
    struct findings *f = ctx;
    int orphan = strcmp(one->what, "orphan") == 0, spared = orphan && one->reason[0];
    int leftover = !spared && (orphan || strcmp(one->what, "intent") == 0);
    f->count += (size_t)leftover;
    f->spared += (size_t)spared;
    f->removed += (size_t)(one->removed != 0);
    f->size_bytes += leftover ? one->size_bytes : 0;
    if (f->cli->json) {
        add_json(f, one);
    } else {
        print_line(f, one);
    }
    return stop(f);
}

static void print_summary(struct findings *f)
{
    struct ff_cli *c = f->cli;
    const char *s = f->count == 1 ? "" : "s";
    char size[32];
    (void)ff_print_size(f->size_bytes, size);
    if (c->yes && !c->dry_run) {
        ff_print_note(c, "%zu removed, %zu spared", f->removed, f->spared);
    } else if (f->count) {
        ff_print_warning(c, "%zu leftover%s, %s; nothing was removed: ff gc -y does",
                         f->count, s, size);
    } else {
        ff_print_note(c, "nothing to remove, %zu spared", f->spared);
    }
}

static int collect(struct findings *f, const char *const *lost, struct ff_error *e)
{
    struct ff_cli *c = f->cli;
    struct ff_gc_options o = {.struct_size = FF_SIZE(ff_gc_options, assume_lost),
                              .grace_ns = DEFAULT_GRACE,
                              .really = c->yes && !c->dry_run,
                              .assume_lost = lost};
    const char *grace = ff_cli_value(c, FF_OPT_GRACE);
    struct ff_address a;
    int rc = ff_address_parse(&a, c->arg_count ? c->args[0] : "", FF_ADDRESS_WORKFLOW, e);
    if (!rc && grace) {
        rc = ff_cli_parse_duration(grace, &o.grace_ns, e);
    }
    if (!rc) {
        rc = ff_gc(ff_cli_storage(c, a.storage, e), a.workflow, &o, see_leftover, f, e);
    }
    ff_address_free(&a);
    return rc;
}

int ff_verb_gc(struct ff_cli *c, struct ff_error *e)
{
    struct findings f = {.cli = c};
    struct ff_error json = FF_ERROR_INIT;
    const char **lost = ff_cli_values(c, FF_OPT_ASSUME_LOST);
    int rc = lost ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    begin_json(&f, &json);
    rc = rc ? rc : collect(&f, lost, e);
    free(lost);
    if (c->json) {
        ff_json_flag(&f.json, f.json.root, "dry_run", !c->yes || c->dry_run);
        return end_json(&f, rc, &json, e);
    }
    if (!rc) {
        print_summary(&f);
    }
    return rc;
}
