/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_answer.c: how the library has keys and values equal, for keys.py. A request on stdin: the
 * size of a pickle in 4 bytes, the pickle: a dict, or a tuple of two values. The answer on
 * stdout, numbers of 4 bytes: the code of the load; of a tuple 1 or 0, whether they are equal;
 * of a dict how many entries it has, the kind of the first key, and each value in their order.
 */
#include <stdio.h>
#include <stdlib.h>

#include <functionfuse/functionfuse.h>
#include <functionfuse/pickle.h>

static int send(int32_t number)
{
    return fwrite(&number, sizeof number, 1, stdout) != 1;
}

static int send_dict(struct ff_value dict)
{
    struct ff_value key = {NULL, 0}, value;
    size_t count = ff_length(dict);
    int failed = 0;
    (void)ff_item(dict, 0, &key, NULL, NULL);
    failed = send((int32_t)count) || send(ff_kind(key));
    for (size_t i = 0; i < count && !failed; i++) {
        int64_t number = -1;
        failed = ff_item(dict, i, NULL, &value, NULL) || ff_int64(value, &number, NULL) ||
                 send((int32_t)number);
    }
    return failed;
}

static int send_equal(struct ff_value pair)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_value a, b;
    if (ff_item(pair, 0, NULL, &a, NULL) || ff_item(pair, 1, NULL, &b, NULL)) {
        return 1;
    }
    int equal = ff_equal(a, b, 0, &e);
    return e.code ? 1 : send(equal);
}

static int answer(const uint8_t *data, uint32_t size)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_pickle_load(data, size, NULL, NULL, NULL, NULL, &e);
    int failed = send(e.code);
    if (doc && !failed) {
        struct ff_value root = ff_doc_root(doc);
        failed = ff_kind(root) == FF_DICT ? send_dict(root) : send_equal(root);
    }
    ff_doc_free(doc);
    return failed || fflush(stdout);
}

int main(void)
{
    uint32_t size;
    int failed = 0;
    while (!failed && fread(&size, sizeof size, 1, stdin) == 1) {
        uint8_t *data = malloc(size + 1u);
        failed = !data || fread(data, 1, size, stdin) != size || answer(data, size);
        free(data);
    }
    return failed;
}
