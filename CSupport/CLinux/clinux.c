#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

_Static_assert(EPOLLIN == 0x001 && EPOLLOUT == 0x004 && EPOLLHUP == 0x010, "epoll constants");
_Static_assert(EPOLLRDHUP == 0x2000 && (uint32_t)EPOLLET == 1u << 31, "epoll constants");

int clinux_memfd(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int clinux_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int clinux_eventfd_waiting(void) { return eventfd(0, EFD_CLOEXEC); }

static sigset_t signal_set(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
    return set;
}

int clinux_signalfd(const int *signals, int count) {
    sigset_t set = signal_set(signals, count);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int clinux_signalfd_read(int fd) {
    struct signalfd_siginfo info;
    ssize_t got = read(fd, &info, sizeof info);
    if (got == (ssize_t)sizeof info) return (int)info.ssi_signo;
    return got < 0 && errno == EAGAIN ? 0 : -1;
}

int clinux_block_signals(const int *signals, int count) {
    sigset_t set = signal_set(signals, count);
    errno = pthread_sigmask(SIG_BLOCK, &set, NULL);
    return errno == 0 ? 0 : -1;
}

void clinux_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

void clinux_ignore_sigxfsz(void) {
    signal(SIGXFSZ, SIG_IGN);
}

int clinux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int clinux_epoll_add(int epoll_fd, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

int clinux_epoll_again(int epoll_fd, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event);
}

int clinux_epoll_remove(int epoll_fd, int fd) {
    struct epoll_event ignored = {0};
    return epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, &ignored);
}

int clinux_epoll_wait(int epoll_fd, struct clinux_epoll_event *events, int events_max,
                      int64_t timeout_nanoseconds) {
    enum { batch = 64 };
    static _Atomic bool without_nanoseconds;
    struct epoll_event got[batch];
    if (events_max > batch) events_max = batch;
    int count = -1;
    if (!without_nanoseconds) {
        struct timespec limit = {.tv_sec = timeout_nanoseconds / 1000000000,
                                 .tv_nsec = timeout_nanoseconds % 1000000000};
        count = epoll_pwait2(epoll_fd, got, events_max, timeout_nanoseconds < 0 ? NULL : &limit, NULL);
        if (count < 0 && errno == ENOSYS) without_nanoseconds = true;
    }
    if (without_nanoseconds) {
        /* Rounded up: a wait that ends early would turn once more for nothing. */
        int64_t milliseconds = timeout_nanoseconds < 0 ? -1 : (timeout_nanoseconds + 999999) / 1000000;
        if (milliseconds > 2147483647) milliseconds = 2147483647;
        count = epoll_wait(epoll_fd, got, events_max, (int)milliseconds);
    }
    for (int i = 0; i < count; i++) {
        events[i].events = got[i].events;
        events[i].data = got[i].data.u64;
    }
    return count;
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int clinux_accept(int fd) {
    int accepted;
    /* One that left before it was accepted is no reason to leave the next one waiting. */
    do accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    while (accepted < 0 && (errno == EINTR || errno == ECONNABORTED));
    return accepted;
}

static int unix_address(const char *path, struct sockaddr_un *address) {
    size_t length = strlen(path);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (length >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address->sun_path, path, length + 1);
    return 0;
}

static int close_keeping_errno(int fd) {
    int kept = errno;
    close(fd);
    errno = kept;
    return -1;
}

int clinux_unix_connect(const char *path) {
    struct sockaddr_un address;
    if (unix_address(path, &address) < 0) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return close_keeping_errno(fd);
    return fd;
}

int clinux_datagram_connect(const char *path) {
    struct sockaddr_un address;
    if (unix_address(path, &address) < 0) return -1;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@') address.sun_path[0] = 0;
    else size = sizeof address;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr *)&address, size) < 0) return close_keeping_errno(fd);
    return fd;
}

int clinux_unix_listen(const char *path, int backlog) {
    struct sockaddr_un address;
    if (unix_address(path, &address) < 0) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    /* The mode is set on the socket before it has a name: no moment at which others can connect. */
    if (fchmod(fd, 0600) < 0) return close_keeping_errno(fd);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return close_keeping_errno(fd);
    if (listen(fd, backlog) < 0) return close_keeping_errno(fd);
    return fd;
}

int clinux_socketpair(int ends[2]) {
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
}

int clinux_peer_pid(int fd) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -1;
    return credentials.pid;
}

int clinux_request_changes(int fd) {
    /* When the queue of real-time signals is full the kernel sends plain SIGIO, which would end us. */
    int signals[2] = {SIGRTMIN + 1, SIGIO};
    /* To this thread alone: other threads of the process may not have them blocked. */
    struct f_owner_ex owner = {.type = F_OWNER_TID, .pid = gettid()};
    if (clinux_block_signals(signals, 2) < 0) return -1;
    if (fcntl(fd, F_SETSIG, signals[0]) < 0 || fcntl(fd, F_SETOWN_EX, &owner) < 0) return -1;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_ASYNC) < 0) return -1;
    return clinux_signalfd(signals, 2);
}

int clinux_count_changes(int signal_fd) {
    struct signalfd_siginfo batch[32];
    int total = 0;
    ssize_t got;
    do {
        got = read(signal_fd, batch, sizeof batch);
        if (got > 0) total += (int)(got / (ssize_t)sizeof batch[0]);
    } while (got == (ssize_t)sizeof batch);
    return total;
}

int clinux_inotify(void) { return inotify_init1(IN_CLOEXEC | IN_NONBLOCK); }

int clinux_inotify_watch(int fd, const char *directory) {
    return inotify_add_watch(fd, directory, IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR);
}

int clinux_is_socket(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

int clinux_poll_now(int fd, int events) {
    struct pollfd one = {.fd = fd, .events = (short)events};
    int ready;
    do ready = poll(&one, 1, 0);
    while (ready < 0 && errno == EINTR);
    return ready < 0 ? -1 : one.revents;
}

unsigned clinux_major(uint64_t device) { return major(device); }
unsigned clinux_minor(uint64_t device) { return minor(device); }

void clinux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

const char *clinux_errno_name(int number) { return strerrorname_np(number); }

static uint64_t clock_nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clinux_process_cpu_nanoseconds(void) { return clock_nanoseconds(CLOCK_PROCESS_CPUTIME_ID); }
uint64_t clinux_thread_cpu_nanoseconds(void) { return clock_nanoseconds(CLOCK_THREAD_CPUTIME_ID); }

int clinux_random(void *bytes, ptrdiff_t count) {
    return getrandom(bytes, (size_t)count, 0) == count ? 0 : -1;
}

int clinux_clock_is_synchronised(void) {
    struct timex clock = {0};
    int state = adjtimex(&clock);
    if (state < 0) return -1;
    return state != TIME_ERROR && !(clock.status & STA_UNSYNC);
}
