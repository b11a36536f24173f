/* Request and answer, one line at a time, for the peers that differ only in how they read. */
#ifndef PEERS_ROUND_TRIP_H
#define PEERS_ROUND_TRIP_H

#include "common.h"

/* How the two below read: read(2), or what stands for it. */
typedef ssize_t receive_function(void *context, int fd, char *room, size_t count);

/* Sends every line back, one connection after the other, for ever. */
static inline void echo(const char *path, receive_function *receive_some, void *context) {
    int listener = listen_on(path, 0);
    char *buffer = malloc(BUFFER_BYTES + (1 << 20));
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        size_t held = 0;
        for (;;) {
            ssize_t got = receive_some(context, fd, buffer + held, BUFFER_BYTES);
            if (got <= 0) break;
            size_t count = held + (size_t)got;
            if (!count_lines(buffer, held, count, &held)) continue;
            write_all(fd, buffer, count - held);
            if (held > 0) memmove(buffer, buffer + count - held, held);
        }
        close(fd);
    }
}

static inline int ascending(const void *one, const void *other) {
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return a < b ? -1 : a > b;
}

/* One line at a time, and the time until it is back. */
static inline void ping(const char *path, const char *engine, size_t line, size_t rounds,
                        receive_function *receive_some, void *context) {
    char *out = malloc(line), *in = malloc(line);
    memset(out, 'x', line);
    out[line - 1] = '\n';
    uint32_t *times = malloc(sizeof *times * rounds);
    memset(times, 0, sizeof *times * rounds);
    int fd = connect_to(path);
    size_t warm = rounds / 10 < 1000 ? rounds / 10 : 1000;
    struct meter meter = meter_start();
    for (size_t round = 0; round < rounds + warm; round++) {
        if (round == warm) meter = meter_start();
        uint64_t start = now();
        write_all(fd, out, line);
        meter.calls++;
        size_t count = 0;
        while (count < line) {
            ssize_t got = receive_some(context, fd, in + count, line - count);
            meter.calls++;
            if (got <= 0) die("read");
            count += (size_t)got;
            if (memchr(in, '\n', count)) break;
        }
        uint64_t took = now() - start;
        if (round >= warm) times[round - warm] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
    }
    print_row("ping", engine, rounds, rounds * line, meter);
    qsort(times, rounds, sizeof *times, ascending);
    printf(",\"p50_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f,\"max_us\":%.3f}\n", times[rounds / 2] / 1e3,
           times[rounds * 99 / 100] / 1e3, times[rounds * 999 / 1000] / 1e3, times[rounds - 1] / 1e3);
}

#endif
