/* SPDX-License-Identifier: Apache-2.0 */
/* names.c: names below a folder, and the URLs they have. */
#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/name.h"
#include "http.h"

int ff_http_encode(struct ff_buf *out, const char *name)
{
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        "0123456789-._~/";
    int rc = 0;

    for (const char *c = name; *c && rc == 0; c++) {
        rc = strchr(unreserved, *c) ? ff_buf_append_byte(out, (uint8_t)*c)
                                    : ff_buf_printf(out, "%%%02X", (unsigned char)*c);
    }
    return rc;
}

int ff_http_url(const struct ff_http_bound *b, const char *name, char **url,
                struct ff_error *e)
{
    struct ff_buf text;
    int rc;

    *url = NULL;
    if (!name || (*name && !ff_is_object_name(name)) ||
        strlen(b->folder) + strlen(name) > FF_HTTP_NAME_BYTES) {
        return ff_fail(e, FF_E_USAGE, name, "http: not a name, or too long");
    }
    ff_buf_init(&text, FF_HTTP_URL_BYTES);
    rc = ff_buf_append_text(&text, b->root->options.url);
    rc = rc ? rc : ff_http_encode(&text, b->folder);
    rc = rc ? rc : ff_http_encode(&text, name);
    rc = rc ? rc : ff_buf_append_byte(&text, 0);
    if (rc == 0) {
        *url = (char *)ff_buf_steal(&text, NULL);
    }
    ff_buf_free(&text);
    return rc ? ff_fail(e, rc == -ENOMEM ? FF_E_NO_MEMORY : FF_E_USAGE, name,
                        "http: no memory for its URL, or the URL is too long")
              : FF_OK;
}
