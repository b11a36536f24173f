#ifndef VIREO_BECOMING_H
#define VIREO_BECOMING_H

#include "clinux_spawn.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Whether a child may use its parent's memory until it becomes its program: this file knows the
 * machine's way to call the kernel, and no sanitizer watches a stack that it has not seen. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(IS_SANITIZED)
#define CAN_SHARE_MEMORY 1
#else
#define CAN_SHARE_MEMORY 0
#endif

/* Until execve the child is a copy of one thread of a process that may have had more, or runs
 * beside that thread in the same memory: only system calls, no memory, no locks, no libc. Not even
 * errno may be touched, for it would be the parent's: the calls are made directly and give what the
 * kernel gives, -ENOENT. (glibc's wrappers also do more: setuid tells all threads.) */

static inline long call(long number, long a, long b, long c, long d, long e) {
#if defined(__x86_64__)
    register long fourth __asm__("r10") = d;
    register long fifth __asm__("r8") = e;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long which __asm__("x8") = number;
    register long first __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    register long fifth __asm__("x4") = e;
    __asm__ volatile("svc 0"
                     : "+r"(first)
                     : "r"(which), "r"(second), "r"(third), "r"(fourth), "r"(fifth)
                     : "memory");
    return first;
#else
    long result = syscall(number, a, b, c, d, e);
    return result == -1 ? -errno : result;
#endif
}

#define CALL0(number) call(number, 0, 0, 0, 0, 0)
#define CALL1(number, a) call(number, (long)(a), 0, 0, 0, 0)
#define CALL2(number, a, b) call(number, (long)(a), (long)(b), 0, 0, 0)
#define CALL3(number, a, b, c) call(number, (long)(a), (long)(b), (long)(c), 0, 0)
#define CALL4(number, a, b, c, d) call(number, (long)(a), (long)(b), (long)(c), (long)(d), 0)

/* Of signals, in bytes, on every machine of ours. */
enum { signal_set_bytes = 8 };

static inline _Noreturn void leave(void) {
    for (;;) CALL1(SYS_exit_group, 127);
}

struct report {
    int stage;
    int number;
};

/* What a new child is to do. */
struct beginning {
    struct clinux_child child;
    int report;
    /* The group's cgroup.procs where the child was not born in it, else -1. */
    int members;
    pid_t parent;
};

/* Becomes the program, or tells by the report pipe why not. */
_Noreturn void clinux_become(const struct beginning *beginning);

/* Bytes of the stack of a child that shares memory: become() needs a few hundred. */
enum { stack_bytes = 16384 };

/* The memory of such a child, which has to stay until it is another program or has ended. */
struct clinux_room {
    struct beginning beginning;
    _Alignas(16) char stack[stack_bytes];
};

/* clone3(2) or clone(2) of a child in the same memory that runs on the room's stack, so that the
 * parent goes on: the kernel copies no page tables, and neither side takes a fault for each page
 * that it writes next. The child becomes what the room says. */
long clinux_clone_sharing(
    long number, long first, long second, long third, struct clinux_room *room);

/* Has the child made by its zygote. -E2BIG when what the child is given has no room there: nothing
 * has happened then. -ECHILD when the zygote is dead or does not answer: what is in its group has
 * to be killed, for the child may be there. */
long clinux_zygote_make(const struct beginning *beginning, struct clinux_spawned *spawned);

/* The pipe that a child tells its failure by; its writing end is above the standard descriptors. */
int clinux_open_report(int report[2]);

#endif
