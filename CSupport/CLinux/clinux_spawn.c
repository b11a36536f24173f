#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

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

struct report {
    int stage;
    int number;
};

/* From here to execve the child is a copy of one thread of a process that may have had more, or runs
 * beside that thread in the same memory: only system calls, no memory, no locks, no libc. Not even
 * errno may be touched, for it would be the parent's: the calls are made directly and give what the
 * kernel gives, -ENOENT. (glibc's wrappers also do more than the call: setuid tells all threads.) */

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

static _Noreturn void leave(void) {
    for (;;) CALL1(SYS_exit_group, 127);
}

static _Noreturn void fail(int report_fd, int stage, long result) {
    struct report report = {.stage = stage, .number = (int)-result};
    CALL3(SYS_write, report_fd, &report, sizeof report);
    leave();
}

static void reset_signals(void) {
    /* Also the two signals that glibc keeps for itself: a parent may have left even these ignored. */
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

/* What a new child is to do. */
struct beginning {
    struct clinux_child child;
    int report;
    /* The group's cgroup.procs where the child was not born in it, else -1. */
    int members;
    pid_t parent;
};

static _Noreturn void become(const struct beginning *beginning) {
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

/* Bytes of the stack of a child that shares memory: become() needs a few hundred. */
enum { stack_bytes = 16384 };

/* The memory of such a child, which has to stay until it is another program or has ended. */
struct clinux_room {
    struct beginning beginning;
    _Alignas(16) char stack[stack_bytes];
};

/* clone3(2) or clone(2) of a child in the same memory that runs on a stack of its own, so that the
 * parent goes on: the kernel copies no page tables, and neither side takes a fault for each page that
 * it writes next. */
static long clone_sharing(long number, long first, long second, long third, struct clinux_room *room) {
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
                       [become] "r"(become), [beginning] "r"(&room->beginning)
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
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), [become] "r"(become),
                       [beginning] "r"(&room->beginning)
                     : "x30", "memory");
    return x0;
#else
    (void)number, (void)first, (void)second, (void)third, (void)room;
    return -ENOSYS;
#endif
}

static long make_with_clone3(struct beginning *beginning, struct clinux_room *room, int *pidfd) {
    int cgroup = beginning->child.cgroup;
    struct clone_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = CLONE_PIDFD | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0);
    arguments.pidfd = (uint64_t)(uintptr_t)pidfd;
    arguments.exit_signal = SIGCHLD;
    arguments.cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0;
    if (room) {
        room->beginning = *beginning;
        arguments.flags |= CLONE_VM;
        arguments.stack = (uint64_t)(uintptr_t)room->stack;
        arguments.stack_size = stack_bytes;
        return clone_sharing(SYS_clone3, (long)&arguments, sizeof arguments, 0, room);
    }
    long result = CALL2(SYS_clone3, &arguments, sizeof arguments);
    if (result == 0) become(beginning);
    return result;
}

/* The child moves itself into its group, which costs it the wait for a grace period of the kernel. */
static long make_with_clone(struct beginning *beginning, struct clinux_room *room, int *pidfd) {
    int cgroup = beginning->child.cgroup;
    if (cgroup >= 0) {
        beginning->members = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (beginning->members < 0) return -errno;
    }
    long flags = CLONE_PIDFD | SIGCHLD, result;
    if (room) {
        room->beginning = *beginning;
        result = clone_sharing(
            SYS_clone, flags | CLONE_VM, (long)(room->stack + stack_bytes), (long)pidfd, room);
    } else {
        result = CALL4(SYS_clone, flags, NULL, pidfd, NULL);
        if (result == 0) become(beginning);
    }
    if (beginning->members >= 0) close(beginning->members);
    return result;
}

static int above_standard(int fd) {
    if (fd < 0 || fd > 2) return fd;
    int higher = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int kept = errno;
    close(fd);
    errno = kept;
    return higher;
}

int clinux_spawn(const struct clinux_child *child, struct clinux_spawned *spawned) {
    int report[2];
    if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) return -1;
    report[1] = above_standard(report[1]);
    if (report[1] < 0) {
        int kept = errno;
        close(report[0]);
        errno = kept;
        return -1;
    }
    sigset_t all, before;
    sigfillset(&all);
    /* No handler of ours may run in the child. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    struct beginning beginning = {
        .child = *child, .report = report[1], .members = -1, .parent = getpid()};
    /* Without memory for it the child gets a copy of all. */
    struct clinux_room *room =
        CAN_SHARE_MEMORY && child->shares_memory && !child->changes_user ? malloc(sizeof *room) : NULL;
    int pidfd = -1;
    long result = make_with_clone3(&beginning, room, &pidfd);
    /* Containers, and systemd's RestrictNamespaces=, refuse clone3: a filter cannot see its flags. */
    if (result == -ENOSYS || result == -EPERM) result = make_with_clone(&beginning, room, &pidfd);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (result < 0) {
        free(room);
        close(report[0]);
        errno = (int)-result;
        return -1;
    }
    *spawned = (struct clinux_spawned){
        .pid = (pid_t)result, .pidfd = pidfd, .report = report[0], .room = room};
    return 0;
}

void clinux_free_room(struct clinux_room *room) { free(room); }

int clinux_reap(int pidfd, int *number) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int result;
    do result = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG);
    while (result < 0 && errno == EINTR);
    if (result < 0) return -1;
    if (info.si_pid == 0) return 0;
    *number = info.si_status;
    return info.si_code == CLD_EXITED ? 1 : 2;
}

int clinux_reap_adopted(pid_t pid) {
    int status;
    return waitpid(pid, &status, WNOHANG) == pid;
}

int clinux_pidfd_signal(int pidfd, int signal_number) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0);
}

int clinux_signal_group(pid_t group, int signal_number) { return kill(-group, signal_number); }
int clinux_signal_process(pid_t pid, int signal_number) { return kill(pid, signal_number); }

int clinux_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int clinux_read_report(int fd, int *stage, int *number) {
    struct report report;
    if (read(fd, &report, sizeof report) != (ssize_t)sizeof report) return 0;
    *stage = report.stage;
    *number = report.number;
    return 1;
}

int clinux_child_pipe(int ends[2], int reads) {
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    int ours = reads ? 0 : 1;
    int flags = fcntl(ends[ours], F_GETFL);
    int is_set = flags >= 0 && fcntl(ends[ours], F_SETFL, flags | O_NONBLOCK) >= 0;
    ends[0] = above_standard(ends[0]);
    ends[1] = above_standard(ends[1]);
    if (is_set && ends[0] >= 0 && ends[1] >= 0) return 0;
    int kept = errno;
    if (ends[0] >= 0) close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
    errno = kept;
    return -1;
}

int clinux_null_device(void) { return above_standard(open("/dev/null", O_RDWR | O_CLOEXEC)); }

int clinux_peer_credentials(int fd, uid_t *user, pid_t *pid) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -1;
    *user = credentials.uid;
    *pid = credentials.pid;
    return 0;
}
