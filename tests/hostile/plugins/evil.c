/* SPDX-License-Identifier: Apache-2.0 */
/* evil.c: a serializer whose code, when any of it runs, leaves a file behind: MARKER. With what
 * else is wrong as macros say. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "../../doubles/bad_plugin.c"

#ifdef BIG_TLS
__attribute__((tls_model("initial-exec"))) __thread char big_tls[1 << 20];
#endif

__attribute__((constructor)) static void mark(void)
{
    int fd = open(MARKER, O_WRONLY | O_CREAT, 0600);

    if (fd >= 0) {
        (void)close(fd);
    }
#ifdef BIG_TLS
    big_tls[fd & 7] = 1;
#endif
#ifdef ON_LOAD
    ON_LOAD;
#endif
}

#ifdef TEXT_RELOCATION /* an address in the middle of the code */
__asm__(".text\n.globl relocated\nrelocated: .quad mark_address\n.quad relocated\n");
__asm__(".data\nmark_address: .quad 0\n");
#endif

#ifdef IFUNC
static void *resolve(void)
{
    (void)raise(SIGSEGV);
    return NULL;
}
FF_EXPORT void resolved(void) __attribute__((ifunc("resolve")));
FF_EXPORT void (*resolved_address)(void) = resolved;
#endif
