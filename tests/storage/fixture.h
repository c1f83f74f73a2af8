/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.h: a host and a fresh storage for each test, on every protocol that can carry the
 * whole story. Public headers only. */
#ifndef FF_TEST_FIXTURE_H
#define FF_TEST_FIXTURE_H

#include <functionfuse/functionfuse.h>

#include "../unit/run.h"

/* The storages that each test runs on, by index; where $FF_S3_URL is set (tests/servers), that
 * server alone. */
enum where {
    ON_FILE,
    ON_MEMORY,
    ON_FAULT_OVER_FILE,
    ON_FAULT_OVER_MEMORY,
    ON_FILE_OF_OLD_SYSTEM, /* no openat2, no locks, no flags of renames, no fallocate */
    WHERE_COUNT,
    ON_S3 = WHERE_COUNT
};

struct fixture {
    struct ff_host *host;
    struct ff_storage *storage;
    enum where where;
    char folder[64]; /* of the file protocol */
    char json[512];
    char config[1024];
    char misdeed[1024]; /* what a plugin did against its contract, "" = nothing */
};

/* The system calls of the old system, for ff_host_options.draft_sys. */
const void *old_system(void);

extern const char *const where_names[WHERE_COUNT + 1];

/* Folder, host and storage, workflow "run" made. `config` (NULL: plain) replaces the
 * configuration. Everything is checked. */
void fixture_open(struct fixture *, enum where, const char *config);
void fixture_close(struct fixture *);
/* Another storage on the same place, through the same host. */
struct ff_storage *fixture_again(struct fixture *);
/* Run the test on each storage, naming it in failures. */
void on_each(void (*test)(struct fixture *));

/* {"field": <f4 array 6 x 10 in chunks of 2 x 10, element = salt + index>, "n": salt} */
struct ff_doc *sample(int salt);
void save_sample(struct fixture *, const char *task, int salt);
/* Check that the value is the sample, elements included. */
void expect_sample(struct ff_value, int salt);
void expect_sample_at(struct fixture *, const char *workflow, const char *task, int salt);
/* Elements of an array of 60 f4. */
void expect_elements(const struct ff_array *, int salt);
/* How many orphans gc finds, with no grace; really: they are removed. */
int count_orphans(struct fixture *, int really);

#define CHECK_OK(call)                                                                   \
    do {                                                                                 \
        struct ff_error error_ = FF_ERROR_INIT, *ee = &error_;                           \
        int code_ = (call);                                                              \
        ck_assert_msg(code_ == FF_OK && ee->code == FF_OK, "%s: %d at %s: %s (%s)",      \
                      #call, code_, ee->place, ee->message, ee->fix);                    \
    } while (0)

#define CHECK_CODE(call, expected)                                                       \
    do {                                                                                 \
        struct ff_error error_ = FF_ERROR_INIT, *ee = &error_;                           \
        int code_ = (call);                                                              \
        ck_assert_msg(code_ == (expected) && ee->code == (expected) && ee->message[0],   \
                      "%s: %d, %d at %s: %s", #call, code_, ee->code, ee->place,         \
                      ee->message);                                                      \
    } while (0)

#endif
