/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_main.c: what `ff plugin check` runs.
 *
 *   ff-plugin-check [--json] [--options JSON] [--value FILE]... [--with PLUGIN]... FILE
 *
 * A serializer is checked on memory, on files, and behind faults; a protocol by the contract
 * suite, plain and behind faults. Exit code 0: all passed; 1: some did not; 2: usage; 5: FILE
 * is no plugin.
 */
#include "check.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

enum { USAGE = 2, NO_PLUGIN = 5 };

struct check check = {.options = "{}"};

/* ---- the command line ---- */

static int usage(const char *why, const char *what)
{
    (void)fprintf(
        stderr,
        "ff-plugin-check: %s%s\nusage: ff-plugin-check [--json] [--options JSON] "
        "[--value FILE]... [--with PLUGIN]... FILE\n",
        why, what);
    return USAGE;
}

static int read_arguments(int argc, char **argv, int *json)
{
    const char *file = NULL;

    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        int used = 1;

        if (strcmp(argv[i], "--json") == 0) {
            *json = 1;
            used = 0;
        } else if (argv[i][0] != '-') {
            file = argv[i];
            used = 0;
        } else if (!next) {
            return usage("needs a value, or is none of its options: ", argv[i]);
        } else if (strcmp(argv[i], "--options") == 0) {
            check.options = next;
        } else if (strcmp(argv[i], "--value") == 0 && check.value_count < 16) {
            check.values[check.value_count++] = next;
        } else if (strcmp(argv[i], "--with") == 0 && check.with_count < 6) {
            check.with[check.with_count++] = next;
        } else {
            return usage("there is no, or too often the, option ", argv[i]);
        }
        i += used;
    }
    if (!file || !realpath(file, check.file)) {
        return usage(file ? "there is no file " : "which file?", file ? file : "");
    }
    return 0;
}

/* "check" beside the program, or where the build has its parts. */
static int find_own(void)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    self[n > 0 ? n : 0] = '\0';
    slash = strrchr(self, '/');
    if (!slash) {
        return usage("cannot find its own folder", "");
    }
    *slash = '\0';
    (void)snprintf(check.own_dir, sizeof check.own_dir, "%.4000s/check", self);
    return access(check.own_dir, X_OK) ? usage("there is no folder ", check.own_dir) : 0;
}

/* ---- what the file is ---- */

/* In a child: whatever describe() does, this process goes on. */
static void find_facts(struct check_facts *facts)
{
    void *file = dlopen(check.file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    union {
        void *symbol;
        const struct ff_serializer *(*serializer)(void);
        const struct ff_protocol *(*protocol)(void);
    } u = {.symbol = file ? dlsym(file, "ff_serializer_describe") : NULL};

    if (u.symbol) {
        for (const struct ff_serializer *s = u.serializer(); s && facts->count < 8;
             s = s->next) {
            int i = facts->count++;

            (void)snprintf(facts->name[i], sizeof facts->name[i], "%s", s->name);
            (void)snprintf(facts->first_class[i], sizeof facts->first_class[i], "%s",
                           s->serializer_class[0]);
            for (size_t k = 0; s->needs && s->needs[k]; k++) {
                facts->needs_files[i] |= strcmp(s->needs[k], FF_FILES_1) == 0;
            }
        }
        return;
    }
    u.symbol = file ? dlsym(file, "ff_protocol_describe") : NULL;
    if (u.symbol) {
        const struct ff_protocol *p = u.protocol();

        facts->is_protocol = true;
        facts->count = p != NULL;
        (void)snprintf(facts->name[0], sizeof facts->name[0], "%s", p ? p->kind : "");
        return;
    }
    (void)fprintf(stderr, "%s: %s\n", check.file,
                  file ? "exports no ff_serializer_describe and no ff_protocol_describe"
                       : dlerror());
}

static int read_facts(void)
{
    int fds[2], status = 0;
    pid_t child;
    ssize_t got;

    if (pipe(fds)) {
        return usage("no pipe", "");
    }
    child = fork();
    if (child == 0) {
        struct check_facts facts = {0};
        ssize_t written;

        (void)alarm(20);
        find_facts(&facts);
        written = write(fds[1], &facts, sizeof facts);
        _exit(written != (ssize_t)sizeof facts);
    }
    (void)close(fds[1]);
    got = read(fds[0], &check.facts, sizeof check.facts);
    (void)close(fds[0]);
    (void)waitpid(child, &status, 0);
    if (got != (ssize_t)sizeof check.facts || !check.facts.count) {
        (void)fprintf(stderr,
                      "%s: not a plugin: describe() gave nothing, or ended the process "
                      "(status %#x)\nfix: ff plugin info %s\n",
                      check.file, (unsigned)status, check.file);
        return NO_PLUGIN;
    }
    return 0;
}

/* ---- the suites ---- */

#define MEMORY(options) "{\"kind\": \"memory\", \"options\": " options "}"
#define FAULTY(inner)   "{\"kind\": \"fault\", \"options\": {\"inner\": " inner "}}"
#define OBJECTS_ONLY    "{\"files\": false}"

static void check_serializers(void)
{
    for (int i = 0; i < check.facts.count; i++) {
        check.serializer = i;
        check.storage = MEMORY("{}");
        case_run(&file_suite, check.facts.name[i]);
        case_run(&describe_suite, check.facts.name[i]);
        case_run(&serializer_suite, "memory");
        check.storage = FAULTY(MEMORY("{}"));
        case_run(&fault_calls_suite, "memory");
        if (!check.facts.needs_files[i]) {
            check.storage = MEMORY(OBJECTS_ONLY);
            case_run(&serializer_suite, "objects only");
            check.storage = FAULTY(MEMORY(OBJECTS_ONLY));
            case_run(&fault_calls_suite, "objects only");
        }
        check.storage = "{\"kind\": \"file\", \"options\": {\"path\": \"@DIR@/store\"}}";
        case_run(&serializer_suite, "files");
        case_run(&stored_suite, "files");
    }
}

static void check_protocol(void)
{
    static const struct case_suite *const suites[] = {
        &objects_suite, &batch_suite, &border_suite, &files_suite,
        &commit_suite,  &race_suite,  &meddle_suite};
    static char plain[8192], behind[8192], fault[PATH_MAX + 16];
    const char *plugins[10] = {check.file};
    size_t count = 1;

    for (int i = 0; i < check.with_count; i++) {
        plugins[count++] = check.with[i];
    }
    (void)snprintf(fault, sizeof fault, "%s/fault.so", check.own_dir);
    if (strcmp(check.facts.name[0], "fault") != 0) {
        plugins[count++] = fault;
    }
    (void)snprintf(plain, sizeof plain, "{\"kind\": \"%s\", \"options\": %s}",
                   check.facts.name[0], check.options);
    (void)snprintf(behind, sizeof behind,
                   "{\"kind\": \"fault\", \"options\": {\"inner\": %s}}", plain);
    check.storage =
        "{\"kind\": \"memory\", \"options\": {}}"; /* of describe_suite's host */
    subject_is(plain, plugins, count);
    case_run(&file_suite, check.facts.name[0]);
    case_run(&describe_suite, check.facts.name[0]);
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        case_run(suites[i], NULL);
    }
    subject_is(behind, plugins, count);
    case_run(&fault_suite, NULL);
}

int main(int argc, char **argv)
{
    int json = 0, code = read_arguments(argc, argv, &json);

    code = code ? code : find_own();
    code = code ? code : read_facts();
    if (code) {
        return code;
    }
    case_begin(check.file, json);
    if (check.facts.is_protocol) {
        check_protocol();
    } else {
        check_serializers();
    }
    return case_end() ? EXIT_FAILURE : EXIT_SUCCESS;
}
