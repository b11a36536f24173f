/* Preloaded into the agent by test_service.py: once its process id stands in the file, the thread that
 * waits for events never comes back from the wait, as if it hung in the kernel. All other threads and
 * every timer go on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static const char stalled_path[] = "/etc/vireo/test.stalled";

static void stall_if_asked(void) {
    int pid = 0;
    FILE *file = fopen(stalled_path, "re");
    if (file == NULL) return;
    const int count = fscanf(file, "%d", &pid);
    fclose(file);
    while (count == 1 && pid == getpid()) pause();
}

struct io_uring;
struct io_uring_cqe;

int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **completions,
                                     unsigned count, void *timeout, sigset_t *mask) {
    static int (*real)(struct io_uring *, struct io_uring_cqe **, unsigned, void *, sigset_t *);
    if (real == NULL) real = dlsym(RTLD_NEXT, "io_uring_submit_and_wait_timeout");
    stall_if_asked();
    return real(ring, completions, count, timeout, mask);
}

int epoll_pwait2(int fd, struct epoll_event *events, int count, const struct timespec *timeout,
                 const sigset_t *mask) {
    static int (*real)(int, struct epoll_event *, int, const struct timespec *, const sigset_t *);
    if (real == NULL) real = dlsym(RTLD_NEXT, "epoll_pwait2");
    stall_if_asked();
    return real(fd, events, count, timeout, mask);
}
