/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c: the protocol "fault": counts, delays, shortens and fails the calls of any
 * other, for tests. Options: {"inner": {"kind": ..., "options": ...}, "rules": [{"op":
 * "put", "fail_at": 3, "code": "no-space"}, ...]}; the members of a rule are those of
 * struct ff_fault_rule, and one rule's may also stand beside "inner". What happened is
 * logged at the end, as information. */
#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/name.h"
#include "fault_own.h"

FF_PLUGIN_NOTE("protocol", "fault", "1.0.0", "");

static const char *const op_names[] = {
    "any",    "get",     "put",    "head",     "remove",          "copy",
    "list",   "sync",    "open",   "read",     "write",           "size",
    "resize", "finish",  "make",   "exists",   "remove_workflow", "begin",
    "append", "refresh", "commit", "displace", "rename",          "intents",
    "fence",  "settle",  NULL};

/* In the order of their numbers, from -1. */
static const char *const code_names[] = {
    "other",     "usage",    "not-found",   "corrupt",         "plugin", "permission",
    "network",   "conflict", "unsafe",      "no-memory",       "io",     "no-space",
    "cancelled", "deadline", "unsupported", "unknown-outcome", "stale",  "limit",
    "exists",    "type",     NULL};

/* ---- deciding ---- */

/* Under the lock. The first rule that fails the call wins; delays add up. */
static void apply(struct fault_armed *a, int op, struct fault_verdict *v,
                  uint64_t *delay_ms)
{
    const struct ff_fault_rule *r = &a->rule;
    uint64_t k;

    if (r->op != FF_FAULT_ANY && r->op != op) {
        return;
    }
    k = ++a->calls;
    *delay_ms += r->delay_ms;
    if (r->short_bytes && (!v->most || r->short_bytes < v->most)) {
        v->most = r->short_bytes;
    }
    if (v->code) {
        return;
    }
    if (r->cancel_at && k >= r->cancel_at) {
        v->code = FF_E_CANCELLED;
        v->cancel = true;
    } else if (r->fail_at && (k == r->fail_at || (r->from_then_on && k > r->fail_at))) {
        v->code = r->code ? r->code : FF_E_IO;
        v->lost = r->lost_answer != 0;
    }
}

struct fault_verdict fault_decide(struct fault_inst *inst, int op)
{
    struct fault_verdict v = {0};
    uint64_t delay_ms = 0;

    pthread_mutex_lock(&inst->lock);
    inst->count[FF_FAULT_ANY]++;
    inst->count[op]++;
    for (size_t i = 0; i < inst->rule_count; i++) {
        apply(&inst->rules[i], op, &v, &delay_ms);
    }
    inst->fired += v.code != 0;
    pthread_mutex_unlock(&inst->lock);
    if (delay_ms) {
        (void)inst->sys->poll(inst->sys, NULL, 0,
                              delay_ms > 60000 ? 60000 : (int)delay_ms);
    }
    return v;
}

int fault_fail(struct ff_error *e, const struct fault_verdict *v, const char *place)
{
    if (e && !e->code) {
        e->flags = v->code == FF_E_NETWORK ? FF_ERR_RETRYABLE : 0;
        e->os_errno = v->code == FF_E_IO ? EIO : v->code == FF_E_NO_SPACE ? ENOSPC : 0;
    }
    return ff_fail(e, v->code, place, "a fault that a test asked for");
}

/* ---- steering ---- */

static uint64_t count(const struct ff_fault *self, int op)
{
    struct fault_inst *inst = FAULT_OF(self, fault)->inst;
    uint64_t calls;

    if (op < 0 || op >= FF_FAULT_OPS) {
        return 0;
    }
    pthread_mutex_lock(&inst->lock);
    calls = inst->count[op];
    pthread_mutex_unlock(&inst->lock);
    return calls;
}

static uint64_t fired(const struct ff_fault *self)
{
    struct fault_inst *inst = FAULT_OF(self, fault)->inst;
    uint64_t calls;

    pthread_mutex_lock(&inst->lock);
    calls = inst->fired;
    pthread_mutex_unlock(&inst->lock);
    return calls;
}

static int add_rule(struct fault_inst *inst, const struct ff_fault_rule *rule,
                    struct ff_error *e)
{
    int rc = FF_OK;

    if (rule && (rule->op < 0 || rule->op >= FF_FAULT_OPS)) {
        return ff_fail(e, FF_E_USAGE, "fault", "no such operation: %d", (int)rule->op);
    }
    pthread_mutex_lock(&inst->lock);
    if (!rule) {
        inst->rule_count = 0;
    } else if (inst->rule_count == FF_FAULT_MAX_RULES) {
        rc = ff_fail(e, FF_E_LIMIT, "fault", "more than %d rules", FF_FAULT_MAX_RULES);
    } else {
        inst->rules[inst->rule_count++] = (struct fault_armed){.rule = *rule};
    }
    pthread_mutex_unlock(&inst->lock);
    return rc;
}

static int set_rule(const struct ff_fault *self, const struct ff_fault_rule *rule,
                    struct ff_error *e)
{
    return add_rule(FAULT_OF(self, fault)->inst, rule, e);
}

/* ---- options ---- */

static int index_of(const char *const *names, const char *text, size_t length)
{
    for (int i = 0; names[i]; i++) {
        if (strlen(names[i]) == length && !memcmp(names[i], text, length)) {
            return i;
        }
    }
    return -1;
}

static int read_word(const struct ff_values *values, struct ff_value value,
                     const char *const *names, int32_t *out, struct ff_error *e)
{
    const char *text;
    size_t length;
    int rc = values->str(value, &text, &length, e);

    if (rc) {
        return rc;
    }
    *out = index_of(names, text, length);
    return *out >= 0 ? FF_OK
                     : ff_fail(e, FF_E_USAGE, "fault", "unknown word \"%.*s\"",
                               (int)(length < 100 ? length : 100), text);
}

static int read_flag(const struct ff_values *values, struct ff_value value, int32_t *out,
                     struct ff_error *e)
{
    int flag = 0;
    int rc = values->boolean(value, &flag, e);

    *out = flag;
    return rc;
}

static int read_number(const struct ff_values *values, struct ff_value value,
                       uint64_t max, uint64_t *out, struct ff_error *e)
{
    int64_t number = 0;
    int rc = values->int64(value, &number, e);

    if (!rc && (number < 0 || (uint64_t)number > max)) {
        rc = ff_fail(e, FF_E_USAGE, "fault", "a number is out of range: %lld",
                     (long long)number);
    }
    *out = (uint64_t)number;
    return rc;
}

enum member {
    OP,
    CODE,
    FROM_THEN_ON,
    LOST_ANSWER,
    FAIL_AT,
    CANCEL_AT,
    SHORT,
    DELAY_MS,
    INNER,
    RULES
};
static const char *const member_names[] = {
    "op",    "code",     "from_then_on", "lost_answer", "fail_at", "cancel_at",
    "short", "delay_ms", "inner",        "rules",       NULL};

static int read_member(const struct ff_values *values, int member, struct ff_value value,
                       struct ff_fault_rule *r, struct ff_error *e)
{
    uint64_t number = 0;
    int rc;

    switch (member) {
    case OP:
        return read_word(values, value, op_names, &r->op, e);
    case CODE:
        rc = read_word(values, value, code_names, &r->code, e);
        r->code = -1 - r->code;
        return rc;
    case FROM_THEN_ON:
        return read_flag(values, value, &r->from_then_on, e);
    case LOST_ANSWER:
        return read_flag(values, value, &r->lost_answer, e);
    case FAIL_AT:
        return read_number(values, value, INT64_MAX, &r->fail_at, e);
    case CANCEL_AT:
        return read_number(values, value, INT64_MAX, &r->cancel_at, e);
    case SHORT:
        return read_number(values, value, INT64_MAX, &r->short_bytes, e);
    default:
        rc = read_number(values, value, 60000, &number, e);
        r->delay_ms = (uint32_t)number;
        return rc;
    }
}

/* One dict. *inner and *rules: the values of these keys; both NULL where they may not be.
 */
static int read_dict(struct fault_inst *inst, const struct ff_values *values,
                     struct ff_value dict, struct ff_value *inner, struct ff_value *rules,
                     struct ff_error *e)
{
    struct ff_fault_rule rule = {.struct_size = FF_SIZE(ff_fault_rule, delay_ms)};
    struct ff_value key, value;
    bool any = false;
    int rc = FF_OK;

    if (values->kind(dict) != FF_DICT) {
        return ff_fail(e, FF_E_USAGE, "fault", "not a dict");
    }
    for (size_t i = 0; !rc && i < values->length(dict); i++) {
        int32_t member = 0;

        rc = values->item(dict, i, &key, &value, e);
        rc = rc ? rc : read_word(values, key, member_names, &member, e);
        if (rc) {
            break;
        }
        if (member < INNER) {
            any = true;
            rc = read_member(values, member, value, &rule, e);
        } else if (!inner) {
            rc = ff_fail(e, FF_E_USAGE, "fault",
                         "a rule has no \"inner\" and no \"rules\"");
        } else {
            *(member == INNER ? inner : rules) = value;
        }
    }
    return !rc && any ? add_rule(inst, &rule, e) : rc;
}

static int read_options(struct fault_inst *inst, const struct ff_values *values,
                        struct ff_value options, struct ff_value *inner,
                        struct ff_error *e)
{
    struct ff_value rules = {0}, rule;
    int rc = read_dict(inst, values, options, inner, &rules, e);

    if (!rc && !inner->doc) {
        return ff_fail(e, FF_E_USAGE, "fault", "the options have no \"inner\"");
    }
    if (!rc && rules.doc && values->kind(rules) != FF_LIST) {
        return ff_fail(e, FF_E_USAGE, "fault", "\"rules\" is not a list");
    }
    for (size_t i = 0; !rc && rules.doc && i < values->length(rules); i++) {
        rc = values->item(rules, i, NULL, &rule, e);
        rc = rc ? rc : read_dict(inst, values, rule, NULL, NULL, e);
    }
    return rc;
}

/* ---- the protocol ---- */

static int create(const struct ff_host_services *host, struct ff_value options,
                  void **out, struct ff_error *e)
{
    const struct ff_values *values = host->query(host, FF_VALUES_1);
    const struct ff_sys *sys = host->query(host, FF_SYS_1);
    struct fault_inst *inst = ff_calloc(1, sizeof *inst);
    struct ff_value inner = {0};
    int rc;

    if (!inst || pthread_mutex_init(&inst->lock, NULL)) {
        ff_free(inst);
        return ff_fail(e, FF_E_NO_MEMORY, "fault", "no memory for an instance");
    }
    inst->host = host;
    inst->sys = sys ? sys : &ff_sys_posix;
    inst->opener = host->query(host, FF_OPEN_1);
    rc = values && inst->opener
             ? read_options(inst, values, options, &inner, e)
             : ff_fail(e, FF_E_PLUGIN, "fault", "the host lacks " FF_OPEN_1);
    rc = rc ? rc : inst->opener->open(host, inner, &inst->to, &inst->inner, e);
    if (rc) {
        pthread_mutex_destroy(&inst->lock);
        ff_free(inst);
        return rc;
    }
    *out = inst;
    return FF_OK;
}

static void destroy(void *instance)
{
    struct fault_inst *inst = instance;
    char text[100];

    (void)snprintf(text, sizeof text, "fault: %llu calls, %llu failed",
                   (unsigned long long)inst->count[FF_FAULT_ANY],
                   (unsigned long long)inst->fired);
    inst->host->log(inst->host, FF_LOG_INFO, text);
    inst->opener->close(inst->host, inst->to, inst->inner);
    pthread_mutex_destroy(&inst->lock);
    ff_free(inst);
}

/* A table of ours says no more than the inner's. */
static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static int bind_folder(void *instance, const char *folder, void **out,
                       const struct ff_call *call, struct ff_error *e)
{
    struct fault_inst *inst = instance;
    struct fault_bound *b = ff_calloc(1, sizeof *b);
    int rc;

    if (!b) {
        return ff_fail(e, FF_E_NO_MEMORY, folder, "no memory to bind it");
    }
    rc = inst->to->bind(inst->inner, folder, &b->inner, call, e);
    if (rc) {
        ff_free(b);
        return rc;
    }
    b->inst = inst;
    b->to_objects = inst->to->query(b->inner, FF_OBJECTS_1);
    b->to_files = inst->to->query(b->inner, FF_FILES_1);
    b->to_commit = inst->to->query(b->inner, FF_COMMIT_1);
    b->objects = fault_objects;
    b->files = fault_files;
    b->commit = fault_commit;
    b->objects.struct_size =
        b->to_objects ? smaller(b->to_objects->struct_size, fault_objects.struct_size)
                      : 0;
    b->files.struct_size =
        b->to_files ? smaller(b->to_files->struct_size, fault_files.struct_size) : 0;
    b->commit.struct_size =
        b->to_commit ? smaller(b->to_commit->struct_size, fault_commit.struct_size) : 0;
    b->fault = (struct ff_fault){.struct_size = FF_SIZE(ff_fault, set_rule),
                                 .count = count,
                                 .fired = fired,
                                 .set_rule = set_rule};
    *out = b;
    return FF_OK;
}

static void unbind(void *bound)
{
    struct fault_bound *b = bound;

    b->inst->to->unbind(b->inner);
    ff_free(b);
}

static const void *query(void *bound, const char *id)
{
    struct fault_bound *b = bound;

    if (!strcmp(id, FF_FAULT_1)) {
        return &b->fault;
    }
    if (!strcmp(id, FF_OBJECTS_1)) {
        return b->to_objects ? &b->objects : NULL;
    }
    if (!strcmp(id, FF_FILES_1)) {
        return b->to_files ? &b->files : NULL;
    }
    if (!strcmp(id, FF_COMMIT_1)) {
        return b->to_commit ? &b->commit : NULL;
    }
    return b->inst->to->query(b->inner, id);
}

static const char *identity(void *instance)
{
    const struct fault_inst *inst = instance;

    return inst->to->identity(inst->inner);
}

static const char *key_of(void *instance)
{
    const struct fault_inst *inst = instance;

    return inst->to->key ? inst->to->key : inst->to->key_of(inst->inner);
}

static const char *const needs[] = {FF_VALUES_1, FF_OPEN_1, NULL};

static const struct ff_protocol descriptor = {
    .struct_size = FF_SIZE(ff_protocol, needs),
    .abi = FF_ABI,
    .kind = "fault",
    .version = "1.0.0",
    .summary = "another protocol with faults, for tests",
    .create = create,
    .destroy = destroy,
    .bind = bind_folder,
    .unbind = unbind,
    .query = query,
    .identity = identity,
    .key_of = key_of,
    .needs = needs,
};

const struct ff_protocol *ff_protocol_describe(void)
{
    return &descriptor;
}
