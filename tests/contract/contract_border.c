/* SPDX-License-Identifier: Apache-2.0 */
/* contract_border.c: structs are read and written up to their own size: each lies at the end of a
 * page, with nothing behind it; and hosts of a later version, whose structs are larger. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "contract.h"

enum { LATER_BYTES = 64, EDGES_MAX = 64, LATER = 0xa5 };

static struct {
    char *page[EDGES_MAX];
    size_t count;
} edges;

/* Memory that ends where its page does. `later`: with members that nobody knows, set. */
static void *edge(size_t size_bytes, int later)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), more = later ? LATER_BYTES : 0;
    size_t whole = (size_bytes + more + 7) & ~(size_t)7; /* aligned as it has to be */
    char *at =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CASE_ASSERT(at != MAP_FAILED);
    CASE_ASSERT(mprotect(at + page, page, PROT_NONE) == 0);
    CASE_ASSERT(edges.count < EDGES_MAX);
    edges.page[edges.count++] = at;
    at += page - whole;
    memset(at + size_bytes, LATER, more);
    return at;
}

static void free_edges(void)
{
    while (edges.count) {
        munmap(edges.page[--edges.count], 2 * (size_t)sysconf(_SC_PAGESIZE));
    }
}

static void check_later(const void *at, size_t size_bytes, const char *clause)
{
    const unsigned char *tail = (const unsigned char *)at + size_bytes;

    for (size_t i = 0; i < LATER_BYTES; i++) {
        CLAUSE(tail[i] == LATER, clause);
    }
}

#define SIZED(T, last, later)                                                            \
    ((struct T *)sized(FF_SIZE(T, last), (later) ? LATER_BYTES : 0))

static void *sized(uint32_t size_bytes, uint32_t later_bytes)
{
    uint32_t *at = edge(size_bytes, later_bytes != 0);

    *at = size_bytes + later_bytes;
    return at;
}

static int not_cancelled(const struct ff_call *call)
{
    (void)call;
    return 0;
}

struct one {
    struct ff_batch *batch;
    struct ff_io *io;
    struct ff_error *error;
    char data[16];
    int taken, code;
};

static struct ff_io *next(struct ff_batch *batch)
{
    struct one *one = batch->ctx;

    return one->taken++ ? NULL : one->io;
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *e)
{
    struct one *one = batch->ctx;

    (void)io;
    one->code = code;
    if (code) {
        ff_error_copy(one->error, e);
    }
    return 0;
}

static void *buffer(struct ff_io *io, uint64_t size_bytes)
{
    struct one *one = io->user;

    return size_bytes <= sizeof one->data ? one->data : NULL;
}

/* One operation through structs on edges. */
static int operate(int op, const char *name, const char *if_match, int later,
                   struct one *one)
{
    struct bytes text = {"0123456789", 10};
    /* the smaller one as nobody makes it today: what is behind `cancelled` is not there */
    struct ff_call *call =
        later ? SIZED(ff_call, deadline_ns, 1) : SIZED(ff_call, cancelled, 0);
    int code;

    memset(one, 0, sizeof *one);
    one->batch = SIZED(ff_batch, done, later);
    one->batch->ctx = one;
    one->batch->next = next;
    one->batch->done = done;
    one->io = SIZED(ff_io, is_folder, later);
    one->io->op = op;
    one->io->name = name;
    one->io->user = one;
    one->io->size_bytes = op == FF_PUT ? 10 : FF_ANY_SIZE;
    one->io->buffer = buffer;
    one->io->source = read_bytes;
    one->io->source_ctx = &text;
    one->io->if_match = if_match;
    one->error = SIZED(ff_error, fix, later);
    call->cancelled = not_cancelled;
    code = subject.objects->run(subject.objects, one->batch, call, one->error);
    if (later) {
        check_later(one->batch, FF_SIZE(ff_batch, done), "members nobody knows: batch");
        check_later(one->io, FF_SIZE(ff_io, is_folder), "members nobody knows: io");
        check_later(call, FF_SIZE(ff_call, deadline_ns), "members nobody knows: call");
    }
    return code ? code : one->code;
}

static void objects_keep_to_the_size_of_each_struct(void)
{
    struct one one;

    for (int later = 0; later < 2; later++) {
        const char *name = later ? "later" : "now";

        CLAUSE(operate(FF_PUT, name, NULL, later, &one) == FF_OK, "PUT");
        CLAUSE(operate(FF_GET, name, NULL, later, &one) == FF_OK, "GET");
        CLAUSE(!memcmp(one.data, "0123456789", 10), "GET: its bytes");
        CLAUSE(operate(FF_HEAD, name, NULL, later, &one) == FF_OK, "HEAD");
        CLAUSE(one.io->object_bytes == 10, "HEAD: object_bytes");
        CLAUSE(operate(FF_PUT, name, "", later, &one) == FF_E_CONFLICT, "PUT: if absent");
        CLAUSE(one.error->message[0] != 0, "a failure says why");
        CLAUSE(operate(FF_GET, "none", NULL, later, &one) == FF_E_NOT_FOUND,
               "GET: absent");
        CLAUSE(operate(FF_REMOVE, name, NULL, later, &one) == FF_OK, "REMOVE");
        free_edges();
    }
}

static void files_keep_to_the_size_of_each_struct(void)
{
    const struct ff_files *files = subject.files;

    for (int later = 0; files && later < 2; later++) {
        struct ff_error *e = SIZED(ff_error, fix, later);
        struct ff_file **file = edge(sizeof *file, 0);
        struct ff_span *span = edge(sizeof *span, 0);
        uint64_t *size = edge(sizeof *size, 0);
        char *data = edge(4, 0);

        memcpy(data, "abcd", 4);
        *span = (struct ff_span){data, 4};
        CLAUSE(!files->open(files, "f", FF_OPEN_CREATE, file, NULL, e), "open");
        CLAUSE(!files->write_spans(files, *file, 0, span, 1, NULL, e), "write_spans");
        CLAUSE(!files->size(files, *file, size, e) && *size == 4, "size");
        CLAUSE(!files->read(files, *file, 0, data, 4, NULL, e), "read");
        CLAUSE(!files->read_spans(files, *file, 0, span, 1, NULL, e), "read_spans");
        CLAUSE(files->read(files, *file, 2, data, 4, NULL, e) == FF_E_CORRUPT,
               "read: past the end");
        files->close(files, *file);
        free_edges();
    }
}

static void commit_keeps_to_the_size_of_each_struct(void)
{
    const struct ff_commit *commit = subject.commit;

    for (int later = 0; later < 2; later++) {
        struct ff_error *e = SIZED(ff_error, fix, later);
        struct ff_displaced *displaced = SIZED(ff_displaced, ctx, later);
        struct ff_intent **intent = edge(sizeof *intent, 0);
        int *exists = edge(sizeof *exists, 0);
        int64_t *now_ns = edge(sizeof *now_ns, 0);

        CLAUSE(!save("t", "old", e), "save");
        CLAUSE(!commit->workflow_exists(commit, "wf", exists, NULL, e) && *exists,
               "workflow_exists");
        CLAUSE(!commit->begin(commit, "wf", intent, NULL, e), "begin");
        CLAUSE(!commit->write(commit, *intent, "new", 3, NULL, e), "write");
        CLAUSE(
            !commit->commit(commit, *intent, "t", FF_COMMIT_REPLACE, displaced, NULL, e),
            "commit");
        CLAUSE(displaced->size_bytes == 3 && !memcmp(displaced->data, "old", 3),
               "commit: what was displaced");
        commit->drop(commit, displaced, 1);
        CLAUSE(!commit->displace(commit, "wf", "t", displaced, NULL, e), "displace");
        commit->drop(commit, displaced, 1);
        if (later) {
            check_later(displaced, FF_SIZE(ff_displaced, ctx), "displaced");
        }
        CLAUSE(!commit->intents(commit, "wf", keep_name, &(struct names){.count = 0},
                                now_ns, NULL, e),
               "intents");
        free_edges();
    }
}

static const struct case_test tests[] = {
    CASE(objects_keep_to_the_size_of_each_struct),
    CASE(files_keep_to_the_size_of_each_struct),
    CASE(commit_keeps_to_the_size_of_each_struct),
};

const struct case_suite border_suite = {
    .name = "border",
    .before = subject_open,
    .after = subject_close,
    .tests = tests,
    .count = sizeof tests / sizeof *tests,
    .timeout_s = 60,
};
