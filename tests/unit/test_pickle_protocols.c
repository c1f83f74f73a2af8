/* SPDX-License-Identifier: Apache-2.0 */
/* test_pickle_protocols.c: what a protocol has no opcode for is written as CPython's pickler does
 * (the streams were made by CPython 3.11, with classes of a module `m`). A NEWOBJ_EX in protocols 2
 * and 3 is another: CPython calls functools.partial there, this library what the class's own
 * __reduce_ex__ names. */
#include <functionfuse/pickle.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "run.h"

#define LIT(text) (text), sizeof(text) - 1

/* A class within a class, twice the same, and two ways to make an object. */
#define NESTED                                                                           \
    "\200\004\225\025\000\000\000\000\000\000\000\214\001m\224\214\013Outer."            \
    "Inner\224\223\224."
#define NESTED_TWICE                                                                     \
    "\200\004\225\033\000\000\000\000\000\000\000]\224(\214\001m\224\214\013Outer."      \
    "Inner\224\223\224h\003e."
#define NEWOBJ "\200\002cm\nN\nq\000)\201q\001}q\002X\001\000\000\000aq\003K\001sb."
#define NEWOBJ_EX                                                                        \
    "\200\004\225\032\000\000\000\000\000\000\000\214\001m\224\214\001X\224\223\224K"    \
    "\001\205\224}\224\214\001k\224K\002s\222\224."

static const struct {
    const char *stream;
    size_t size_bytes;
    uint32_t protocol;
    const char *wanted;
    size_t wanted_bytes;
} dumps[] = {
    {LIT(NESTED), 0,
     LIT("c__builtin__\ngetattr\np0\n(cm\nOuter\np1\nVInner\np2\ntp3\nRp4\n.")},
    {LIT(NESTED), 1,
     LIT("c__builtin__\ngetattr\nq\000("
         "cm\nOuter\nq\001X\005\000\000\000Innerq\002tq\003Rq\004.")},
    {LIT(NESTED), 2,
     LIT("\200\002c__builtin__"
         "\ngetattr\nq\000cm\nOuter\nq\001X\005\000\000\000Innerq\002\206q\003Rq\004.")},
    {LIT(NESTED), 3,
     LIT("\200\003cbuiltins\ngetattr\nq\000cm\nOuter\nq\001X\005\000\000\000Innerq\002"
         "\206q\003Rq\004.")},
    {LIT(NESTED), 4, LIT(NESTED)},
    {LIT(NESTED), 5,
     LIT("\200\005\225\025\000\000\000\000\000\000\000\214\001m\224\214\013Outer."
         "Inner\224\223\224.")},
    {LIT(NESTED_TWICE), 0,
     LIT("(lp0\nc__builtin__\ngetattr\np1\n("
         "cm\nOuter\np2\nVInner\np3\ntp4\nRp5\nag5\na.")},
    {LIT(NESTED_TWICE), 1,
     LIT("]q\000(c__builtin__\ngetattr\nq\001("
         "cm\nOuter\nq\002X\005\000\000\000Innerq\003tq\004Rq\005h\005e.")},
    {LIT(NESTED_TWICE), 2,
     LIT("\200\002]q\000(c__builtin__"
         "\ngetattr\nq\001cm\nOuter\nq\002X\005\000\000\000Innerq\003\206q\004Rq\005h\005"
         "e.")},
    {LIT(NESTED_TWICE), 3,
     LIT("\200\003]q\000("
         "cbuiltins\ngetattr\nq\001cm\nOuter\nq\002X\005\000\000\000Innerq\003\206q\004Rq"
         "\005h\005e.")},
    {LIT(NESTED_TWICE), 4, LIT(NESTED_TWICE)},
    {LIT(NESTED_TWICE), 5,
     LIT("\200\005\225\033\000\000\000\000\000\000\000]\224(\214\001m\224\214\013Outer."
         "Inner\224\223\224h\003e.")},
    {LIT("\200\002ca.b\nc\nca\nb.c\n\206."), 4,
     LIT("\200\004\225\033\000\000\000\000\000\000\000\214\003a."
         "b\224\214\001c\224\223\224"
         "\214\001a\224\214\003b.c\224\223\224\206\224.")},
    {LIT(NEWOBJ), 0,
     LIT("ccopy_reg\n__newobj__\np0\n(cm\nN\np1\ntp2\nRp3\n(dp4\nVa\np5\nI1\nsb.")},
    {LIT(NEWOBJ), 1,
     LIT("ccopy_reg\n__newobj__\nq\000(cm\nN\nq\001tq\002Rq\003}"
         "q\004X\001\000\000\000aq\005K\001sb.")},
    {LIT(NEWOBJ), 2, LIT(NEWOBJ)},
    {LIT(NEWOBJ), 3,
     LIT("\200\003cm\nN\nq\000)\201q\001}q\002X\001\000\000\000aq\003K\001sb.")},
    {LIT(NEWOBJ), 4,
     LIT("\200\004\225\030\000\000\000\000\000\000\000\214\001m\224\214\001N\224\223\224)"
         "\201\224}\224\214\001a\224K\001sb.")},
    {LIT(NEWOBJ), 5,
     LIT("\200\005\225\030\000\000\000\000\000\000\000\214\001m\224\214\001N\224\223\224)"
         "\201\224}\224\214\001a\224K\001sb.")},
    {LIT(NEWOBJ_EX), 0,
     LIT("ccopy_reg\n__newobj_ex__\np0\n(cm\nX\np1\n(I1\ntp2\n("
         "dp3\nVk\np4\nI2\nstp5\nRp6\n.")},
    {LIT(NEWOBJ_EX), 1,
     LIT("ccopy_reg\n__newobj_ex__\nq\000(cm\nX\nq\001(K\001tq\002}"
         "q\003X\001\000\000\000kq\004K\002stq\005Rq\006.")},
    {LIT(NEWOBJ_EX), 4, LIT(NEWOBJ_EX)},
    {LIT(NEWOBJ_EX), 5,
     LIT("\200\005\225\032\000\000\000\000\000\000\000\214\001m\224\214\001X\224\223\224K"
         "\001\205\224}\224\214\001k\224K\002s\222\224.")},
};

static int to_buf(void *ctx, const void *data, size_t size)
{
    return ff_buf_append(ctx, data, size);
}

START_TEST(dump_in_another_protocol_is_as_cpython_writes_it)
{
    for (size_t i = 0; i < sizeof dumps / sizeof *dumps; i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_dump_options o = {.struct_size = sizeof o,
                                    .protocol = dumps[i].protocol};
        struct ff_buf out;
        struct ff_doc *doc = ff_pickle_load(dumps[i].stream, dumps[i].size_bytes, NULL,
                                            NULL, NULL, NULL, &e);
        ff_buf_init(&out, 1000);
        ck_assert_msg(doc && !ff_pickle_dump(ff_doc_root(doc), &o, to_buf, &out, &e),
                      "row %zu: %s", i, e.message);
        ck_assert_msg(out.length_bytes == dumps[i].wanted_bytes &&
                          !memcmp(out.data, dumps[i].wanted, dumps[i].wanted_bytes),
                      "row %zu: other bytes", i);
        ff_buf_free(&out);
        ff_doc_free(doc);
    }
}
END_TEST

/* A SubList s = [Pair(w, [s])], where the state of w is s and a function sets it: the list is begun
 * three times inside itself, and so is the pair. */
static const struct {
    const char *stream;
    size_t size_bytes;
    uint32_t protocol;
} begun[] = {
    {LIT("ccopy_reg\n_reconstructor\np0\n(cvalues\nSubList\np1\nc__builtin__\nlist\n"
         "p2\n(lp3\ng0\n(cvalues\nPair\np4\nc__builtin__\ntuple\np5\n("
         "cvalues\nWithSetter\n"
         "p6\n(tRp7\ncvalues\nset_state\np8\ng7\n(dp9\nVstate\np10\ng0\n(g1\ng2\n"
         "(lp11\ng0\n(g4\ng5\n(g7\n(lp12\ng0\n(g1\ng2\n(lp13\ng0\n(g4\ng5\n(g7\ng12\n"
         "tp14\ntp15\nRp16\natp17\nRp18\natp19\ntp20\nR0g16\natp21\nR0g18\ns\206R0g12\n"
         "tp22\ntp23\nR0g16\natp24\nR0g18\n."),
     0},
    {LIT("ccopy_reg\n_reconstructor\nq\0(cvalues\nSubList\nq\1c__builtin__\nlist\n"
         "q\2]q\3h\0(cvalues\nPair\nq\4c__builtin__\ntuple\nq\5(cvalues\nWithSetter\n"
         "q\6)Rq\7cvalues\nset_state\nq\10h\7}q\11X\5\0\0\0stateq\nh\0(h\1h\2]q\13h\0("
         "h\4h\5(h\7]q\14h\0(h\1h\2]q\15h\0(h\4h\5("
         "h\7h\14tq\16tq\17Rq\20atq\21Rq\22atq\23tq\24R0h\20atq\25R0h\22s\206R0h\14tq\26t"
         "q\27R0h\20atq\30R0h\22."),
     1},
};

START_TEST(object_begun_three_times_is_written_as_it_was)
{
    struct ff_error e = FF_ERROR_INIT;
    for (size_t i = 0; i < sizeof begun / sizeof *begun; i++) {
        struct ff_dump_options o = {.struct_size = sizeof o,
                                    .protocol = begun[i].protocol};
        struct ff_buf out;
        struct ff_doc *doc = ff_pickle_load(begun[i].stream, begun[i].size_bytes, NULL,
                                            NULL, NULL, NULL, &e);
        ff_buf_init(&out, 1000);
        ck_assert_msg(doc && !ff_pickle_dump(ff_doc_root(doc), &o, to_buf, &out, &e),
                      "row %zu: %s", i, e.message);
        ck_assert_uint_eq(out.length_bytes, begun[i].size_bytes);
        ck_assert_mem_eq(out.data, begun[i].stream, out.length_bytes);
        ff_buf_free(&out);
        ff_doc_free(doc);
    }
}
END_TEST

/* CPython appends to a bytearray, and sets its items, as to those of a list. */
#define AB "\200\5\226\2\0\0\0\0\0\0\0ab"

static const struct {
    const char *stream;
    size_t size_bytes;
    const char *bytes; /* NULL: corrupt */
} edits[] = {
    {LIT(AB "Kca."), "abc"},
    {LIT(AB "(KcKde."), "abcd"},
    {LIT(AB "K\1Kcs."), "ac"},
    {LIT(AB "(K\0KxK\1Kyu."), "xy"},
    {LIT(AB "J\377\377\377\377K\7s."), "a\7"},
    {LIT(AB "J\375\377\377\377K\7s."), NULL},
    {LIT(AB "K\5Kcs."), NULL},
    {LIT(AB "K\0M\0\1s."), NULL},
    {LIT(AB "M\0\1a."), NULL},
    {LIT(AB "Na."), NULL},
    {LIT(AB "NKcs."), NULL},
    {LIT(AB "\230Kca."), NULL},
    {LIT(AB "\230K\0K\1s."), NULL},
    {LIT(AB "\230}b."), NULL},
    {LIT(AB "\230Nb."), "ab"},
    {LIT("\200\5\227\230Nb0" AB "."), "ab"},
    {LIT("\200\5\227\230}b0" AB "."), NULL},
    {LIT("\200\5\227\230K\0K\1s0" AB "."), NULL},
    {LIT("\200\5\227\230Na0" AB "."), NULL},
    {LIT("\200\5\227\230(N\2200" AB "."), NULL},
    {LIT("\200\5\227K\0K\1s0" AB "."), "ab"},
    {LIT("\200\2}c__builtin__\nset\n]\205RNs0" AB "."), NULL},
    {LIT("\200\2}c__builtin__\nbytearray\n)RNs0" AB "."), NULL},
    {LIT("\200\2}c__builtin__\nfrozenset\n]\205RNs0" AB "."), "ab"},
};

START_TEST(bytearray_is_edited_as_in_python)
{
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc = ff_pickle_load(edits[i].stream, edits[i].size_bytes, NULL,
                                            NULL, NULL, NULL, &e);
        const void *data;
        size_t size;
        if (!edits[i].bytes) {
            ck_assert_msg(!doc && e.code == FF_E_CORRUPT, "row %zu", i);
            continue;
        }
        ck_assert_msg(doc != NULL, "row %zu: %s", i, e.message);
        ck_assert_int_eq(ff_bytes(ff_doc_root(doc), &data, &size, NULL), FF_OK);
        ck_assert_msg(size == strlen(edits[i].bytes) &&
                          !memcmp(data, edits[i].bytes, size),
                      "row %zu: other bytes", i);
        ff_doc_free(doc);
    }
}
END_TEST

/* Bytes before protocol 3, where they are text in Latin-1: around a word, and around the pieces
 * that are made at once. */
static const size_t text_sizes[] = {1,      7,      8,      9,      63,    65,
                                    131071, 131072, 131073, 262145, 300001};

static void fill(uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) { /* 16 low ones, then any */
        data[i] = (uint8_t)(i / 16 % 2 ? i * 7 + i / 256 : 'a' + i % 16);
    }
}

/* Each byte is no assertion of its own: Check sends a message for each. */
static void append_text(struct ff_buf *out, const uint8_t *data, size_t size)
{
    struct ff_buf text;
    int failed = 0;
    ff_buf_init(&text, 2 * size);
    for (size_t i = 0; i < size; i++) {
        uint8_t two[2] = {(uint8_t)(0xc0 | data[i] >> 6),
                          (uint8_t)(0x80 | (data[i] & 0x3f))};
        failed |= data[i] < 0x80 ? ff_buf_append_byte(&text, data[i])
                                 : ff_buf_append(&text, two, 2);
    }
    failed |= ff_buf_append_byte(out, 'X');
    for (int shift = 0; shift < 32; shift += 8) {
        failed |= ff_buf_append_byte(out, (uint8_t)(text.length_bytes >> shift));
    }
    ck_assert(!failed && !ff_buf_append(out, text.data, text.length_bytes));
    ff_buf_free(&text);
}

static void append_line(struct ff_buf *out, const uint8_t *data, size_t size)
{
    int failed = ff_buf_append_byte(out, 'V');
    for (size_t i = 0; i < size; i++) {
        int odd = strchr("\\\n\r\x1a", data[i]) != NULL; /* or NUL */
        failed |= odd ? ff_buf_printf(out, "\\u%04x", data[i])
                      : ff_buf_append_byte(out, data[i]);
    }
    ck_assert(!failed && !ff_buf_append_byte(out, '\n'));
}

static void wanted_bytes(struct ff_buf *out, uint32_t protocol, const uint8_t *data,
                         size_t size)
{
    static const struct {
        const char *bytes;
        size_t count;
    } begin[] = {{LIT("c_codecs\nencode\np0\n(")},
                 {LIT("c_codecs\nencode\nq\0(")},
                 {LIT("\200\2c_codecs\nencode\nq\0")}};
    static const char end1[] = "q\1X\6\0\0\0latin1q\2tq\3Rq\4.",
                      end2[] = "q\1X\6\0\0\0latin1q\2\206q\3Rq\4.";
    ff_buf_init(out, 4 * size + 100);
    ck_assert(!ff_buf_append(out, begin[protocol].bytes, begin[protocol].count));
    if (protocol == 0) {
        append_line(out, data, size);
        ck_assert(!ff_buf_append_text(out, "p1\nVlatin1\np2\ntp3\nRp4\n."));
    } else {
        append_text(out, data, size);
        ck_assert(!(protocol == 1 ? ff_buf_append(out, end1, sizeof end1 - 1)
                                  : ff_buf_append(out, end2, sizeof end2 - 1)));
    }
}

static void bytes_are_text(size_t size, uint32_t protocol)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_dump_options o = {.struct_size = sizeof o, .protocol = protocol};
    struct ff_buf out, wanted;
    uint8_t *data = malloc(size);
    struct ff_doc *doc = ff_doc_new(&e);
    ck_assert(data && doc);
    fill(data, size);
    wanted_bytes(&wanted, o.protocol, data, size);
    ff_buf_init(&out, 4 * size + 100);
    struct ff_value v = ff_new_bytes(doc, data, size, &e);
    ck_assert_msg(!ff_pickle_dump(v, &o, to_buf, &out, &e), "%s", e.message);
    ck_assert_msg(out.length_bytes == wanted.length_bytes &&
                      !memcmp(out.data, wanted.data, wanted.length_bytes),
                  "%zu bytes, protocol %u: other bytes", size, o.protocol);
    ff_buf_free(&out);
    ff_buf_free(&wanted);
    ff_doc_free(doc);
    free(data);
}

START_TEST(bytes_of_any_size_are_latin1_text_before_protocol_3)
{
    for (size_t i = 0; i < COUNT_OF(text_sizes); i++) {
        for (uint32_t protocol = 0; protocol < 3; protocol++) {
            bytes_are_text(text_sizes[i], protocol);
        }
    }
}
END_TEST

RUN_TESTS("pickle_protocols", dump_in_another_protocol_is_as_cpython_writes_it,
          object_begun_three_times_is_written_as_it_was, bytearray_is_edited_as_in_python,
          bytes_of_any_size_are_latin1_text_before_protocol_3)
