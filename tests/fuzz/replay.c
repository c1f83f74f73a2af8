/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c: runs a target over files and folders of inputs. *.vectors holds many: a byte, a
 * length in 4 bytes, the input. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* In memory of exactly its size: what reads past its end is found. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    must(copy != NULL, "no memory");
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static size_t run_vectors(const uint8_t *data, size_t size)
{
    size_t count = 0;
    for (size_t at = 0; at + 5 <= size; count++) {
        uint32_t n;
        memcpy(&n, data + at + 1, sizeof n);
        must(n <= size - at - 5, "the file of vectors is cut off");
        run(data + at + 5, n);
        at += 5 + (size_t)n;
    }
    return count;
}

static size_t run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    must(f && fseek(f, 0, SEEK_END) == 0, path);
    long size = ftell(f);
    must(size >= 0, path);
    rewind(f);
    uint8_t *data = malloc((size_t)size + 1);
    must(data && fread(data, 1, (size_t)size, f) == (size_t)size, path);
    (void)fclose(f);
    size_t count = 1;
    if (strstr(path, ".vectors")) {
        count = run_vectors(data, (size_t)size);
    } else {
        run(data, (size_t)size);
    }
    free(data);
    return count;
}

static size_t run_path(const char *path)
{
    size_t count = 0;
    DIR *folder = opendir(path);
    if (!folder) {
        return run_file(path);
    }
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char inner[4096];
        int size = snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        must(size > 0 && (size_t)size < sizeof inner, "a path too long");
        count += entry->d_name[0] == '.' ? 0 : run_file(inner);
    }
    (void)closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        count += run_path(argv[i]);
    }
    (void)printf("%zu inputs\n", count);
    return count == 0;
}
