/* SPDX-License-Identifier: Apache-2.0 */
/* facts.c: what is known of the server: as a table for programs, and for people with what
 * follows from it. docs/format.md has the reasons. */
#include <string.h>

#include "s3.h"

#define MAY_LOSE                                                                         \
    "of two processes that save one task at the same moment one may lose its value "     \
    "without being told; gc wants a grace of 24 hours"

int ff_s3_facts(const struct ff_s3 *self, int probe, struct ff_s3_facts *out,
                const struct ff_call *call, struct ff_error *e)
{
    struct ff_s3_root *root = FF_S3_BOUND(self, s3)->root;
    struct ff_s3_facts now;
    uint32_t size = out->struct_size;
    int code = probe ? ff_s3_probe_race(root, call, e) : FF_OK;

    if (code) {
        return code;
    }
    pthread_mutex_lock(&root->probing);
    now = root->facts;
    pthread_mutex_unlock(&root->probing);
    now.endpoint = root->options.host;
    now.bucket = root->options.bucket;
    now.prefix = root->options.prefix;
    now.region = root->options.region;
    now.bulk_remove = atomic_load(&root->no_bulk) ? FF_S3_CANNOT : FF_S3_NOT_KNOWN;
    memcpy(out, &now, size < now.struct_size ? size : now.struct_size);
    out->struct_size = size;
    return FF_OK;
}

struct fact {
    const char *what, *is, *follows;
};

static const char *word(int can)
{
    return can == FF_S3_CAN          ? "yes"
           : can == FF_S3_CANNOT     ? "no"
           : can == FF_S3_NOT_ATOMIC ? "not atomic"
                                     : "not known";
}

static int tell(const struct fact *facts, size_t count,
                int (*each)(void *ctx, const char *what, const char *is,
                            const char *follows),
                void *ctx)
{
    int stopped = 0;

    for (size_t i = 0; i < count && !stopped; i++) {
        if (*facts[i].is) {
            stopped = each(ctx, facts[i].what, facts[i].is, facts[i].follows);
        }
    }
    return stopped;
}

int ff_s3_tell(const struct ff_probe *self,
               int (*each)(void *ctx, const char *what, const char *is,
                           const char *follows),
               void *ctx, const struct ff_call *call, struct ff_error *e)
{
    struct ff_s3_bound *b = FF_S3_BOUND(self, probe);
    struct ff_s3_facts f = {.struct_size = FF_SIZE(ff_s3_facts, server)};
    int code = ff_s3_facts(&b->s3, 1, &f, call, e);
    const struct fact facts[] = {
        {"endpoint", code ? "" : f.endpoint, ""},
        {"region", code ? "" : f.region, ""},
        {"server", f.server, ""},
        {"PUT only if absent", word(f.put_if_absent),
         f.put_if_absent == FF_S3_CAN ? "" : MAY_LOSE},
        {"PUT only over a tag", word(f.put_if_match),
         f.put_if_match == FF_S3_CAN ? "" : MAY_LOSE},
        {"tags in conditions", f.unquoted_tags ? "without quotes" : "as they come", ""},
        {"DELETE only of a tag", word(f.remove_if_match),
         f.remove_if_match == FF_S3_CAN
             ? ""
             : "a value that another process saves between look and removal is removed; "
               "its big data is left to gc"},
        {"DeleteObjects", f.bulk_remove == FF_S3_CANNOT ? "no" : "",
         "many keys are removed one by one"},
    };

    return code ? code : tell(facts, sizeof facts / sizeof *facts, each, ctx);
}
