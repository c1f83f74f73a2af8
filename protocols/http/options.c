/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: where the store is: {"url": "https://data.example.org/results/"}. What the schema
 * says, the host has checked. */
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "http.h"

enum { TIMEOUT_S = 60, CONNECTIONS = 8 };

const char ff_http_options_schema[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"url\"], "
    "\"properties\": {"
    "\"url\": {\"type\": \"string\", \"description\": \"of the folder that holds the "
    "workflows, http or https\"}, "
    "\"ca_bundle\": {\"type\": \"string\", \"description\": \"a file of certificates to "
    "trust "
    "instead of the system's\"}, "
    "\"timeout_s\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 3600, "
    "\"default\": "
    "60, \"description\": \"how long a server may be silent\"}, "
    "\"connections\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 64, "
    "\"default\": "
    "8, \"description\": \"at a time, for each call\"}}}";

static int text_option(const struct ff_http_root *root, struct ff_value options,
                       const char *name, char **out, struct ff_error *e)
{
    struct ff_value v = root->values->get(options, name);
    char text[FF_HTTP_URL_BYTES / 2];
    int code;

    *out = NULL;
    if (!v.doc) {
        return FF_OK;
    }
    code = ff_copy_str(root->values, v, text, sizeof text, e);
    if (code) {
        ff_error_at(e, name);
        return FF_E_USAGE;
    }
    *out = ff_strdup(text);
    return *out ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, name, "out of memory");
}

static int int_option(const struct ff_http_root *root, struct ff_value options,
                      const char *name, int64_t usual, int64_t *out, struct ff_error *e)
{
    struct ff_value v = root->values->get(options, name);

    *out = usual;
    return v.doc ? root->values->int64(v, out, e) : FF_OK;
}

static int bad_url(struct ff_error *e, const char *why)
{
    (void)ff_fail(e, FF_E_USAGE, "options.url", "%s", why);
    ff_error_fix(e, "as https://data.example.org/results/");
    return FF_E_USAGE;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK && text && *text;

    curl_free(text);
    return has;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "[::1]") == 0;
}

/* What a URL may not have, and where a proxy is asked of the environment. */
static int check_parts(struct ff_http_options *o, CURLU *url, struct ff_error *e)
{
    char *scheme = NULL, *host = NULL;
    int code = FF_OK;

    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        code = bad_url(e, "not a URL with a scheme and a host");
    } else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) {
        code = bad_url(e, "neither http nor https");
    } else if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD)) {
        code = bad_url(
            e, "it holds a name or a password: this protocol reads what is public");
    } else if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT)) {
        code =
            bad_url(e, "it has a query or a fragment: names could not be put behind it");
    } else {
        char *path = secure_getenv("PATH"); /* NULL in a privileged process */

        o->https = strcmp(scheme, "https") == 0;
        o->no_proxy = !path || is_loopback(host);
    }
    curl_free(scheme);
    curl_free(host);
    return code;
}

/* With '/' at its end. Takes what libcurl gave. */
static char *as_folder(char *url)
{
    size_t n = url ? strlen(url) : 0;
    char *out = n ? ff_malloc(n + 2) : NULL;

    if (out) {
        memcpy(out, url, n + 1);
        if (out[n - 1] != '/') {
            memcpy(out + n, "/", 2);
        }
    }
    curl_free(url);
    return out;
}

static int normalise(struct ff_http_options *o, struct ff_error *e)
{
    CURLU *url = curl_url();
    char *text = NULL;
    CURLUcode rc;
    int code;

    if (!url) {
        return ff_fail(e, FF_E_NO_MEMORY, "options.url", "out of memory");
    }
    rc = curl_url_set(url, CURLUPART_URL, o->url, 0);
    if (rc == CURLUE_OK) {
        code = check_parts(o, url, e);
    } else {
        code = bad_url(e, curl_url_strerror(rc));
    }
    if (!code && curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK) {
        ff_free(o->url);
        o->url = as_folder(text);
    } else if (!code) {
        code = bad_url(e, "not a URL");
    }
    curl_url_cleanup(url);
    return code || o->url ? code
                          : ff_fail(e, FF_E_NO_MEMORY, "options.url", "out of memory");
}

int ff_http_options_read(struct ff_http_root *root, struct ff_value options,
                         struct ff_error *e)
{
    struct ff_http_options *o = &root->options;
    int64_t timeout_s, connections;
    int code = text_option(root, options, "url", &o->url, e);

    if (!code && !o->url) {
        code = bad_url(e, "which folder of which server?");
    }
    code = code ? code : text_option(root, options, "ca_bundle", &o->ca_bundle, e);
    code = code ? code : int_option(root, options, "timeout_s", TIMEOUT_S, &timeout_s, e);
    code = code ? code
                : int_option(root, options, "connections", CONNECTIONS, &connections, e);
    if (code) {
        return code;
    }
    o->timeout_s = (long)timeout_s;
    o->connections = (unsigned)connections;
    return normalise(o, e);
}

void ff_http_options_free(struct ff_http_options *o)
{
    ff_free(o->url);
    ff_free(o->ca_bundle);
    *o = (struct ff_http_options){.url = NULL};
}
