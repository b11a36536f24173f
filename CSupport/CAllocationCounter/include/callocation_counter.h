#ifndef VIREO_CALLOCATION_COUNTER_H
#define VIREO_CALLOCATION_COUNTER_H

#include <stdint.h>

/* Counts every allocation of the process it is linked into, for tests and benchmarks only: it
 * replaces malloc, calloc, realloc, posix_memalign and aligned_alloc by ones that count and then
 * call glibc's own. */

/* Allocations by the calling thread so far. Other threads do not disturb the count. */
uint64_t callocation_counter_of_this_thread(void);

#endif
