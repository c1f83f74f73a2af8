/* SPDX-License-Identifier: Apache-2.0 */
/* test_pickle_odd.c: streams that no pickler writes, but that mean something: nothing of it is
 * lost when they are loaded and dumped. */
#include <string.h>

#include "core/base/buf.h"
#include "core/pickle/pickle.h"
#include "run.h"
#include "tests/pickle/tree.h"

static int to_buf(void *ctx, const void *data, size_t size, struct ff_error *e)
{
    return ff_buf_append(ctx, data, size) ? ff_fail(e, FF_E_NO_MEMORY, NULL, "full")
                                          : FF_OK;
}

static const struct ff_load_options load_options = {.struct_size = sizeof load_options,
                                                    .py2_strings = FF_PY2_BYTES};

static struct ff_doc *load(const void *data, size_t size)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc;
    ck_assert_msg(
        !ff_pickle_read(data, size, NULL, NULL, &load_options, NULL, &doc, NULL, &e),
        "%s", e.message);
    return doc;
}

static int dump(const struct ff_doc *doc, uint32_t protocol, int compact,
                struct ff_buf *out)
{
    struct ff_write_options options = {
        .protocol = protocol, .compact = compact, .write = to_buf, .write_ctx = out};
    ff_buf_clear(out);
    return ff_pickle_write(ff_doc_root(doc), &options, NULL);
}

static void check_tree(const struct ff_doc *doc, const char *tree, const char *what)
{
    struct ff_buf out;
    ff_buf_init(&out, SIZE_MAX / 2);
    ck_assert_int_eq(tree_print(doc, false, &out), 0);
    ck_assert_msg(strcmp(ff_buf_text(&out), tree) == 0, "%s:\n%s", what,
                  ff_buf_text(&out));
    ff_buf_free(&out);
}

struct odd {
    const char *what, *bytes;
    size_t size;
    const char *tree;
};
#define C(what, bytes, tree)                                                             \
    {                                                                                    \
        what, bytes, sizeof(bytes) - 1, tree                                             \
    }
#define CLASS    "global 'm 'C\n"
#define CALL     "call #1\n" CLASS "args\nend\n"
#define BUFFER_0 "buffer 0\n"
#define ONE      "cdecimal\nDecimal\n(V1\ntR"
#define ONE_CALL "call #1\nglobal 'decimal 'Decimal\nargs\nstr '1\nend\n"

static const struct odd streams[] = {
    C("a call, dropped", "cm\nC\n)R0N.", "none\neffect\n" CALL),
    C("in the memo", "cm\nC\n)Rq\0000N.", "none\neffect\n" CALL),
    C("twice on the stack", "cm\nC\n)R200N.", "none\neffect\n" CALL),
    C("in a list", "]cm\nC\n)Ra0N.", "none\neffect\n" CALL),
    C("behind a mark", "(cm\nC\n)R1N.", "none\neffect\n" CALL),
    C("left on the stack", "cm\nC\n)RN.", "none\neffect\n" CALL),
    C("in a tuple left on the stack", "cm\nC\n)R\x85N.", "none\neffect\n" CALL),
    C("of a call", "cm\nC\n)R)R0N.",
      "none\neffect\ncall #1\ncall #2\n" CLASS "args\nend\nargs\nend\n"),
    C("of a call behind it, both left", "(cm\nC\n)Rq\0cm\nD\nh\0\x85RtN.",
      "none\neffect\ncall #1\nglobal 'm 'D\nargs\ncall #2\n" CLASS "args\nend\nend\n"),
    C("kept after all", "cm\nC\n)Rq\0000h\0.", CALL),
    C("twice dropped", "cm\nC\n)R0cm\nC\n)R0N.", "none\neffect\n" CALL "effect\n" CALL),
    C("of a key that comes again", "}K\1cm\nC\n)RsK\1Ns.",
      "dict 1 #1\nint 0x1\nnone\neffect\n" CALL),
    C("of a key in one go", "(K\1cm\nC\n)RK\1cm\nD\n)RK\1Nd.",
      "dict 1 #1\nint 0x1\nnone\neffect\n" CALL
      "effect\ncall #1\nglobal 'm 'D\nargs\nend\n"),
    C("in a value of a key that comes again", "}(K\1cm\nC\n)R\x85K\1Nucm\nD\n)R0.",
      "dict 1 #1\nint 0x1\nnone\neffect\n" CALL
      "effect\ncall #1\nglobal 'm 'D\nargs\nend\n"),
    C("of a key that comes again, kept", "}K\1cm\nC\n)Rq\0sK\1h\0s.",
      "dict 1 #1\nint 0x1\ncall #2\n" CLASS "args\nend\n"),
    C("a key that comes again", "}K\1K\2s" ONE "K\3s.",
      "dict 1 #1\nint 0x1\nint 0x3\neffect\n" ONE_CALL),
    C("an item that comes again", "\x80\4\x8f(K\1" ONE "\x90.",
      "set 1 #1\nint 0x1\neffect\n" ONE_CALL),
    C("an item of a frozenset that comes again", "\x80\4(K\1" ONE "\x91.",
      "frozenset 1 #1\nint 0x1\neffect\n" ONE_CALL),
    C("an item of a list, set again", "]cm\nC\n)RaK\0Ns.",
      "list 1 #1\nnone\neffect\n" CALL),
    C("of the dict that it is a key of, left", "}q\0cm\nC\nh\0\x85RK\1sN.",
      "none\neffect\ndict 1 #1\ncall #2\n" CLASS "args\nref #1\nend\nint 0x1\n"),
    C("of the list that it is in, left behind another",
      "]q\0(cm\nD\n)Rcm\nC\nh\0\x85ReN.",
      "none\neffect\nlist 2 #1\ncall #2\nglobal 'm 'D\nargs\nend\ncall #3\n" CLASS
      "args\nref #1\nend\n"),
    C("of the dict that it is a key of, left in a list", "](}q\0cm\nC\nh\0\x85RK\1seN.",
      "none\neffect\ndict 1 #1\ncall #2\n" CLASS "args\nref #1\nend\nint 0x1\n"),
    C("of the list that holds the list that it is in", "]q\0(](cm\nC\nh\0\x85ReeN.",
      "none\neffect\nlist 1 #1\nlist 1 #2\ncall #3\n" CLASS "args\nref #1\nend\n"),
    C("of a list between the outermost one and the last", "](]q\0(](cm\nC\nh\0\x85ReeeN.",
      "none\neffect\nlist 1 #1\nlist 1 #2\ncall #3\n" CLASS "args\nref #1\nend\n"),
    C("of the list that it is in, and a setter",
      "]q\0(cm\nC\nh\0\x85Rcm\nf\ncm\nD\n)RK\1\x86ReN.",
      "none\neffect\nlist 2 #1\ncall #2\n" CLASS
      "args\nref #1\nend\ncall #3\nglobal 'm 'f\nargs\ncall #4\nglobal 'm 'D\nargs\n"
      "end\nint 0x1\nend\n"),
    C("of the list that it is in, behind a setter",
      "]q\0(cm\nf\ncm\nD\n)RK\1\x86Rcm\nC\nh\0\x85ReN.", NULL),
    C("a setter that is overwritten", "cm\nC\n)Rq\0}K\1cm\nf\nh\0K\2\x86RsK\1Ns0.",
      "call #1\n" CLASS "args\nsetter\nglobal 'm 'f\nint 0x2\nend\n"),
    C("of the class of what is fetched next", "cm\nC\nq\0K\1\x85Rq\1h\0K\2\x85R0h\1.",
      "call #1\n" CLASS "args\nint 0x1\nend\neffect\ncall #1\n" CLASS
      "args\nint 0x2\nend\n"),
    C("two states", "cm\nC\n)\x81K\1bK\2b.",
      "new #1\n" CLASS "args\nbuild\nint 0x1\nbuild\nint 0x2\nend\n"),
    C("state, then items", "cm\nC\n)\x81K\1bK\2a.",
      "new #1\n" CLASS "args\nbuild\nint 0x1\nappend\nint 0x2\nend\n"),
    C("a setter", "cm\nC\n)Rq\0cm\nf\nh\0K\1\x86R0.",
      "call #1\n" CLASS "args\nsetter\nglobal 'm 'f\nint 0x1\nend\n"),
    C("a setter and another", "cm\nC\n)Rq\0cm\nf\nh\0K\1\x86R0cm\ng\nh\0K\2\x86R0.",
      "call #1\n" CLASS
      "args\nsetter\nglobal 'm 'f\nint 0x1\nsetter\nglobal 'm 'g\nint 0x2\nend\n"),
    C("a setter of what is dropped", "cm\nf\ncm\nC\n)RK\1\x86R0N.",
      "none\neffect\ncall #1\n" CLASS "args\nsetter\nglobal 'm 'f\nint 0x1\nend\n"),
    C("a setter of what is in the memo only", "cm\nf\ncm\nC\n)Rq\0K\1\x86R0N.",
      "none\neffect\ncall #1\n" CLASS "args\nsetter\nglobal 'm 'f\nint 0x1\nend\n"),
    C("a setter as an old instance, then state", "cm\nC\n)Rq\0(h\0K\1im\nf\n0K\2b.",
      "call #1\n" CLASS "args\nsetter\nglobal 'm 'f\nint 0x1\nbuild\nint 0x2\nend\n"),
    C("a setter as an old instance of what is on the stack",
      "cm\nC\n)Rq\0(cm\nf\nh\0K\1oq\0010.",
      "call #1\n" CLASS "args\nsetter\nglobal 'm 'f\nint 0x1\nend\n"),
    C("state of a global", "cm\nC\nK\1b.", CLASS "effect\n" CLASS "build\nint 0x1\n"),
    C("key twice", "cm\nC\n)\x81K\1K\2sK\1K\3s.",
      "new #1\n" CLASS
      "args\nsetitem\nint 0x1\nint 0x2\nsetitem\nint 0x1\nint 0x3\nend\n"),
    C("state of what a persistent id that is a call stands for", "cm\nC\n)RQK\1b.",
      "persistent\n" CALL "effect\npersistent\n" CALL "build\nint 0x1\n"),
    C("a module that is called CR", "c\r\nC\n.", "global x0d 'C\n"),
    C("the second buffer only", "\x80\5\x97\x97\x98.", "buffer 1 readonly\n"),
    C("buffers the other way round", "\x80\5\x97q\0\x97h\0\x86.",
      "tuple 2 #1\nbuffer 1\nbuffer 0\n"),
    C("a buffer twice", "\x80\5\x97q\0h\0\x86.", "tuple 2 #1\n" BUFFER_0 BUFFER_0),
    C("a buffer twice, once dropped", "\x80\5\x97q\0h\0000.", BUFFER_0),
    C("a buffer in the memo, for nothing", "\x80\5\x97q\0.", BUFFER_0),
    C("a buffer on the stack twice",
      "\x80\5\x97"
      "2.",
      BUFFER_0),
    C("a readonly buffer twice on the stack",
      "\x80\5\x97"
      "2\x98"
      "20.",
      "buffer 0 readonly\n"),
    C("an item of a buffer", "\x80\5\x97\x97\x97s.",
      BUFFER_0 "effect\n" BUFFER_0 "setitem\nbuffer 1\nbuffer 2\n"),
    C("a buffer in both ways", "\x80\5\x97q\0h\0\x98\x86.",
      "tuple 2 #1\n" BUFFER_0 "buffer 0 readonly\n"),
    C("a bytearray as a buffer", "\x80\5\x96\1\0\0\0\0\0\0\0a\x98\x98.",
      "bytearray 'a #1\n"),
    C("a bytearray and what cannot be written to of it",
      "\x80\5\x96\1\0\0\0\0\0\0\0aq\0h\0\x98\x86.",
      "tuple 2 #1\nbytearray 'a #2\nbytearray 'a #3\n"),
    C("bytes of Python 2 as a buffer", "\x80\5U\2\xe9\x97\x98.", "bytes xe997 #1\n"),
    C("ASCII of Python 2 as a buffer", "\x80\5U\1a\x98.", "bytes 'a\n"),
    C("a persistent id that is a global, named twice",
      "\x80\4(cm\nC\nQcm\nC\nQcm\nD\nQ\x91.",
      "frozenset 2 #1\n"
      "persistent\n" CLASS "persistent\nglobal 'm 'D\n"),
    C("a persistent id twice", "](cm\nC\n\x85q\0Qh\0Qe.",
      "list 2 #1\npersistent\ntuple 1 #2\n" CLASS "persistent\nref #2\n"),
    C("DUP",
      "]]2\x86"
      "a.",
      "list 1 #1\ntuple 2 #2\nlist 0 #3\nref #3\n"),
    C("old instances", "(im\nC\n(K\1im\nC\n(cm\nC\no(cm\nC\nK\2o\x87\x86.", NULL),
};

START_TEST(odd_stream_comes_back_with_all_it_means)
{
    struct ff_buf out, twice, tree;
    const struct odd *odd = &streams[_i];
    struct ff_doc *doc = load(odd->bytes, odd->size);
    struct ff_scan scan = {.struct_size = sizeof scan};
    ck_assert_int_eq(
        ff_pickle_scan(odd->bytes, odd->size, &load_options, &scan, NULL, NULL), FF_OK);
    ff_buf_init(&out, SIZE_MAX / 2);
    ff_buf_init(&twice, SIZE_MAX / 2);
    ff_buf_init(&tree, SIZE_MAX / 2);
    if (odd->tree) {
        check_tree(doc, odd->tree, odd->what);
    }
    ck_assert_int_eq(tree_print(doc, false, &tree), 0);
    for (int compact = 0; compact < 2; compact++) {
        uint32_t protocol = (uint32_t)ff_doc_protocol(doc);
        ck_assert_int_eq(dump(doc, protocol, compact, &out), FF_OK);
        struct ff_doc *again = load(out.data, out.length_bytes);
        check_tree(again, ff_buf_text(&tree), odd->what);
        ck_assert_int_eq(dump(again, protocol, compact, &twice), FF_OK);
        ck_assert_msg(compact || (out.length_bytes == twice.length_bytes &&
                                  memcmp(out.data, twice.data, out.length_bytes) == 0),
                      "%s: other bytes the second time", odd->what);
        ff_doc_free(again);
    }
    ff_buf_free(&tree);
    ff_buf_free(&twice);
    ff_buf_free(&out);
    ff_doc_free(doc);
}
END_TEST

/* Of all ways to be dropped: from the memo too, at once, in a list, of a key, left behind. */
START_TEST(calls_dropped_are_written_in_the_order_of_the_stream)
{
    static const char in[] = "cm\nZ\n)R](cm\nA\n)Rq\0e0cm\nB\n)R0](cm\nC\n)Re0"
                             "}(K\1cm\nD\n)Rq\1K\1cm\nE\n)RK\1Nu0"
                             "cm\nF\n)R0(cm\nG\n)R1cm\nY\n)RN.";
    static const char expected[] = "ABCDEFGZY";
    struct ff_buf out;
    ff_buf_init(&out, SIZE_MAX / 2);
    struct ff_doc *doc = load(in, sizeof in - 1);
    for (int times = 0; times < 2; times++) {
        size_t found = 0;
        ck_assert_int_eq(dump(doc, 2, 0, &out), FF_OK);
        for (size_t i = 0; i + 5 < out.length_bytes; i++) {
            if (memcmp(out.data + i, "cm\n", 3) == 0) {
                ck_assert_int_eq(out.data[i + 3], expected[found++]);
            }
        }
        ck_assert_uint_eq(found, sizeof expected - 1);
        ff_doc_free(doc);
        doc = load(out.data, out.length_bytes);
    }
    ff_doc_free(doc);
    ff_buf_free(&out);
}
END_TEST

/* m.K(s), where s = {m.K(s)}: before protocol 4 a set cannot be fetched while it is filled. */
START_TEST(object_made_of_itself_is_written_or_refused)
{
    static const char loop[] =
        "\x80\4\x8c\1m\x94\x8c\1K\x94\x93\x94\x8f\x94(h\2h\3\x85\x94R\x94\x90\x85R0h\5.";
    struct ff_buf out;
    struct ff_doc *doc = load(loop, sizeof loop - 1);
    ff_buf_init(&out, SIZE_MAX / 2);
    for (uint32_t protocol = 0; protocol <= 5; protocol++) {
        ck_assert_int_eq(dump(doc, protocol, 0, &out),
                         protocol < 4 ? FF_E_UNSUPPORTED : FF_OK);
    }
    ff_buf_free(&out);
    ff_doc_free(doc);
}
END_TEST

/* MEMOIZE counts the slots that are filled: one that was put far ahead is not a new one when
 * the others reach it, in CPython neither. */
START_TEST(slot_put_far_ahead_is_counted_once)
{
    enum { FAR = 1100 };
    static const char far[] = "\x80\4Nr\x4c\4\0\0\60";
    static const struct {
        const char *end;
        size_t size;
        int code;
    } get[] = {{"j\x4c\4\0\0.", 6, FF_OK}, {"j\x4d\4\0\0.", 6, FF_E_CORRUPT}};
    for (size_t i = 0; i < COUNT_OF(get); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc = NULL;
        struct ff_buf in;
        ff_buf_init(&in, SIZE_MAX / 2);
        ck_assert_int_eq(ff_buf_append(&in, far, sizeof far - 1), 0);
        for (int n = 0; n < FAR + 1; n++) {
            ck_assert_int_eq(ff_buf_append(&in, "K\5\x94\60", 4), 0);
        }
        ck_assert_int_eq(ff_buf_append(&in, get[i].end, get[i].size), 0);
        ck_assert_int_eq(ff_pickle_read(in.data, in.length_bytes, NULL, NULL, NULL, NULL,
                                        &doc, NULL, &e),
                         get[i].code);
        ff_doc_free(doc);
        ff_buf_free(&in);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pickle_odd");
    TCase *tcase = tcase_create("pickle_odd");
    tcase_add_loop_test(tcase, odd_stream_comes_back_with_all_it_means, 0,
                        (int)COUNT_OF(streams));
    tcase_add_test(tcase, calls_dropped_are_written_in_the_order_of_the_stream);
    tcase_add_test(tcase, object_made_of_itself_is_written_or_refused);
    tcase_add_test(tcase, slot_put_far_ahead_is_counted_once);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
