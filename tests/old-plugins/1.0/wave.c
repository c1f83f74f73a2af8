/* SPDX-License-Identifier: Apache-2.0 */
/* wave.c: a serializer for a native struct of a program (acme_wave.h), written against
 * plugin.h alone: a header and samples in one object; samples are read when asked for.
 * Numbers are stored as the machine has them; the header says so, and another machine refuses.
 */
#include "acme_wave.h"

#include <functionfuse/plugin.h>

#define MAGIC "ACMEWAV1"
#define ORDER 0x01020304u

struct head {
    char magic[8];
    uint32_t order, reserved;
    double rate_hz;
    uint64_t sample_count;
    char label[48];
};

/* An ff_read_at over head and samples, as the object will be. */
struct image {
    struct head head;
    const struct acme_wave *wave;
};

/* A part may begin and end inside of a sample. */
static int image_samples(const struct image *im, uint64_t offset, char **to, size_t *left,
                         struct ff_error *e)
{
    float samples[1024];
    uint64_t first = offset / sizeof(float);
    size_t skip = (size_t)(offset % sizeof(float)), n;
    uint64_t count = (skip + *left + sizeof(float) - 1) / sizeof(float);
    int code;

    count = count < 1024 ? count : 1024;
    code = im->wave->read(im->wave, first, count, samples, e);
    n = (size_t)count * sizeof(float) - skip;
    n = n < *left ? n : *left;
    if (!code) {
        memcpy(*to, (const char *)samples + skip, n);
        *to += n;
        *left -= n;
    }
    return code;
}

static int image_read(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                      const struct ff_call *call, struct ff_error *e)
{
    const struct image *im = ctx;
    const size_t head_bytes = sizeof im->head;
    char *to = dst;
    int code = FF_OK;

    while (!code && size_bytes) {
        if (ff_cancelled(call)) {
            return ff_fail(e, FF_E_CANCELLED, NULL, "cancelled");
        }
        if (offset < head_bytes) {
            size_t n = head_bytes - (size_t)offset;

            n = n < size_bytes ? n : size_bytes;
            memcpy(to, (const char *)&im->head + offset, n);
            to += n;
            size_bytes -= n;
            offset += n;
        } else {
            size_t before = size_bytes;

            code = image_samples(im, offset - head_bytes, &to, &size_bytes, e);
            offset += before - size_bytes;
        }
    }
    return code;
}

static int wave_pickle(void *inst, struct ff_value v, const struct ff_protocols *p,
                       struct ff_pid *pid, const struct ff_call *call, struct ff_error *e)
{
    const struct ff_host_services *host = inst;
    const struct ff_values *values = host->query(host, FF_VALUES_1);
    struct image im = {.head = {.order = ORDER}};

    im.wave = values->native(v, ACME_WAVE_CLASS);
    if (!im.wave) {
        return FF_DECLINED;
    }
    if (im.wave->sample_count > (UINT64_MAX - sizeof im.head) / sizeof(float)) {
        return ff_fail(e, FF_E_USAGE, pid->name, "more samples than there can be");
    }
    memcpy(im.head.magic, MAGIC, sizeof im.head.magic);
    memcpy(im.head.label, im.wave->label, sizeof im.head.label);
    im.head.rate_hz = im.wave->rate_hz;
    im.head.sample_count = im.wave->sample_count;
    return ff_put_bytes(p->find(p, NULL, FF_OBJECTS_1), pid->name,
                        sizeof im.head + im.wave->sample_count * sizeof(float),
                        image_read, &im, call, e);
}

/* A wave that was read back. */
struct stored {
    struct acme_wave wave; /* first: what the program gets */
    struct ff_object *object;
};

static void stored_release(void *ctx)
{
    struct stored *s = ctx;

    free(s->object);
    free(s);
}

static int stored_samples(const struct acme_wave *wave, uint64_t first, uint64_t count,
                          float *dst, struct ff_error *e)
{
    const struct stored *s = wave->ctx;

    if (first > wave->sample_count || count > wave->sample_count - first) {
        return ff_fail(e, FF_E_USAGE, s->object->name, "samples behind the end");
    }
    return ff_object_read(s->object, sizeof(struct head) + first * sizeof(float), dst,
                          (size_t)count * sizeof(float), NULL, e);
}

static int read_head(struct stored *s, uint64_t size_bytes, const struct ff_call *call,
                     struct ff_error *e)
{
    struct head head;
    int code = ff_object_read(s->object, 0, &head, sizeof head, call, e);

    if (code) {
        return code;
    }
    if (memcmp(head.magic, MAGIC, sizeof head.magic) != 0 || head.order != ORDER ||
        (size_bytes - sizeof head) % sizeof(float) != 0 ||
        (size_bytes - sizeof head) / sizeof(float) != head.sample_count) {
        return ff_fail(e, FF_E_CORRUPT, s->object->name, "not a wave of this machine");
    }
    s->wave.rate_hz = head.rate_hz;
    s->wave.sample_count = head.sample_count;
    memcpy(s->wave.label, head.label, sizeof head.label);
    s->wave.label[sizeof s->wave.label - 1] = '\0';
    s->wave.read = stored_samples;
    s->wave.ctx = s;
    return FF_OK;
}

static int wave_unpickle(void *inst, const struct ff_pid *pid,
                         const struct ff_protocols *p, struct ff_doc *out,
                         struct ff_value *v, const struct ff_call *call,
                         struct ff_error *e)
{
    const struct ff_host_services *host = inst;
    const struct ff_values *values = host->query(host, FF_VALUES_1);
    struct stored *s = calloc(1, sizeof *s);
    uint64_t size_bytes = 0;
    int code;

    if (!s) {
        return ff_fail(e, FF_E_NO_MEMORY, pid->name, "out of memory");
    }
    code = ff_object_open(p->find(p, NULL, FF_OBJECTS_1), pid->name, &s->object,
                          &size_bytes, call, e);
    code = code ? code : read_head(s, size_bytes, call, e);
    if (code) {
        stored_release(s);
        return code;
    }
    *v = values->new_native_take(out, ACME_WAVE_CLASS, s, stored_release, e);
    return v->doc ? FF_OK : FF_E_NO_MEMORY;
}

static int wave_create(const struct ff_host_services *host, struct ff_value options,
                       void **inst, struct ff_error *e)
{
    (void)options;
    (void)e;
    *inst = (void *)(uintptr_t)host;
    return FF_OK;
}

static const char *const classes[] = {ACME_WAVE_CLASS, NULL};
static const char *const needs[] = {FF_OBJECTS_1, FF_VALUES_1, NULL};

FF_PLUGIN_NOTE("serializer", "old.wave", "1.0.0", ACME_WAVE_CLASS);

static const struct ff_serializer wave = {
    .struct_size = FF_SIZE(ff_serializer, next),
    .abi = FF_ABI,
    .serializer_class = classes,
    .name = "old.wave",
    .version = "1.0.0",
    .summary = "waves of a program, samples read when asked for",
    .needs = needs,
    .threads = FF_THREADS_FREE,
    .create = wave_create,
    .pickle = wave_pickle,
    .unpickle = wave_unpickle,
};

const struct ff_serializer *ff_serializer_describe(void)
{
    return &wave;
}
