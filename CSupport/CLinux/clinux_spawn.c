#define _GNU_SOURCE
#include "clinux_spawn.h"

#include "becoming.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

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
        return clinux_clone_sharing(SYS_clone3, (long)&arguments, sizeof arguments, 0, room);
    }
    long result = CALL2(SYS_clone3, &arguments, sizeof arguments);
    if (result == 0) clinux_become(beginning);
    return result;
}

/* The child moves itself into its group, and waits for a grace period of the kernel there. */
static long make_with_clone(struct beginning *beginning, struct clinux_room *room, int *pidfd) {
    int cgroup = beginning->child.cgroup;
    if (cgroup >= 0) {
        beginning->members = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (beginning->members < 0) return -errno;
    }
    long flags = CLONE_PIDFD | SIGCHLD, result;
    if (room) {
        room->beginning = *beginning;
        result = clinux_clone_sharing(
            SYS_clone, flags | CLONE_VM, (long)(room->stack + stack_bytes), (long)pidfd, room);
    } else {
        result = CALL4(SYS_clone, flags, NULL, pidfd, NULL);
        if (result == 0) clinux_become(beginning);
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

int clinux_open_report(int report[2]) {
    if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) return -1;
    report[1] = above_standard(report[1]);
    if (report[1] >= 0) return 0;
    int kept = errno;
    close(report[0]);
    errno = kept;
    return -1;
}

static long make(struct beginning *beginning, struct clinux_spawned *spawned) {
    const struct clinux_child *child = &beginning->child;
    /* Without memory for it the child gets a copy of all. */
    struct clinux_room *room = CAN_SHARE_MEMORY && child->shares_memory && !child->changes_user
                                   ? malloc(sizeof *room)
                                   : NULL;
    sigset_t all, before;
    sigfillset(&all);
    /* No handler of ours may run in the child. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    long result = make_with_clone3(beginning, room, &spawned->pidfd);
    /* Containers and systemd's RestrictNamespaces= refuse clone3: a filter cannot see its flags. */
    if (result == -ENOSYS || result == -EPERM) {
        result = make_with_clone(beginning, room, &spawned->pidfd);
        spawned->moved_itself = child->cgroup >= 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result < 0) free(room);
    else spawned->room = room;
    return result;
}

int clinux_spawn(const struct clinux_child *child, struct clinux_spawned *spawned) {
    int report[2];
    if (clinux_open_report(report) < 0) return -1;
    *spawned = (struct clinux_spawned){.pidfd = -1, .report = report[0]};
    struct beginning beginning = {
        .child = *child, .report = report[1], .members = -1, .parent = getpid()};
    long result = child->zygote ? clinux_zygote_make(&beginning, spawned) : -E2BIG;
    if (result == -E2BIG) result = make(&beginning, spawned);
    close(report[1]);
    if (result >= 0) {
        spawned->pid = (pid_t)result;
        return 0;
    }
    close(report[0]);
    errno = (int)-result;
    return -1;
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
