/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c: a plugin called with both sides of the contract checked: its thread class is
 * honoured, and what it answers is made sense of, whatever it answers.
 */
#include "core/call_own.h"
#include "core/host_own.h"

#include "core/doc.h"
#include "core/process.h"
#include "core/wait.h"

/* The document was lent for a call, with one reference more than its owner's: whether the plugin
 * freed it as if it were its own. */
static int gave_away(const struct ff_doc *lent, unsigned before)
{
    return lent && atomic_load(&lent->refs) < before;
}

/* One more reference, so that it is there after the call, whatever is done; 0 for none. */
static unsigned lend(struct ff_doc *doc)
{
    return doc ? atomic_load(&ff_doc_ref(doc)->refs) : 0;
}

static void take_home(const struct ff_answer *a, struct ff_doc *doc, unsigned before)
{
    if (gave_away(doc, before)) {
        ff_misbehaves(a->services, a->plugin,
                      "%s() freed the document that it was lent (plugin.h: no memory "
                      "crosses the border to be freed on the other side)",
                      a->function);
    } else {
        ff_doc_free(doc);
    }
}

/* Lock groups that this thread holds more than before the call are left for it: others would
 * wait for ever. */
static void check_groups(const struct ff_answer *a, int held)
{
    char group[FF_GROUP_BYTES];

    while (ff_process_held(group) > held) {
        ff_misbehaves(a->services, a->plugin,
                      "%s() returned inside the lock group \"%s\" (ff.lockgroup/1: held "
                      "only around calls of that library)",
                      a->function, group);
        (void)ff_process_leave(group);
    }
}

int ff_call_create(ff_create *create, const struct ff_host_services *given,
                   struct ff_value options, const char *name, void **inst,
                   struct ff_error *e)
{
    struct ff_doc *lent = ff_doc_mutable(options.doc);
    unsigned before = lend(lent);
    int held = ff_process_held(NULL), code;
    struct ff_answer a;

    ff_answer_ask(&a, &ff_host_of(given)->services, name, "create");
    a.is_placed = 1;
    *inst = NULL;
    code = create(given, options, inst, &a.error);
    take_home(&a, lent, before);
    check_groups(&a, held);
    code = ff_answer_settle(&a, code, e);
    if (code) {
        *inst = NULL;
    }
    return code;
}

int ff_protocol_create(struct ff_host *host, const struct ff_loaded_protocol *protocol,
                       struct ff_value options, void **inst,
                       const struct ff_host_services **given, struct ff_error *e)
{
    const struct ff_protocol *p = protocol->desc;
    const struct ff_host_services *own = ff_lease_new(host, p->kind, p, e);
    int code;

    if (!own) {
        return FF_E_NO_MEMORY;
    }
    code = ff_call_create(p->create, own, options, p->kind, inst, e);
    if (code) {
        ff_lease_end(own);
    } else {
        ff_lease_is_of(own, *inst);
    }
    if (given) {
        *given = code ? NULL : own;
    }
    return code;
}

int ff_protocol_bind(const struct ff_host *host,
                     const struct ff_loaded_protocol *protocol, void *inst,
                     const char *folder, void **bound, const struct ff_call *call,
                     struct ff_error *e)
{
    const struct ff_protocol *p = protocol->desc;
    struct ff_answer a;
    int code;

    ff_answer_ask(&a, ff_host_services(host), p->kind, "bind");
    *bound = NULL;
    code = ff_answer_settle(&a, p->bind(inst, folder, bound, call, &a.error), e);
    if (code) {
        *bound = NULL;
    }
    return code;
}

static void ask(struct ff_answer *a, const struct ff_loaded_serializer *s,
                const char *function, int may_decline)
{
    ff_answer_ask(a, s->host ? ff_host_services(s->host) : NULL, s->desc->name, function);
    a->may_decline = may_decline;
    a->is_placed = 1;
}

/* The lock of a serializer that wants one: of the descriptor for one call at a time over all
 * instances (of all hosts), else of the instance. Recursive: a serializer may meet itself when
 * an object holds a lazy one. */
static void lock_name(const struct ff_loaded_serializer *s, char text[64])
{
    const void *what = s->desc->threads == FF_THREADS_ONE ? (const void *)s->desc : s;

    (void)snprintf(text, 64, FF_GROUP_OWN "%p", what);
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
        (void)ff_process_leave(name);
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
    struct ff_answer a;
    int held, code;

    call = call_or_host(s, call);
    if ((code = enter(s, call, e))) {
        return code;
    }
    ask(&a, s, "pickle", 1);
    held = ff_process_held(NULL);
    code = s->desc->pickle(s->inst, object, protocols, pid, call, &a.error);
    check_groups(&a, held);
    leave(s);
    code = ff_answer_settle(&a, code, e);
    if (!code && pid->extra.doc && ff_kind(pid->extra) != FF_TUPLE) {
        code =
            ff_answer_broken(&a, e, "what it wants to keep in the stream is not a tuple");
    }
    return code;
}

int ff_call_unpickle(const struct ff_loaded_serializer *s, const struct ff_pid *pid,
                     const struct ff_protocols *protocols, struct ff_doc *out,
                     struct ff_value *object, const struct ff_call *call,
                     struct ff_error *e)
{
    struct ff_answer a;
    unsigned before;
    int held, lost, code;

    *object = (struct ff_value){NULL, 0};
    call = call_or_host(s, call);
    if ((code = enter(s, call, e))) {
        return code;
    }
    ask(&a, s, "unpickle", 0);
    held = ff_process_held(NULL);
    before = lend(out);
    code = s->desc->unpickle(s->inst, pid, protocols, out, object, call, &a.error);
    lost = gave_away(out, before);
    take_home(&a, out, before);
    check_groups(&a, held);
    leave(s);
    code = ff_answer_settle(&a, code, e);
    if (!code && lost) {
        code = ff_answer_broken(&a, e, "freed the document that it was lent");
    } else if (!code && object->doc != out) {
        code = ff_answer_broken(
            &a, e, object->doc ? "its object is in another document" : "gave no object");
    }
    return code;
}

int ff_call_remove(const struct ff_loaded_serializer *s, const struct ff_pid *pid,
                   const struct ff_protocols *protocols, const struct ff_call *call,
                   struct ff_error *e)
{
    struct ff_answer a;
    int held, code;

    if (!FF_HAS(s->desc, ff_serializer, remove)) {
        return FF_DECLINED;
    }
    call = call_or_host(s, call);
    if ((code = enter(s, call, e))) {
        return code;
    }
    ask(&a, s, "remove", 1);
    held = ff_process_held(NULL);
    code = s->desc->remove(s->inst, pid, protocols, call, &a.error);
    check_groups(&a, held);
    leave(s);
    return ff_answer_settle(&a, code, e);
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
