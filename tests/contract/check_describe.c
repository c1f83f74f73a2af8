/* SPDX-License-Identifier: Apache-2.0 */
/* check_describe.c: the file, its descriptor, and what loading and using it leaves behind. */
#include "check.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

static const void *describe(void *file)
{
    union {
        void *symbol;
        const void *(*function)(void);
    } u = {.symbol = dlsym(file, check.facts.is_protocol ? "ff_protocol_describe"
                                                         : "ff_serializer_describe")};

    CASE_ASSERT(u.symbol != NULL);
    return u.function();
}

static void *load(void)
{
    void *file = dlopen(check.file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    CASE_MSG(file != NULL, "%s", file ? "" : dlerror());
    return file;
}

/* Descriptors 1 and 2 as files in memory, so that output is seen. */
static int catch_output(void)
{
    int fd = memfd_create("output", MFD_CLOEXEC);

    CASE_ASSERT(fd >= 0);
    (void)fflush(NULL);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    return fd;
}

static void check_silence(int fd, const char *when)
{
    struct stat st;

    (void)fflush(NULL);
    CASE_ASSERT(fstat(fd, &st) == 0);
    CASE_MSG(st.st_size == 0, "callbacks never print; use host->log\n  %s: %lld bytes",
             when, (long long)st.st_size);
}

static void check_state(struct state *before, int kinds, const char *when)
{
    const char *changed = state_difference(before, state_now(), kinds);

    CASE_MSG(
        !changed,
        "callbacks never change signals, locale, environment or directory, and clean up\n"
        "  %s: not as before: %s",
        when, changed);
}

static void loading_and_describe_are_pure_and_repeatable(void)
{
    int output = catch_output();
    struct state *before = state_now();
    const void *file = load(), *first = describe((void *)(uintptr_t)file), *second;
    char copy[64];

    CASE_MSG(first != NULL, "describe: returns static data\n  it returned NULL");
    memcpy(copy, first, sizeof copy);
    second = describe((void *)(uintptr_t)file);
    CASE_MSG(
        first == second && memcmp(copy, second, sizeof copy) == 0,
        "describe: is pure: it returns static data\n  the second call gave other data");
    check_state(before, STATE_ALL, "loading the file and describe()");
    check_silence(output, "loading the file and describe()");
}

/* What an operator's host says of it. */
static void the_gate_takes_the_file(void)
{
    const char *name = check.facts.name[check.serializer],
               *base = strrchr(check.file, '/');
    const char *const path[] = {store.plugins, NULL};
    struct ff_host_options options = {.struct_size = FF_SIZE(ff_host_options, draft_sys),
                                      .plugin_path = path};
    const struct ff_plugin_row *row;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host *host;
    char json[4096];

    (void)snprintf(store.plugins, sizeof store.plugins, "%s/only", store.folder);
    CASE_ASSERT(mkdir(store.plugins, 0700) == 0);
    store_copy(check.file, store.plugins, base + 1);
    (void)snprintf(
        json, sizeof json, "{\"plugins\": {\"enable\": [\"%s\", \"%.*s\"]%s%s%s%s%s}}",
        name, (int)strlen(base + 1) - 3, base + 1,
        check.facts.is_protocol ? "" : ", \"options\": {\"",
        check.facts.is_protocol ? "" : name, check.facts.is_protocol ? "" : "\": ",
        check.facts.is_protocol ? "" : check.options, check.facts.is_protocol ? "" : "}");
    options.config_json = json;
    host = ff_host_open(&options, &e);
    CASE_MSG(host, "%s%s%s (%d)", SAYS(e.code, e));
    row = store_row(host, name);
    CASE_MSG(row, "the host does not list it");
    CASE_MSG(strcmp(row->code, "loaded") == 0, "%s: %s\n  fix: %s", row->code,
             row->reason, row->fix);
    ff_host_close(host);
}

static void use_protocol(void)
{
    subject_open();
    CLAUSE_OK(put_text(subject.objects, "a", "text", NULL, NULL, e), "PUT");
    CLAUSE(is_text(subject.objects, "a", "text"), "GET");
    subject_close();
}

/* Whether it kept something. */
static bool use_serializer(void)
{
    struct ff_error e = FF_ERROR_INIT;
    int before = front.pickles;
    const char *differ;

    store_open_host();
    (void)values_save(0, "t", NULL, &e);
    (void)values_read_back(0, "t", NULL, &differ, &e);
    store_close_host();
    return front.pickles > before;
}

static void use(void)
{
    if (check.facts.is_protocol) {
        use_protocol();
    } else {
        (void)use_serializer();
    }
}

/* The first use may load libraries, which keep descriptors and threads. */
static void use_leaves_the_process_as_it_was(void)
{
    struct state *at_first = state_now(), *before;
    int output, fds;

    store_open();
    store_close_host();
    use();
    check_state(at_first, STATE_SETTINGS, "create, use, destroy");
    use();
    output = catch_output();
    before = state_now();
    fds = state_fds();
    for (int i = 0; i < 3; i++) {
        use();
    }
    CASE_MSG(state_fds() == fds,
             "what lives longer has a release function\n"
             "  %d file descriptors more after 3 uses",
             state_fds() - fds);
    check_state(before, STATE_ALL, "create, use, destroy");
    check_silence(output, "create, use, destroy");
    store_close();
}

static void unknown_interfaces_are_null(void)
{
    static const char *const ids[] = {"", "ff.check.unknown/1", "ff.objects/9999",
                                      "ff.objects"};
    const char *differ;
    struct ff_error e = FF_ERROR_INIT;

    if (check.facts.is_protocol) {
        subject_open();
    } else {
        (void)values_save(0, "t", NULL, &e);
        (void)values_read_back(0, "t", NULL, &differ, &e);
        if (!front.real || !front.real->query) {
            case_skip("the serializer has no query()");
        }
    }
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const void *table = check.facts.is_protocol
                                ? subject.protocol->query(subject.bigdata, ids[i])
                                : front.real->query(front.inst, ids[i]);

        CASE_MSG(!table, "query: the table of an interface, or NULL\n  \"%s\" gave one",
                 ids[i]);
    }
    if (check.facts.is_protocol) {
        subject_close();
    }
}

/* A program forks and goes on: the child with its own host, the parent with what it has. */
static void a_fork_harms_neither_side(void)
{
    bool kept;
    struct ff_error saving = FF_ERROR_INIT;
    int status;
    pid_t child;

    store_close_host();
    kept = check.facts.is_protocol || use_serializer();
    if (check.facts.is_protocol) {
        subject_open();
    } else {
        store_open_host();
    }
    child = fork();
    if (child == 0 && check.facts.is_protocol) {
        use_protocol();
        _exit(0);
    } else if (child == 0) {
        _exit(kept != use_serializer());
    }
    CASE_ASSERT(child > 0 && waitpid(child, &status, 0) == child);
    CASE_MSG(status == 0,
             "keep all state in the instance: another one works in a forked child"
             "\n  the child ended with %#x",
             (unsigned)status);
    if (check.facts.is_protocol) {
        CLAUSE_OK(put_text(subject.objects, "a", "text", NULL, NULL, e),
                  "PUT, after a fork");
        subject_close();
    } else {
        (void)values_save(0, "t", NULL, &saving);
        CASE_MSG(!saving.code, "after a fork: %s%s%s (%d)", SAYS(saving.code, saving));
    }
}

#define SUITE(variable, table, begin, end)                                               \
    const struct case_suite variable = {                                                 \
        .name = "plugin",                                                                \
        .before = begin,                                                                 \
        .after = end,                                                                    \
        .tests = table,                                                                  \
        .count = sizeof(table) / sizeof *(table),                                        \
        .timeout_s = 60,                                                                 \
    }

/* Nothing of it is loaded when they begin. */
static const struct case_test file_tests[] = {
    CASE(loading_and_describe_are_pure_and_repeatable),
    CASE(use_leaves_the_process_as_it_was),
};
SUITE(file_suite, file_tests, NULL, NULL);

static const struct case_test tests[] = {
    CASE(the_gate_takes_the_file),
    CASE(unknown_interfaces_are_null),
    CASE(a_fork_harms_neither_side),
};
SUITE(describe_suite, tests, store_open, store_close);
