/* SPDX-License-Identifier: Apache-2.0 */
/* check_front.c: stands between the host and the serializer that is checked: passes each call
 * on with what the case asks for, and looks at what comes back. */
#include "check.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum { BEHIND_BYTES = 64, BEHIND = 0xA5, KEPT_MAX = 256 };

struct front front;

void front_arm(void)
{
    const struct ff_fault *fault = front.fault;
    struct ff_error e = FF_ERROR_INIT;

    if (fault && front.has_rule) {
        front.rule.struct_size = FF_SIZE(ff_fault_rule, delay_ms);
        (void)fault->set_rule(fault, &front.rule, &e);
        CASE_MSG(!e.code, "%s%s%s (%d)", SAYS(e.code, e));
    }
    (void)alloc_fail_at(front.alloc_fail_at);
}

void front_disarm(void)
{
    const struct ff_fault *fault = front.fault;

    front.alloc_count += alloc_fail_at(0);
    if (fault) {
        front.fired = fault->fired(fault);
        (void)fault->set_rule(fault, NULL, NULL);
    }
}

/* ---- what comes back ---- */

static void check_answer(const char *function, int code, const struct ff_error *e)
{
    CASE_MSG(code <= 0 || (code == FF_DECLINED && strcmp(function, "pickle") == 0),
             "%s: returns FF_OK or a code of enum ff_code\n  it returned %d", function,
             code);
    CASE_MSG(code != FF_OK || !e->code,
             "%s: FF_OK means that nothing failed\n  but the error is set: %d, %.200s",
             function, (int)e->code, e->message);
    CASE_MSG(code >= 0 || e->code == code,
             "%s: the function that fails says why, everybody above passes the code on\n"
             "  it returned %d, and the error's code is %d",
             function, code, (int)e->code);
    CASE_MSG(code >= 0 || e->message[0],
             "%s: the function that fails says why\n  it returned %d without a message",
             function, code);
}

static int found_one(void *ctx, const struct ff_io *io)
{
    (void)snprintf(ctx, 256, "%s", io->name);
    return 1;
}

/* After FF_DECLINED: nothing was written. */
static void check_nothing_written(const struct ff_protocols *p, const char *name)
{
    const struct ff_objects *objects = p->find(p, NULL, FF_OBJECTS_1);
    char below[300], found[256] = "";

    (void)snprintf(below, sizeof below, "%s/", name);
    (void)objects->list(objects, below, 0, found_one, found, NULL, NULL, NULL);
    CASE_MSG(!found[0] && ff_head(objects, name, NULL, NULL, NULL, NULL) != FF_OK,
             "pickle: FF_DECLINED: and nothing was written\n  but %s is there",
             found[0] ? found : name);
}

/* ---- structs of a later host ---- */

/* What unpickle() is given lives as long as what it gives: until the host is closed. */
static void *kept[KEPT_MAX];
static int kept_count;

void front_forget(void)
{
    while (kept_count) {
        free(kept[--kept_count]);
    }
}

/* A copy with room behind it that the plugin does not know. */
static void *larger(const void *from, uint32_t size)
{
    uint32_t whole = size + BEHIND_BYTES;
    uint8_t *copy = malloc(whole);

    CASE_ASSERT(copy != NULL && kept_count < KEPT_MAX);
    kept[kept_count++] = copy;
    memset(copy, BEHIND, whole);
    memcpy(copy, from, size);
    memcpy(copy, &whole, sizeof whole);
    return copy;
}

static void check_behind(const void *copy, uint32_t size, const char *what)
{
    const uint8_t *at = (const uint8_t *)copy + size;

    for (int i = 0; i < BEHIND_BYTES; i++) {
        CASE_MSG(at[i] == BEHIND,
                 "every struct is written only up to the members that one knows\n"
                 "  %s: byte %d behind its end was changed",
                 what, i);
    }
}

static const struct ff_protocols *protocols_for(const struct ff_protocols *p)
{
    front.fault = p->find(p, NULL, FF_FAULT_1);
    return front.flags & FRONT_LARGER ? larger(p, FF_SIZE(ff_protocols, find)) : p;
}

static const struct ff_call *call_for(const struct ff_call *call)
{
    static const struct ff_call small = {.struct_size = FF_SIZE(ff_call, ctx),
                                         .cancelled = (int (*)(const struct ff_call *))1};

    return front.flags & FRONT_SMALLER_CALL ? &small : call;
}

/* ---- the calls ---- */

static int front_create(const struct ff_host_services *host, struct ff_value options,
                        void **inst, struct ff_error *e)
{
    int code;

    if (front.flags & FRONT_LARGER) {
        host = larger(host, FF_SIZE(ff_host_services, query));
    }
    (void)alloc_fail_at(front.create_fails_at);
    code = front.real->create(host, options, inst, e);
    front.alloc_count += alloc_fail_at(0);
    front.create_code = code;
    check_answer("create", code, e);
    front.inst = code ? NULL : *inst;
    return code;
}

static void front_destroy(void *inst)
{
    front.inst = NULL;
    if (front.real->destroy) {
        front.real->destroy(inst);
    }
}

static int front_pickle(void *inst, struct ff_value object, const struct ff_protocols *p,
                        struct ff_pid *pid, const struct ff_call *call,
                        struct ff_error *e)
{
    const struct ff_protocols *given = protocols_for(p);
    struct ff_pid *at = pid;
    int code;

    if (front.flags & FRONT_LARGER) {
        at = larger(pid, FF_SIZE(ff_pid, doc));
    }
    front_arm();
    code = front.real->pickle(inst, object, given, at, call_for(call), e);
    front_disarm();
    if (at != pid) {
        check_behind(at, FF_SIZE(ff_pid, doc), "struct ff_pid");
        pid->extra = at->extra;
    }
    check_answer("pickle", code, e);
    front.pickles += code == FF_OK;
    front.declined += code == FF_DECLINED;
    if (code == FF_DECLINED) {
        check_nothing_written(p, pid->name);
    }
    return code;
}

static int front_unpickle(void *inst, const struct ff_pid *pid,
                          const struct ff_protocols *p, struct ff_doc *out,
                          struct ff_value *object, const struct ff_call *call,
                          struct ff_error *e)
{
    const struct ff_protocols *given = protocols_for(p);
    const struct ff_pid *at = pid;
    int code;

    if (front.flags & FRONT_LARGER) {
        at = larger(pid, FF_SIZE(ff_pid, doc));
    }
    front_arm();
    code = front.real->unpickle(inst, at, given, out, object, call_for(call), e);
    front_disarm();
    check_answer("unpickle", code, e);
    CASE_MSG(code || object->doc, "unpickle: FF_OK comes with the object");
    front.unpickles += code == FF_OK;
    return code;
}

static int front_remove(void *inst, const struct ff_pid *pid,
                        const struct ff_protocols *p, const struct ff_call *call,
                        struct ff_error *e)
{
    int code;

    protocols_for(p);
    code = front.real->remove(inst, pid, p, call, e);
    check_answer("remove", code, e);
    return code;
}

/* ---- the descriptor ---- */

static const struct ff_serializer *real_serializer(void)
{
    union {
        void *symbol;
        const struct ff_serializer *(*describe)(void);
    } u;
    void *file = dlopen(check.file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const struct ff_serializer *s;

    CASE_MSG(file != NULL, "%s", file ? "" : dlerror());
    u.symbol = dlsym(file, "ff_serializer_describe");
    CASE_ASSERT(u.symbol != NULL);
    s = u.describe();
    for (int i = 0; s && i < check.serializer; i++) {
        s = s->next;
    }
    return s;
}

__attribute__((visibility("default"))) const struct ff_serializer *
ff_check_describe(void);

const struct ff_serializer *ff_check_describe(void)
{
    static struct ff_serializer stand_in;

    front.real = real_serializer();
    if (front.real) {
        union {
            int (*function)(void *, struct ff_value, const struct ff_protocols *,
                            struct ff_pid *, const struct ff_call *, struct ff_error *);
            const void *code;
        } u = {.function = front.real->pickle};

        memcpy(&stand_in, front.real,
               front.real->struct_size < sizeof stand_in ? front.real->struct_size
                                                         : sizeof stand_in);
        stand_in.struct_size = FF_SIZE(ff_serializer, options_schema);
        stand_in.create = front_create;
        stand_in.destroy = front_destroy;
        stand_in.pickle = front_pickle;
        stand_in.unpickle = front_unpickle;
        stand_in.remove = front.real->remove ? front_remove : NULL;
        stand_in.next = NULL;
        alloc_watch(u.code);
    }
    return front.real ? &stand_in : NULL;
}
