/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.c: locks and first runs by name, one set for the process.
 *
 * These two lists are static on purpose: libraries such as libhdf5 and libcurl have one state
 * for the whole process, so what guards them cannot belong to a host. Entries are never
 * removed: there are as many as libraries, and a late thread may still be in one.
 */
#include "core/process.h"

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/alloc.h"
#include "core/wait.h"

struct group {
    struct group *next;
    pthread_mutex_t mutex; /* recursive */
    int depth;             /* of who holds it */
    _Atomic pthread_t holder;
    char name[];
};

struct once {
    struct once *next;
    int done, result;
    char key[];
};

static pthread_mutex_t lists_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t once_done = PTHREAD_COND_INITIALIZER;
static struct group *groups;
static struct once *onces;

static struct group *find_group(const char *name)
{
    struct group *g = groups;

    while (g && strcmp(g->name, name) != 0) {
        g = g->next;
    }
    return g;
}

static struct group *add_group(const char *name)
{
    size_t length = strlen(name);
    struct group *g =
        length < FF_GROUP_BYTES ? ff_calloc(1, sizeof *g + length + 1) : NULL;

    if (!g || ff_wait_recursive(&g->mutex)) {
        ff_free(g);
        return NULL;
    }
    memcpy(g->name, name, length + 1);
    g->next = groups;
    groups = g;
    return g;
}

int ff_process_enter(const char *name, const struct ff_call *call, struct ff_error *e)
{
    struct group *g;
    int code;

    (void)pthread_mutex_lock(&lists_mutex);
    g = find_group(name);
    g = g ? g : add_group(name);
    (void)pthread_mutex_unlock(&lists_mutex);
    if (!g) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for the lock group \"%.80s\"",
                       name);
    }
    if (!(code = ff_wait_lock(&g->mutex, call, e))) {
        g->depth++;
        atomic_store(&g->holder, pthread_self());
    }
    return code;
}

static int is_held(struct group *g)
{
    return pthread_equal(atomic_load(&g->holder), pthread_self());
}

int ff_process_leave(const char *name)
{
    struct group *g;

    (void)pthread_mutex_lock(&lists_mutex);
    g = find_group(name);
    (void)pthread_mutex_unlock(&lists_mutex);
    if (!g || !is_held(g)) {
        return 0;
    }
    if (!--g->depth) {
        atomic_store(&g->holder, (pthread_t)0);
    }
    (void)pthread_mutex_unlock(&g->mutex);
    return 1;
}

int ff_process_held(char name[FF_GROUP_BYTES])
{
    int held = 0;

    (void)pthread_mutex_lock(&lists_mutex);
    for (struct group *g = groups; g; g = g->next) {
        if (is_held(g) && strncmp(g->name, FF_GROUP_OWN, strlen(FF_GROUP_OWN)) != 0) {
            held += g->depth;
            if (name) {
                (void)snprintf(name, FF_GROUP_BYTES, "%s", g->name);
            }
        }
    }
    (void)pthread_mutex_unlock(&lists_mutex);
    return held;
}

static struct once *add_once(const char *key)
{
    size_t length = strlen(key);
    struct once *o =
        length < FF_GROUP_BYTES ? ff_calloc(1, sizeof *o + length + 1) : NULL;

    if (o) {
        memcpy(o->key, key, length + 1);
        o->next = onces;
        onces = o;
    }
    return o;
}

int ff_process_once(const char *key, int (*fn)(void *ctx), void *ctx)
{
    struct once *o;
    int result;

    (void)pthread_mutex_lock(&lists_mutex);
    for (o = onces; o && strcmp(o->key, key) != 0;) {
        o = o->next;
    }
    if (o) {
        while (!o->done) {
            (void)pthread_cond_wait(&once_done, &lists_mutex);
        }
        result = o->result;
    } else if ((o = add_once(key))) {
        (void)pthread_mutex_unlock(&lists_mutex);
        result = fn(ctx);
        (void)pthread_mutex_lock(&lists_mutex);
        o->result = result;
        o->done = 1;
        (void)pthread_cond_broadcast(&once_done);
    } else {
        result = FF_E_NO_MEMORY;
    }
    (void)pthread_mutex_unlock(&lists_mutex);
    return result;
}
