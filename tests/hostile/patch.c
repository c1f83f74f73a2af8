/* SPDX-License-Identifier: Apache-2.0 */
/* patch.c FILE WHAT: makes numbers of an ELF file lie; "socket": makes a socket of this name. */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int make_socket(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    return fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) ? 1 : 0;
}

/* The n-th segment of that type, from 1. */
static ElfW(Phdr) * segment(char *data, unsigned type, int n)
{
    ElfW(Ehdr) *h = (ElfW(Ehdr) *)data;
    ElfW(Phdr) *p = (ElfW(Phdr) *)(data + h->e_phoff);

    for (int i = 0; i < h->e_phnum; i++, p++) {
        if (p->p_type == type && --n == 0) {
            return p;
        }
    }
    return NULL;
}

static int patch(char *data, const char *what)
{
    ElfW(Ehdr) *h = (ElfW(Ehdr) *)data;
    ElfW(Phdr) *load = segment(data, PT_LOAD, 1), *second = segment(data, PT_LOAD, 2);
    ElfW(Phdr) *stack = segment(data, PT_GNU_STACK, 1);

    if (strcmp(what, "class") == 0) {
        h->e_ident[EI_CLASS] =
            h->e_ident[EI_CLASS] == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
    } else if (strcmp(what, "endian") == 0) {
        h->e_ident[EI_DATA] =
            h->e_ident[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
    } else if (strcmp(what, "machine") == 0) {
        h->e_machine = EM_MIPS;
    } else if (strcmp(what, "exec") == 0) {
        h->e_type = ET_EXEC;
    } else if (strcmp(what, "phnum") == 0) {
        h->e_phnum = 0xffff;
    } else if (strcmp(what, "phoff") == 0) {
        h->e_phoff = (ElfW(Off)) - 64;
    } else if (strcmp(what, "overlap") == 0) {
        second->p_vaddr = load->p_vaddr;
    } else if (strcmp(what, "align") == 0) {
        second->p_align = 3;
    } else if (strcmp(what, "beyond") == 0) {
        second->p_filesz = second->p_memsz = 1 << 30;
    } else if (strcmp(what, "memory") == 0) {
        second->p_memsz = (ElfW(Xword))1 << 60;
    } else if (strcmp(what, "nothing") == 0) {
        for (ElfW(Phdr) * p; (p = segment(data, PT_LOAD, 1));) {
            p->p_type = PT_NULL;
        }
    } else if (strcmp(what, "dynamic") == 0) {
        segment(data, PT_DYNAMIC, 1)->p_type = PT_NULL;
    } else if (strcmp(what, "stack") == 0) {
        stack->p_flags |= PF_X;
    } else if (strcmp(what, "no-stack") == 0) {
        stack->p_type = PT_NULL;
    } else if (strcmp(what, "wx") == 0) {
        second->p_flags |= PF_W | PF_X;
    } else {
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct stat st;
    char *data;
    int fd;

    if (argc != 3) {
        return 2;
    }
    if (strcmp(argv[2], "socket") == 0) {
        return make_socket(argv[1]);
    }
    fd = open(argv[1], O_RDWR);
    if (fd < 0 || fstat(fd, &st)) {
        return 1;
    }
    data = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return data == MAP_FAILED || patch(data, argv[2]);
}
