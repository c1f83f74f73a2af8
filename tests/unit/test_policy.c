/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy.c: what a policy allows, how it is said, and which pickles keep to one. */
#include <functionfuse/pickle.h>
#include <string.h>

#include "run.h"

#define LIT(text) (text), sizeof(text) - 1

static const struct {
    uint32_t flags;
    const char *allow; /* NULL: nothing */
    const char *module, *name;
    int allowed;
} asks[] = {
    {0, NULL, "builtins", "set", 1},
    {0, NULL, "builtins", "ZeroDivisionError", 1}, /* the last of its list */
    {0, NULL, "builtins", "bool", 1},              /* the first */
    {0, NULL, "builtins", "boo", 0},
    {0, NULL, "builtins", "bools", 0},
    {0, NULL, "builtins", "bool bytearray", 0},
    {0, NULL, "builtins", "", 0},
    {0, NULL, "builtins", "eval", 0},
    {0, NULL, "builtins", "getattr", 0},
    {0, NULL, "builtin", "set", 0},
    {0, NULL, "builtins:bool", "set", 0},
    {0, NULL, "", "set", 0},
    {0, NULL, "os", "system", 0},
    {0, NULL, "posix", "system", 0},
    {0, NULL, "numpy", "ndarray", 1},
    {0, NULL, "numpy.core", "multiarray", 0},
    {0, NULL, "collections", "OrderedDict", 1},
    {0, NULL, "collections", "OrderedDict.fromkeys", 0},
    {0, NULL, "torch._utils", "_rebuild_tensor_v2", 1},
    {FF_POLICY_EMPTY, NULL, "builtins", "set", 0},
    {FF_POLICY_EMPTY, "builtins.set", "builtins", "set", 1},
    {0, "m.A", "m", "A", 1},
    {0, "m.A", "m", "B", 0},
    {0, "m.A", "m", "A.B", 0},
    {0, "m.A", "m.A", "A", 0},
    {0, "m.sub.A", "m.sub", "A", 1},
    {0, "m.sub.A", "m", "sub.A", 0},
    {0, "m:Outer.Inner", "m", "Outer.Inner", 1},
    {0, "m:Outer.Inner", "m.Outer", "Inner", 0},
    {0, "m.*", "m", "anything", 1},
    {0, "m.*", "m", "Outer.Inner", 0}, /* Outer may be a module that m imports */
    {0, "m.*", "m.sub", "A", 0},
    {0, "m.*", "mm", "A", 0},
};

START_TEST(policy_allows_what_is_listed_and_nothing_else)
{
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_policy *p = ff_policy_new(asks[i].flags, &e);
        if (asks[i].allow) {
            (void)ff_policy_allow(p, asks[i].allow, &e);
        }
        ck_assert_msg(p && e.code == FF_OK, "row %zu: %s", i, e.message);
        ck_assert_msg(ff_policy_allows(p, asks[i].module, asks[i].name) ==
                          asks[i].allowed,
                      "%s: %s.%s", asks[i].allow ? asks[i].allow : "built in",
                      asks[i].module, asks[i].name);
        ff_policy_free(p);
    }
    ck_assert_int_eq(ff_policy_allows(NULL, "builtins", "set"), 0);
}
END_TEST

START_TEST(rule_that_is_no_global_is_refused)
{
    static const char *const rules[] = {
        "", ".", ":", "m", "m.", "m:", ".A", ":A", "m.:", "*.", "*"};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_policy *p = ff_policy_new(0, &e);
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct ff_error own = FF_ERROR_INIT;
        ck_assert_msg(ff_policy_allow(p, rules[i], &own) == FF_E_USAGE &&
                          strstr(own.fix, "module.name"),
                      "\"%s\": %d", rules[i], own.code);
    }
    ck_assert_int_eq(ff_policy_allow(p, NULL, NULL), FF_E_USAGE);
    ck_assert_int_eq(ff_policy_allow(NULL, "m.A", NULL), FF_E_USAGE);
    ck_assert_ptr_null(ff_policy_new(~FF_POLICY_EMPTY, &e));
    ck_assert_int_eq(e.code, FF_E_USAGE);
    ck_assert_int_eq(ff_policy_allow(p, "m.A", &e),
                     FF_E_USAGE); /* the first error stays */
    ck_assert_int_eq(ff_policy_allows(p, "m", "A"), 0);
    ff_policy_free(p);
    ff_policy_free(NULL);
}
END_TEST

static const struct {
    const char *json;
    int code;
    int allowed; /* m.A */
} files[] = {
    {"{\"allow\": []}", FF_OK, 0},
    {"{\"allow\": [\"m.B\", \"m.A\"]}", FF_OK, 1},
    {"{\"allow\": [\"m.*\"]}", FF_OK, 1},
    {"{}", FF_E_USAGE, 0},
    {"[]", FF_E_USAGE, 0},
    {"{\"allow\": \"m.A\"}", FF_E_USAGE, 0},
    {"{\"allow\": [1]}", FF_E_USAGE, 0},
    {"{\"allow\": [null]}", FF_E_USAGE, 0},
    {"{\"allow\": [\"m\"]}", FF_E_USAGE, 0},
    {"{\"allow\": [\"m.A\\u0000B\"]}", FF_E_USAGE, 0},
    {"{\"deny\": [\"m.A\"]}", FF_E_USAGE, 0},
    {"{\"allow\": [], \"deny\": []}", FF_E_USAGE, 0},
    {"{\"allow\": [", FF_E_USAGE, 0},
    {"", FF_E_USAGE, 0},
};

START_TEST(policy_in_json_is_read_or_refused)
{
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_policy *p = ff_policy_new(0, &e);
        int code = ff_policy_read(p, files[i].json, strlen(files[i].json), &e);
        ck_assert_msg(code == files[i].code && e.code == code, "%s: %d, %d: %s",
                      files[i].json, code, e.code, e.message);
        ck_assert_msg(ff_policy_allows(p, "m", "A") == files[i].allowed, "%s",
                      files[i].json);
        ff_policy_free(p);
    }
    ck_assert_int_eq(ff_policy_read(NULL, LIT("{\"allow\": []}"), NULL), FF_E_USAGE);
}
END_TEST

static const struct {
    const char *pickle;
    size_t size_bytes;
    const char *allow;
    int code;
    const char *says;
} pickles[] = {
    {LIT("N."), NULL, FF_OK, ""},
    {LIT("N.rest"), NULL, FF_OK, ""},
    {LIT("cbuiltins\nset\n."), NULL, FF_OK, ""},
    {LIT("c__builtin__\nset\n."), NULL, FF_OK, ""}, /* as Python 3 maps it */
    {LIT("cos\nsystem\n."), NULL, FF_E_UNSAFE, "os.system, at offset 0"},
    {LIT("cos\nsystem\n0N."), NULL, FF_E_UNSAFE, "os.system"}, /* dropped */
    {LIT("Ncos\nsystem\n(Vls\ntR0."), NULL, FF_E_UNSAFE, "os.system, at offset 1"},
    {LIT("(Vls\nios\nsystem\n."), NULL, FF_E_UNSAFE, "os.system"},
    {LIT("\200\4\214\2os\214\6system\223."), NULL, FF_E_UNSAFE, "os.system"},
    {LIT("\200\4\214\1m\214\3A.B\223."), "m.*", FF_E_UNSAFE, "m.A.B"},
    {LIT("\200\4\214\1m\214\3A.B\223."), "m:A.B", FF_OK, ""},
    {LIT("cm\nA\n)R."), "m.A", FF_OK, ""},
    {LIT("cm\nA\n)R)R."), "m.A", FF_E_UNSAFE, "calls what is no global"},
    {LIT("cm\nA\n}b."), "m.A", FF_E_UNSAFE, "it changes m.A"},
    {LIT("\202\1."), NULL, FF_E_UNSAFE, "unknown extension 1"},
    {LIT("cm\nA\n"), "m.A", FF_E_CORRUPT, ""},
    {LIT("cos\nsystem\n"), NULL, FF_E_UNSAFE, "os.system"}, /* though it is cut */
    {LIT(""), NULL, FF_E_CORRUPT, ""},
};

START_TEST(pickle_is_judged_by_every_global_call_and_change)
{
    for (size_t i = 0; i < COUNT_OF(pickles); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_policy *p = ff_policy_new(0, &e);
        size_t used = 0;
        if (pickles[i].allow) {
            (void)ff_policy_allow(p, pickles[i].allow, &e);
        }
        int code =
            ff_pickle_judge(pickles[i].pickle, pickles[i].size_bytes, NULL, p, &used, &e);
        ck_assert_msg(code == pickles[i].code && e.code == code &&
                          strstr(e.message, pickles[i].says),
                      "row %zu: %d, %d: %s", i, code, e.code, e.message);
        ck_assert_msg(code || used == strcspn(pickles[i].pickle, ".") + 1 ||
                          used == pickles[i].size_bytes,
                      "row %zu: used %zu", i, used);
        ff_policy_free(p);
    }
}
END_TEST

RUN_TESTS("policy", policy_allows_what_is_listed_and_nothing_else,
          rule_that_is_no_global_is_refused, policy_in_json_is_read_or_refused,
          pickle_is_judged_by_every_global_call_and_change)
