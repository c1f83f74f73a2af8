/* SPDX-License-Identifier: Apache-2.0 */
/* test_doc_seq.c: containers that grow item by item, and what becomes of the places they leave. */
#include <string.h>

#include "core/doc.h"
#include "run.h"

/* The quick ways of the reader end some bytes before the pickle does. */
#define PAD "NNNNNNNNNNNNNNNNNNNN"

enum { CONTAINERS = 60, ROUNDS = 700 };

/* As the last one of a key is kept: key k of container c, set in rounds up to `round`. */
static int64_t value_of(size_t c, size_t round)
{
    return (int64_t)(round * CONTAINERS + c);
}

/* A container takes part in a round when that divides: so they have many sizes. */
static bool grows(size_t c, size_t round)
{
    return round % (1 + c % 13) == 0;
}

static size_t rounds_of(size_t c, size_t *last)
{
    size_t count = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        count += grows(c, round);
        *last = grows(c, round) ? round : *last;
    }
    return count;
}

START_TEST(containers_that_grow_in_turns_keep_their_items)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    struct ff_value all[CONTAINERS];
    for (size_t c = 0; c < CONTAINERS; c++) {
        all[c] = c % 3 == 0   ? ff_new_dict(doc, &e)
                 : c % 3 == 1 ? ff_new_list(doc, &e)
                              : ff_new_set(doc, &e);
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t c = 0; c < CONTAINERS; c++) {
            struct ff_value v = ff_new_int(doc, value_of(c, round), &e);
            if (grows(c, round) && c % 3 == 0) { /* each key twice */
                struct ff_value key = ff_new_int(doc, (int64_t)(round / 2), &e);
                ck_assert_int_eq(ff_set_item(doc, all[c], key, v, &e), FF_OK);
            } else if (grows(c, round)) {
                ck_assert_int_eq(ff_append(doc, all[c], v, &e), FF_OK);
            }
        }
    }
    for (size_t c = 0; c < CONTAINERS; c++) {
        size_t last = 0, count = rounds_of(c, &last), at = 0;
        struct ff_value key, value;
        ck_assert(c % 3 == 0 || ff_length(all[c]) == count);
        for (size_t round = 0; round < ROUNDS; round++) {
            int64_t got;
            bool again =
                c % 3 == 0 && round % 2 == 0 && grows(c, round + 1) && round + 1 < ROUNDS;
            if (!grows(c, round) || again) {
                continue;
            }
            ck_assert_int_eq(ff_item(all[c], at++, &key, &value, &e), FF_OK);
            ck_assert_int_eq(ff_int64(value, &got, &e), FF_OK);
            ck_assert_int_eq(got, value_of(c, round));
        }
        ck_assert_uint_eq(ff_length(all[c]), at);
    }
    ff_doc_free(doc);
}
END_TEST

START_TEST(places_left_by_what_grew_are_taken_again)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    size_t count = 1000, items = 9;
    for (size_t i = 0; i < count; i++) {
        struct ff_value list = ff_new_list(doc, &e);
        for (size_t k = 0; k < items; k++) {
            ck_assert_int_eq(ff_append(doc, list, ff_new_int(doc, 1, &e), &e), FF_OK);
        }
    }
    /* the last body of each, of 16 cells, and not those of 4 and 8 before it */
    size_t least = sizeof(struct ff_seq) + sizeof(struct ff_body) + 16 * sizeof(uint64_t);
    ck_assert_uint_lt(doc->used_bytes, count * least + 1024);
    ff_doc_free(doc);
}
END_TEST

/* A dict lends its keys to the next one of as many entries, as keys that are known to differ. This
 * one grows, and a list of equal items takes the place where its keys were. */
START_TEST(keys_of_a_dict_that_grew_are_lent_to_none)
{
    static const char stream[] = "\x80\4("
                                 "}(K\1K\1K\2K\2u(K\3K\3u"
                                 "](K\5K\5K\5K\5e"
                                 "}(K\5K\1K\5K\2u" PAD "t.";
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc;
    ck_assert_int_eq(
        ff_pickle_read(stream, sizeof stream - 1, NULL, NULL, NULL, NULL, &doc, NULL, &e),
        FF_OK);
    struct ff_value key, value, dict;
    int64_t got;
    ck_assert_int_eq(ff_item(ff_doc_root(doc), 2, &key, &dict, &e), FF_OK);
    ck_assert_uint_eq(ff_length(dict), 1);
    ck_assert_int_eq(ff_item(dict, 0, &key, &value, &e), FF_OK);
    ck_assert_int_eq(ff_int64(value, &got, &e), FF_OK);
    ck_assert_int_eq(got, 2);
    ff_doc_free(doc);
}
END_TEST

/* The quick way of records: the same keys, and then all that is not quite so. */
START_TEST(records_of_equal_keys_are_told_from_others)
{
#define FIRST "}(\x8c\1a\x94K\1\x8c\1b\x94K\2u" /* memo 0, 1 */
    static const struct {
        const char *bytes;
        size_t size, length;
        int64_t last;
        int code;
    } cases[] = {
#define R(bytes, length, last, code)                                                     \
    {"\x80\4(" FIRST bytes PAD "t.", sizeof("\x80\4(" FIRST bytes PAD "t.") - 1, length, \
     last, code}
        R("}(h\0K\3h\1K\4u", 2, 4, FF_OK),
        R("}(h\1K\3h\0K\4u", 2, 4, FF_OK),               /* another order */
        R("}(h\0K\3h\0K\4u", 1, 4, FF_OK),               /* a key twice */
        R("}(h\0K\3h\1K\4u(h\1K\5h\0K\6u", 2, 5, FF_OK), /* not empty any more */
        R("}(h\0K\3h\1K\4\x8c\1cK\7u", 3, 7, FF_OK),
        R("}(h\0K\3u", 1, 3, FF_OK),
        R("}h\0K\3s(h\0K\4h\1K\5u", 2, 5, FF_OK),
        R("](h\0K\3h\1K\4u", 0, 0, FF_E_CORRUPT),  /* into a list: no index */
        R("}((h\0K\3h\1K\4u", 0, 0, FF_E_CORRUPT), /* the dict is below another MARK */
        R("}(h\0K\3h\1u", 0, 0, FF_E_CORRUPT),     /* an odd number */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc = NULL;
        ck_assert_msg(ff_pickle_read(cases[i].bytes, cases[i].size, NULL, NULL, NULL,
                                     NULL, &doc, NULL, &e) == cases[i].code,
                      "%zu: %s", i, e.message);
        if (doc) {
            struct ff_value key, value, dict;
            int64_t got;
            ck_assert_int_eq(ff_item(ff_doc_root(doc), 1, &key, &dict, &e), FF_OK);
            ck_assert_msg(ff_length(dict) == cases[i].length, "%zu", i);
            ck_assert_int_eq(ff_item(dict, cases[i].length - 1, &key, &value, &e), FF_OK);
            ck_assert_int_eq(ff_int64(value, &got, &e), FF_OK);
            ck_assert_msg(got == cases[i].last, "%zu: %d", i, (int)got);
        }
        ff_doc_free(doc);
    }
}
END_TEST

RUN_TESTS("doc_seq", containers_that_grow_in_turns_keep_their_items,
          places_left_by_what_grew_are_taken_again,
          keys_of_a_dict_that_grew_are_lent_to_none,
          records_of_equal_keys_are_told_from_others)
