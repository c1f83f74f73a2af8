/* SPDX-License-Identifier: Apache-2.0 */
/* bad_plugin.c: a small serializer that is built many times, each time with another fault. As
 * it stands it is good. */
#include <functionfuse/plugin.h>

#ifndef NAME
#define NAME "test.good"
#endif
#ifndef CLASSES
#define CLASSES "test.Good"
#endif
#ifndef VERSION
#define VERSION "1.0"
#endif
#ifndef SIZE
#define SIZE FF_SIZE(ff_serializer, next)
#endif
#ifndef ABI
#define ABI FF_ABI
#endif
#ifndef NEEDS
#define NEEDS FF_VALUES_1
#endif
#ifndef THREADS
#define THREADS FF_THREADS_PER_INSTANCE
#endif
#ifndef CREATE
#define CREATE create
#endif
#ifndef NEXT
#define NEXT NULL
#endif
#ifndef DESCRIBE
#define DESCRIBE ff_serializer_describe
#endif
#ifndef BEHIND
#define BEHIND
#endif
#ifndef NOTE
#define NOTE FF_PLUGIN_NOTE("serializer", NAME, "1.0", "test.Good")
#endif
NOTE;

#ifdef MISSING
int missing_function(void); /* nobody has it */
#define BEFORE_CREATE missing_function()
#else
#define BEFORE_CREATE (void)0
#endif

struct instance {
    const struct ff_host_services *host;
    const struct ff_values *values;
    int calls;
};

static struct instance the_instance;

__attribute__((unused)) static int create(const struct ff_host_services *host,
                                          struct ff_value options, void **inst,
                                          struct ff_error *e)
{
    BEFORE_CREATE;
    the_instance.host = host;
    the_instance.values = (const struct ff_values *)host->query(host, FF_VALUES_1);
    *inst = &the_instance;
    if (options.doc && the_instance.values->get(options, "no").doc) {
        return ff_fail(e, FF_E_USAGE, "no", "the option \"no\" is wrong");
    }
    return FF_OK;
}

__attribute__((unused)) static int create_fails(const struct ff_host_services *host,
                                                struct ff_value options, void **inst,
                                                struct ff_error *e)
{
    (void)host;
    (void)options;
    (void)inst;
    return ff_fail(e, FF_E_IO, NULL, "the device is on fire");
}

static void destroy(void *inst)
{
    (void)inst;
}

static int pickle(void *inst, struct ff_value object,
                  const struct ff_protocols *protocols, struct ff_pid *pid,
                  const struct ff_call *call, struct ff_error *e)
{
    (void)inst;
    (void)object;
    (void)protocols;
    (void)pid;
    (void)call;
    (void)e;
    return FF_DECLINED;
}

static int unpickle(void *inst, const struct ff_pid *pid,
                    const struct ff_protocols *protocols, struct ff_doc *out,
                    struct ff_value *object, const struct ff_call *call,
                    struct ff_error *e)
{
    (void)inst;
    (void)protocols;
    (void)out;
    (void)object;
    (void)call;
    return ff_fail(e, FF_E_NOT_FOUND, pid->name, "nothing was stored");
}

static const char *const classes[] = {CLASSES, NULL};
static const char *const needs[] = {NEEDS, NULL};

#ifdef SECOND
static const struct ff_serializer second = {
    .struct_size = FF_SIZE(ff_serializer, next),
    .abi = FF_ABI,
    .serializer_class = classes,
    .name = SECOND,
    .version = VERSION,
    .create = create,
    .destroy = destroy,
    .pickle = pickle,
    .unpickle = unpickle,
};
#endif

/* In front of what other versions have there. */
static const struct {
    struct ff_serializer known;
    unsigned char later[64];
} whole = {.known = {.struct_size = SIZE,
                     .abi = ABI,
                     .serializer_class = classes,
                     .name = NAME,
                     .version = VERSION,
                     .summary = "made to be refused",
                     .needs = needs,
                     .threads = THREADS,
                     .create = CREATE,
                     .destroy = destroy,
                     .pickle = pickle,
                     .unpickle = unpickle,
                     .next = NEXT,
                     BEHIND},
           .later = {0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5}};

#ifdef CHANGES
static struct ff_serializer changing[2];
static int describe_calls;
#endif

#ifdef MANY /* as many as nobody has */
static struct ff_serializer many[MANY];
#endif

#ifdef DATA /* where a function is expected */
#undef DESCRIBE
#define DESCRIBE unused_function
__asm__(".data\n.globl ff_serializer_describe\n.type ff_serializer_describe, %object\n"
        ".size ff_serializer_describe, 8\nff_serializer_describe: .quad 1\n.text\n");
#endif

FF_EXPORT const struct ff_serializer *DESCRIBE(void);
FF_EXPORT const struct ff_serializer *DESCRIBE(void)
{
#if defined NOTHING
    (void)whole;
    return NULL;
#elif defined CHANGES
    changing[0] = changing[1] = whole.known;
    return &changing[describe_calls++ % 2];
#elif defined MANY
    for (int i = 0; i < MANY; i++) {
        many[i] = whole.known;
        many[i].next = i + 1 < MANY ? &many[i + 1] : NULL;
    }
    return many;
#elif defined UNALIGNED
    return (const struct ff_serializer *)(const void *)((const char *)&whole.known + 1);
#elif defined FOREIGN /* in a library that it links */
    (void)whole;
    return ff_serializer_describe();
#else
    return &whole.known;
#endif
}
