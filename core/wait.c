/* SPDX-License-Identifier: Apache-2.0 */
/* wait.c: waiting that a cancellation or a deadline ends: by short sleeps, because a call says
 * that it was cancelled only when it is asked. */
#include "core/wait.h"

#include <errno.h>
#include <stdint.h>

enum { NAP_MS = 50, NS_PER_MS = 1000000 };
#define NS_PER_S INT64_C(1000000000)

static struct timespec after_nap(clockid_t clock)
{
    struct timespec t = {0};

    (void)clock_gettime(clock, &t);
    t.tv_nsec += NAP_MS * NS_PER_MS;
    if (t.tv_nsec >= NS_PER_S) {
        t.tv_nsec -= NS_PER_S;
        t.tv_sec += 1;
    }
    return t;
}

int ff_wait_over(const struct ff_call *call, struct ff_error *e)
{
    struct timespec now = {0};

    if (ff_cancelled(call)) {
        return ff_fail(e, FF_E_CANCELLED, NULL, "cancelled by the caller");
    }
    if (!FF_HAS(call, ff_call, deadline_ns)) {
        return FF_OK;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec * NS_PER_S + now.tv_nsec >= call->deadline_ns(call)) {
        return ff_fail(e, FF_E_DEADLINE, NULL, "the deadline of the call has passed");
    }
    return FF_OK;
}

int ff_wait_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    int code = pthread_condattr_init(&attr);

    if (!code) {
        code = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        code = code ? code : pthread_cond_init(cond, &attr);
        (void)pthread_condattr_destroy(&attr);
    }
    return code;
}

void ff_wait_a_little(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    struct timespec until = after_nap(CLOCK_MONOTONIC);

    (void)pthread_cond_timedwait(cond, mutex, &until);
}

int ff_wait_lock(pthread_mutex_t *mutex, const struct ff_call *call, struct ff_error *e)
{
    int code = pthread_mutex_trylock(mutex);

    while (code == EBUSY || code == ETIMEDOUT) {
        struct timespec until;

        if ((code = ff_wait_over(call, e))) {
            return code;
        }
        until = after_nap(CLOCK_REALTIME);
        code = pthread_mutex_timedlock(mutex, &until);
    }
    return code ? ff_fail(e, FF_E_LIMIT, NULL, "a lock was entered too often: errno %d",
                          code)
                : FF_OK;
}

int ff_wait_recursive(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attr;
    int code = pthread_mutexattr_init(&attr);

    if (!code) {
        code = pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
        code = code ? code : pthread_mutex_init(mutex, &attr);
        (void)pthread_mutexattr_destroy(&attr);
    }
    return code;
}
