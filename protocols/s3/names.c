/* SPDX-License-Identifier: Apache-2.0 */
/* names.c: which keys of a bucket are names of ours. */
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/name.h"
#include "s3.h"

/* "a", "..", "": one part of a name. */
static bool is_part(const char *part, size_t length)
{
    return length && !(length == 1 && part[0] == '.') &&
           !(length == 2 && part[0] == '.' && part[1] == '.');
}

bool ff_s3_is_name(const char *name)
{
    for (const char *part = name;; part++) {
        size_t length = strcspn(part, "/");

        if (!is_part(part, length)) {
            return false;
        }
        part += length;
        if (!*part) {
            break;
        }
    }
    for (const char *c = name; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return false;
        }
    }
    return ff_utf8_valid(name, strlen(name));
}

int ff_s3_key(const struct ff_s3_bound *b, const char *name, char **key,
              struct ff_error *e)
{
    size_t folder_bytes = strlen(b->folder), name_bytes = name ? strlen(name) : 0;

    *key = NULL;
    if (!name || !ff_s3_is_name(name) || folder_bytes + name_bytes > FF_S3_KEY_BYTES) {
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
