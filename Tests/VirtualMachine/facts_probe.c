/*
 * A hand inside the guest: for each line that it is sent on its own port it does one thing to a
 * virtio port, and answers with one line of JSON that says what came of it. It knows no facts;
 * those are in test_facts.py, where host and guest are driven in one readable order.
 *
 *     facts_probe /dev/virtio-ports/org.vireo.facts
 *
 * Static, so that it runs in any guest. Errors travel as numbers, for Python's errno to name.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 1 << 20,
    EDGES_MAX = 4096,
    DATA_SHOWN_BYTES = 256,
};

/* What to watch. The bits of poll and epoll are the same numbers; HUP is always reported. */
struct watch {
    int fd;
    unsigned events;
};

struct edge {
    int64_t nanoseconds;
    unsigned events;
};

static FILE *answer;
static char *buffer;
static struct edge edges[EDGES_MAX];
static int edge_count;
static pthread_mutex_t edge_lock = PTHREAD_MUTEX_INITIALIZER;
static struct io_uring read_ring;
static bool read_ring_ready;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void reply(long value)
{
    if (value < 0)
        fprintf(answer, "{\"errno\":%d}\n", errno);
    else
        fprintf(answer, "{\"value\":%ld}\n", value);
}

static void record_edge(unsigned events)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&edge_lock);
    if (edge_count < EDGES_MAX)
        edges[edge_count++] = (struct edge){now.tv_sec * 1000000000LL + now.tv_nsec, events};
    pthread_mutex_unlock(&edge_lock);
}

/* The watchers only count: they never read, write or poll the port on their own. */

static void *watch_by_epoll(void *argument)
{
    struct watch *watch = argument;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = watch->events | EPOLLET};

    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, watch->fd, &event) < 0)
        die("epoll");
    for (;;) {
        if (epoll_wait(epoll, &event, 1, -1) == 1)
            record_edge(event.events);
    }
    return NULL;
}

static void *watch_by_uring(void *argument)
{
    struct watch *watch = argument;
    struct io_uring ring;
    struct io_uring_cqe *completion;
    bool armed = false;

    if (io_uring_queue_init(8, &ring, 0) < 0)
        die("io_uring");
    for (;;) {
        if (!armed) {
            struct io_uring_sqe *submission = io_uring_get_sqe(&ring);

            /* Linux 6.0 and later take EPOLLET here. */
            io_uring_prep_poll_multishot(submission, watch->fd, watch->events | EPOLLET);
            io_uring_submit(&ring);
            armed = true;
        }
        if (io_uring_wait_cqe(&ring, &completion) < 0)
            continue;
        armed = completion->flags & IORING_CQE_F_MORE;
        if (completion->res < 0)
            return NULL;
        record_edge((unsigned)completion->res);
        io_uring_cqe_seen(&ring, completion);
    }
}

/* A real-time signal is queued, not merged: the driver's SIGIO becomes countable. */
static void *watch_by_signal(void *argument)
{
    int fd = ((struct watch *)argument)->fd;
    struct signalfd_siginfo information;
    sigset_t signals;
    int queue;

    sigemptyset(&signals);
    sigaddset(&signals, SIGRTMIN);
    queue = signalfd(-1, &signals, SFD_CLOEXEC);
    if (queue < 0 || fcntl(fd, F_SETSIG, SIGRTMIN) < 0 || fcntl(fd, F_SETOWN, getpid()) < 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC) < 0)
        die("signal");
    for (;;) {
        if (read(queue, &information, sizeof information) == sizeof information)
            record_edge(information.ssi_band);
    }
    return NULL;
}

static void start_watcher(int fd, long events, void *(*watcher)(void *))
{
    static struct watch watch;
    pthread_t thread;

    watch = (struct watch){fd, (unsigned)events};
    errno = pthread_create(&thread, NULL, watcher, &watch);
    reply(errno == 0 ? 0 : -1);
}

static void report_edges(void)
{
    pthread_mutex_lock(&edge_lock);
    fprintf(answer, "{\"edges\":[");
    for (int i = 0; i < edge_count; i++)
        fprintf(answer, "%s[%lld,%u]", i ? "," : "", (long long)edges[i].nanoseconds,
                edges[i].events);
    fprintf(answer, "]}\n");
    edge_count = 0;
    pthread_mutex_unlock(&edge_lock);
}

static void poll_now(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN | POLLOUT};
    int ready = poll(&item, 1, 0);

    reply(ready < 0 ? -1 : item.revents);
}

static void read_once(int fd, size_t bytes)
{
    ssize_t count = read(fd, buffer, bytes < BUFFER_BYTES ? bytes : BUFFER_BYTES);

    if (count < 0) {
        reply(-1);
        return;
    }
    fprintf(answer, "{\"value\":%zd,\"data\":\"", count);
    for (ssize_t i = 0; i < count && i < DATA_SHOWN_BYTES; i++)
        fprintf(answer, "%02x", (unsigned char)buffer[i]);
    fprintf(answer, "\"}\n");
}

/* The gap is slept here: a round trip of the control port between two writes would be no gap. */
static void write_often(int fd, size_t bytes, long count, long gap_milliseconds)
{
    long calls = 0, total = 0;
    int failure = 0;

    memset(buffer, 'g', bytes);
    buffer[bytes - 1] = '\n';
    while (calls < count) {
        ssize_t written = write(fd, buffer, bytes);

        if (written < 0) {
            failure = errno;
            break;
        }
        calls++;
        total += written;
        if (gap_milliseconds > 0)
            usleep(gap_milliseconds * 1000);
    }
    fprintf(answer, "{\"value\":%ld,\"calls\":%ld,\"stopped_by\":%d}\n", total, calls, failure);
}

static void uring_read_start(int fd, size_t bytes)
{
    struct io_uring_sqe *submission;

    if (!read_ring_ready && io_uring_queue_init(8, &read_ring, 0) < 0)
        die("io_uring");
    read_ring_ready = true;
    submission = io_uring_get_sqe(&read_ring);
    io_uring_prep_read(submission, fd, buffer, bytes, -1);
    reply(io_uring_submit(&read_ring));
}

static void uring_read_end(long timeout_milliseconds)
{
    struct __kernel_timespec timeout = {
        .tv_sec = timeout_milliseconds / 1000,
        .tv_nsec = timeout_milliseconds % 1000 * 1000000,
    };
    struct io_uring_cqe *completion;
    int result = io_uring_wait_cqe_timeout(&read_ring, &completion, &timeout);

    if (result == 0) {
        result = completion->res;
        io_uring_cqe_seen(&read_ring, completion);
        fprintf(answer, "{\"completed\":%d}\n", result);
    } else {
        fprintf(answer, "{\"parked\":%s}\n", result == -ETIME ? "true" : "false");
    }
}

static void *spin(void *until)
{
    struct timespec now;

    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while (now.tv_sec * 1000LL + now.tv_nsec / 1000000 < *(int64_t *)until);
    return NULL;
}

/* One thread a processor, above all but interrupts: the driver's worker waits for its turn. */
static void occupy(long milliseconds)
{
    static int64_t until;
    struct sched_param parameter = {.sched_priority = 50};
    pthread_attr_t attributes;
    pthread_t thread;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    until = now.tv_sec * 1000LL + now.tv_nsec / 1000000 + milliseconds;
    /* The answer goes first: from here on this thread does not run either. */
    reply(0);
    fflush(answer);
    pthread_attr_init(&attributes);
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
    pthread_attr_setschedparam(&attributes, &parameter);
    for (long i = sysconf(_SC_NPROCESSORS_ONLN); i > 0; i--) {
        if (pthread_create(&thread, &attributes, spin, &until) != 0)
            die("pthread_create");
    }
}

static void obey(const char *line)
{
    char verb[32], path[256];
    long a = 0, b = 0, c = 0, d = 0;

    if (sscanf(line, "%31s", verb) != 1)
        return;
    if (sscanf(line, "open %255s", path) == 1) {
        reply(open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC));
        return;
    }
    sscanf(line, "%*s %ld %ld %ld %ld", &a, &b, &c, &d);
    if (strcmp(verb, "close") == 0)
        reply(close((int)a));
    else if (strcmp(verb, "poll") == 0)
        poll_now((int)a);
    else if (strcmp(verb, "read") == 0)
        read_once((int)a, (size_t)b);
    else if (strcmp(verb, "write") == 0)
        reply(write((int)a, memset(buffer, 'w', b), (size_t)b));
    else if (strcmp(verb, "write_often") == 0)
        write_often((int)a, (size_t)b, c, d);
    else if (strcmp(verb, "watch_epoll") == 0)
        start_watcher((int)a, b, watch_by_epoll);
    else if (strcmp(verb, "watch_uring") == 0)
        start_watcher((int)a, b, watch_by_uring);
    else if (strcmp(verb, "watch_signal") == 0)
        start_watcher((int)a, b, watch_by_signal);
    else if (strcmp(verb, "edges") == 0)
        report_edges();
    else if (strcmp(verb, "occupy") == 0)
        occupy(a);
    else if (strcmp(verb, "uring_read_start") == 0)
        uring_read_start((int)a, (size_t)b);
    else if (strcmp(verb, "uring_read_end") == 0)
        uring_read_end(a);
    else
        fprintf(answer, "{\"unknown\":true}\n");
}

int main(int argc, char **argv)
{
    static char line[512];
    int control = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
    FILE *orders;
    sigset_t signals;

    /* Before any thread starts, so that all inherit it: unblocked, SIGRTMIN ends the process. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    if (control < 0)
        die("usage: facts_probe CONTROL-PORT");
    orders = fdopen(dup(control), "r");
    answer = fdopen(control, "w");
    buffer = malloc(BUFFER_BYTES);
    if (!orders || !answer || !buffer)
        die("facts_probe");
    while (fgets(line, sizeof line, orders)) {
        obey(line);
        fflush(answer);
    }
    return 0;
}
