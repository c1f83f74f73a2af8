/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_links.c: what a plugin's file is linked with and what it exports, without loading it: the
 * system's own linker lists its libraries, those behind them too (ld.so(8)); the table of symbols is
 * read from the file (elf(5)). */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct links {
    struct ff_cli *cli;
    struct ff_json *j; /* NULL: printed */
    struct ff_value libraries, symbols;
};

/* "library", its name, and where it is, "" = nowhere; or "symbol", its name, "". */
static void see(struct links *l, const char *what, const char *name, const char *where)
{
    int is_library = strcmp(what, "library") == 0;
    char text[PATH_MAX + 256];
    if (l->j && is_library) {
        struct ff_value row = ff_json_add_dict(l->j, l->libraries);
        ff_json_text(l->j, row, "name", name);
        ff_json_text(l->j, row, "file", where[0] ? where : NULL);
    } else if (l->j) {
        ff_json_add_text(l->j, l->symbols, name);
    } else {
        (void)snprintf(text, sizeof text, "%s%s%s", name, is_library ? "  " : "",
                       !is_library ? ""
                       : where[0]  ? where
                                   : "not found");
        ff_plugin_print_fact(l->cli, what, text);
    }
}

/* ---- libraries ---- */

/* The linker that has loaded this program: the object at that address. */
static int find_linker(struct dl_phdr_info *object, size_t size, void *path)
{
    (void)size;
    if (object->dlpi_addr && object->dlpi_addr == getauxval(AT_BASE)) {
        *(const char **)path = object->dlpi_name;
        return 1;
    }
    return 0;
}

/* "\tlibz.so.1 => /lib/libz.so.1 (0x00007f…)", "\tlibgone.so => not found". What has no "=>" is the
 * kernel's, or the linker itself. */
static void take_library(char *line, struct links *l)
{
    char *name = line + strspn(line, "\t "), *arrow = strstr(name, " => "), *path, *end;
    char full[PATH_MAX];
    if (!arrow) {
        return;
    }
    *arrow = 0;
    path = arrow + 4;
    if (*path != '/') {
        see(l, "library", name, "");
        return;
    }
    end = strstr(path, " (0x");
    path[end ? (size_t)(end - path) : strcspn(path, "\n")] = 0;
    see(l, "library", name, realpath(path, full) ? full : path);
}

static void read_list(int fd, struct links *l)
{
    FILE *list = fdopen(fd, "r");
    char *line = NULL;
    size_t room = 0;
    while (list && getline(&line, &room, list) >= 0) {
        take_library(line, l);
    }
    free(line);
    if (list) {
        (void)fclose(list);
    } else {
        (void)close(fd);
    }
}

/* The environment with what makes the linker list and not run, as ldd(1) does; it goes on behind a
 * library that is missing, which --list does not. Freed with free(). */
static char **tracing(void)
{
    static char trace[] = "LD_TRACE_LOADED_OBJECTS=1";
    size_t count = 0;
    char **out;
    while (environ[count]) {
        count++;
    }
    out = calloc(count + 2, sizeof *out);
    if (out) {
        out[0] = trace;
        memcpy(out + 1, environ, count * sizeof *out);
    }
    return out;
}

static int start(const char *linker, const char *file, int out, pid_t *child)
{
    char *args[] = {(char *)(uintptr_t)linker, (char *)(uintptr_t)file, NULL};
    char **environment = tracing();
    posix_spawn_file_actions_t actions;
    int code = environment ? posix_spawn_file_actions_init(&actions) : ENOMEM;
    if (!code) {
        code = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        code = code ? code
                    : posix_spawn_file_actions_addopen(&actions, STDERR_FILENO,
                                                       "/dev/null", O_WRONLY, 0);
        code =
            code ? code : posix_spawn(child, linker, &actions, NULL, args, environment);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    free(environment);
    return code;
}

static void list_libraries(const char *file, struct links *l)
{
    const char *linker = NULL;
    int ends[2], code;
    pid_t child;
    (void)dl_iterate_phdr(find_linker, &linker);
    if (!linker || linker[0] != '/' || pipe2(ends, O_CLOEXEC)) {
        return;
    }
    code = start(linker, file, ends[1], &child);
    (void)close(ends[1]);
    if (code) {
        (void)close(ends[0]);
        return;
    }
    read_list(ends[0], l);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
}

/* ---- symbols ---- */

struct elf {
    const char *data;
    size_t size_bytes;
    ElfW(Ehdr) head;
};

/* A copy of what lies at `offset`: nothing of the file is believed, nor aligned. */
static int fetch(const struct elf *f, uint64_t offset, void *dst, size_t size_bytes)
{
    if (offset > f->size_bytes || size_bytes > f->size_bytes - offset) {
        return 0;
    }
    memcpy(dst, f->data + offset, size_bytes);
    return 1;
}

static int fetch_section(const struct elf *f, size_t i, ElfW(Shdr) * out)
{
    return i < f->head.e_shnum && f->head.e_shentsize == sizeof *out &&
           fetch(f, f->head.e_shoff + i * sizeof *out, out, sizeof *out);
}

static int is_exported(const ElfW(Sym) * s)
{
    int binding = ELF64_ST_BIND(s->st_info), seen = ELF64_ST_VISIBILITY(s->st_other);
    return s->st_shndx != SHN_UNDEF && s->st_shndx != SHN_ABS &&
           (binding == STB_GLOBAL || binding == STB_WEAK) &&
           (seen == STV_DEFAULT || seen == STV_PROTECTED);
}

static void list_section(const struct elf *f, const ElfW(Shdr) * table, struct links *l)
{
    ElfW(Shdr) strings;
    ElfW(Sym) s;
    if (!fetch_section(f, table->sh_link, &strings) ||
        strings.sh_offset > f->size_bytes) {
        return;
    }
    for (uint64_t i = 1; i < table->sh_size / sizeof s &&
                         fetch(f, table->sh_offset + i * sizeof s, &s, sizeof s);
         i++) {
        uint64_t at = strings.sh_offset + s.st_name;
        if (is_exported(&s) && at < f->size_bytes &&
            memchr(f->data + at, 0, f->size_bytes - at)) {
            see(l, "symbol", f->data + at, "");
        }
    }
}

static void list_symbols(const char *file, struct links *l)
{
    struct ff_error own = FF_ERROR_INIT;
    struct elf f = {.data = NULL};
    ElfW(Shdr) section;
    char *data = NULL;
    if (!ff_in_read(file, &data, &f.size_bytes, &own)) {
        f.data = data;
        if (fetch(&f, 0, &f.head, sizeof f.head)) {
            for (size_t i = 0; fetch_section(&f, i, &section); i++) {
                if (section.sh_type == SHT_DYNSYM) {
                    list_section(&f, &section, l);
                }
            }
        }
    }
    free(data);
}

/* Whether the gate took the file: only then is it shown to the system's linker. */
static int is_sound(const struct ff_plugin_row *r)
{
    static const char *const codes[] = {"loaded",    "disabled", "duplicate",   "pin",
                                        "needs",     "options",  "create",      "dlopen",
                                        "abi-major", "bad-size", "note-differs"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (strcmp(codes[i], r->code) == 0) {
            return 1;
        }
    }
    return 0;
}

void ff_plugin_tell_links(struct ff_cli *c, const struct ff_plugin_row *r,
                          struct ff_json *j, struct ff_value row)
{
    struct links l = {.cli = c, .j = j};
    if (j) {
        l.libraries = ff_json_list(j, row, "libraries");
        l.symbols = ff_json_list(j, row, "symbols");
    }
    if (is_sound(r)) {
        list_libraries(r->file, &l);
        list_symbols(r->file, &l);
    }
}
