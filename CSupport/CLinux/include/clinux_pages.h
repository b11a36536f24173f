#ifndef CLINUX_PAGES_H
#define CLINUX_PAGES_H

/* Unmaps the resident pages of the read-only parts of the program and its libraries:
 * dl_iterate_phdr(3), madvise(2) MADV_DONTNEED. They are file pages that nobody has written to, and
 * come back from the page cache as they are used. */
void clinux_release_program_pages(void);

#endif
