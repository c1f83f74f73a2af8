/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_new.c: ff plugin new: a project that builds, tests itself and passes. The files of new/
 * are part of the command. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char serializer_c[] =
#include "serializer.c.inc"
    ;
static const char serializer_cpp[] =
#include "serializer.cpp.inc"
    ;
static const char serializer_rs[] =
#include "serializer.rs.inc"
    ;
static const char protocol_c[] =
#include "protocol.c.inc"
    ;
static const char protocol_cpp[] =
#include "protocol.cpp.inc"
    ;
static const char protocol_rs[] =
#include "protocol.rs.inc"
    ;
static const char ff_rs[] =
#include "ff.rs.inc"
    ;
static const char check_rs[] =
#include "check.rs.inc"
    ;
static const char cargo_toml[] =
#include "Cargo.toml.inc"
    ;
static const char makefile[] =
#include "Makefile.inc"
    ;
static const char meson_build[] =
#include "meson.build.inc"
    ;
static const char cmake_lists[] =
#include "CMakeLists.txt.inc"
    ;
static const char readme[] =
#include "README.md.inc"
    ;

/* ---- the choices ---- */

static const struct lang {
    const char *name, *serializer, *protocol, *path; /* of its source */
    const char *ext, *cc, *flags, *std, *meson, *cmake, *standard;
} langs[] = {
    {"c", serializer_c, protocol_c, "@IDENT@.c", "c", "CC", "CFLAGS", "gnu11", "c", "C",
     "11"},
    {"c++", serializer_cpp, protocol_cpp, "@IDENT@.cpp", "cpp", "CXX", "CXXFLAGS",
     "gnu++17", "cpp", "CXX", "17"},
    {"rust", serializer_rs, protocol_rs, "src/lib.rs", "rs", "", "", "", "", "", ""},
};
enum { LANGS = sizeof langs / sizeof *langs, FILES_MAX = 3 };

struct file {
    const char *path, *text;
};

static const struct build {
    const char *name;
    int is_rust;
    const char *commands,
        *file; /* of the README: how it is built, and what comes of it */
    struct file files[FILES_MAX];
} builds[] = {
    {"meson",
     0,
     "meson setup build\nmeson test -C build",
     "build/@IDENT@.so",
     {{"meson.build", meson_build}}},
    {"make", 0, "make check", "@IDENT@.so", {{"Makefile", makefile}}},
    {"cmake",
     0,
     "cmake -B build\ncmake --build build\nctest --test-dir build --output-on-failure",
     "build/@IDENT@.so",
     {{"CMakeLists.txt", cmake_lists}}},
    {"cargo",
     1,
     "cargo test\ncargo build --release",
     "target/release/lib@IDENT@.so",
     {{"Cargo.toml", cargo_toml}, {"src/ff.rs", ff_rs}, {"tests/check.rs", check_rs}}},
};
enum { BUILDS = sizeof builds / sizeof *builds };

/* What is made. */
struct project {
    const char *name, *kind;
    char ident[80];
    const struct lang *lang;
    const struct build *build;
};

static int unsupported(const char *what, struct ff_error *e)
{
    (void)ff_fail(e, FF_E_USAGE, NULL, "ff plugin new: there is no %.200s", what);
    ff_error_fix(e, "--kind serializer or protocol; --lang c or c++ with --build meson, "
                    "make or cmake; --lang rust with --build cargo");
    return FF_E_USAGE;
}

static int is_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return isalpha((unsigned char)name[0]) && !name[n] && n <= 64;
}

static int choose_kind_and_name(const struct ff_cli *c, struct project *p,
                                struct ff_error *e)
{
    const char *kind = ff_cli_value(c, FF_OPT_KIND);
    p->kind = kind ? kind : "serializer";
    p->name = c->args[1];
    if (strcmp(p->kind, "serializer") != 0 && strcmp(p->kind, "protocol") != 0) {
        char what[120];
        (void)snprintf(what, sizeof what, "kind %.100s", p->kind);
        return unsupported(what, e);
    }
    if (!is_name(p->name)) {
        (void)ff_fail(e, FF_E_USAGE, p->name, "not a name for a plugin");
        ff_error_fix(e, "a letter, then letters, digits, '.', '_' and '-', as acme.wave");
        return FF_E_USAGE;
    }
    (void)snprintf(p->ident, sizeof p->ident, "%s", p->name);
    for (char *at = p->ident; *at; at++) {
        *at = isalnum((unsigned char)*at) ? *at : '_';
    }
    return FF_OK;
}

static int choose(const struct ff_cli *c, struct project *p, struct ff_error *e)
{
    const char *lang = ff_cli_value(c, FF_OPT_LANG),
               *build = ff_cli_value(c, FF_OPT_BUILD);
    char what[220];
    lang = lang ? lang : "c";
    build = build ? build : strcmp(lang, "rust") == 0 ? "cargo" : "meson";
    for (int i = 0; i < LANGS; i++) {
        p->lang = strcmp(langs[i].name, lang) == 0 ? &langs[i] : p->lang;
    }
    for (int i = 0; i < BUILDS; i++) {
        p->build = strcmp(builds[i].name, build) == 0 ? &builds[i] : p->build;
    }
    if (!p->lang || !p->build || p->build->is_rust != (strcmp(lang, "rust") == 0)) {
        (void)snprintf(what, sizeof what, "--lang %.100s with --build %.100s", lang,
                       build);
        return unsupported(what, e);
    }
    return choose_kind_and_name(c, p, e);
}

/* ---- writing ---- */

/* What stands for @WORD@, or NULL. */
static const char *meaning(const struct project *p, const char *word, size_t size)
{
    const struct {
        const char *word, *text;
    } words[] = {
        {"NAME", p->name},         {"IDENT", p->ident},
        {"KIND", p->kind},         {"EXT", p->lang->ext},
        {"CC", p->lang->cc},       {"FLAGS", p->lang->flags},
        {"STD", p->lang->std},     {"MESON", p->lang->meson},
        {"CMAKE", p->lang->cmake}, {"STANDARD", p->lang->standard},
        {"FILE", p->build->file},  {"BUILD", p->build->commands},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].word) == size && strncmp(words[i].word, word, size) == 0) {
            return words[i].text;
        }
    }
    return NULL;
}

/* Text with each @WORD@ replaced; what is put in may have words, too, and they are not
 * nested deeper. */
static void write_text(const struct project *p, const char *text, FILE *out, int depth)
{
    while (*text) {
        const char *at = strchr(text, '@'), *end = at ? strchr(at + 1, '@') : NULL;
        const char *word = end ? meaning(p, at + 1, (size_t)(end - at - 1)) : NULL;
        size_t plain = at ? (size_t)(at - text) + (word ? 0 : 1) : strlen(text);
        (void)fwrite(text, 1, plain, out);
        text += plain;
        if (word) {
            if (depth) {
                write_text(p, word, out, depth - 1);
            } else {
                (void)fputs(word, out);
            }
            text = end + 1;
        }
    }
}

static void path_of(const struct project *p, const char *path, char *out, size_t size)
{
    FILE *to = fmemopen(out, size, "w");
    if (to) {
        (void)fprintf(to, "%s/", p->name);
        write_text(p, path, to, 1);
        (void)fclose(to);
    }
}

static int make_folder(const char *path, struct ff_error *e)
{
    return mkdir(path, 0777) == 0 ? FF_OK
           : errno == EEXIST
               ? ff_fail(e, FF_E_CONFLICT, path, "is there already")
               : ff_fail(e, FF_E_IO, path, "cannot be made: %s", strerror(errno));
}

static int write_file(const struct project *p, const struct file *file, const char *path,
                      struct ff_error *e)
{
    char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    struct stat st;
    FILE *out;
    int bad, rc = FF_OK;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    if (stat(folder, &st)) {
        rc = make_folder(folder, e);
    }
    out = rc ? NULL : fopen(path, "wx");
    if (!out) {
        return rc ? rc : ff_fail(e, FF_E_IO, path, "cannot be made: %s", strerror(errno));
    }
    write_text(p, file->text, out, 2);
    bad = ferror(out);
    bad |= fclose(out);
    return bad ? ff_fail(e, FF_E_IO, path, "cannot be written: %s", strerror(errno))
               : FF_OK;
}

static int write_project(struct ff_cli *c, const struct project *p, struct ff_error *e)
{
    struct file all[FILES_MAX + 2] = {
        {p->lang->path,
         strcmp(p->kind, "protocol") == 0 ? p->lang->protocol : p->lang->serializer},
        {"README.md", readme},
    };
    struct ff_json j;
    struct ff_value files = {NULL, 0};
    char path[PATH_MAX];
    int rc = c->dry_run ? FF_OK : make_folder(p->name, e);
    memcpy(all + 2, p->build->files, sizeof p->build->files);
    if (c->json) {
        ff_json_begin(&j, e);
        ff_json_text(&j, j.root, "folder", p->name);
        files = ff_json_list(&j, j.root, "files");
    }
    for (int i = 0; !rc && i < FILES_MAX + 2 && all[i].path; i++) {
        memset(path, 0, sizeof path);
        path_of(p, all[i].path, path, sizeof path - 1);
        rc = c->dry_run ? FF_OK : write_file(p, &all[i], path, e);
        if (!rc && c->json) {
            ff_json_add_text(&j, files, path);
        } else if (!rc) {
            ff_print_name(c, path);
            (void)fputc('\n', stdout);
        }
    }
    if (c->json) {
        rc = rc ? rc : ff_json_end(c, &j);
    }
    return rc;
}

int ff_plugin_new(struct ff_cli *c, struct ff_error *e)
{
    struct project p = {0};
    int rc = choose(c, &p, e);
    rc = rc ? rc : write_project(c, &p, e);
    if (!rc && !c->dry_run) {
        ff_print_note(c, "%s/README.md says how it is built and tested", p.name);
    }
    return rc;
}
