/* SPDX-License-Identifier: Apache-2.0 */
/* uuid.c: fresh names from the kernel's random bytes. */
#include "uuid.h"

#include <errno.h>
#include <string.h>

#include "digest.h"

enum { RANDOM_BYTES = 16 };

static bool is_dash_place(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

int ff_uuid4(const struct ff_sys *sys, char out[FF_UUID_LENGTH + 1])
{
    uint8_t bytes[RANDOM_BYTES];
    char hex[2 * RANDOM_BYTES + 1];
    int rc = ff_sys_random(sys, bytes, sizeof bytes);

    if (rc < 0) {
        return rc;
    }
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* version 4 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80); /* the variant of RFC 4122 */
    ff_hex(bytes, sizeof bytes, hex);
    for (size_t i = 0, digit = 0; i < FF_UUID_LENGTH; i++) {
        out[i] = is_dash_place(i) ? '-' : hex[digit++];
    }
    out[FF_UUID_LENGTH] = '\0';
    return 0;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool ff_is_uuid4(const char *text, size_t length_bytes)
{
    if (!text || length_bytes != FF_UUID_LENGTH || text[14] != '4' || text[19] == '\0' ||
        !strchr("89ab", text[19])) {
        return false;
    }
    for (size_t i = 0; i < FF_UUID_LENGTH; i++) {
        if (is_dash_place(i) ? text[i] != '-' : !is_hex(text[i])) {
            return false;
        }
    }
    return true;
}

int ff_random_name(const struct ff_sys *sys, const char *prefix, char *out,
                   size_t out_bytes)
{
    uint8_t bytes[RANDOM_BYTES];
    size_t prefix_bytes = strlen(prefix);
    int rc;

    if (prefix_bytes >= out_bytes || out_bytes - prefix_bytes < 2 * sizeof bytes + 1) {
        return -ENAMETOOLONG;
    }
    rc = ff_sys_random(sys, bytes, sizeof bytes);
    if (rc == 0) {
        memcpy(out, prefix, prefix_bytes);
        ff_hex(bytes, sizeof bytes, out + prefix_bytes);
    }
    return rc;
}
