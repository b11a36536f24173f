#ifndef VIREO_CLINUX_H
#define VIREO_CLINUX_H

/* What Linux offers and Swift's Glibc module does not show, each under the prefix clinux_.
 *
 * A call here does what the system call does and nothing more: -1 and errno on failure. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* With these two, Swift sees (pointer, count) as one span, so that a caller needs no `unsafe`. Only an
 * importer with the feature SafeInteropWrappers can parse the first; for others it is nothing. */
#if defined(__has_feature)
#if __has_feature(bounds_safety_attributes)
#define CLINUX_SIZED_BY(count) __attribute__((__sized_by__(count)))
#endif
#endif
#if !defined(CLINUX_SIZED_BY)
#define CLINUX_SIZED_BY(count)
#endif
#if defined(__clang__)
#define CLINUX_NOESCAPE __attribute__((noescape))
#else
#define CLINUX_NOESCAPE
#endif

/* Offset of the first byte equal to `byte`, or -1. memchr(3). */
static inline ptrdiff_t clinux_find_byte(const void *CLINUX_SIZED_BY(count) bytes CLINUX_NOESCAPE,
                                         ptrdiff_t count, int byte) {
    const void *found = __builtin_memchr(bytes, byte, (size_t)count);
    return found ? (const char *)found - (const char *)bytes : -1;
}

/* Copies `count` bytes to the start of `room` bytes, or as many as there is room for. memcpy(3). */
static inline void clinux_copy(void *CLINUX_SIZED_BY(room) to CLINUX_NOESCAPE, ptrdiff_t room,
                               const void *CLINUX_SIZED_BY(count) from CLINUX_NOESCAPE,
                               ptrdiff_t count) {
    __builtin_memcpy(to, from, (size_t)(count < room ? count : room));
}

/* memfd_create(2) with close-on-exec. */
int clinux_memfd(const char *name);
/* eventfd(2), non-blocking, close-on-exec. */
int clinux_eventfd(void);
/* The same, whose reads wait. */
int clinux_eventfd_waiting(void);
/* signalfd(2), non-blocking, close-on-exec, for signals that the caller has blocked. */
int clinux_signalfd(const int *signals, int count);
/* The signal number that a signalfd holds, 0 if none, -1 on failure. */
int clinux_signalfd_read(int fd);
/* Blocks the signals in every thread that the caller starts from here on. */
int clinux_block_signals(const int *signals, int count);
/* Undoes clinux_block_signals in a child between fork and exec; SIGPIPE is set to ignored. */
void clinux_ignore_sigpipe(void);
/* A write over RLIMIT_FSIZE fails with EFBIG instead of ending the process. */
void clinux_ignore_sigxfsz(void);

/* epoll. `data` comes back as it was given. */
struct clinux_epoll_event {
    uint32_t events;
    uint64_t data;
};
int clinux_epoll_create(void);
int clinux_epoll_add(int epoll_fd, int fd, uint32_t events, uint64_t data);
/* Asks for the same events again: an edge is reported once more if it holds. */
int clinux_epoll_again(int epoll_fd, int fd, uint32_t events, uint64_t data);
int clinux_epoll_remove(int epoll_fd, int fd);
/* Waits at most `timeout_nanoseconds`; below 0: for ever. epoll_pwait2(2), epoll_wait(2) on ENOSYS. */
int clinux_epoll_wait(int epoll_fd, struct clinux_epoll_event *events, int events_max,
                      int64_t timeout_nanoseconds);

static const uint32_t clinux_epoll_in = 0x001;
static const uint32_t clinux_epoll_out = 0x004;
static const uint32_t clinux_epoll_err = 0x008;
static const uint32_t clinux_epoll_hup = 0x010;
static const uint32_t clinux_epoll_rdhup = 0x2000;
static const uint32_t clinux_epoll_edge_triggered = 1u << 31;

/* pipe2(2) with close-on-exec. */
int clinux_pipe(int ends[2]);
/* accept4(2), non-blocking, close-on-exec. */
int clinux_accept(int fd);
/* A Unix stream socket, non-blocking, close-on-exec; -1 with ENAMETOOLONG when the path does not
 * fit in sun_path (108 bytes). */
int clinux_unix_connect(const char *path);
int clinux_unix_listen(const char *path, int backlog);
/* A datagram socket connected to the service manager's, which may be in the abstract name space
 * (`@`): to see whether it takes another datagram, by poll. */
int clinux_datagram_connect(const char *path);
/* socketpair(2), both ends non-blocking and close-on-exec. */
int clinux_socketpair(int ends[2]);
/* The peer's process id by SO_PEERCRED, or -1. */
int clinux_peer_pid(int fd);

/* Asks a device to queue a real-time signal (SIGRTMIN + 1) to the calling thread, where it is blocked
 * from here on, whenever it would send SIGIO, and gives a non-blocking signalfd that they can be
 * counted from: fcntl(2), O_ASYNC, F_SETSIG, F_SETOWN_EX. A virtio port sends one for data and one for
 * each arrival and each leaving of the host, but none when the host takes what was written. */
int clinux_request_changes(int fd);
/* How many such signals wait, which are used up; 0 when there are none. Never waits. */
int clinux_count_changes(int signal_fd);

/* inotify, non-blocking, close-on-exec: names that appear or change their mode in `directory`. */
int clinux_inotify(void);
int clinux_inotify_watch(int fd, const char *directory);

/* openat2(2) below `directory`, whatever `path` says: RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and
 * RESOLVE_NO_MAGICLINKS. `flags` and `mode` as for open(2); close-on-exec. */
int clinux_open_beneath(int directory, const char *path, int flags, unsigned mode);
/* O_PATH, which is seen with _GNU_SOURCE alone. */
int clinux_o_path(void);

/* For tests: from here on the calling thread is refused the system call `number` with the errno `error`;
 * unless `argument` is negative, only where it is the call's second argument. Needs no privilege, and
 * cannot be undone: seccomp(2). 0, or -1 with errno set. */
int clinux_refuse_call(int number, int argument, int error);

/* 1 when the descriptor is a socket, of whatever kind. */
int clinux_is_socket(int fd);

/* poll(2) on one descriptor without waiting: the events that hold now. */
int clinux_poll_now(int fd, int events);

/* major(3) of a device number. */
unsigned clinux_major(uint64_t device);
unsigned clinux_minor(uint64_t device);

/* Sets the calling thread's name as top(1) and /proc show it (15 bytes). */
void clinux_name_thread(const char *name);

/* The errno constant's name, such as "ENOENT", or NULL. */
const char *clinux_errno_name(int number);

/* CPU time of the process in nanoseconds, CLOCK_PROCESS_CPUTIME_ID. */
uint64_t clinux_process_cpu_nanoseconds(void);
uint64_t clinux_thread_cpu_nanoseconds(void);

/* getrandom(2): fills `bytes`, never short for 256 bytes or fewer. */
int clinux_random(void *CLINUX_SIZED_BY(count) bytes CLINUX_NOESCAPE, ptrdiff_t count);

/* 1 when the kernel takes its clock for synchronised, 0 when not, -1 on failure. adjtimex(2). */
int clinux_clock_is_synchronised(void);

#include "clinux_actions.h"

#endif
