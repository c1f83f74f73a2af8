/* SPDX-License-Identifier: Apache-2.0 */
/* call_own.h: a call of a plugin, whose answer is made sense of, whatever it is; and what its
 * author got wrong is said, with the clause, in the level FF_LOG_MISBEHAVES. */
#ifndef FF_CORE_CALL_OWN_H
#define FF_CORE_CALL_OWN_H

#include <functionfuse/plugin.h>

struct ff_host;

/* `plugin` broke a clause of plugin.h. `services` NULL: nobody is told. */
void ff_misbehaves(const struct ff_host_services *services, const char *plugin,
                   const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* One call of a plugin: its error is its own until the call has ended. */
struct ff_answer {
    const struct ff_host_services *services; /* the host's own, or NULL */
    const char *plugin, *function;
    struct ff_error error;
    int may_decline;
    int changes;   /* it may have been done, whatever a broken answer says */
    int is_placed; /* the place is the plugin's name where it gave none */
};

void ff_answer_ask(struct ff_answer *, const struct ff_host_services *,
                   const char *plugin, const char *function);
/* Make what was returned and the error agree, and hand both on. */
int ff_answer_settle(struct ff_answer *, int returned, struct ff_error *e);
/* A success that lacks what it has to bring: FF_E_PLUGIN. */
int ff_answer_broken(const struct ff_answer *, struct ff_error *e, const char *what);

typedef int ff_create(const struct ff_host_services *, struct ff_value options,
                      void **inst, struct ff_error *);

/* A failure has a code and a message, success has none; the place is `name` when the plugin
 * gave none. *inst is NULL after a failure. `given` is what the instance gets (lease.c). */
int ff_call_create(ff_create *create, const struct ff_host_services *given,
                   struct ff_value options, const char *name, void **inst,
                   struct ff_error *);

struct ff_loaded_protocol;
/* An instance of a protocol, with what it is given (lease.c); *given (may be NULL) is for
 * ff_lease_end() after destroy(), otherwise ff_lease_end_of(). As ff_call_create. */
int ff_protocol_create(struct ff_host *, const struct ff_loaded_protocol *,
                       struct ff_value options, void **inst,
                       const struct ff_host_services **given, struct ff_error *);

/* bind() of an instance. */
int ff_protocol_bind(const struct ff_host *, const struct ff_loaded_protocol *,
                     void *inst, const char *folder, void **bound, const struct ff_call *,
                     struct ff_error *);

/* ---- lease.c: what an instance is given, its own until destroy() has returned ---- */

/* For an instance of `desc`; `plugin`: its name, borrowed. NULL: no memory. It stays readable
 * until the host is gone, or many others have ended. */
const struct ff_host_services *ff_lease_new(struct ff_host *, const char *plugin,
                                            const void *desc, struct ff_error *);
/* create() gave this instance. */
void ff_lease_is_of(const struct ff_host_services *, const void *inst);
/* destroy() has returned; NULL is allowed. */
void ff_lease_end(const struct ff_host_services *);
/* The same by what it was for. */
void ff_lease_end_of(struct ff_host *, const void *desc, const void *inst);
void ff_leases_free(struct ff_host *);
/* The host that is asked by `function`, "borrow()". Who has ended is reported. */
struct ff_host *ff_host_asked(const struct ff_host_services *, const char *function);

#endif
