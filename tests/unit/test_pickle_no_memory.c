/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of loading, scanning, dumping, comparing and showing a pickle fails in turn: no
 * memory is said, nothing is leaked, and what is not said has done its work whole. The linker
 * sends malloc and its kin here (--wrap). The streams were made by CPython 3.11 and numpy 2.4. */
#include <functionfuse/diff.h>
#include <functionfuse/pickle.h>

#include <string.h>

#include "core/base/buf.h"
#include "no_memory.h"
#include "run.h"

#define PROTOCOL_2                                                                       \
    "\200\002}q\000(X\004\000\000\000listq\001]q\002(K\001G@\004\000\000\000\000\000"    \
    "\000X\001\000\000\000xq\003N\210\212\013\000\000\000\000\000\000\000\000\000\000"   \
    "\001eX\003\000\000\000setq\004c__builtin__\nset\nq\005]q\006(K\001K\002K\003e\205"  \
    "q\007Rq\010K\001X\001\000\000\000aq\011c__builtin__\nfrozenset\nq\n]q\013K\002"     \
    "a\205q\014Rq\015\206q\016\206q\017c_codecs\nencode\nq\020X\002\000\000\000abq\021"  \
    "X\006\000\000\000latin1q\022\206q\023Rq\024cdecimal\nDecimal\nq\025X\003\000\000"   \
    "\0001.5q\026\205q\027Rq\030cdatetime\ndatetime\nq\031h\020X\013\000\000\000\007"    \
    "\303\250\001\002\003\004\005\000\000\006q\032h\022\206q\033Rq\034cdatetime\nti"     \
    "mezone\nq\035cdatetime\ntimedelta\nq\036K\000K\000K\000\207q\037Rq \205q!Rq\"\206"  \
    "q#Rq$X\002\000\000\000odq%ccollections\nOrderedDict\nq&)Rq'h\011K\001sX\002\000"    \
    "\000\000ddq(ccollections\ndefaultdict\nq)c__builtin__\nlist\nq*\205q+Rq,K\001]"     \
    "q-K\002asX\002\000\000\000ndq.cnumpy._core.multiarray\n_reconstruct\nq/cnumpy\n"    \
    "ndarray\nq0K\000\205q1h\020X\001\000\000\000bq2h\022\206q3Rq4\207q5Rq6(K\001K\003"  \
    "\205q7cnumpy\ndtype\nq8X\002\000\000\000i2q9\211\210\207q:Rq;(K\003X\001\000\000"   \
    "\000<q<NNNJ\377\377\377\377J\377\377\377\377K\000tq=b\211h\020X\006\000\000\000"    \
    "\000\000\001\000\002\000q>h\022\206q?Rq@tqAbX\002\000\000\000baqBc__builtin__\n"    \
    "bytearray\nqCh\020X\001\000\000\000qqDh\022\206qERqF\205qGRqHX\001\000\000\000"     \
    "eqIcexceptions\nValueError\nqJK\002X\002\000\000\000noqK\206qLRqMX\005\000\000"     \
    "\000againqNh\002u."
#define PROTOCOL_4                                                                       \
    "\200\004\225\004\002\000\000\000\000\000\000}\224(\214\004list\224]\224(K\001G"     \
    "@\004\000\000\000\000\000\000\214\001x\224N\210\212\013\000\000\000\000\000\000"    \
    "\000\000\000\000\001e\214\003set\224\217\224(K\001K\002K\003\220K\001\214\001a"     \
    "\224(K\002\221\224\206\224\206\224C\002ab\224\214\007decimal\224\214\007Decima"     \
    "l\224\223\224\214\0031.5\224\205\224R\224\214\010datetime\224\214\010datetime\224"  \
    "\223\224C\n\007\350\001\002\003\004\005\000\000\006\224h\021\214\010timezone\224"   \
    "\223\224h\021\214\011timedelta\224\223\224K\000K\000K\000\207\224R\224\205\224"     \
    "R\224\206\224R\224\214\002od\224\214\013collections\224\214\013OrderedDict\224"     \
    "\223\224)R\224h\006K\001s\214\002dd\224h \214\013defaultdict\224\223\224\214\010"   \
    "builtins\224\214\004list\224\223\224\205\224R\224K\001]\224K\002as\214\002nd\224"   \
    "\214\026numpy._core.multiarray\224\214\014_reconstruct\224\223\224\214\005nump"     \
    "y\224\214\007ndarray\224\223\224K\000\205\224C\001b\224\207\224R\224(K\001K\003"    \
    "\205\224h1\214\005dtype\224\223\224\214\002i2\224\211\210\207\224R\224(K\003\214"   \
    "\001<\224NNNJ\377\377\377\377J\377\377\377\377K\000t\224b\211C\006\000\000\001"     \
    "\000\002\000\224t\224b\214\002ba\224h'\214\011bytearray\224\223\224C\001q\224\205"  \
    "\224R\224\214\001e\224h'\214\nValueError\224\223\224K\002\214\002no\224\206\224"    \
    "R\224\214\005again\224h\002u."
#define PROTOCOL_0                                                                       \
    "(lp0\nI1\naVa\np1\na(dp2\nVk\np3\nL1180591620717411303424L\nsa(F1.5\nNtp4\na."

#define LIT(text) text, sizeof(text) - 1

static const struct stream {
    const char *data;
    size_t size_bytes;
} streams[] = {{LIT(PROTOCOL_0)}, {LIT(PROTOCOL_2)}, {LIT(PROTOCOL_4)}};

static struct ff_doc *loaded, *other; /* of the stream, before anything fails */

static int count_bytes(void *ctx, const void *data, size_t size)
{
    (void)data;
    *(size_t *)ctx += size;
    return FF_OK;
}

static int count_text(void *ctx, const char *text, size_t size)
{
    return count_bytes(ctx, text, size);
}

static int load(const struct stream *s, struct ff_error *e)
{
    struct ff_doc *doc =
        ff_pickle_load(s->data, s->size_bytes, NULL, NULL, NULL, NULL, e);
    ff_doc_free(doc);
    return doc ? FF_OK : e->code;
}

static int dump_in(uint32_t protocol, uint32_t flags, struct ff_error *e)
{
    struct ff_dump_options o = {
        .struct_size = sizeof o, .flags = flags, .protocol = protocol};
    size_t size = 0;
    return ff_pickle_dump(ff_doc_root(loaded), &o, count_bytes, &size, e);
}

static int dump(const struct stream *s, struct ff_error *e)
{
    (void)s;
    return dump_in(FF_PROTOCOL_DEFAULT, 0, e);
}

static int dump_old(const struct stream *s, struct ff_error *e)
{
    (void)s;
    return dump_in(1, 0, e);
}

static int dump_compact(const struct stream *s, struct ff_error *e)
{
    (void)s;
    return dump_in(5, FF_DUMP_COMPACT, e);
}

static int judge(const struct stream *s, struct ff_error *e)
{
    struct ff_policy *policy = ff_policy_new(0, e);
    int code = policy ? ff_policy_allow(policy, "m.*", e) : e->code;
    code = code ? code : ff_policy_read(policy, LIT("{\"allow\": [\"n.A\"]}"), e);
    code = code ? code : ff_pickle_judge(s->data, s->size_bytes, NULL, policy, NULL, e);
    ff_policy_free(policy);
    return code;
}

static int equal(const struct stream *s, struct ff_error *e)
{
    (void)s;
    int same = ff_equal(ff_doc_root(loaded), ff_doc_root(other), 0, e);
    return e->code ? e->code : same ? FF_OK : FF_E_OTHER;
}

static int nothing(void *ctx, const struct ff_difference *d)
{
    (void)d;
    ++*(size_t *)ctx;
    return FF_OK;
}

static int diff(const struct stream *s, struct ff_error *e)
{
    size_t told = 0;
    (void)s;
    int code =
        ff_diff(ff_doc_root(loaded), ff_doc_root(other), NULL, nothing, &told, NULL, e);
    return code ? code : told ? FF_E_OTHER : FF_OK;
}

static int show(const struct stream *s, struct ff_error *e)
{
    size_t size = 0;
    (void)s;
    return ff_show(ff_doc_root(loaded), 0, 0, count_text, &size, e);
}

static int json(const struct stream *s, struct ff_error *e)
{
    size_t size = 0;
    (void)s;
    return ff_to_json(ff_doc_root(loaded), count_text, &size, e);
}

static int import(const struct stream *s, struct ff_error *e)
{
    struct ff_doc *doc = ff_doc_new(e);
    struct ff_value v = {NULL, 0};
    (void)s;
    if (doc) {
        v = ff_import(doc, ff_doc_root(loaded), e);
    }
    ff_doc_free(doc);
    return v.cell ? FF_OK : e->code;
}

static const struct {
    const char *name;
    int (*run)(const struct stream *, struct ff_error *);
} stories[] = {
    {"load", load},
    {"dump", dump},
    {"dump in protocol 1", dump_old},
    {"compact", dump_compact},
    {"judge", judge},
    {"equal", equal},
    {"diff", diff},
    {"show", show},
    {"json", json},
    {"import", import},
};

static void tell_story(size_t story, const struct stream *s)
{
    long at = 0;
    for (bool fired = true; fired; at++) {
        struct ff_error e = FF_ERROR_INIT;
        left = at;
        int code = stories[story].run(s, &e);
        fired = left < 0;
        left = -1;
        ck_assert_msg(code == FF_OK || (fired && code == FF_E_NO_MEMORY),
                      "%s, allocation %ld: %d %s", stories[story].name, at, code,
                      e.message);
        ck_assert_int_eq(code, e.code);
    }
    ck_assert_msg(at > 1 || stories[story].run == show, "%s allocates nothing",
                  stories[story].name);
}

START_TEST(allocation_that_fails_is_said)
{
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        for (size_t story = 0; story < COUNT_OF(stories); story++) {
            loaded = ff_pickle_load(streams[i].data, streams[i].size_bytes, NULL, NULL,
                                    NULL, NULL, NULL);
            other = ff_pickle_load(streams[i].data, streams[i].size_bytes, NULL, NULL,
                                   NULL, NULL, NULL);
            ck_assert_ptr_nonnull(loaded);
            tell_story(story, &streams[i]);
            ff_doc_free(loaded);
            ff_doc_free(other);
        }
    }
}
END_TEST

RUN_TESTS("pickle_no_memory", allocation_that_fails_is_said)
