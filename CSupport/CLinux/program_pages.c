#define _GNU_SOURCE
#include "clinux_pages.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

static int release_object(struct dl_phdr_info *object, size_t size, void *page_size) {
    (void)size;
    const uintptr_t mask = *(const uintptr_t *)page_size - 1;
    /* The kernel's own object is no file's. */
    const uintptr_t vdso = (uintptr_t)getauxval(AT_SYSINFO_EHDR);
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[index];
        /* A part that was ever writable holds the loader's relocations: those pages are ours. */
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W) != 0) continue;
        const uintptr_t start = (object->dlpi_addr + part->p_vaddr) & ~mask;
        const uintptr_t end = (object->dlpi_addr + part->p_vaddr + part->p_memsz + mask) & ~mask;
        if (vdso >= start && vdso < end) continue;
        madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void clinux_release_program_pages(void) {
    uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    dl_iterate_phdr(release_object, &page_size);
}
