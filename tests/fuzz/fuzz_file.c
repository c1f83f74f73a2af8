/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_file.c: any bytes as a file that holds pickles: plain, compressed, an archive. Whatever is
 * opened stays in its budget, and each part is scanned and loaded, also as joblib's. */
#include <functionfuse/pickle.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define MOST_BYTES ((uint64_t)1 << 20)

static void use(const struct ff_pickle_part *part, uint32_t flags)
{
    const struct ff_load_options options = {.struct_size = sizeof options,
                                            .flags = flags};
    struct ff_error e = FF_ERROR_INIT, load_error = FF_ERROR_INIT;
    size_t scan_end = 0, load_end = 0;
    int scanned =
        ff_pickle_scan(part->data, part->size_bytes, &options, NULL, &scan_end, &e);
    struct ff_doc *doc = NULL;
    int loaded = ff_pickle_read(part->data, part->size_bytes, NULL, NULL, &options, NULL,
                                &doc, &load_end, &load_error);
    must(scanned == e.code, "the code and the error differ");
    must((loaded == FF_OK) == (doc != NULL), "a document and a failure, or neither");
    /* To a scan of joblib an array of objects is None, which may be refused further on. */
    must(loaded || flags || !scanned || scanned == FF_E_LIMIT,
         "it loads, but does not scan");
    must(loaded || scanned || scan_end == load_end, "load and scan end apart");
    ff_doc_free(doc);
}

static void open_file(const char *path, size_t size)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pickle_file *f = ff_pickle_file_open(path, MOST_BYTES, &e);
    const struct ff_pickle_part *part;
    uint64_t sum = 0;
    must((f != NULL) == (e.code == FF_OK), "a file and a failure, or neither");
    for (size_t i = 0; (part = ff_pickle_file_part(f, i)); i++) {
        must(part->member != NULL, "a member without a name");
        sum += part->size_bytes;
        if (i < 16) {
            use(part, 0);
            use(part, FF_LOAD_JOBLIB);
        }
    }
    must(sum <= MOST_BYTES + size, "more bytes than the budget and the file");
    ff_pickle_file_close(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("fuzz", 0);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size, "no file in memory");
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    open_file(path, size);
    (void)close(fd);
    return 0;
}
