/* SPDX-License-Identifier: Apache-2.0 */
/* names.c: which keys of a bucket are names of ours. */
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/name.h"
#include "s3.h"

int ff_s3_key(const struct ff_s3_bound *b, const char *name, char **key,
              struct ff_error *e)
{
    size_t folder_bytes = strlen(b->folder), name_bytes = name ? strlen(name) : 0;

    *key = NULL;
    if (!name || !ff_is_object_name(name) ||
        folder_bytes + name_bytes > FF_S3_KEY_BYTES) {
        return ff_fail(e, FF_E_USAGE, name, "S3: not a name of an object");
    }
    *key = ff_malloc(folder_bytes + name_bytes + 1);
    if (!*key) {
        return ff_fail(e, FF_E_NO_MEMORY, name, "no memory for a key");
    }
    memcpy(*key, b->folder, folder_bytes);
    memcpy(*key + folder_bytes, name, name_bytes + 1);
    return FF_OK;
}
