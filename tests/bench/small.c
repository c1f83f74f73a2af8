/* SPDX-License-Identifier: Apache-2.0 */
/* small.c: many small things: `ff ls` of 1,000 tasks, from start to end of the process, and opening
 * a host on a folder with 1,000 plugins, and `ff plugin list` of 20 that are all loaded.
 *
 * bench_small FF PLUGIN.so [ROUNDS]; the plugin is one that no default enables.
 */
#include "bench.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    THINGS = 1000,
    LISTED = 20,
    LS_LIMIT_MS = 10,
    SCAN_LIMIT_MS = 50,
    LIST_LIMIT_MS = 30
};

static void report(const char *what, double *spent_s, size_t rounds, int limit_ms)
{
    double middle_ms = 1e3 * bench_median(spent_s, rounds);
    (void)printf("| %s | %.2f ms | %.2f ms | < %d ms | %s |\n", what, middle_ms,
                 1e3 * spent_s[0], limit_ms, middle_ms < limit_ms ? "yes" : "NO");
}

/* ---- ff ls ---- */

static void save_tasks(const char *folder)
{
    struct bench_store s = bench_store_open(folder, FF_DURABILITY_NONE, 0);
    struct ff_error e = FF_ERROR_INIT;
    for (int i = 0; i < THINGS; i++) {
        struct ff_doc *doc = ff_doc_new(&e);
        char task[16];
        (void)snprintf(task, sizeof task, "task%04d", i);
        (void)ff_save(s.storage, "bench", task, ff_new_int(doc, i, &e), NULL, &e);
        ff_doc_free(doc);
    }
    bench_check(&e, folder);
    bench_store_close(&s);
}

static double run_ff(char **argv, const char *out)
{
    char home[] = "HOME=/", *env[] = {home, NULL};
    posix_spawn_file_actions_t actions;
    double begin = bench_now_s();
    pid_t process;
    int status;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_TRUNC,
                                           0600);
    if (posix_spawn(&process, argv[0], &actions, NULL, argv, env) ||
        waitpid(process, &status, 0) < 0 || status) {
        bench_die("%s failed", argv[0]);
    }
    begin = bench_now_s() - begin;
    (void)posix_spawn_file_actions_destroy(&actions);
    return begin;
}

static void check_listing(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[64];
    int lines = 0;
    while (f && fgets(line, sizeof line, f)) {
        lines += strncmp(line, "task", 4) == 0;
    }
    if (!f || fclose(f) || lines != THINGS) {
        bench_die("ff ls listed %d tasks", lines);
    }
}

static void bench_ls(char *ff, const char *folder, size_t rounds)
{
    char store[BENCH_PATH_BYTES + 16], out[BENCH_PATH_BYTES + 16];
    char option[] = "-S", verb[] = "ls", workflow[] = "bench";
    char *argv_ls[] = {ff, option, store, verb, workflow, NULL};
    double spent_s[BENCH_ROUNDS_MAX];
    (void)snprintf(store, sizeof store, "%s/store", folder);
    (void)snprintf(out, sizeof out, "%s/listing", folder);
    save_tasks(store);
    (void)run_ff(argv_ls, out);
    check_listing(out);
    for (size_t i = 0; i < rounds; i++) {
        spent_s[i] = run_ff(argv_ls, out);
    }
    report("`ff ls` of 1,000 tasks, the whole process", spent_s, rounds, LS_LIMIT_MS);
}

/* ---- scanning plugins ---- */

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    char bytes[1 << 16];
    size_t n;
    if (!in || !out) {
        bench_die("cannot copy %s to %s", from, to);
    }
    while ((n = fread(bytes, 1, sizeof bytes, in)) > 0) {
        (void)fwrite(bytes, 1, n, out);
    }
    (void)fclose(in);
    if (ferror(out) || fclose(out)) {
        bench_die("cannot write %s", to);
    }
}

static void copy_plugins(const char *plugin, const char *folder)
{
    if (mkdir(folder, 0755)) {
        bench_die("%s: cannot make it", folder);
    }
    for (int i = 0; i < THINGS; i++) {
        char path[BENCH_PATH_BYTES + 64];
        (void)snprintf(path, sizeof path, "%s/plugin%04d.so", folder, i);
        copy_file(plugin, path);
    }
}

static double open_host(const char *folder)
{
    const char *path[] = {folder, NULL};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, draft_sys),
                                .config_json = "{}",
                                .plugin_path = folder ? path : NULL};
    double begin = bench_now_s(), spent;
    struct ff_host *host = ff_host_open(&o, &e);
    size_t disabled = 0;
    spent = bench_now_s() - begin;
    bench_check(&e, "open a host");
    for (size_t i = 0; folder && i < ff_plugin_count(host); i++) {
        disabled += strcmp(ff_plugin_at(host, i)->code, "disabled") == 0 &&
                    strncmp(ff_plugin_at(host, i)->file, folder, strlen(folder)) == 0;
    }
    if (folder && disabled != THINGS) {
        bench_die("%zu of %d plugins were listed as disabled", disabled, THINGS);
    }
    ff_host_close(host);
    return spent;
}

static void bench_scan(const char *plugin, const char *folder, size_t rounds)
{
    char plugins[BENCH_PATH_BYTES + 16];
    double spent_s[BENCH_ROUNDS_MAX];
    (void)snprintf(plugins, sizeof plugins, "%s/plugins", folder);
    copy_plugins(plugin, plugins);
    (void)open_host(plugins);
    for (size_t i = 0; i < rounds; i++) {
        spent_s[i] = open_host(plugins);
    }
    report("opening a host, 1,000 plugins in its path", spent_s, rounds, SCAN_LIMIT_MS);
}

/* ---- ff plugin list ---- */

/* The plugin npy under another name of three letters: in its note, its descriptor, and where a
 * debugger looks. */
static void rename_npy(const char *path, const char *name)
{
    static char data[1 << 20];
    FILE *f = fopen(path, "r+b");
    size_t n = f ? fread(data, 1, sizeof data, f) : 0;
    int renamed = 0;
    for (size_t i = 1; i + 4 < n; i++) {
        if (memcmp(data + i, "npy", 3) == 0 &&
            (data[i - 1] == '\0' || data[i - 1] == '\n') && data[i - 1] == data[i + 3]) {
            memcpy(data + i, name, 3);
            renamed++;
        }
    }
    if (!f || renamed < 2) {
        bench_die("%s: its name stands %d times", path, renamed);
    }
    rewind(f);
    (void)fwrite(data, 1, n, f);
    (void)fclose(f);
}

static void make_listed(const char *plugin, const char *folder, const char *config)
{
    FILE *f = fopen(config, "w");
    if (!f || mkdir(folder, 0755)) {
        bench_die("%s: cannot make it", folder);
    }
    (void)fprintf(f, "{\"plugins\": {\"path\": [\"%s\"], \"enable\": [", folder);
    for (int i = 0; i < LISTED; i++) {
        char path[BENCH_PATH_BYTES + 64], name[8];
        (void)snprintf(name, sizeof name, "p%02d", i);
        (void)snprintf(path, sizeof path, "%s/%s.so", folder, name);
        copy_file(plugin, path);
        rename_npy(path, name);
        (void)fprintf(f, "%s\"%s\"", i ? ", " : "", name);
    }
    (void)fprintf(f, "]}}\n");
    (void)fclose(f);
}

static void check_listed(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[1024];
    int loaded = 0;
    while (f && fgets(line, sizeof line, f)) {
        loaded += line[0] == 'p' && strstr(line, " loaded ") != NULL;
    }
    if (!f || fclose(f) || loaded != LISTED) {
        bench_die("ff plugin list has %d plugins that are loaded", loaded);
    }
}

static void bench_list(char *ff, const char *plugin, const char *folder, size_t rounds)
{
    char listed[BENCH_PATH_BYTES + 16], config[BENCH_PATH_BYTES + 16],
        out[BENCH_PATH_BYTES + 16];
    char option[] = "--config", verb[] = "plugin", what[] = "list";
    char *argv[] = {ff, option, config, verb, what, NULL};
    double spent_s[BENCH_ROUNDS_MAX];
    (void)snprintf(listed, sizeof listed, "%s/listed", folder);
    (void)snprintf(config, sizeof config, "%s/config.json", folder);
    (void)snprintf(out, sizeof out, "%s/list", folder);
    make_listed(plugin, listed, config);
    (void)run_ff(argv, out);
    check_listed(out);
    for (size_t i = 0; i < rounds; i++) {
        spent_s[i] = run_ff(argv, out);
    }
    report("`ff plugin list` of 20 more plugins, all loaded, the whole process", spent_s,
           rounds, LIST_LIMIT_MS);
}

int main(int argc, char **argv)
{
    char folder[BENCH_PATH_BYTES];
    size_t rounds = bench_rounds(argc > 3 ? argv[3] : "20");
    if (argc < 3) {
        bench_die("bench_small FF PLUGIN.so [ROUNDS]");
    }
    (void)umask(022);
    bench_scratch(folder);
    (void)printf("| small things | middle of %zu | best | limit | met |\n"
                 "|---|---:|---:|---:|---|\n",
                 rounds);
    bench_ls(argv[1], folder, rounds);
    bench_scan(argv[2], folder, rounds);
    bench_list(argv[1], argv[2], folder, rounds);
    bench_remove(folder);
    return 0;
}
