/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.c: ff inspect: what a file of pickles names and would call, and whether that is allowed.
 * Nothing in it is imported or called. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LISTED 1000 /* persistent ids, and for --json opcodes, of one pickle */

struct looking {
    struct ff_cli *cli;
    struct ff_policy *policy;
    struct ff_load_options options;
    struct ff_json *j;
    struct ff_value globals, persistent, opcodes; /* of one pickle */
    int64_t calls, ids, ops, extensions;
    int unsafe, broken;
    char why[512];   /* of the first that is not safe */
    char allow[300]; /* the first global that is not, as --allow takes it */
};

/* ---- callbacks of the scan ---- */

static void add_uses(struct looking *l, struct ff_value row, uint32_t uses)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {{FF_USE_CALL, "call"},
                 {FF_USE_CLASS, "class"},
                 {FF_USE_REFERENCE, "reference"},
                 {FF_USE_CHANGE, "change"}};
    struct ff_value list = ff_json_list(l->j, row, "uses");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (uses & names[i].bit) {
            ff_json_add_text(l->j, list, names[i].name);
        }
    }
}

static int on_global(void *ctx, const struct ff_scanned_global *g)
{
    struct looking *l = ctx;
    struct ff_value row = ff_json_add_dict(l->j, l->globals);
    int allowed = ff_policy_allows(l->policy, g->module, g->name);
    ff_json_text(l->j, row, "module", *g->module ? g->module : g->raw_module);
    ff_json_text(l->j, row, "name", *g->name ? g->name : g->raw_name);
    add_uses(l, row, g->uses);
    ff_json_int(l->j, row, "count", (int64_t)g->count);
    ff_json_int(l->j, row, "offset", (int64_t)g->offset);
    ff_json_flag(l->j, row, "allowed", allowed);
    if (!allowed && !l->allow[0] && *g->module && *g->name) {
        (void)snprintf(l->allow, sizeof l->allow, "%s%c%s", g->module,
                       strchr(g->name, '.') ? ':' : '.', g->name);
    }
    return 0;
}

static int on_call(void *ctx, const struct ff_scanned_call *call)
{
    struct looking *l = ctx;
    (void)call;
    l->calls++;
    return 0;
}

static int on_persistent(void *ctx, const struct ff_scanned_pid *p)
{
    struct looking *l = ctx;
    if (l->ids++ < MAX_LISTED) {
        struct ff_value row = ff_json_add_dict(l->j, l->persistent);
        struct ff_value list = ff_json_list(l->j, row, "strings");
        ff_json_int(l->j, row, "offset", (int64_t)p->offset);
        for (size_t i = 0; i < p->string_count; i++) {
            ff_json_add_text(l->j, list, p->strings[i]);
        }
    }
    return 0;
}

static int on_extension(void *ctx, uint64_t offset, int32_t code)
{
    struct looking *l = ctx;
    (void)offset;
    (void)code;
    l->extensions++;
    return 0;
}

/* Little endian, as 64 bits; of the last byte the sign, where there is one. */
static int64_t little_endian(const uint8_t *p, size_t size_bytes, int is_signed)
{
    uint64_t number =
        is_signed && size_bytes && p[size_bytes - 1] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = size_bytes; i-- > 0;) {
        number = number << 8 | p[i];
    }
    return (int64_t)number;
}

/* IEEE 754, the first byte has the sign. */
static double big_endian_double(const uint8_t *p)
{
    uint64_t bits = 0;
    double number;
    for (size_t i = 0; i < sizeof bits; i++) {
        bits = bits << 8 | p[i];
    }
    memcpy(&number, &bits, sizeof number);
    return number;
}

static void number_text(const struct ff_scanned_op *op, char *out, size_t size)
{
    const uint8_t *p = op->data;
    if (op->code == 'G') { /* BINFLOAT */
        (void)snprintf(out, size, "%.17g", big_endian_double(p));
    } else if (op->code == 'J') { /* BININT */
        (void)snprintf(out, size, "%lld", (long long)little_endian(p, op->size_bytes, 1));
    } else {
        (void)snprintf(out, size, "%llu",
                       (unsigned long long)little_endian(p, op->size_bytes, 0));
    }
}

/* "[3] 0x00ffee": the length, and the bytes; of an integer, which is little endian, the highest
 * first. */
static void hex_text(const struct ff_scanned_op *op, int is_integer, char *out,
                     size_t size)
{
    enum { SHOWN = 30 };
    const uint8_t *p = op->data;
    size_t count = op->size_bytes < SHOWN ? op->size_bytes : SHOWN;
    size_t n = (size_t)snprintf(out, size, "[%zu]%s", op->size_bytes, count ? " 0x" : "");
    for (size_t i = 0; i < count && n < size; i++) {
        uint8_t byte = is_integer ? p[op->size_bytes - 1 - i] : p[i];
        n += (size_t)snprintf(out + n, size - n, "%02x", byte);
    }
    if (count < op->size_bytes && n < size) {
        (void)snprintf(out + n, size - n, "...");
    }
}

static void data_text(const struct ff_scanned_op *op, char *out, size_t size)
{
    switch (op->code) {
    case 0x8a: /* LONG1 */
    case 0x8b: /* LONG4 */
        if (op->size_bytes <= sizeof(int64_t)) {
            (void)snprintf(out, size, "%lld",
                           (long long)little_endian(op->data, op->size_bytes, 1));
        } else {
            hex_text(op, 1, out, size);
        }
        break;
    case 'B': /* BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8 */
    case 'C':
    case 0x8e:
    case 0x96:
        hex_text(op, 0, out, size);
        break;
    default:
        (void)snprintf(out, size, "[%zu] %.*s", op->size_bytes,
                       (int)(op->size_bytes < 60 ? op->size_bytes : 60),
                       (const char *)op->data);
        break;
    }
}

/* An argument as text: at most `size` - 1 bytes of it. */
static void argument_text(const struct ff_scanned_op *op, char *out, size_t size)
{
    int n = (int)(op->size_bytes < 60 ? op->size_bytes : 60);
    *out = 0;
    switch (op->argument) {
    case FF_OP_ARGUMENT_NUMBER:
        number_text(op, out, size);
        break;
    case FF_OP_ARGUMENT_LINES:
        (void)snprintf(out, size, "%.*s %.*s", n, (const char *)op->data,
                       (int)(op->more_bytes < 60 ? op->more_bytes : 60),
                       (const char *)op->more);
        break;
    case FF_OP_ARGUMENT_LINE:
        (void)snprintf(out, size, "[%zu] %.*s", op->size_bytes, n,
                       (const char *)op->data);
        break;
    case FF_OP_ARGUMENT_DATA:
        data_text(op, out, size);
        break;
    default:
        break;
    }
}

static int on_op(void *ctx, const struct ff_scanned_op *op)
{
    struct looking *l = ctx;
    char text[160];
    argument_text(op, text, sizeof text);
    l->ops++;
    if (l->cli->json) {
        if (l->ops <= MAX_LISTED) {
            struct ff_value row = ff_json_add_dict(l->j, l->opcodes);
            ff_json_int(l->j, row, "offset", (int64_t)op->offset);
            ff_json_text(l->j, row, "opcode", op->name);
            ff_json_text(l->j, row, "argument", text);
        }
        return ff_signals_stopped() ? FF_E_CANCELLED : 0;
    }
    (void)printf("%10llu  %-16s  ", (unsigned long long)op->offset, op->name);
    ff_print_safe(stdout, text, strlen(text), 0);
    (void)fputc('\n', stdout);
    return ff_signals_stopped() ? FF_E_CANCELLED : 0;
}

/* ---- one pickle ---- */

static const char *judge(struct looking *l, const uint8_t *data, size_t size)
{
    struct ff_error own = FF_ERROR_INIT;
    int rc = ff_pickle_judge(data, size, &l->options, l->policy, NULL, &own);
    l->unsafe |= rc == FF_E_UNSAFE;
    l->broken |= rc && rc != FF_E_UNSAFE;
    if (rc && (!l->why[0] || rc == FF_E_UNSAFE)) {
        (void)snprintf(l->why, sizeof l->why, "%s", own.message);
    }
    return !rc ? "safe" : rc == FF_E_UNSAFE ? "unsafe" : "broken";
}

static void begin_pickle(struct looking *l, struct ff_value list,
                         const struct ff_pickle_part *part, size_t at,
                         struct ff_value *row)
{
    const uint8_t *data = (const uint8_t *)part->data + at;
    *row = ff_json_add_dict(l->j, list);
    ff_json_text(l->j, *row, "member", part->member);
    ff_json_int(l->j, *row, "offset", (int64_t)at);
    ff_json_int(l->j, *row, "protocol",
                part->size_bytes - at > 1 && data[0] == 0x80 ? data[1] : 0);
    l->globals = ff_json_list(l->j, *row, "globals");
    l->persistent = ff_json_list(l->j, *row, "persistent");
    if (ff_cli_has(l->cli, FF_OPT_OPCODES) && l->cli->json) {
        l->opcodes = ff_json_list(l->j, *row, "opcodes");
    }
    l->calls = l->ids = l->ops = l->extensions = 0;
}

/* The pickle that begins at *at of a part; *at moves behind it. */
static int look_at(struct looking *l, struct ff_value list,
                   const struct ff_pickle_part *part, size_t *at)
{
    const uint8_t *data = (const uint8_t *)part->data + *at;
    size_t size = part->size_bytes - *at, used = 0;
    const struct ff_scan scan = {.struct_size = sizeof scan,
                                 .ctx = l,
                                 .global = on_global,
                                 .call = on_call,
                                 .persistent = on_persistent,
                                 .extension = on_extension,
                                 .op = ff_cli_has(l->cli, FF_OPT_OPCODES) ? on_op : NULL};
    struct ff_error own = FF_ERROR_INIT;
    struct ff_value row;
    begin_pickle(l, list, part, *at, &row);
    int rc = ff_pickle_scan(data, size, &l->options, &scan, &used, &own);
    int digest = !rc && ff_pickle_has_digest(data, used, size);
    ff_json_int(l->j, row, "bytes", (int64_t)used);
    ff_json_int(l->j, row, "calls", l->calls);
    ff_json_int(l->j, row, "persistent_count", l->ids);
    ff_json_int(l->j, row, "unknown_extensions", l->extensions);
    ff_json_flag(l->j, row, "digest", digest);
    ff_json_text(l->j, row, "verdict", judge(l, data, size));
    ff_json_text(l->j, row, "fault", rc ? own.message : "");
    *at += digest ? used + 20 : used;
    return rc;
}

/* ---- text ---- */

static const char *text_of(struct ff_value dict, const char *key, char *out, size_t size)
{
    const char *text = "";
    size_t length = 0;
    (void)ff_str(ff_get(dict, key), &text, &length, NULL);
    (void)snprintf(out, size, "%.*s", (int)(length < size ? length : size - 1), text);
    return out;
}

static long long number_of(struct ff_value dict, const char *key)
{
    int64_t number = 0;
    (void)ff_int64(ff_get(dict, key), &number, NULL);
    return number;
}

static void print_list(const struct ff_cli *c, struct ff_value list, const char *between)
{
    for (size_t i = 0; i < ff_length(list); i++) {
        struct ff_value item = {NULL, 0};
        const char *text = "";
        size_t size = 0;
        (void)ff_item(list, i, NULL, &item, NULL);
        (void)ff_str(item, &text, &size, NULL);
        (void)fputs(i ? between : "", stdout);
        (void)c;
        ff_print_safe(stdout, text, size, 0);
    }
}

static void print_globals(const struct ff_cli *c, struct ff_value list)
{
    char module[256], name[256];
    for (size_t i = 0; i < ff_length(list); i++) {
        struct ff_value row = {NULL, 0};
        int allowed = 0;
        (void)ff_item(list, i, NULL, &row, NULL);
        (void)ff_boolean(ff_get(row, "allowed"), &allowed, NULL);
        (void)fputs("  ", stdout);
        ff_print_colored(c, allowed ? FF_GREEN : FF_RED,
                         allowed ? "allowed " : "refused ");
        (void)fputc(' ', stdout);
        (void)text_of(row, "module", module, sizeof module);
        (void)text_of(row, "name", name, sizeof name);
        ff_print_safe(stdout, module, strlen(module), 0);
        (void)fputc('.', stdout);
        ff_print_safe(stdout, name, strlen(name), 0);
        (void)fputs(": ", stdout);
        print_list(c, ff_get(row, "uses"), ", ");
        (void)printf(", %lld time%s\n", number_of(row, "count"),
                     number_of(row, "count") == 1 ? "" : "s");
    }
}

static void print_pickle(const struct ff_cli *c, struct ff_value row)
{
    char member[256], verdict[16], fault[512];
    struct ff_value ids = ff_get(row, "persistent");
    int digest = 0;
    (void)ff_boolean(ff_get(row, "digest"), &digest, NULL);
    (void)text_of(row, "member", member, sizeof member);
    ff_print_safe(stdout, member, strlen(member), 0);
    (void)printf("%spickle at %lld: protocol %lld, %lld bytes, %lld call%s%s\n",
                 member[0] ? ": " : "", number_of(row, "offset"),
                 number_of(row, "protocol"), number_of(row, "bytes"),
                 number_of(row, "calls"), number_of(row, "calls") == 1 ? "" : "s",
                 digest ? ", its SHA-1 behind it" : "");
    print_globals(c, ff_get(row, "globals"));
    for (size_t i = 0; i < ff_length(ids); i++) {
        struct ff_value id = {NULL, 0};
        (void)ff_item(ids, i, NULL, &id, NULL);
        (void)fputs("  persistent id: ", stdout);
        print_list(c, ff_get(id, "strings"), " ");
        (void)fputc('\n', stdout);
    }
    if (number_of(row, "persistent_count") > MAX_LISTED) {
        (void)printf("  ... %lld persistent ids\n", number_of(row, "persistent_count"));
    }
    (void)text_of(row, "fault", fault, sizeof fault);
    if (fault[0]) {
        (void)fputs("  ", stdout);
        ff_print_safe(stdout, fault, strlen(fault), 0);
        (void)fputc('\n', stdout);
    }
    (void)text_of(row, "verdict", verdict, sizeof verdict);
    (void)fputs("  verdict: ", stdout);
    ff_print_colored(c, strcmp(verdict, "safe") == 0 ? FF_GREEN : FF_RED, verdict);
    (void)fputc('\n', stdout);
}

/* ---- the verb ---- */

static struct ff_policy *policy_of(struct ff_cli *c, struct ff_error *e)
{
    struct ff_policy *p = ff_policy_new(0, e);
    const char **allowed = ff_cli_values(c, FF_OPT_ALLOW);
    const char *file = ff_cli_value(c, FF_OPT_POLICY);
    for (size_t i = 0; allowed && allowed[i]; i++) {
        (void)ff_policy_allow(p, allowed[i], e);
    }
    free(allowed);
    if (file && !e->code) {
        char *text = NULL;
        size_t size = 0;
        if (!ff_in_read(file, &text, &size, e) && ff_policy_read(p, text, size, e)) {
            ff_error_at(e, file);
        }
        free(text);
    }
    return p;
}

static int options_of(struct ff_cli *c, const char *path, struct ff_load_options *o,
                      struct ff_error *e)
{
    const char *as = ff_cli_value(c, FF_OPT_AS), *dot = strrchr(path, '.');
    *o = (struct ff_load_options){.struct_size = sizeof *o};
    if (as && strcmp(as, "pickle") != 0 && strcmp(as, "joblib") != 0) {
        return ff_fail(e, FF_E_USAGE, NULL, "--as is pickle or joblib here, not %.50s",
                       as);
    }
    if (as ? strcmp(as, "joblib") == 0 : dot && strcmp(dot, ".joblib") == 0) {
        o->flags = FF_LOAD_JOBLIB;
    }
    return FF_OK;
}

static void look_at_all(struct looking *l, const struct ff_pickle_file *f,
                        struct ff_value list)
{
    const struct ff_pickle_part *part;
    for (size_t i = 0;
         (part = ff_pickle_file_part(f, i)) != NULL && !ff_signals_stopped(); i++) {
        size_t at = 0;
        do {
            if (look_at(l, list, part, &at)) {
                break;
            }
        } while (at < part->size_bytes && !ff_signals_stopped());
    }
}

static int verdict_of(const struct looking *l, const char *path, struct ff_error *e)
{
    if (e->code || !(l->unsafe || l->broken)) {
        return e->code;
    }
    if (!l->unsafe) {
        return ff_fail(e, FF_E_CORRUPT, path, "this is no whole pickle: %s", l->why);
    }
    (void)ff_fail(e, FF_E_UNSAFE, path, "%s", l->why);
    if (l->allow[0]) {
        ff_error_fix(e, "if it is known to do no harm: --allow %.200s", l->allow);
    }
    return FF_E_UNSAFE;
}

int ff_verb_inspect(struct ff_cli *c, struct ff_error *e)
{
    const char *path = c->args[0];
    struct ff_json j;
    struct looking l = {.cli = c, .j = &j};
    struct ff_pickle_file *f = NULL;
    int rc = options_of(c, path, &l.options, e);
    l.policy = policy_of(c, e);
    f = ff_pickle_file_open(path, 0, e);
    if (!e->code && f) {
        ff_json_begin(&j, e);
        ff_json_text(&j, j.root, "file", path);
        ff_json_text(&j, j.root, "form", ff_pickle_file_form(f));
        ff_json_text(&j, j.root, "read_as", l.options.flags ? "joblib" : "pickle");
        struct ff_value list = ff_json_list(&j, j.root, "pickles");
        look_at_all(&l, f, list);
        ff_json_text(&j, j.root, "verdict",
                     l.unsafe   ? "unsafe"
                     : l.broken ? "broken"
                                : "safe");
        for (size_t i = 0; !c->json && i < ff_length(list); i++) {
            struct ff_value row = {NULL, 0};
            (void)ff_item(list, i, NULL, &row, NULL);
            print_pickle(c, row);
        }
        if (c->json) {
            (void)ff_json_end(c, &j);
        } else {
            ff_doc_free(j.doc);
        }
        rc = verdict_of(&l, path, e);
    }
    ff_pickle_file_close(f);
    ff_policy_free(l.policy);
    return rc ? rc : e->code;
}
