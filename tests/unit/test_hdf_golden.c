/* SPDX-License-Identifier: Apache-2.0 */
/* test_hdf_golden.c: every array that Python Function Fuse stored (tests/data/golden) reads
 * equal to the .npy beside it, and verifies.
 */
#include "hdf_stub.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>

#include "core/base/uuid.h"

static const char *const stores[] = {"file-numpy1", "file-numpy2"};

/* The uuid that the task's pickle names. */
static void find_uuid(const struct stub *tasks, const char *task, char uuid[37])
{
    size_t size_bytes;
    unsigned char *data = stub_load(tasks, task, &size_bytes);

    uuid[0] = '\0';
    for (size_t i = 0; i + 36 <= size_bytes && !uuid[0]; i++) {
        if (ff_is_uuid4((const char *)data + i, 36)) {
            (void)snprintf(uuid, 37, "%.36s", (const char *)data + i);
        }
    }
    free(data);
    ck_assert_msg(uuid[0] != '\0', "%s names no array", task);
}

static void check_equal(const struct ff_array *got, const unsigned char *npy,
                        size_t npy_bytes, const char *task)
{
    struct ff_error e = FF_ERROR_INIT;
    size_t header = 10 + (size_t)(npy[8] | npy[9] << 8);
    uint64_t total_bytes;
    unsigned char *data = stub_read_all(got, &total_bytes, &e);
    char want[64];

    ck_assert_msg(data != NULL, "%s: %s", task, e.message);
    ck_assert_uint_eq(total_bytes, npy_bytes - header);
    ck_assert_msg(memcmp(data, npy + header, total_bytes) == 0, "%s", task);
    (void)snprintf(want, sizeof want,
                   got->descr[0] == '[' ? "'descr': %s," : "'descr': '%s',", got->descr);
    ck_assert_msg(memmem(npy, header, want, strlen(want)) != NULL, "%s: %s", task, want);
    free(data);
}

static void check_one(struct stub *big, const struct stub *tasks,
                      const struct stub *expected, const char *file)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pid pid = {.struct_size = FF_SIZE(ff_pid, extra), .version = "0.0.0"};
    const struct ff_verifier *verifier = big->serializer->query(big->inst, FF_VERIFY_1);
    char task[64], uuid[37];
    size_t npy_bytes;
    unsigned char *npy = stub_load(expected, file, &npy_bytes);
    struct ff_array *got;

    (void)snprintf(task, sizeof task, "%.*s", (int)strlen(file) - 4, file);
    find_uuid(tasks, task, uuid);
    got = stub_unpickle(big, uuid, &e);
    ck_assert_msg(got != NULL, "%s: %s", task, e.message);
    check_equal(got, npy, npy_bytes, task);
    got->release(got);
    free(npy);
    pid.name = uuid;
    ck_assert_msg(verifier->verify(big->inst, &pid, &big->protocols, 1, NULL, &e) ==
                      FF_OK,
                  "%s: %s", task, e.message);
}

START_TEST(unpickle_what_python_wrote_is_equal)
{
    struct stub big, tasks = {0}, expected = {0};
    char folder[200];
    struct dirent *entry;
    int count = 0;
    DIR *dir;

    (void)snprintf(folder, sizeof folder, FF_GOLDEN "/%s/file/golden/bigdata",
                   stores[_i]);
    stub_open(&big, folder, NULL);
    (void)snprintf(tasks.folder, sizeof tasks.folder, FF_GOLDEN "/%s/file/golden",
                   stores[_i]);
    (void)snprintf(expected.folder, sizeof expected.folder, FF_GOLDEN "/%s/expected",
                   stores[_i]);
    dir = opendir(expected.folder);
    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        if (strstr(entry->d_name, ".npy")) {
            check_one(&big, &tasks, &expected, entry->d_name);
            count++;
        }
    }
    closedir(dir);
    ck_assert_int_eq(count, 14);
    stub_close(&big);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hdf_golden");
    TCase *c = tcase_create("golden");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(c, unpickle_what_python_wrote_is_equal, 0, 2);
    suite_add_tcase(suite, c);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
