/* SPDX-License-Identifier: Apache-2.0 */
/* wait.h: waiting that a cancellation or a deadline ends. */
#ifndef FF_CORE_WAIT_H
#define FF_CORE_WAIT_H

#include <pthread.h>
#include <time.h>

#include <functionfuse/array.h>

/* FF_OK while the call may go on, else FF_E_CANCELLED or FF_E_DEADLINE with the error. */
int ff_wait_over(const struct ff_call *, struct ff_error *);
/* A condition variable that waits on CLOCK_MONOTONIC. 0 or an errno. */
int ff_wait_init(pthread_cond_t *);
/* Wait for a signal, or until it is time to ask ff_wait_over() again. */
void ff_wait_a_little(pthread_cond_t *, pthread_mutex_t *);
/* pthread_mutex_lock that gives up when the call is over. */
int ff_wait_lock(pthread_mutex_t *, const struct ff_call *, struct ff_error *);
/* A recursive mutex. 0 or an errno. */
int ff_wait_recursive(pthread_mutex_t *);

#endif
