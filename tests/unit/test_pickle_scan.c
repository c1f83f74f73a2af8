/* SPDX-License-Identifier: Apache-2.0 */
/* test_pickle_scan.c: the scan tells what a pickle names and calls, and takes what the load takes. */
#include <functionfuse/pickle.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "run.h"

#define LIT(text) (text), sizeof(text) - 1

/* ---- what is told, as text ---- */

static int on_global(void *ctx, const struct ff_scanned_global *g)
{
    return ff_buf_printf(
        ctx, "%s.%s[%s%s%s%s]%llu ", g->module, g->name,
        g->uses & FF_USE_REFERENCE ? "r" : "", g->uses & FF_USE_CLASS ? "c" : "",
        g->uses & FF_USE_CALL ? "!" : "", g->uses & FF_USE_CHANGE ? "=" : "",
        (unsigned long long)g->count);
}

static int on_call(void *ctx, const struct ff_scanned_call *c)
{
    return ff_buf_printf(ctx, "%s@%llu:%s:%s.%s ", c->op, (unsigned long long)c->offset,
                         c->kind, c->module, c->name);
}

static int on_pid(void *ctx, const struct ff_scanned_pid *p)
{
    int rc = ff_buf_printf(ctx, "pid(%s,%s,%s:%d", p->serializer, p->version, p->name,
                           ff_kind(p->id));
    for (size_t i = 0; i < p->string_count && !rc; i++) {
        rc = ff_buf_printf(ctx, ",%s", p->strings[i]);
    }
    return rc ? rc : ff_buf_append_text(ctx, ") ");
}

static int on_extension(void *ctx, uint64_t offset, int32_t code)
{
    return ff_buf_printf(ctx, "ext(%llu,%d) ", (unsigned long long)offset, code);
}

static int on_op(void *ctx, const struct ff_scanned_op *op)
{
    return ff_buf_printf(ctx, "%llu%s/%zu ", (unsigned long long)op->offset, op->name,
                         op->size_bytes + op->more_bytes);
}

static int tell(const void *data, size_t size, int ops, struct ff_buf *out)
{
    struct ff_scan scan = {.struct_size = sizeof scan,
                           .ctx = out,
                           .global = on_global,
                           .call = on_call,
                           .persistent = on_pid,
                           .extension = on_extension,
                           .op = ops ? on_op : NULL};
    ff_buf_clear(out);
    return ff_pickle_scan(data, size, NULL, &scan, NULL, NULL);
}

struct telling {
    const char *name;
    const char *pickle;
    size_t size;
    int code;
    const char *told;
};

static const struct telling tellings[] = {
    {"a call", LIT("\x80\4\x8c\2os\x8c\6system\x93\x8c\2ls\x85R."), FF_OK,
     "REDUCE@20:global:os.system os.system[!]1 "},
    {"a popped call", LIT("cos\nsystem\n(Vls\ntR0N."), FF_OK,
     "REDUCE@17:global:os.system os.system[!]1 "},
    {"a popped OBJ", LIT("(cos\nsystem\nVls\no0N."), FF_OK,
     "OBJ@16:global:os.system os.system[c]1 "},
    {"INST", LIT("(Vls\nios\nsystem\n."), FF_OK,
     "INST@5:global:os.system os.system[c]1 "},
    {"names from the memo",
     LIT("\x80\4\x8c\2os\x94\x8c\6system\x94"
         "00h\0h\1\x93)R."),
     FF_OK, "REDUCE@24:global:os.system os.system[!]1 "},
    {"a class", LIT("\x80\2ca\nB\n)\x81}b."), FF_OK, "NEWOBJ@8:global:a.B a.B[c]1 "},
    {"a class with keywords", LIT("\x80\4\x8c\1a\x8c\1B\x93)}\x92."), FF_OK,
     "NEWOBJ_EX@11:global:a.B a.B[c]1 "},
    {"a reference, and a call of it again", LIT("\x80\2ca\nB\nq\0h\0)R\x86."), FF_OK,
     "REDUCE@12:global:a.B a.B[r!]2 "},
    {"DUP", LIT("\x80\2ca\nB\n2)R\x86."), FF_OK, "REDUCE@9:global:a.B a.B[r!]2 "},
    {"a changed global", LIT("\x80\2ca\nB\n}b."), FF_OK, "a.B[r=]1 "},
    {"the result of a call is called", LIT("\x80\2ca\nB\n)R)R."), FF_OK,
     "REDUCE@8:global:a.B REDUCE@10:object:. a.B[!]1 "},
    {"names of Python 2", LIT("c__builtin__\neval\n."), FF_OK, "builtins.eval[r]1 "},
    {"what stands before a failure", LIT("cos\nsystem\n(Vls\ntR"), FF_E_CORRUPT,
     "REDUCE@17:global:os.system os.system[!]1 "},
    {"a persistent id of ours", LIT("\x80\2X\1\0\0\0sX\1\0\0\0vX\1\0\0\0n\x86\x86Q."),
     FF_OK, "pid(s,v,n:9,s,v,n) "},
    {"a persistent id as text", LIT("Pabc\n."), FF_OK, "pid(,,:5,abc) "},
    {"a persistent id with a list in it", LIT("]Q."), FF_OK, "pid(,,:0) "},
    {"a persistent object is called", LIT("Pabc\n)R."), FF_OK,
     "pid(,,:5,abc) REDUCE@6:persistent:. "},
    {"an extension code", LIT("\x80\2\x82\5)R."), FF_OK,
     "ext(2,5) REDUCE@5:extension:. "},
    {"a name with NUL", LIT("\x80\4\x8c\3o\0s\x8c\1x\x93."), FF_OK, ".[r]1 "},
};

START_TEST(scan_tells_globals_calls_and_ids)
{
    struct ff_buf out;
    ff_buf_init(&out, 1 << 16);
    for (size_t i = 0; i < COUNT_OF(tellings); i++) {
        const struct telling *t = &tellings[i];
        ck_assert_msg(tell(t->pickle, t->size, 0, &out) == t->code, "%s", t->name);
        const char *text = ff_buf_text(&out);
        ck_assert_msg(strcmp(text, t->told) == 0, "%s: %s", t->name, text);
    }
    ff_buf_free(&out);
}
END_TEST

START_TEST(scan_tells_each_opcode_with_its_argument)
{
    struct ff_buf out;
    ff_buf_init(&out, 1 << 16);
    ck_assert_int_eq(tell(LIT("\x80\2ca\nBc\n(K\1X\2\0\0\0abI12\nt."), 1, &out), FF_OK);
    ck_assert_str_eq(ff_buf_text(&out),
                     "0PROTO/1 2GLOBAL/3 8MARK/0 9BININT1/1 11BINUNICODE/2 "
                     "18INT/2 22TUPLE/0 23STOP/0 a.Bc[r]1 ");
    ff_buf_free(&out);
}
END_TEST

static int stop(void *ctx, const struct ff_scanned_call *call)
{
    (void)call;
    ++*(int *)ctx;
    return 7;
}

static int never(void *ctx, const struct ff_scanned_global *g)
{
    (void)g;
    *(int *)ctx += 100;
    return 0;
}

START_TEST(scan_callback_that_stops_is_returned_at_once)
{
    int calls = 0;
    struct ff_scan scan = {
        .struct_size = sizeof scan, .ctx = &calls, .call = stop, .global = never};
    ck_assert_int_eq(ff_pickle_scan(LIT("\x80\2ca\nB\n)R)R."), NULL, &scan, NULL, NULL),
                     7);
    ck_assert_int_eq(calls, 1);
    scan.struct_size = 0;
    ck_assert_int_eq(ff_pickle_scan("N.", 2, NULL, &scan, NULL, NULL), FF_E_USAGE);
}
END_TEST

START_TEST(scan_knows_registered_extension_codes)
{
    static const struct ff_extension known[] = {{5, 0, "acme", "Wave"}};
    struct ff_load_options o = {
        .struct_size = sizeof o, .extensions = known, .extension_count = 1};
    struct ff_buf out;
    ff_buf_init(&out, 1 << 16);
    struct ff_scan scan = {.struct_size = sizeof scan, .ctx = &out, .global = on_global};
    ck_assert_int_eq(ff_pickle_scan(LIT("\x80\2\x82\5)R."), &o, &scan, NULL, NULL),
                     FF_OK);
    ck_assert_str_eq(ff_buf_text(&out), "acme.Wave[!]1 ");
    ff_buf_free(&out);
}
END_TEST

/* ---- load and scan agree ---- */

/* What only values tell, or what a load alone spends. */
static bool only_values_tell(const struct ff_error *e)
{
    static const char *const texts[] = {"the index is not in the list", "no such byte",
                                        "cannot be a key", "has no state"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (strstr(e->message, texts[i])) {
            return true;
        }
    }
    return e->code == FF_E_LIMIT;
}

static void check_agree(const uint8_t *data, size_t size, const char *what)
{
    struct ff_error e = FF_ERROR_INIT, scanned = FF_ERROR_INIT;
    size_t used = 0, walked = 0;
    /* The scan gets a copy of that very size: sanitizers see reads past the end. */
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    int walk = ff_pickle_scan(copy, size, NULL, NULL, &walked, &scanned);
    struct ff_doc *doc = ff_pickle_load(data, size, NULL, NULL, NULL, &used, &e);
    if (doc) {
        ck_assert_msg(walk == FF_OK && walked == used, "%s: loads, but %s", what,
                      scanned.message);
    } else if (walk == FF_OK) {
        ck_assert_msg(only_values_tell(&e), "%s: scans, but %s", what, e.message);
    }
    ff_doc_free(doc);
    free(copy);
}

static uint8_t *read_vectors(size_t *size)
{
    FILE *f = fopen(TEST_DATA "/pickle/cpython-3.11.vectors", "rb");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = malloc(*size);
    ck_assert_uint_eq(fread(data, 1, *size, f), *size);
    (void)fclose(f);
    return data;
}

START_TEST(scan_agrees_with_load_about_vectors_and_what_is_bent_out_of_them)
{
    size_t size;
    uint8_t *file = read_vectors(&size), bent[512];
    uint64_t random = 88172645463325252u;
    for (size_t at = 0, n = 0; at + 5 <= size; n++) {
        uint32_t length;
        char what[64];
        memcpy(&length, file + at + 1, sizeof length);
        const uint8_t *vector = file + at + 5;
        (void)snprintf(what, sizeof what, "vector %zu", n);
        check_agree(vector, length, what);
        for (int turn = 0; turn < 40 && length && length <= sizeof bent; turn++) {
            memcpy(bent, vector, length);
            for (int i = 0; i <= turn % 3; i++) {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                bent[random % length] =
                    turn % 2 ? vector[(random >> 20) % length] : (uint8_t)(random >> 40);
            }
            (void)snprintf(what, sizeof what, "vector %zu, bent %d", n, turn);
            check_agree(bent, length, what);
        }
        at += 5 + (size_t)length;
    }
    free(file);
}
END_TEST

START_TEST(scan_of_no_data_is_refused_or_empty)
{
    struct ff_error e = FF_ERROR_INIT;
    ck_assert_int_eq(ff_pickle_scan(NULL, 5, NULL, NULL, NULL, &e), FF_E_USAGE);
    ck_assert_int_eq(ff_pickle_scan(NULL, 0, NULL, NULL, NULL, NULL), FF_E_CORRUPT);
}
END_TEST

RUN_TESTS("pickle_scan", scan_of_no_data_is_refused_or_empty,
          scan_tells_globals_calls_and_ids, scan_tells_each_opcode_with_its_argument,
          scan_callback_that_stops_is_returned_at_once,
          scan_knows_registered_extension_codes,
          scan_agrees_with_load_about_vectors_and_what_is_bent_out_of_them)
