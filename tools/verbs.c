/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.c: the table of verbs. A verb is a line here and a function in a file of its own. */
#include "cli.h"

#define ADDRESS_HELP                                                                     \
    "ADDRESS is [STORE:]WORKFLOW/TASK[#PATH[SLICE]]: PATH as field, a.b[3] or\n"         \
    "['key'], SLICE as numpy's: [0, 10:20, ::2, ..., -1]. In names, %3A %2F %23 %5B\n"   \
    "%25 stand for : / # [ %.\n"

#define FROM_TO                                                                          \
    "FROM is [STORE:]WORKFLOW/TASK, or WORKFLOW/PATTERN, or with -r WORKFLOW or STORE: " \
    "with\n"                                                                             \
    "all in it; TO is [STORE:]WORKFLOW/TASK for one task, else [STORE:]WORKFLOW or "     \
    "STORE:,\n"                                                                          \
    "and what it does not name is called as in FROM. Without STORE: what -S says.\n"

const struct ff_verb ff_verbs[] = {
    {"ls", "[WORKFLOW[/PATTERN]]", 0, 1, 0, "list workflows, or the tasks of one",
     "ff ls 'climate/sst*'",
     "Without an argument it lists workflows; with one, tasks, sorted, one a line.\n"
     "PATTERN has * ? [a-z] [!a].\n",
     ff_verb_ls},
    {"du", "[WORKFLOW[/PATTERN]]", 0, 1, 0, "say how much room workflows, or tasks, take",
     "ff du climate",
     "Without an argument a line for each workflow; with one, a line for each task and "
     "its "
     "big\n"
     "data, and one for what no task refers to. What two tasks refer to counts for "
     "both.\n"
     "It reads listings and tasks, and opens no big data.\n",
     ff_verb_du},
    {"show", "ADDRESS", 1, 1, 0,
     "print a value as a tree, without the elements of arrays", "ff show climate/sst",
     ADDRESS_HELP, ff_verb_show},
    {"info", "ADDRESS", 1, 1, 0,
     "say where a task's bytes lie, and how Python opens them", "ff info climate/sst",
     "With a PATH it also says what is there; with a SLICE how many chunks reading it\n"
     "would touch.\n" ADDRESS_HELP,
     ff_verb_info},
    {"get", "ADDRESS [-o FILE|-]", 1, 1,
     FF_OPT_BIT(FF_OPT_OUTPUT) | FF_OPT_BIT(FF_OPT_AS),
     "write a value, or a part of an array, to a file",
     "ff get 'climate/sst#field[0]' -o january.npy",
     "FORMAT is npy, json, pkl, raw or text; without --as the suffix of FILE says which\n"
     "(.npy .json .pkl .raw .bin .txt). Standard output, where FILE is - or is left "
     "out,\n"
     "is JSON unless --as says otherwise. An array as JSON is nested lists, as text a "
     "line\n"
     "a row, raw its elements in C order; a str or bytes as text or raw is itself.\n"
     "FILE is replaced only when everything has been written.\n" ADDRESS_HELP,
     ff_verb_get},
    {"put", "WORKFLOW/TASK FILE|-", 2, 2,
     FF_OPT_BIT(FF_OPT_AS) | FF_OPT_BIT(FF_OPT_CHUNKS) | FF_OPT_BIT(FF_OPT_INLINE) |
         FF_OPT_BIT(FF_OPT_COMPRESSION) | FF_OPT_BIT(FF_OPT_IF_ABSENT),
     "save a file as a task", "ff put run7/field field.npy --chunks 1024,1024",
     "FORMAT is npy, json or pkl; without --as the suffix of FILE says which. The "
     "workflow\n"
     "is made when it is missing; a task that is there is replaced. An array of .npy is\n"
     "kept by its serializer in chunks, or with --inline inside the task.\n"
     "In JSON, {\"$npy\": \"file.npy\", \"chunks\": [1, 90, 180]} stands for an array.\n",
     ff_verb_put},
    {"diff", "A B", 2, 2, 0, "say where two tasks or files differ",
     "ff diff run7/field run8/field",
     "A and B are addresses, or files *.pkl *.joblib *.npy *.json. A line for each "
     "place:\n"
     "its path, and what is only in A, only in B, or changed; of arrays how many "
     "elements\n"
     "differ, where the first is, and by how much at most. Exit code 1 when they "
     "differ.\n" ADDRESS_HELP,
     ff_verb_diff},
    {"inspect", "FILE", 1, 1,
     FF_OPT_BIT(FF_OPT_OPCODES) | FF_OPT_BIT(FF_OPT_ALLOW) | FF_OPT_BIT(FF_OPT_POLICY) |
         FF_OPT_BIT(FF_OPT_AS),
     "say what a pickle file names and calls, running nothing of it",
     "ff inspect model.pt --allow 'mymodel.*'",
     "FILE is a pickle, several one after another, a task, compressed with gzip or zlib, "
     "a\n"
     "file of joblib (FORMAT joblib, as *.joblib are read; else pickle), or a zip "
     "archive\n"
     "with members *.pkl. Exit code 9 when it names a global that is not allowed, 4 when "
     "it\n"
     "is no whole pickle. MODULE.NAME may be MODULE.* or MODULE:OUTER.INNER. A policy "
     "is\n"
     "{\"allow\": [\"MODULE.NAME\", ...]}.\n",
     ff_verb_inspect},
    {"cp", "FROM TO", 2, 2, FF_OPT_BIT(FF_OPT_RECURSIVE) | FF_OPT_BIT(FF_OPT_REPLACE),
     "copy tasks with their big data, to any storage", "ff cp -r lab:climate ./backup:",
     FROM_TO
     "A task that is there and has the same value is left, so that what was "
     "interrupted\n"
     "goes on when it is done again; one with another value is not replaced (exit code "
     "8)\n"
     "without --replace. Between storages what was copied is read back and compared. Big "
     "data\n"
     "goes over as it is stored where both are of one kind, else in the format of TO.\n",
     ff_verb_cp},
    {"rm", "ADDRESS|'WORKFLOW/PATTERN'...", 1, 1 << 20, FF_OPT_BIT(FF_OPT_RECURSIVE),
     "remove tasks with their big data", "ff rm -n 'run7/step-*'",
     "A pattern is quoted, so that the shell leaves it alone. A workflow needs -r.\n"
     "-n prints what would go.\n",
     ff_verb_rm},
    {"mv", "FROM TO", 2, 2, FF_OPT_BIT(FF_OPT_RECURSIVE),
     "move tasks with their big data, to any storage", "ff mv run7/field run7/field-old",
     FROM_TO "A task that is there is not replaced: exit code 8. Between storages tasks "
             "are\n"
             "copied as by ff cp, and then removed. A workflow stays, empty.\n",
     ff_verb_mv},
    {"verify", "[WORKFLOW[/PATTERN]]", 0, 1, FF_OPT_BIT(FF_OPT_DEEP),
     "check tasks and their big data", "ff verify --deep climate",
     "Checks digests and form of tasks, and that big data is there in its whole "
     "size;\n"
     "--deep also reads its elements, and sees what does not decompress or goes against "
     "a\n"
     "checksum in it. HDF5 without compression (the default) has none of its elements: "
     "a\n"
     "change of those alone is not seen. Exit code 4 when there is a fault. -v prints "
     "what\n"
     "is well, too.\n",
     ff_verb_verify},
    {"gc", "[WORKFLOW]", 0, 1, FF_OPT_BIT(FF_OPT_GRACE) | FF_OPT_BIT(FF_OPT_ASSUME_LOST),
     "find, and with -y remove, what no task refers to", "ff gc -y --grace 7d",
     "Only reports unless -y is given. TIME is a number and s, m, h or d. A workflow "
     "with a\n"
     "task that cannot be read is spared, unless --assume-lost names each such task.\n",
     ff_verb_gc},
    {"plugin", "WHAT [FILE|NAME|CLASS]", 1, 2,
     FF_OPT_BIT(FF_OPT_OPTIONS) | FF_OPT_BIT(FF_OPT_VALUE) | FF_OPT_BIT(FF_OPT_WITH) |
         FF_OPT_BIT(FF_OPT_KIND) | FF_OPT_BIT(FF_OPT_LANG) | FF_OPT_BIT(FF_OPT_BUILD),
     "look after plugins", "ff plugin list",
     "WHAT is\n"
     "  list          every file of the plugin directories, and why it is not loaded\n"
     "  info FILE     what a file says of itself; nothing of it runs\n"
     "  check FILE    run it through the tests of plugins, each in a process of its own\n"
     "  new NAME      a project for one, in a folder of that name\n"
     "  install FILE  copy into your plugin directory\n"
     "  enable NAME   allow a plugin to be loaded, in the configuration\n"
     "  disable NAME  forbid it\n"
     "  pin NAME      load only this very file under the name, by its SHA-256\n"
     "  unpin NAME    load any file again\n"
     "  which CLASS   the serializers for objects of a class\n",
     ff_verb_plugin},
    {"store", "list | add NAME STORE | test [STORE]", 1, 3, 0, "look after storages",
     "ff store test lab",
     "  list            those of the configuration\n"
     "  add NAME STORE  put one into it: a folder, JSON, @FILE, or - for JSON that is "
     "read\n"
     "                  from standard input, where secrets are seen by nobody\n"
     "  test [STORE]    write, read and remove something, and say what the medium can "
     "do\n"
     "                  and what follows from what it cannot\n",
     ff_verb_store},
    {"config", "show | path | check [FILE]", 1, 2, 0, "look at the configuration",
     "ff config check",
     "  show          the configuration in force, secrets hidden\n"
     "  path          the file that is read, or would be written\n"
     "  check [FILE]  read it and say what is wrong\n",
     ff_verb_config},
    {"completion", "bash | zsh | fish", 1, 1, 0, "print what makes a shell complete ff",
     "eval \"$(ff completion bash)\"", "", ff_verb_completion},
    {"version", "", 0, 0, 0, "print the version", "ff version --json", "",
     ff_verb_version},
    {"help", "[VERB]", 0, 2, 0, "explain a verb, or list them", "ff help get",
     "What follows VERB, as in ff help plugin new, is explained with it.\n",
     ff_verb_help},
    {NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL},
};

const struct ff_verb *ff_cli_find_verb(const char *name)
{
    for (const struct ff_verb *v = ff_verbs; v->name; v++) {
        if (strcmp(v->name, name) == 0) {
            return v;
        }
    }
    return NULL;
}

const char *ff_cli_nearest_verb(const char *word)
{
    const char *names[sizeof ff_verbs / sizeof *ff_verbs];
    size_t n = 0;
    for (; ff_verbs[n].name; n++) {
        names[n] = ff_verbs[n].name;
    }
    return ff_cli_nearest(word, names, n);
}
