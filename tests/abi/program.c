/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.c FOLDER CONFIG: a program that saves, reads and fails. What it gives the library lies
 * at the end of a page, with nothing behind it: who writes or reads past what this version of a
 * struct has dies of it.
 */
#include <functionfuse/functionfuse.h>

#include <sys/mman.h>
#include <unistd.h>

/* Zeroed memory that ends where its page does. */
static void *edge(size_t size_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *at =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED || mprotect(at + page, page, PROT_NONE)) {
        _exit(2);
    }
    return at + page - size_bytes;
}

static struct ff_error *fresh_error(void)
{
    uint32_t struct_size = FF_SIZE(ff_error, fix);
    struct ff_error *e = edge(struct_size);

    e->struct_size = struct_size;
    return e;
}

static struct ff_host_options *fresh_host_options(void)
{
    uint32_t struct_size = FF_SIZE(ff_host_options, draft_sys);
    struct ff_host_options *o = edge(struct_size);

    o->struct_size = struct_size;
    return o;
}

static struct ff_read_options *fresh_read_options(void)
{
    uint32_t struct_size = FF_SIZE(ff_read_options, call);
    struct ff_read_options *o = edge(struct_size);

    o->struct_size = struct_size;
    return o;
}

#define EXPECT(call, expected)                                                           \
    do {                                                                                 \
        struct ff_error *e = fresh_error();                                              \
        uint32_t size_bytes = e->struct_size;                                            \
        (void)(call);                                                                    \
        if (e->code != (expected) || e->struct_size != size_bytes) {                     \
            (void)printf("%s: code %d, %s: %s\n", #call, e->code, e->place, e->message); \
            failed = 1;                                                                  \
        }                                                                                \
    } while (0)

int main(int argc, char **argv)
{
    struct ff_host_options *o = fresh_host_options();
    struct ff_read_options *reading = fresh_read_options();
    struct ff_host *host = NULL;
    struct ff_storage *s = NULL;
    struct ff_doc *doc = NULL, *back = NULL;
    const char text[] = "{\"a\": [1, 2.5, \"x\"]}";
    int64_t number = 0;
    int failed = 0;

    if (argc != 3) {
        return 2;
    }
    o->config_json = argv[2];
    EXPECT(host = ff_host_open(o, e), FF_OK);
    EXPECT(s = ff_storage_open(host, argv[1], e), FF_OK);
    EXPECT(ff_new_workflow(s, "wf", e), FF_OK);
    EXPECT(doc = ff_doc_new(e), FF_OK);
    EXPECT(
        ff_save(s, "wf", "t", ff_from_json(doc, text, sizeof text - 1, NULL, e), NULL, e),
        FF_OK);
    EXPECT(back = ff_read_task(s, "wf", "t", reading, e), FF_OK);
    EXPECT(ff_int64(ff_get(ff_doc_root(back), "a"), &number, e), FF_E_TYPE);
    EXPECT(ff_read_task(s, "wf", "none", reading, e), FF_E_NOT_FOUND);
    EXPECT(ff_save(s, "no/name", "t", ff_doc_root(back), NULL, e), FF_E_USAGE);
    EXPECT(ff_move_task(s, "wf", "none", "wf", "u", e), FF_E_NOT_FOUND);
    EXPECT(ff_remove_tasks(s, "wf", "*", NULL, e), FF_OK);
    EXPECT(ff_verify(s, "wf", NULL, 1, NULL, NULL, e), FF_OK);
    EXPECT(ff_remove_workflow(s, "none", e), FF_E_NOT_FOUND);
    ff_doc_free(doc);
    ff_doc_free(back);
    ff_storage_close(s);
    ff_host_close(host);
    (void)puts(failed ? "failed" : "well");
    return failed;
}
