/* SPDX-License-Identifier: Apache-2.0 */
/* gc_uploads.c: uploads of big data that were begun and never ended, and what a protocol left for
 * itself in the root. No list shows them, and no task can refer to them. */
#include "core/base/alloc.h"
#include "core/storage.h"

struct finding {
    struct ff_uploads *uploads;
    int in_root, no_memory;
};

static int is_ours(const struct finding *f, const char *name)
{
    size_t length;
    return f->in_root ? strncmp(name, ".ff-", 4) == 0 && !strchr(name, '/')
                      : ff_owner_of(name, &length) != NULL;
}

static int add_upload(void *ctx, const struct ff_leftover *found)
{
    struct finding *f = ctx;
    size_t name_bytes = strlen(found->name) + 1, id_bytes = strlen(found->id) + 1;
    struct ff_upload *u;
    if (!is_ours(f, found->name)) {
        return 0; /* nobody's to end */
    }
    u = ff_vec_push(&f->uploads->found);
    if (!u || !(u->name = ff_malloc(name_bytes + id_bytes))) {
        f->no_memory = 1;
        return 1;
    }
    memcpy(u->name, found->name, name_bytes);
    u->id = memcpy(u->name + name_bytes, found->id, id_bytes);
    u->begun_ns = found->begun_ns;
    return 0;
}

int ff_uploads_find(const struct ff_storage *storage, void *bound, struct ff_uploads *out,
                    const struct ff_call *call, struct ff_error *e)
{
    const struct ff_leftovers *l = storage->protocol->desc->query(bound, FF_LEFTOVERS_1);
    struct finding f = {out, bound == storage->root, 0};
    struct ff_error own = FF_ERROR_INIT;
    int rc;
    out->from = l;
    ff_vec_init(&out->found, sizeof(struct ff_upload), FF_MAX_NAMES);
    rc = l ? l->list(l, add_upload, &f, &out->now_ns, call, &own) : FF_OK;
    if (f.no_memory) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    if (rc == FF_OK || rc == FF_E_UNSUPPORTED) {
        return FF_OK;
    }
    ff_error_copy(e, &own);
    return rc;
}

int ff_upload_end(const struct ff_uploads *all, const struct ff_upload *u,
                  const struct ff_call *call, struct ff_error *e)
{
    return all->from->remove(all->from, u->name, u->id, call, e);
}

void ff_uploads_clear(struct ff_uploads *u)
{
    for (size_t i = 0; i < u->found.count; i++) {
        ff_free(((struct ff_upload *)ff_vec_at(&u->found, i))->name);
    }
    ff_vec_free(&u->found);
}
