/* SPDX-License-Identifier: Apache-2.0 */
/* serializer.c: arrays as raw bytes behind a head, good as it stands; built once for each fault
 * of enum fault, and `ff plugin check` has to name the clause that it breaks. */
#include <fcntl.h>
#include <functionfuse/plugin.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum fault {
    NONE,
    DESCRIBE_CHANGES,
    LOADING_SETS_ENVIRONMENT,
    LOADING_PRINTS,
    CREATE_CHANGES_DIRECTORY,
    CREATE_SETS_LOCALE,
    CREATE_TAKES_A_SIGNAL,
    CREATE_SETS_UMASK,
    CREATE_LEAVES_A_FILE_OPEN,
    CREATE_LEAVES_A_THREAD,
    QUERY_GIVES_ANYTHING,
    PICKLE_FORGETS_MEMORY,
    PICKLE_WRITES_BEHIND_THE_ID,
    PICKLE_WRITES_ELSEWHERE,
    PICKLE_DECLINES_LATE,
    PICKLE_HIDES_A_FAILURE,
    PICKLE_GIVES_ANOTHER_CODE,
    PICKLE_FAILS_WITHOUT_A_WORD,
    PICKLE_RETURNS_7,
    PICKLE_TRUSTS_THE_CALL,
    PICKLE_NEVER_ENDS,
    PICKLE_IS_IMPATIENT,
    PICKLE_WAITS_FOR_A_FAST_CALL,
    PICKLE_EXITS,
    PICKLE_ABORTS,
    PICKLE_CHANGES_A_BIT,
    PICKLE_TRUSTS_MALLOC,
    STATE_IS_GLOBAL,
    THREADS_SHARE_A_BUFFER,
    UNPICKLE_TRUSTS_A_SIZE,
    UNPICKLE_IGNORES_A_SHORT_ANSWER,
    UNPICKLE_INVENTS_WHAT_IS_GONE,
    FORK_IS_REFUSED
};
#ifndef FAULT
#define FAULT NONE
#endif
#define IS(fault) (FAULT == (fault))

struct instance {
    const struct ff_host_services *host;
    const struct ff_values *values;
    const struct ff_npy *npy;
};

static pid_t owner;           /* FORK_IS_REFUSED */
static struct instance *last; /* STATE_IS_GLOBAL */
static char shared[1 << 16];  /* THREADS_SHARE_A_BUFFER */

__attribute__((constructor)) static void when_loaded(void)
{
    if (IS(LOADING_SETS_ENVIRONMENT)) {
        (void)setenv("MISBEHAVES", "1", 1);
    }
    if (IS(LOADING_PRINTS)) {
        (void)puts("misbehaves 1.0 loaded");
    }
}

static void *wait_for_ever(void *unused)
{
    for (;;) {
        (void)pause();
    }
    return unused;
}

static int open_it(const struct ff_host_services *host, struct ff_value options,
                   void **inst, struct ff_error *e)
{
    struct instance *in = calloc(1, sizeof *in);
    pthread_t thread;

    (void)options;
    if (!in) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    in->host = host;
    in->values = host->query(host, FF_VALUES_1);
    in->npy = host->query(host, FF_NPY_1);
    if (IS(FORK_IS_REFUSED) && owner && owner != getpid()) {
        free(in);
        return ff_fail(e, FF_E_FORKED, NULL, "not the process that it was first used in");
    }
    owner = getpid();
    if (IS(CREATE_CHANGES_DIRECTORY) && chdir("/")) {
        return ff_fail(e, FF_E_IO, NULL, "no root");
    }
    if (IS(CREATE_SETS_LOCALE)) {
        (void)setlocale(LC_ALL, strcmp(setlocale(LC_ALL, NULL), "C") ? "C" : "C.UTF-8");
    }
    if (IS(CREATE_TAKES_A_SIGNAL)) {
        (void)signal(SIGUSR1, SIG_IGN);
    }
    if (IS(CREATE_SETS_UMASK)) {
        (void)umask(umask(0) ^ 07u);
    }
    if (IS(CREATE_LEAVES_A_FILE_OPEN)) {
        (void)open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (IS(CREATE_LEAVES_A_THREAD)) {
        (void)pthread_create(&thread, NULL, wait_for_ever, NULL);
    }
    last = in;
    *inst = in;
    return FF_OK;
}

static void close_it(void *inst)
{
    memset(inst, 0, sizeof(struct instance));
    free(inst);
}

/* ---- pickle ---- */

/* Passes the image on, with the faults of what is written. */
struct image {
    const struct ff_npy *npy;
    const struct ff_array *array;
};

static int read_image(void *ctx, uint64_t offset, void *dst, size_t size,
                      const struct ff_call *call, struct ff_error *e)
{
    const struct image *im = ctx;
    int code;

    if (IS(THREADS_SHARE_A_BUFFER) && size <= sizeof shared) {
        code = im->npy->read((void *)(uintptr_t)im->array, offset, shared, size, call, e);
        (void)usleep(1000);
        memcpy(dst, shared, size);
        return code;
    }
    code = im->npy->read((void *)(uintptr_t)im->array, offset, dst, size, call, e);
    if (IS(PICKLE_CHANGES_A_BIT) && size > 200) {
        ((char *)dst)[200] ^= 1;
    }
    return code;
}

enum { SLOW_MS = 20 };

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int save(void *inst, struct ff_value v, const struct ff_protocols *p,
                struct ff_pid *pid, const struct ff_call *call, struct ff_error *e)
{
    const struct instance *in = IS(STATE_IS_GLOBAL) ? last : inst;
    const struct ff_objects *objects = p->find(p, NULL, FF_OBJECTS_1);
    struct image im = {in->npy, in->values->array(v, e)};
    struct ff_error own = FF_ERROR_INIT;
    char name[300], *copy;
    int64_t begin_ms;
    uint64_t size;
    int code;

    if (!im.array || in->npy->size(im.array, &size, NULL)) {
        return im.array ? FF_DECLINED : FF_E_TYPE;
    }
    if (IS(PICKLE_RETURNS_7)) {
        return 7;
    }
    if (IS(PICKLE_NEVER_ENDS) && im.array->ndim == 4) {
        (void)wait_for_ever(NULL);
    }
    if (IS(PICKLE_EXITS)) {
        _exit(0);
    }
    if (IS(PICKLE_ABORTS)) {
        abort();
    }
    if (IS(PICKLE_TRUSTS_THE_CALL) && call && call->cancelled(call)) {
        return ff_fail(e, FF_E_CANCELLED, NULL, "cancelled");
    }
    copy = malloc(64);
    if (!copy && !IS(PICKLE_TRUSTS_MALLOC)) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    copy[0] = 'x';
    if (!IS(PICKLE_FORGETS_MEMORY)) {
        free(copy);
    }
    if (IS(PICKLE_WRITES_BEHIND_THE_ID)) {
        memset((char *)pid + sizeof *pid, 0, 8);
    }
    (void)snprintf(name, sizeof name, "%s", pid->name);
    if (IS(PICKLE_WRITES_ELSEWHERE)) {
        (void)snprintf(name, sizeof name, "0a%s", pid->name + 2);
        if (ff_put_bytes(objects, pid->name, size, read_image, &im, call, e)) {
            return e->code;
        }
    }
    begin_ms = now_ms();
    code = ff_put_bytes(objects, name, size, read_image, &im, call, &own);
    while (IS(PICKLE_WAITS_FOR_A_FAST_CALL) && !code && now_ms() - begin_ms >= SLOW_MS) {
        begin_ms = now_ms();
        code = ff_head(objects, name, NULL, NULL, call, &own);
    }
    if (IS(PICKLE_IS_IMPATIENT) && !code && now_ms() - begin_ms >= SLOW_MS) {
        (void)ff_remove_object(objects, name, NULL, NULL);
        return ff_fail(e, FF_E_DEADLINE, NULL, "the medium is too slow");
    }
    if (IS(PICKLE_DECLINES_LATE)) {
        return FF_DECLINED;
    }
    if (code && IS(PICKLE_HIDES_A_FAILURE)) {
        return FF_OK;
    }
    if (code && IS(PICKLE_GIVES_ANOTHER_CODE)) {
        return ff_fail(e, FF_E_OTHER, NULL, "something went wrong");
    }
    if (code && IS(PICKLE_FAILS_WITHOUT_A_WORD)) {
        return code;
    }
    ff_error_copy(e, &own);
    return code;
}

/* ---- unpickle ---- */

static int short_read(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                      const struct ff_call *call, struct ff_error *e)
{
    const struct ff_object *o = ctx;
    struct ff_one_io one;

    memset(&one, 0, sizeof one);
    one.dst = dst;
    one.dst_bytes = size_bytes;
    one.io.offset_bytes = offset;
    one.io.size_bytes = size_bytes;
    return ff_one_run(o->objects, &one, FF_GET, o->name, call, e);
}

/* The byte at 9 is the upper one of the head's size: as large as somebody wrote. */
static int trust_a_size(struct ff_object *o, const struct ff_call *call,
                        struct ff_error *e)
{
    unsigned char head[10];
    char page[128];
    int code = ff_object_read(o, 0, head, sizeof head, call, e);

    if (!code) {
        memset(page, 0, (size_t)head[9] * 65536 + 64);
        code = page[5];
    }
    return code;
}

static int load(void *inst, const struct ff_pid *pid, const struct ff_protocols *p,
                struct ff_doc *out, struct ff_value *v, const struct ff_call *call,
                struct ff_error *e)
{
    const struct instance *in = inst;
    struct ff_error own = FF_ERROR_INIT;
    struct ff_object *o;
    uint64_t n;
    int code =
        ff_object_open(p->find(p, NULL, FF_OBJECTS_1), pid->name, &o, &n, call, &own);

    if (code && IS(UNPICKLE_INVENTS_WHAT_IS_GONE)) {
        *v = in->values->new_list(out, e);
        return FF_OK;
    }
    ff_error_copy(e, &own);
    if (!code && IS(UNPICKLE_TRUSTS_A_SIZE) && (code = trust_a_size(o, call, e))) {
        free(o);
    }
    if (!code) {
        *v = in->npy->take(
            out, IS(UNPICKLE_IGNORES_A_SHORT_ANSWER) ? short_read : ff_object_read, o,
            free, n, call, e);
        code = v->doc ? FF_OK : e->code;
    }
    return code;
}

static const void *query(void *inst, const char *id)
{
    (void)id;
    return IS(QUERY_GIVES_ANYTHING) ? inst : NULL;
}

#define DESCRIPTOR                                                                       \
    {                                                                                    \
        .struct_size = FF_SIZE(ff_serializer, next), .abi = FF_ABI,                      \
        .serializer_class = (const char *const[]){"numpy.ndarray", NULL},                \
        .name = "misbehaves", .version = "1.0", .threads = FF_THREADS_FREE,              \
        .needs = (const char *const[]){FF_OBJECTS_1, FF_VALUES_1, FF_NPY_1, NULL},       \
        .create = open_it, .destroy = close_it, .pickle = save, .unpickle = load,        \
        .query = query,                                                                  \
    }

FF_PLUGIN_NOTE("serializer", "misbehaves", "1.0", "numpy.ndarray");
static const struct ff_serializer descriptors[2] = {DESCRIPTOR, DESCRIPTOR};

const struct ff_serializer *ff_serializer_describe(void)
{
    static int calls;

    return &descriptors[IS(DESCRIBE_CHANGES) ? calls++ % 2 : 0];
}
