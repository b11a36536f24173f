/* Counts copies: loaded with LD_PRELOAD, it takes the place of the functions that copy memory, and
 * at the end writes the largest size that was asked for, how many calls there were, and who asked
 * for it, to the file that VIREO_COPIES names. A compiler copies a few bytes without a call; nothing
 * of the size of a frame. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic size_t largest;
static _Atomic(void *) largest_caller;
static _Atomic size_t calls;

static void note(size_t count, void *caller) {
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    size_t seen = atomic_load_explicit(&largest, memory_order_relaxed);
    while (count > seen) {
        if (atomic_compare_exchange_weak(&largest, &seen, count)) {
            atomic_store(&largest_caller, caller);
            return;
        }
    }
}

/* By hand: the functions of the C library are the ones that this replaces. A volatile pointer keeps
 * the compiler from making a call of memcpy out of the loop. */
static void *copy(void *to, const void *from, size_t count) {
    volatile uint8_t *out = to;
    const uint8_t *in = from;
    if ((uintptr_t)to <= (uintptr_t)from || (uintptr_t)to >= (uintptr_t)from + count) {
        for (size_t i = 0; i < count; i++) out[i] = in[i];
    } else {
        for (size_t i = count; i > 0; i--) out[i - 1] = in[i - 1];
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    note(count, __builtin_return_address(0));
    return copy(to, from, count);
}

void *memmove(void *to, const void *from, size_t count) {
    note(count, __builtin_return_address(0));
    return copy(to, from, count);
}

void *mempcpy(void *restrict to, const void *restrict from, size_t count) {
    note(count, __builtin_return_address(0));
    return (uint8_t *)copy(to, from, count) + count;
}

/* What the three become in code that was compiled with _FORTIFY_SOURCE. */
void *__memcpy_chk(void *to, const void *from, size_t count, size_t room) {
    if (count > room) abort();
    note(count, __builtin_return_address(0));
    return copy(to, from, count);
}

void *__memmove_chk(void *to, const void *from, size_t count, size_t room) {
    if (count > room) abort();
    note(count, __builtin_return_address(0));
    return copy(to, from, count);
}

void *__mempcpy_chk(void *to, const void *from, size_t count, size_t room) {
    if (count > room) abort();
    note(count, __builtin_return_address(0));
    return (uint8_t *)copy(to, from, count) + count;
}

__attribute__((destructor)) static void report(void) {
    const char *path = getenv("VIREO_COPIES");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    Dl_info info = {0};
    if (largest_caller) dladdr(largest_caller, &info);
    fprintf(file, "%zu %zu %s %s\n", largest, calls, info.dli_fname ? info.dli_fname : "-",
            info.dli_sname ? info.dli_sname : "-");
    fclose(file);
}
