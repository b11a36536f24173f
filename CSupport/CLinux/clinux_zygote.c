#define _GNU_SOURCE
#include "becoming.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

enum state {
    /* It moves into the group. */
    is_starting,
    is_ready,
    is_asked,
    has_answered,
    has_failed,
};

/* Bytes for what a child is given: twice the texts that may begin in shared memory. */
enum { texts_bytes = 131072 };

/* How long an answer is waited for: 10 times 100 ms. */
enum { waits_max = 10, wait_nanoseconds = 100000000 };

/* Memory that both have at the same address. */
struct clinux_zygote {
    /* A futex, and by whom it is written is told by its value. */
    _Atomic uint32_t state;
    pid_t parent, pid;
    /* Numbers in the table of descriptors that both share. */
    int pidfd, members, child_pidfd;
    /* What clone(2) gave. */
    long result;
    int is_reaped;
    size_t used;
    gid_t groups[sizeof((struct clinux_account *)0)->groups / sizeof(gid_t)];
    struct clinux_room room;
    _Alignas(16) char texts[texts_bytes];
};

/* The zygote: system calls alone from here on, as in a child. */

static void tell(struct clinux_zygote *zygote, enum state state) {
    zygote->state = state;
    CALL3(SYS_futex, &zygote->state, FUTEX_WAKE, 1);
}

static long make_child(struct clinux_zygote *zygote) {
    /* Its parent is the zygote's, which reaps it; the descriptor of it is that one's too. */
    long flags = CLONE_PARENT | CLONE_PIDFD | SIGCHLD;
    if (CAN_SHARE_MEMORY)
        return clinux_clone_sharing(
            SYS_clone, flags | CLONE_VM, (long)(zygote->room.stack + stack_bytes),
            (long)&zygote->child_pidfd, &zygote->room);
    long result = CALL4(SYS_clone, flags, NULL, &zygote->child_pidfd, NULL);
    if (result == 0) clinux_become(&zygote->room.beginning);
    return result;
}

static _Noreturn void serve(struct clinux_zygote *zygote) {
    CALL2(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
    if ((pid_t)CALL0(SYS_getppid) != zygote->parent) leave();
    CALL2(SYS_prctl, PR_SET_NAME, "vireo-zygote");
    int members = zygote->members;
    long moved = CALL3(SYS_write, members, "0", 1);
    zygote->members = -1;
    CALL1(SYS_close, members);
    if (moved != 1) {
        tell(zygote, has_failed);
        leave();
    }
    tell(zygote, is_ready);
    for (;;) {
        uint32_t state = zygote->state;
        if (state != is_asked) {
            CALL4(SYS_futex, &zygote->state, FUTEX_WAIT, state, NULL);
            continue;
        }
        zygote->result = make_child(zygote);
        tell(zygote, has_answered);
    }
}

/* Its parent. */

struct clinux_zygote *clinux_zygote_start(int cgroup) {
    struct clinux_zygote *zygote = mmap(
        NULL, sizeof *zygote, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (zygote == MAP_FAILED) return NULL;
    zygote->parent = getpid();
    zygote->pidfd = zygote->child_pidfd = -1;
    zygote->members = openat(cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    long result = -errno;
    if (zygote->members >= 0) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        result = CALL4(
            SYS_clone, CLONE_FILES | CLONE_PIDFD | SIGCHLD, NULL, &zygote->pidfd, NULL);
        if (result == 0) serve(zygote);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (result > 0) {
            zygote->pid = (pid_t)result;
            return zygote;
        }
        close(zygote->members);
    }
    munmap(zygote, sizeof *zygote);
    errno = (int)-result;
    return NULL;
}

pid_t clinux_zygote_pid(const struct clinux_zygote *zygote) { return zygote->pid; }

int clinux_zygote_is_ready(const struct clinux_zygote *zygote) {
    return !zygote->is_reaped && (zygote->state == is_ready || zygote->state == has_answered);
}

static void *place(struct clinux_zygote *zygote, const void *bytes, size_t count) {
    if (count > texts_bytes - zygote->used) return NULL;
    void *copy = memcpy(zygote->texts + zygote->used, bytes, count);
    zygote->used += (count + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    return copy;
}

static char *const *place_list(struct clinux_zygote *zygote, char *const *list) {
    size_t count = 0;
    while (list[count]) count++;
    char **copy = place(zygote, list, (count + 1) * sizeof *list);
    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = place(zygote, list[i], strlen(list[i]) + 1);
        if (!copy[i]) return NULL;
    }
    return copy;
}

/* The beginning with copies of all that it points to. */
static int prepare(struct clinux_zygote *zygote, const struct beginning *beginning) {
    struct beginning *copy = &zygote->room.beginning;
    const struct clinux_child *child = &beginning->child;
    if (child->group_count < 0
        || (size_t)child->group_count > sizeof zygote->groups / sizeof(gid_t))
        return 0;
    *copy = *beginning;
    zygote->used = 0;
    copy->child.paths = place_list(zygote, child->paths);
    copy->child.arguments = place_list(zygote, child->arguments);
    copy->child.environment = place_list(zygote, child->environment);
    if (child->directory)
        copy->child.directory = place(zygote, child->directory, strlen(child->directory) + 1);
    if (child->group_count > 0)
        memcpy(zygote->groups, child->groups, (size_t)child->group_count * sizeof(gid_t));
    copy->child.groups = zygote->groups;
    return copy->child.paths && copy->child.arguments && copy->child.environment
           && !child->directory == !copy->child.directory;
}

long clinux_zygote_make(const struct beginning *beginning, struct clinux_spawned *spawned) {
    struct clinux_zygote *zygote = beginning->child.zygote;
    if (!clinux_zygote_is_ready(zygote)) return -ECHILD;
    if (!prepare(zygote, beginning)) return -E2BIG;
    zygote->child_pidfd = -1;
    tell(zygote, is_asked);
    for (int waits = 0; zygote->state == is_asked;) {
        struct timespec most = {.tv_nsec = wait_nanoseconds};
        long woken = CALL4(SYS_futex, &zygote->state, FUTEX_WAIT, is_asked, &most);
        struct pollfd end = {.fd = zygote->pidfd, .events = POLLIN};
        if (woken == -ETIMEDOUT && (++waits == waits_max || poll(&end, 1, 0) == 1)) break;
    }
    if (zygote->state != has_answered) {
        zygote->state = has_failed;
        return -ECHILD;
    }
    spawned->pidfd = zygote->child_pidfd;
    zygote->child_pidfd = -1;
    return zygote->result;
}

int clinux_zygote_has_ended(struct clinux_zygote *zygote) {
    int number;
    if (!zygote->is_reaped) zygote->is_reaped = clinux_reap(zygote->pidfd, &number) != 0;
    if (zygote->is_reaped && zygote->child_pidfd >= 0
        && clinux_reap(zygote->child_pidfd, &number) != 0) {
        close(zygote->child_pidfd);
        zygote->child_pidfd = -1;
    }
    return zygote->is_reaped && zygote->child_pidfd < 0;
}

void clinux_zygote_free(struct clinux_zygote *zygote) {
    for (int waits = 0; !clinux_zygote_has_ended(zygote); waits++) {
        /* The kernel holds it, and may write to its memory still. */
        if (waits == waits_max) return;
        int left = zygote->is_reaped ? zygote->child_pidfd : zygote->pidfd;
        clinux_pidfd_signal(left, SIGKILL);
        struct pollfd end = {.fd = left, .events = POLLIN};
        poll(&end, 1, wait_nanoseconds / 1000000);
    }
    if (zygote->members >= 0) close(zygote->members);
    close(zygote->pidfd);
    munmap(zygote, sizeof *zygote);
}
