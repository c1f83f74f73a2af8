/* SPDX-License-Identifier: Apache-2.0 */
/* front.c: the plugin that stands for the one that is checked: its descriptor is made by the
 * program that loads it. */
#include <dlfcn.h>
#include <functionfuse/plugin.h>

const struct ff_serializer *ff_serializer_describe(void)
{
    union {
        void *symbol;
        const struct ff_serializer *(*describe)(void);
    } u = {.symbol = dlsym(RTLD_DEFAULT, "ff_check_describe")};

    return u.symbol ? u.describe() : NULL;
}
