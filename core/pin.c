/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pin.c: plugins that are pinned: only the file with this SHA-256 is loaded. What is loaded is an
 * anonymous copy of the bytes that were hashed, which nobody can change: the file may be swapped
 * or cut meanwhile, and it makes no difference.
 */
#include "core/registry_own.h"

#include <errno.h>

#include "core/base/alloc.h"
#include "core/base/digest.h"
#include "core/fileio.h"

enum { PINNED_MAX_BYTES = 1 << 30 };

/* The pin for a row, by its name; by its file's while it has none. NULL = not pinned. */
static const struct ff_named_json *pin_of(const struct ff_registry *r,
                                          const struct ff_plugin *p)
{
    const struct ff_named_list *pins = &r->host->config->pins;

    for (size_t i = 0; i < pins->count; i++) {
        const struct ff_named_json *pin = &pins->items[i];

        if (p->row.name[0]
                ? strcmp(pin->name, p->row.name) == 0
                : ff_names_alike(p->file->name, strlen(p->file->name) - 3, pin->name)) {
            return pin;
        }
    }
    return NULL;
}

int ff_pin_is_there(const struct ff_registry *r, const struct ff_plugin *p)
{
    return pin_of(r, p) != NULL;
}

/* Every pin of the file's rows has to be this one. It is kept as JSON: in quotes. */
static void compare(const struct ff_registry *r, const struct ff_plugin_file *file,
                    const char *sha256, struct ff_verdict *v)
{
    for (size_t i = 0; i < r->plugins.count && !v->code; i++) {
        const struct ff_plugin *p = ff_plugin_of(r, i);
        const struct ff_named_json *pin = p->file == file ? pin_of(r, p) : NULL;

        if (pin && strncmp(pin->json + 1, sha256, FF_PIN_DIGITS) != 0) {
            ff_verdict_set(v, "pin",
                           "it is not the file that was pinned: its SHA-256 is %s, the "
                           "pin says %.64s",
                           sha256, pin->json + 1);
            ff_verdict_fix(v, "if this file is the right one: ff plugin pin %.100s",
                           pin->name);
        }
    }
}

static int is_pinned(const struct ff_registry *r, const struct ff_plugin_file *file)
{
    for (size_t i = 0; i < r->plugins.count; i++) {
        const struct ff_plugin *p = ff_plugin_of(r, i);

        if (p->file == file && pin_of(r, p)) {
            return 1;
        }
    }
    return 0;
}

/* A descriptor of a sealed copy, or -errno. */
static int copy_sealed(const struct ff_sys *sys, const void *data, size_t bytes)
{
    return FF_HAS(sys, ff_sys, sealed) ? sys->sealed(sys, data, bytes) : -ENOSYS;
}

int ff_pin_open(struct ff_registry *r, const struct ff_plugin_file *file, int *fd,
                char sha256[FF_PIN_DIGITS + 1], struct ff_verdict *v, struct ff_error *e)
{
    struct ff_error why = FF_ERROR_INIT;
    size_t bytes = 0;
    char *data;

    *fd = -1;
    if (!is_pinned(r, file)) {
        return FF_OK;
    }
    data = ff_read_file(r->host->sys, file->path, PINNED_MAX_BYTES, &bytes, &why);
    if (!data || ff_pin_hash(data, bytes, sha256)) {
        ff_free(data);
        if (!data && why.code != FF_E_NO_MEMORY) {
            ff_verdict_set(v, "pin", "it cannot be read: %s", why.message);
            ff_verdict_fix(v, "look at '%.200s'", file->path);
            return FF_OK;
        }
        return ff_fail(e, FF_E_NO_MEMORY, file->path, "no memory to check its pin");
    }
    compare(r, file, sha256, v);
    if (!v->code && (*fd = copy_sealed(r->host->sys, data, bytes)) < 0) {
        ff_verdict_set(v, "pin", "no sealed copy of it can be made: %s",
                       strerrordesc_np(-*fd));
        ff_verdict_fix(v, "take its pin away: ff plugin unpin NAME");
    }
    ff_free(data);
    return FF_OK;
}

int ff_pin_hash(const void *data, size_t bytes, char out[FF_PIN_DIGITS + 1])
{
    uint8_t digest[FF_SHA256_BYTES];
    int code = ff_digest_of(FF_DIGEST_SHA256, data, bytes, digest);

    if (!code) {
        ff_hex(digest, sizeof digest, out);
    }
    return code;
}
