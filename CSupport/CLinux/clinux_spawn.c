#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

struct report {
    int stage;
    int number;
};

/* From here to execve the child is a copy of one thread of a process that may have had more: only
 * system calls, no memory, no locks. Where glibc's wrapper does more than the call (setuid tells all
 * threads, and they are not there), the call is made directly. */

static void fail(int report_fd, int stage) {
    struct report report = {.stage = stage, .number = errno};
    ssize_t ignored = write(report_fd, &report, sizeof report);
    (void)ignored;
    _exit(127);
}

static void reset_signals(void) {
    /* Not by sigaction(3), which refuses the two signals that glibc keeps for itself: a parent may
     * have left even these ignored. The mask has 8 bytes on every machine of ours. */
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action = {.handler = SIG_DFL};
    for (int number = 1; number <= 64; number++)
        syscall(SYS_rt_sigaction, number, &action, NULL, sizeof action.mask);
}

/* Puts the three in place and the report pipe above them; none of the four stands below 3. */
static int place_descriptors(const struct clinux_child *child, int *report_fd) {
    if (dup2(child->input, 0) < 0 || dup2(child->output, 1) < 0 || dup2(child->error, 2) < 0) return -1;
    if (*report_fd != 3) {
        if (dup3(*report_fd, 3, O_CLOEXEC) < 0) return -1;
        *report_fd = 3;
    }
    /* All others are close-on-exec anyway; a kernel without the call leaves it at that. */
    syscall(SYS_close_range, 4u, ~0u, 0u);
    return 0;
}

/* A unit may forbid the call (SystemCallFilter=~@resources), and has limits of its own then. */
static int set_limit(int resource, uint64_t most) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0) return errno == EPERM ? 0 : -1;
    if (limit.rlim_max > most) limit.rlim_max = most;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit) < 0 && errno != EPERM ? -1 : 0;
}

static int set_limits(const struct clinux_child *child) {
    if (set_limit(RLIMIT_CORE, 0) < 0) return -1;
    return child->descriptors_max == 0 ? 0 : set_limit(RLIMIT_NOFILE, child->descriptors_max);
}

static int change_user(const struct clinux_child *child) {
    if (!child->changes_user) return 0;
    if (syscall(SYS_setgroups, (size_t)child->group_count, child->groups) < 0) return -1;
    if (syscall(SYS_setresgid, child->group, child->group, child->group) < 0) return -1;
    return (int)syscall(SYS_setresuid, child->user, child->user, child->user);
}

static void execute(const struct clinux_child *child) {
    int refused = 0;
    for (char *const *path = child->paths; *path; path++) {
        execve(*path, child->arguments, child->environment);
        if (errno == EACCES) refused = 1;
        else if (errno != ENOENT && errno != ENOTDIR) return;
    }
    /* As execvp(3): one that is there and may not be run is worth more than the others' absence. */
    if (refused) errno = EACCES;
}

/* `members` is the group's cgroup.procs where the child was not born in it, else -1. */
static void become(const struct clinux_child *child, int report_fd, int members, pid_t parent) {
    /* It moves itself, before anything else: nothing of it is ever outside. */
    if (members >= 0 && write(members, "0", 1) != 1) fail(report_fd, clinux_stage_group);
    reset_signals();
    if (setsid() < 0) fail(report_fd, clinux_stage_session);
    if (place_descriptors(child, &report_fd) < 0) fail(report_fd, clinux_stage_descriptors);
    umask(077);
    if (set_limits(child) < 0) fail(report_fd, clinux_stage_limits);
    if (change_user(child) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail(report_fd, clinux_stage_user);
    /* Changing the user takes it away, so it comes behind. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if ((pid_t)syscall(SYS_getppid) != parent) _exit(127);
    if (child->directory && chdir(child->directory) < 0) fail(report_fd, clinux_stage_directory);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execute(child);
    fail(report_fd, clinux_stage_program);
}

static pid_t make_child(int cgroup, int *pidfd, int *members) {
    struct clone_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.flags = CLONE_PIDFD | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0);
    arguments.pidfd = (uint64_t)(uintptr_t)pidfd;
    arguments.exit_signal = SIGCHLD;
    arguments.cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0;
    pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid >= 0 || (errno != ENOSYS && errno != EPERM)) return pid;
    /* Containers, and systemd's RestrictNamespaces=, refuse clone3: a filter cannot see its flags. */
    if (cgroup >= 0) {
        *members = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
        if (*members < 0) return -1;
    }
    return (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, pidfd, NULL, NULL);
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
    pid_t parent = getpid();
    int pidfd = -1, members = -1;
    pid_t pid = make_child(child->cgroup, &pidfd, &members);
    if (pid == 0) become(child, report[1], members, parent);
    int kept = errno;
    if (members >= 0) close(members);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        errno = kept;
        return -1;
    }
    *spawned = (struct clinux_spawned){.pid = pid, .pidfd = pidfd, .report = report[0]};
    return 0;
}

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

int clinux_account_named(const char *name, struct clinux_account *account) {
    char text[16384];
    struct passwd entry, *found = NULL;
    int result = getpwnam_r(name, &entry, text, sizeof text, &found);
    if (!found) return result == 0 ? ENOENT : result;
    account->user = entry.pw_uid;
    account->group = entry.pw_gid;
    account->group_count = (int)(sizeof account->groups / sizeof account->groups[0]);
    if (getgrouplist(name, entry.pw_gid, account->groups, &account->group_count) < 0) return E2BIG;
    const char *home = entry.pw_dir && *entry.pw_dir ? entry.pw_dir : "/";
    if (strlen(home) >= sizeof account->home) home = "/";
    strcpy(account->home, home);
    return 0;
}

int clinux_open_directory(const char *path) { return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); }

int clinux_write_file_at(int directory, const char *name, const char *text) {
    int fd = openat(directory, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t put = write(fd, text, strlen(text));
    int kept = errno;
    close(fd);
    errno = kept;
    return put < 0 ? -1 : 0;
}

int clinux_read_file_at(int directory, const char *name, char *text, int count) {
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t got = read(fd, text, (size_t)(count - 1));
    int kept = errno;
    close(fd);
    errno = kept;
    if (got < 0) return -1;
    text[got] = 0;
    return (int)got;
}

int clinux_make_directory_at(int directory, const char *name) { return mkdirat(directory, name, 0755); }

int clinux_remove_directory_at(int directory, const char *name) {
    return unlinkat(directory, name, AT_REMOVEDIR);
}

int clinux_open_directory_at(int directory, const char *name) {
    return openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int clinux_is_delegated(int directory) {
    static const char *const names[] = {"user.delegate", "trusted.delegate"};
    for (int i = 0; i < 2; i++) {
        char mark = 0;
        if (fgetxattr(directory, names[i], &mark, 1) == 1 && mark == '1') return 1;
    }
    return 0;
}
