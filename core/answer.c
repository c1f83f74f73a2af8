/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c: what a plugin returns and what it says in its error are made to agree. Where they do
 * not, its author is told which clause of plugin.h or error.h that breaks. */
#include "core/call_own.h"

#include <functionfuse/functionfuse.h>

enum { MISDEED_BYTES = 768 };

void ff_misbehaves(const struct ff_host_services *services, const char *plugin,
                   const char *fmt, ...)
{
    char what[MISDEED_BYTES], text[MISDEED_BYTES + 256];
    va_list ap;

    if (!services) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    (void)snprintf(text, sizeof text, "%.200s: %s", plugin, what);
    services->log(services, FF_LOG_MISBEHAVES, text);
}

void ff_answer_ask(struct ff_answer *a, const struct ff_host_services *services,
                   const char *plugin, const char *function)
{
    memset(a, 0, sizeof *a);
    a->services = services;
    a->plugin = plugin;
    a->function = function;
    a->error.struct_size = FF_SIZE(ff_error, fix);
}

/* The texts are the plugin's work: they may have no end. */
static void end_texts(struct ff_answer *a)
{
    struct ff_error *own = &a->error;

    if (own->place[sizeof own->place - 1] || own->message[sizeof own->message - 1] ||
        own->fix[sizeof own->fix - 1]) {
        ff_misbehaves(a->services, a->plugin,
                      "%s() left a text of its error without an end (error.h: all text "
                      "ends with NUL)",
                      a->function);
    }
    own->place[sizeof own->place - 1] = '\0';
    own->message[sizeof own->message - 1] = '\0';
    own->fix[sizeof own->fix - 1] = '\0';
}

/* What was returned, when the error says something else. */
static int agree(struct ff_answer *a, int returned)
{
    struct ff_error *own = &a->error;
    int code = returned;

    if (code > 0) {
        code = a->changes ? FF_E_UNKNOWN_OUTCOME : FF_E_PLUGIN;
        (void)snprintf(own->message, sizeof own->message,
                       "%s() returned %d, which is not an answer", a->function, returned);
        ff_misbehaves(a->services, a->plugin, "%s (error.h: 0, or a negative ff_code%s)",
                      own->message, a->may_decline ? ", or FF_DECLINED" : "");
    } else if (code == FF_OK) {
        code = a->changes      ? FF_E_UNKNOWN_OUTCOME
               : own->code < 0 ? own->code
                               : FF_E_PLUGIN;
        ff_misbehaves(a->services, a->plugin,
                      "%s() returned FF_OK and filled the error: %.300s (error.h: the "
                      "function that fails says so in what it returns)",
                      a->function, own->message);
    } else if (own->code && own->code != code) {
        ff_misbehaves(
            a->services, a->plugin,
            "%s() returned %d (%s), its error says %d (%s) (error.h: a function "
            "that fails returns the code of its error)",
            a->function, code, ff_code_name(code), own->code, ff_code_name(own->code));
    }
    return code;
}

int ff_answer_settle(struct ff_answer *a, int returned, struct ff_error *e)
{
    struct ff_error *own = &a->error;
    int code;

    end_texts(a);
    if (returned == FF_DECLINED && a->may_decline) {
        return FF_DECLINED;
    }
    if (returned == FF_OK && !own->code) {
        return FF_OK;
    }
    own->code = code = agree(a, returned);
    if (!own->message[0]) {
        (void)snprintf(own->message, sizeof own->message,
                       "%s() failed (%s) without saying why", a->function,
                       ff_code_name(code));
        ff_misbehaves(a->services, a->plugin, "%s (error.h: ff_fail says why)",
                      own->message);
    }
    if (a->is_placed && !own->place[0]) {
        (void)snprintf(own->place, sizeof own->place, "%s", a->plugin);
    }
    ff_error_copy(e, own);
    return code;
}

int ff_answer_broken(const struct ff_answer *a, struct ff_error *e, const char *what)
{
    ff_misbehaves(a->services, a->plugin, "%s() returned success but %s (plugin.h: %s)",
                  a->function, what, a->function);
    return ff_fail(e, FF_E_PLUGIN, a->is_placed ? a->plugin : NULL,
                   "%s() returned success but %s", a->function, what);
}
