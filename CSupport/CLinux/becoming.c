#define _GNU_SOURCE
#include "becoming.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* How a new child becomes its program. */

static _Noreturn void fail(int report_fd, int stage, long result) {
    struct report report = {.stage = stage, .number = (int)-result};
    CALL3(SYS_write, report_fd, &report, sizeof report);
    leave();
}

static void reset_signals(void) {
    /* Also the two signals that glibc keeps for itself: a parent may have left them ignored. */
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action = {.handler = SIG_DFL};
    for (int number = 1; number <= 64; number++)
        CALL4(SYS_rt_sigaction, number, &action, NULL, signal_set_bytes);
}

/* Puts the three in place and the report pipe above them; none of the four stands below 3. */
static long place_descriptors(const struct clinux_child *child, int *report_fd) {
    const int from[3] = {child->input, child->output, child->error};
    for (int place = 0; place < 3; place++) {
        long result = CALL3(SYS_dup3, from[place], place, 0);
        if (result < 0) return result;
    }
    if (*report_fd != 3) {
        long result = CALL3(SYS_dup3, *report_fd, 3, O_CLOEXEC);
        if (result < 0) return result;
        *report_fd = 3;
    }
    /* All others are close-on-exec anyway; a kernel without the call leaves it at that. */
    CALL3(SYS_close_range, 4u, ~0u, 0u);
    return 0;
}

/* A unit may forbid the call (SystemCallFilter=~@resources), and has limits of its own then. */
static long set_limit(int resource, uint64_t most) {
    struct {
        uint64_t current, maximum;
    } limit;
    long result = CALL4(SYS_prlimit64, 0, resource, NULL, &limit);
    if (result < 0) return result == -EPERM ? 0 : result;
    if (limit.maximum > most) limit.maximum = most;
    limit.current = limit.maximum;
    result = CALL4(SYS_prlimit64, 0, resource, &limit, NULL);
    return result == -EPERM ? 0 : result;
}

static long set_limits(const struct clinux_child *child) {
    long result = set_limit(RLIMIT_CORE, 0);
    if (result < 0) return result;
    return child->descriptors_max == 0 ? 0 : set_limit(RLIMIT_NOFILE, child->descriptors_max);
}

static long change_user(const struct clinux_child *child) {
    if (!child->changes_user) return 0;
    long result = CALL2(SYS_setgroups, child->group_count, child->groups);
    if (result == 0) result = CALL3(SYS_setresgid, child->group, child->group, child->group);
    if (result == 0) result = CALL3(SYS_setresuid, child->user, child->user, child->user);
    return result;
}

static long execute(const struct clinux_child *child) {
    long refused = 0, result = -ENOENT;
    for (char *const *path = child->paths; *path; path++) {
        result = CALL3(SYS_execve, *path, child->arguments, child->environment);
        if (result == -EACCES) refused = result;
        else if (result != -ENOENT && result != -ENOTDIR) return result;
    }
    /* As execvp(3): one that is there and may not be run is worth more than the others' absence. */
    return refused ? refused : result;
}

_Noreturn void clinux_become(const struct beginning *beginning) {
    const struct clinux_child *child = &beginning->child;
    int report = beginning->report;
    long result;
    /* It moves itself, before anything else: nothing of it is ever outside. */
    if (beginning->members >= 0 && (result = CALL3(SYS_write, beginning->members, "0", 1)) != 1)
        fail(report, clinux_stage_group, result);
    reset_signals();
    if ((result = CALL0(SYS_setsid)) < 0) fail(report, clinux_stage_session, result);
    if ((result = place_descriptors(child, &report)) < 0)
        fail(report, clinux_stage_descriptors, result);
    CALL1(SYS_umask, 077);
    if ((result = set_limits(child)) < 0) fail(report, clinux_stage_limits, result);
    if ((result = change_user(child)) < 0) fail(report, clinux_stage_user, result);
    if ((result = CALL4(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0)) < 0)
        fail(report, clinux_stage_user, result);
    /* Changing the user takes it away, so it comes behind. */
    CALL2(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
    if ((pid_t)CALL0(SYS_getppid) != beginning->parent) leave();
    if (child->directory && (result = CALL1(SYS_chdir, child->directory)) < 0)
        fail(report, clinux_stage_directory, result);
    uint64_t none = 0;
    CALL4(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, signal_set_bytes);
    fail(report, clinux_stage_program, execute(child));
}

long clinux_clone_sharing(
    long number, long first, long second, long third, struct clinux_room *room) {
#if CAN_SHARE_MEMORY && defined(__x86_64__)
    register long fourth __asm__("r10") = 0;
    register long fifth __asm__("r8") = 0;
    long result;
    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "movq %[beginning], %%rdi\n\t"
                     "callq *%[become]\n"
                     "1:"
                     : "=a"(result)
                     : "0"(number), "D"(first), "S"(second), "d"(third), "r"(fourth), "r"(fifth),
                       [become] "r"(clinux_become), [beginning] "r"(&room->beginning)
                     : "rcx", "r11", "memory");
    return result;
#elif CAN_SHARE_MEMORY && defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = first;
    register long x1 __asm__("x1") = second;
    register long x2 __asm__("x2") = third;
    register long x3 __asm__("x3") = 0;
    register long x4 __asm__("x4") = 0;
    __asm__ volatile("svc 0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x0, %[beginning]\n\t"
                     "blr %[become]\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), [become] "r"(clinux_become),
                       [beginning] "r"(&room->beginning)
                     : "x30", "memory");
    return x0;
#else
    (void)number, (void)first, (void)second, (void)third, (void)room;
    return -ENOSYS;
#endif
}

