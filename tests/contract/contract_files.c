/* SPDX-License-Identifier: Apache-2.0 */
/* contract_files.c: ff.files/1. A protocol without it passes. */
#include <pthread.h>
#include <string.h>

#include "contract.h"

#define FILES subject.files
#define NEED_FILES                                                                       \
    do {                                                                                 \
        if (!FILES) {                                                                    \
            case_skip("the protocol has no " FF_FILES_1);                                \
        }                                                                                \
    } while (0)

static struct ff_file *open_file(const char *name, int mode)
{
    struct ff_file *f = NULL;

    CLAUSE_OK(FILES->open(FILES, name, mode, &f, NULL, e), "open");
    CLAUSE(f != NULL, "open: gives a file");
    return f;
}

static void make_file(const char *name, const char *text)
{
    struct ff_file *f = open_file(name, FF_OPEN_CREATE);

    CLAUSE_OK(FILES->write(FILES, f, 0, text, strlen(text), NULL, e), "write");
    CLAUSE_OK(FILES->finish(FILES, f, NULL, e), "finish");
}

static uint64_t size_of(struct ff_file *f)
{
    uint64_t size = 99;

    CLAUSE_OK(FILES->size(FILES, f, &size, e), "size");
    return size;
}

static void create_is_exclusive_and_visible_at_once(void)
{
    struct ff_file *f, *other = NULL;

    NEED_FILES;
    CLAUSE_CODE(FILES->open(FILES, "d/a", FF_OPEN_READ, &other, NULL, e), FF_E_NOT_FOUND,
                "open: absent");
    CLAUSE_CODE(FILES->open(FILES, "d/a", FF_OPEN_ATTACH, &other, NULL, e),
                FF_E_NOT_FOUND, "open, attach: absent");
    f = open_file("d/a", FF_OPEN_CREATE);
    CLAUSE(size_of(f) == 0, "open, create: empty");
    CLAUSE(exists(subject.objects, "d/a"), "create: the name is visible at once");
    CLAUSE_CODE(FILES->open(FILES, "d/a", FF_OPEN_CREATE, &other, NULL, e), FF_E_EXISTS,
                "open, create: the name is taken");
    CLAUSE_OK(FILES->finish(FILES, f, NULL, e), "finish");
    CLAUSE_CODE(FILES->open(FILES, "d/a", FF_OPEN_CREATE, &other, NULL, e), FF_E_EXISTS,
                "open, create: the name is taken");
    CLAUSE_CODE(put_text(subject.objects, "d/a", "x", "", NULL, e), FF_E_CONFLICT,
                "files and objects are one name space");
}

static void names_that_leave_the_folder_are_refused(void)
{
    static const char *const names[] = {"", "/a", "../a", "a/../../b", "a//b"};
    struct ff_file *f = NULL;

    NEED_FILES;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ff_error e = FF_ERROR_INIT;
        int rc = FILES->open(FILES, names[i], FF_OPEN_CREATE, &f, NULL, &e);

        CASE_MSG(rc < 0 && e.code == rc, "open: \"%s\" gave %d", names[i], rc);
    }
}

static void what_was_written_is_read_at_any_place(void)
{
    struct ff_file *f;
    char data[16] = {0};

    NEED_FILES;
    f = open_file("a", FF_OPEN_CREATE);
    CLAUSE_OK(FILES->write(FILES, f, 4, "4567", 4, NULL, e), "write: past the end");
    CLAUSE(size_of(f) == 8, "write: makes the file longer");
    CLAUSE_OK(FILES->read(FILES, f, 0, data, 8, NULL, e), "read: what is being written");
    CLAUSE(!memcmp(data,
                   "\0\0\0\0"
                   "4567",
                   8),
           "write: a gap is zero");
    CLAUSE_OK(FILES->write(FILES, f, 0, "0123", 4, NULL, e), "write: inside");
    CLAUSE_OK(FILES->finish(FILES, f, NULL, e), "finish");
    f = open_file("a", FF_OPEN_READ);
    CLAUSE(size_of(f) == 8, "finish: the size is final");
    CLAUSE_OK(FILES->read(FILES, f, 2, data, 4, NULL, e), "read: inside");
    CLAUSE(!memcmp(data, "2345", 4), "read: the bytes of the place");
    CLAUSE_OK(FILES->read(FILES, f, 8, data, 0, NULL, e), "read: nothing at the end");
    CLAUSE_CODE(FILES->read(FILES, f, 5, data, 4, NULL, e), FF_E_CORRUPT,
                "read: past the end, whole or failed");
    CLAUSE_CODE(FILES->read(FILES, f, 100, data, 1, NULL, e), FF_E_CORRUPT,
                "read: past the end");
    CLAUSE_CODE(FILES->read(FILES, f, UINT64_MAX, data, 1, NULL, e), FF_E_CORRUPT,
                "read: far past the end");
    FILES->close(FILES, f);
    CLAUSE(is_text(subject.objects, "a", "01234567"), "a finished file is an object");
}

static void spans_are_one_run_of_bytes(void)
{
    char a[3] = "abc", b[1] = "d", c[2] = "ef", x[2], y[4];
    struct ff_span out[] = {{a, 3}, {NULL, 0}, {b, 1}, {c, 2}}, in[] = {{x, 2}, {y, 4}};
    struct ff_file *f;

    NEED_FILES;
    f = open_file("a", FF_OPEN_CREATE);
    CLAUSE_OK(FILES->write_spans(FILES, f, 1, out, 4, NULL, e), "write_spans");
    CLAUSE(size_of(f) == 7, "write_spans: one run");
    CLAUSE_OK(FILES->read_spans(FILES, f, 1, in, 2, NULL, e), "read_spans");
    CLAUSE(!memcmp(x, "ab", 2) && !memcmp(y, "cdef", 4), "read_spans: one run");
    CLAUSE_CODE(FILES->read_spans(FILES, f, 2, in, 2, NULL, e), FF_E_CORRUPT,
                "read_spans: past the end");
    FILES->close(FILES, f);
}

static void resize_gives_zeros(void)
{
    struct ff_file *f;
    char data[6];

    NEED_FILES;
    for (int reserve = 0; reserve < 2; reserve++) {
        f = open_file("a", FF_OPEN_CREATE);
        CLAUSE_OK(FILES->write(FILES, f, 0, "xxxxxx", 6, NULL, e), "write");
        CLAUSE_OK(FILES->resize(FILES, f, 2, reserve, e), "resize: shorter");
        CLAUSE(size_of(f) == 2, "resize: shorter");
        CLAUSE_OK(FILES->resize(FILES, f, 6, reserve, e), "resize: longer");
        CLAUSE(size_of(f) == 6, "resize: longer");
        CLAUSE_OK(FILES->read(FILES, f, 0, data, 6, NULL, e), "read");
        CLAUSE(!memcmp(data, "xx\0\0\0\0", 6), "resize: new bytes are zero");
        FILES->close(FILES, f);
    }
}

static void close_of_a_creator_discards_and_of_a_reader_does_not(void)
{
    NEED_FILES;
    FILES->close(FILES, open_file("a", FF_OPEN_CREATE));
    CLAUSE(!exists(subject.objects, "a"), "close, a creator: discards the file");
    make_file("a", "text");
    FILES->close(FILES, open_file("a", FF_OPEN_READ));
    CLAUSE(is_text(subject.objects, "a", "text"), "close, a reader: closes");
}

static void attach_writes_into_what_another_created(void)
{
    struct ff_file *creator, *other;

    NEED_FILES;
    creator = open_file("a", FF_OPEN_CREATE);
    CLAUSE_OK(FILES->resize(FILES, creator, 4, 1, e), "resize");
    other = open_file("a", FF_OPEN_ATTACH);
    CLAUSE_OK(FILES->write(FILES, other, 2, "cd", 2, NULL, e), "write, attached");
    CLAUSE_OK(FILES->write(FILES, creator, 0, "ab", 2, NULL, e), "write");
    CLAUSE_OK(FILES->finish(FILES, other, NULL, e), "finish, attached");
    CLAUSE(exists(subject.objects, "a"), "finish, attached: the file stays");
    CLAUSE_OK(FILES->finish(FILES, creator, NULL, e), "finish");
    CLAUSE(is_text(subject.objects, "a", "abcd"), "attach: both write into one file");
    other = open_file("a", FF_OPEN_ATTACH);
    FILES->close(FILES, other);
    CLAUSE(is_text(subject.objects, "a", "abcd"), "close, attached: no creator");
}

/* Whatever shares bytes is not written into. */
static void what_is_attached_is_not_copied(void)
{
    struct ff_file *other = NULL;
    int code;

    NEED_FILES;
    make_file("a", "text");
    other = open_file("a", FF_OPEN_ATTACH);
    code = copy_if(subject.objects, "a", "b", "", NULL);
    CLAUSE(code == FF_OK || code == FF_E_CONFLICT, "COPY: somebody is attached");
    CLAUSE_OK(FILES->write(FILES, other, 0, "T", 1, NULL, e), "write, attached");
    FILES->close(FILES, other);
    CLAUSE(code || is_text(subject.objects, "b", "text"),
           "COPY: what is attached is not copied, or shares no bytes with the copy");
    CLAUSE_OK(copy_if(subject.objects, "a", "c", "", e), "COPY: nobody is attached");
    code = FILES->open(FILES, "a", FF_OPEN_ATTACH, &other, NULL, NULL);
    CLAUSE(code == FF_OK || code == FF_E_CONFLICT, "open, attach: it was copied");
    if (code == FF_OK) {
        CLAUSE_OK(FILES->write(FILES, other, 1, "E", 1, NULL, e), "write, attached");
        FILES->close(FILES, other);
    }
    CLAUSE(is_text(subject.objects, "c", "Text"),
           "attach: what was copied is not attached, or shares no bytes with the copy");
}

static void a_reader_cannot_write(void)
{
    struct ff_file *f;

    NEED_FILES;
    make_file("a", "text");
    f = open_file("a", FF_OPEN_READ);
    CLAUSE(FILES->write(FILES, f, 0, "x", 1, NULL, NULL) < 0, "open, read: no writing");
    CLAUSE(FILES->resize(FILES, f, 1, 0, NULL) < 0, "open, read: no resizing");
    FILES->close(FILES, f);
    CLAUSE(is_text(subject.objects, "a", "text"), "open, read: the file is as it was");
}

static void removed_file_stays_with_its_readers(void)
{
    struct ff_file *f;
    char data[4];

    NEED_FILES;
    make_file("a", "text");
    f = open_file("a", FF_OPEN_READ);
    CLAUSE_OK(FILES->remove(FILES, "a", NULL, e), "remove");
    CLAUSE(!exists(subject.objects, "a"), "remove: it is gone");
    CLAUSE_OK(FILES->remove(FILES, "a", NULL, e), "remove: idempotent");
    make_file("a", "other");
    CLAUSE_OK(FILES->read(FILES, f, 0, data, 4, NULL, e), "remove: open readers keep it");
    CLAUSE(!memcmp(data, "text", 4), "remove: open readers keep what they have");
    FILES->close(FILES, f);
    CLAUSE(is_text(subject.objects, "a", "other"), "remove: the name is free");
}

static void a_removed_creator_leaves_the_next_one_alone(void)
{
    struct ff_file *f;

    NEED_FILES;
    f = open_file("a", FF_OPEN_CREATE);
    CLAUSE_OK(FILES->remove(FILES, "a", NULL, e), "remove");
    make_file("a", "other");
    FILES->close(FILES, f);
    CLAUSE(is_text(subject.objects, "a", "other"), "close: discards its own file only");
}

struct writer {
    struct ff_file *f;
    int number, failures;
    pthread_t thread;
};

static void *write_stripes(void *arg)
{
    struct writer *w = arg;
    char out[64], in[64];

    memset(out, 'a' + w->number, sizeof out);
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t offset = (i * 4 + (uint64_t)w->number) * sizeof out;

        w->failures +=
            FILES->write(FILES, w->f, offset, out, sizeof out, NULL, NULL) != 0;
        w->failures += FILES->read(FILES, w->f, offset, in, sizeof in, NULL, NULL) != 0;
        w->failures += memcmp(out, in, sizeof in) != 0;
    }
    return NULL;
}

static void many_threads_write_one_file(void)
{
    struct writer writers[4] = {0};
    struct ff_file *f;

    NEED_FILES;
    f = open_file("a", FF_OPEN_CREATE);
    for (int i = 0; i < 4; i++) {
        writers[i] = (struct writer){.f = f, .number = i};
        CASE_ASSERT(
            pthread_create(&writers[i].thread, NULL, write_stripes, &writers[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(writers[i].thread, NULL);
        CLAUSE(writers[i].failures == 0, "read, write: any thread, on one file too");
    }
    CLAUSE(size_of(f) == 4 * 100 * 64, "write: nothing is lost");
    CLAUSE_OK(FILES->finish(FILES, f, NULL, e), "finish");
}

static const struct case_test tests[] = {
    CASE(create_is_exclusive_and_visible_at_once),
    CASE(names_that_leave_the_folder_are_refused),
    CASE(what_was_written_is_read_at_any_place),
    CASE(spans_are_one_run_of_bytes),
    CASE(resize_gives_zeros),
    CASE(close_of_a_creator_discards_and_of_a_reader_does_not),
    CASE(attach_writes_into_what_another_created),
    CASE(what_is_attached_is_not_copied),
    CASE(a_reader_cannot_write),
    CASE(removed_file_stays_with_its_readers),
    CASE(a_removed_creator_leaves_the_next_one_alone),
    CASE(many_threads_write_one_file),
};

const struct case_suite files_suite = {
    .name = "ff.files/1",
    .before = subject_open,
    .after = subject_close,
    .tests = tests,
    .count = sizeof tests / sizeof *tests,
    .timeout_s = 60,
};
