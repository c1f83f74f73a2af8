/* SPDX-License-Identifier: Apache-2.0 */
/* du.c: ff du: what workflows, or the tasks of one, take on the medium. */
#include "address.h"
#include "cli.h"

struct sums {
    struct ff_cli *cli;
    struct ff_json json;
    struct ff_value list;
    uint64_t size_bytes, rows;
};

static void add_json(struct sums *s, const struct ff_usage *u)
{
    struct ff_value v = ff_json_add_dict(&s->json, s->list);
    ff_json_text(&s->json, v, "workflow", u->workflow);
    ff_json_text(&s->json, v, "task", u->task);
    ff_json_int(&s->json, v, "task_bytes", (int64_t)u->task_bytes);
    ff_json_int(&s->json, v, "bigdata_bytes", (int64_t)u->bigdata_bytes);
    ff_json_int(&s->json, v, "objects", (int64_t)u->objects);
    ff_json_flag(&s->json, v, "known", u->is_known);
}

/* "   1.2 MB  run7/field" */
static void print_row(const struct sums *s, const struct ff_usage *u, int is_rest)
{
    char size[32], name[1024];
    (void)printf("%9s  ", ff_print_size(u->task_bytes + u->bigdata_bytes, size));
    ff_print_name(s->cli, ff_address_print(u->workflow, u->task, name, sizeof name));
    if (is_rest) {
        (void)fputs(u->is_known ? ": no task refers to it"
                                : ": no task that can be read refers to it",
                    stdout);
    } else if (!u->is_known) {
        (void)fputs(": cannot be read, so its big data is not known", stdout);
    }
    (void)fputc('\n', stdout);
}

static int see(struct sums *s, const struct ff_usage *u, int is_rest)
{
    s->size_bytes += u->task_bytes + u->bigdata_bytes;
    s->rows++;
    if (s->cli->json) {
        add_json(s, u);
    } else {
        print_row(s, u, is_rest);
    }
    return ferror(stdout) || ff_signals_stopped();
}

static int see_workflow(void *sums, const struct ff_usage *u)
{
    return see(sums, u, 0);
}

static int see_task(void *sums, const struct ff_usage *u)
{
    return see(sums, u, !u->task[0]);
}

static int measure(struct sums *s, const struct ff_address *a, struct ff_error *e)
{
    struct ff_storage *storage = ff_cli_storage(s->cli, a->storage, e);
    int rc;
    if (a->task && !a->is_pattern && !ff_file_exists(storage, a->workflow, a->task, e)) {
        return ff_address_missing(a->workflow, a->task, e);
    }
    rc = ff_usage(storage, a->workflow, a->task, a->workflow ? see_task : see_workflow, s,
                  e);
    return rc;
}

int ff_verb_du(struct ff_cli *c, struct ff_error *e)
{
    struct sums s = {.cli = c};
    struct ff_address a;
    char size[32];
    int rc = ff_address_parse(&a, c->arg_count ? c->args[0] : "", FF_ADDRESS_PATTERN, e);
    if (!rc && c->json) {
        ff_json_begin(&s.json, e);
        s.list = ff_json_list(&s.json, s.json.root, "rows");
    }
    rc = rc ? rc : measure(&s, &a, e);
    if (c->json && s.json.doc) {
        ff_json_int(&s.json, s.json.root, "bytes", (int64_t)s.size_bytes);
        rc = rc ? (ff_doc_free(s.json.doc), rc) : ff_json_end(c, &s.json);
    } else if (!rc && s.rows > 1) {
        (void)printf("%9s  in all\n", ff_print_size(s.size_bytes, size));
    }
    ff_address_free(&a);
    return rc;
}
