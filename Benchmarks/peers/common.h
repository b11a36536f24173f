/* What the peers share: arguments, clocks, sockets, and the row that they print.
 *
 * A frame is a line of exactly B bytes with its newline, as for `vireo bench`. */
#ifndef PEERS_COMMON_H
#define PEERS_COMMON_H

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_BYTES = 65536 };

static inline void die(const char *what) {
    fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
    exit(74);
}

/* The value after `--name`, or NULL. */
static inline const char *option(int argc, char **argv, const char *name) {
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0) return argv[i + 1];
    return NULL;
}

static inline long number(int argc, char **argv, const char *name, long otherwise) {
    const char *text = option(argc, argv, name);
    return text ? atol(text) : otherwise;
}

static inline uint64_t clock_nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline uint64_t now(void) { return clock_nanoseconds(CLOCK_MONOTONIC); }

static inline struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

static inline int listen_on(const char *path, int flags) {
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1024) < 0)
        die(path);
    return fd;
}

/* Tries for a second, as the other end may be starting. */
static inline int connect_to(const char *path) {
    struct sockaddr_un address = address_of(path);
    for (int attempt = 0; attempt < 100; attempt++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
        close(fd);
        usleep(10000);
    }
    die(path);
    return -1;
}

static inline void write_all(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t put = write(fd, bytes, count);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) die("write");
        bytes += put;
        count -= (size_t)put;
    }
}

struct meter {
    uint64_t wall, cpu, calls;
};

static inline struct meter meter_start(void) {
    return (struct meter){now(), clock_nanoseconds(CLOCK_PROCESS_CPUTIME_ID), 0};
}

/* The keys of `vireo bench --json`, without the closing brace. */
static inline void print_row(const char *command, const char *engine, uint64_t frames, uint64_t bytes,
                             struct meter start) {
    double seconds = (double)(now() - start.wall) / 1e9;
    double cpu = (double)(clock_nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - start.cpu) / 1e9;
    printf("{\"command\":\"%s\",\"frames\":%llu,\"bytes\":%llu,\"seconds\":%.6f,\"frames_per_second\":%.1f,"
           "\"bytes_per_second\":%.1f,\"cpu_seconds\":%.6f,\"engine\":\"%s\",\"system_calls\":%llu,"
           "\"system_calls_per_frame\":%.6f",
           command, (unsigned long long)frames, (unsigned long long)bytes, seconds, (double)frames / seconds,
           (double)bytes / seconds, cpu, engine, (unsigned long long)start.calls,
           (double)start.calls / (double)(frames ? frames : 1));
}

/* Lines in `bytes` from `from` on; `held` becomes what follows the last newline. */
static inline uint64_t count_lines(const char *bytes, size_t from, size_t count, size_t *held) {
    uint64_t lines = 0;
    size_t start = 0, look = from;
    const char *newline;
    while ((newline = memchr(bytes + look, '\n', count - look))) {
        lines++;
        start = look = (size_t)(newline - bytes) + 1;
    }
    *held = count - start;
    return lines;
}

#endif
