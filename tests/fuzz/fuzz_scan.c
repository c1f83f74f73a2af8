/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_scan.c: any bytes are scanned; the scan takes all that the load takes, ends at the same
 * place, and sees a persistent id and a call that the value is. */
#include "fuzz.h"

struct seen {
    uint64_t at; /* the opcode before */
    size_t ops, calls, pids, globals;
};

static int seen_op(void *ctx, const struct ff_scanned_op *op)
{
    struct seen *seen = ctx;
    must(seen->ops == 0 || op->offset > seen->at, "opcodes out of order");
    seen->at = op->offset;
    seen->ops++;
    return 0;
}

static int seen_call(void *ctx, const struct ff_scanned_call *call)
{
    must(call->op && call->kind && call->module && call->name, "names are never NULL");
    ((struct seen *)ctx)->calls++;
    return 0;
}

static int seen_pid(void *ctx, const struct ff_scanned_pid *pid)
{
    must(pid->serializer && pid->version && pid->name, "names are never NULL");
    must(pid->string_count == 0 || pid->strings[pid->string_count - 1], "a NULL string");
    ((struct seen *)ctx)->pids++;
    return 0;
}

static int seen_global(void *ctx, const struct ff_scanned_global *global)
{
    must(global->count > 0, "a global that is not there");
    ((struct seen *)ctx)->globals++;
    return 0;
}

static void compare(const struct ff_doc *doc, const struct seen *seen)
{
    int kind = ff_kind(ff_doc_root(doc));
    must(seen->ops > 0, "no opcode was seen");
    must(seen->calls || kind != FF_OBJECT, "the scan did not see the call");
    must(seen->globals || kind != FF_GLOBAL, "the scan did not see the global");
    must(seen->pids || kind != FF_PERSISTENT, "the scan did not see the persistent id");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen seen = {0};
    struct ff_scan scan = {.struct_size = sizeof scan,
                           .ctx = &seen,
                           .global = seen_global,
                           .call = seen_call,
                           .persistent = seen_pid,
                           .op = seen_op};
    struct ff_error e = FF_ERROR_INIT, load_error = FF_ERROR_INIT;
    struct ff_doc *doc = NULL;
    size_t scan_end = 0, load_end = 0;
    int scanned = ff_pickle_scan(data, size, NULL, &scan, &scan_end, &e);
    must(scanned == e.code, "the code and the error differ");
    if (ff_pickle_read(data, size, NULL, NULL, NULL, NULL, &doc, &load_end,
                       &load_error) == FF_OK) {
        must(scanned == FF_OK || scanned == FF_E_LIMIT, "it loads, but does not scan");
        if (!scanned) {
            must(scan_end == load_end, "load and scan end at different places");
            compare(doc, &seen);
        }
    }
    ff_doc_free(doc);
    return 0;
}
