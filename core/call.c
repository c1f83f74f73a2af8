/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c: a plugin called with both sides of the contract checked: its thread class is
 * honoured, and what it answers is made sense of, whatever it answers.
 */
#include "core/call_own.h"
#include "core/host_own.h"

#include "core/process.h"
#include "core/wait.h"

/* One call of a plugin: its error is its own until the call has ended. */
struct answer {
    const char *plugin, *function;
    struct ff_error error;
    int may_decline;
};

static struct answer ask(const char *plugin, const char *function, int may_decline)
{
    struct answer a = {
        .plugin = plugin, .function = function, .may_decline = may_decline};

    a.error.struct_size = FF_SIZE(ff_error, fix);
    return a;
}

/* The texts are the plugin's work: they may have no end. */
static void end_texts(struct ff_error *e)
{
    e->place[sizeof e->place - 1] = '\0';
    e->message[sizeof e->message - 1] = '\0';
    e->fix[sizeof e->fix - 1] = '\0';
}

/* Make `returned` and the error agree, and hand both on. */
static int settle(struct answer *a, int returned, struct ff_error *e)
{
    struct ff_error *own = &a->error;
    int code = returned;

    end_texts(own);
    if (code == FF_DECLINED && a->may_decline) {
        return FF_DECLINED;
    }
    if (code == FF_OK && !own->code) {
        return FF_OK;
    }
    if (code > 0) {
        own->code = code = FF_E_PLUGIN;
        (void)snprintf(own->message, sizeof own->message,
                       "%s() returned %d, which is not an answer", a->function, returned);
    } else if (code == FF_OK) {
        code = own->code < 0 ? own->code
                             : FF_E_PLUGIN; /* it failed and did not pass it on */
    }
    own->code = code;
    if (!own->message[0]) {
        (void)snprintf(own->message, sizeof own->message,
                       "%s() failed (%s) without saying why", a->function,
                       ff_code_name(code));
    }
    if (!own->place[0]) {
        (void)snprintf(own->place, sizeof own->place, "%s", a->plugin);
    }
    ff_error_copy(e, own);
    return code;
}

/* A success that lacks what it has to bring. */
static int broken(const struct answer *a, struct ff_error *e, const char *what)
{
    return ff_fail(e, FF_E_PLUGIN, a->plugin, "%s() returned success but %s", a->function,
                   what);
}

int ff_call_create(ff_create *create, const struct ff_host_services *services,
                   struct ff_value options, const char *name, void **inst,
                   struct ff_error *e)
{
    struct answer a = ask(name, "create", 0);
    int code;

    *inst = NULL;
    code = settle(&a, create(services, options, inst, &a.error), e);
    if (code) {
        *inst = NULL;
    }
    return code;
}

/* The lock of a serializer that wants one: of the descriptor for one call at a time over all
 * instances (of all hosts), else of the instance. Recursive: a serializer may meet itself when
 * an object holds a lazy one. */
static void lock_name(const struct ff_loaded_serializer *s, char text[64])
{
    const void *what = s->desc->threads == FF_THREADS_ONE ? (const void *)s->desc : s;

    (void)snprintf(text, 64, "plugin %p", what);
}

static int enter(const struct ff_loaded_serializer *s, const struct ff_call *call,
                 struct ff_error *e)
{
    char name[64];
    int code = ff_host_check(s->host, e);

    if (!code && s->desc->threads != FF_THREADS_FREE) {
        lock_name(s, name);
        code = ff_process_enter(name, call, e);
    }
    return code;
}

static void leave(const struct ff_loaded_serializer *s)
{
    char name[64];

    if (s->desc->threads != FF_THREADS_FREE) {
        lock_name(s, name);
        ff_process_leave(name);
    }
}

static const struct ff_call *call_or_host(const struct ff_loaded_serializer *s,
                                          const struct ff_call *call)
{
    return call ? call : ff_host_call(s->host);
}

int ff_call_pickle(const struct ff_loaded_serializer *s, struct ff_value object,
                   const struct ff_protocols *protocols, struct ff_pid *pid,
                   const struct ff_call *call, struct ff_error *e)
{
    struct answer a = ask(s->desc->name, "pickle", 1);
    int code;

    call = call_or_host(s, call);
    if ((code = enter(s, call, e))) {
        return code;
    }
    code = s->desc->pickle(s->inst, object, protocols, pid, call, &a.error);
    leave(s);
    code = settle(&a, code, e);
    if (!code && pid->extra.doc && ff_kind(pid->extra) != FF_TUPLE) {
        code = broken(&a, e, "what it wants to keep in the stream is not a tuple");
    }
    return code;
}

int ff_call_unpickle(const struct ff_loaded_serializer *s, const struct ff_pid *pid,
                     const struct ff_protocols *protocols, struct ff_doc *out,
                     struct ff_value *object, const struct ff_call *call,
                     struct ff_error *e)
{
    struct answer a = ask(s->desc->name, "unpickle", 0);
    int code;

    *object = (struct ff_value){NULL, 0};
    call = call_or_host(s, call);
    if ((code = enter(s, call, e))) {
        return code;
    }
    code = s->desc->unpickle(s->inst, pid, protocols, out, object, call, &a.error);
    leave(s);
    code = settle(&a, code, e);
    if (!code && object->doc != out) {
        code = broken(
            &a, e, object->doc ? "its object is in another document" : "gave no object");
    }
    return code;
}

int ff_call_remove(const struct ff_loaded_serializer *s, const struct ff_pid *pid,
                   const struct ff_protocols *protocols, const struct ff_call *call,
                   struct ff_error *e)
{
    struct answer a = ask(s->desc->name, "remove", 1);
    int code;

    if (!FF_HAS(s->desc, ff_serializer, remove)) {
        return FF_DECLINED;
    }
    call = call_or_host(s, call);
    if ((code = enter(s, call, e))) {
        return code;
    }
    code = s->desc->remove(s->inst, pid, protocols, call, &a.error);
    leave(s);
    return settle(&a, code, e);
}

const void *ff_call_query(const struct ff_loaded_serializer *s, const char *interface_id)
{
    return FF_HAS(s->desc, ff_serializer, query) ? s->desc->query(s->inst, interface_id)
                                                 : NULL;
}

int ff_reads_version(const struct ff_loaded_serializer *s, const char *version)
{
    const char *const *reads = s->desc->reads;

    if (!reads) {
        return strcmp(s->desc->version, version) == 0;
    }
    while (*reads && strcmp(*reads, version) != 0) {
        reads++;
    }
    return *reads != NULL;
}
