/* The guest's end of a port as plain C: blocking read(2), write(2) and poll(2), nothing else. It speaks to
 * `vireo bench partner SOCKET` as `vireo bench port` does, so that both can be measured in one boot.
 *
 *   port_loop --device PATH [--rounds N] [--megabytes M]
 *   port_loop --device PATH --answer 1      sends every line back, for ever */
#include "common.h"

#include <fcntl.h>
#include <poll.h>

enum { SMALL_BYTES = 100, LARGE_BYTES = 100000, BULK_BYTES = 65536, WRITE_BYTES = 32768 };

static int port;
static char held[2 << 20];
static size_t held_bytes;

static void wait_for(short events) {
    struct pollfd one = {.fd = port, .events = events};
    if (poll(&one, 1, 30000) <= 0) die("nothing moved for 30 s");
    if (one.revents & POLLHUP) die("the host left");
}

static void put(const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = write(port, bytes, count < WRITE_BYTES ? count : WRITE_BYTES);
        if (sent < 0) die("write");
        bytes += sent;
        count -= (size_t)sent;
    }
}

/* Adds what has come to what is held. */
static void get(void) {
    wait_for(POLLIN);
    ssize_t got = read(port, held + held_bytes, sizeof held - held_bytes);
    if (got < 0) die("read");
    held_bytes += (size_t)got;
}

/* Lets go of the first line; its length, or 0 while it is not there in full. */
static size_t take_line(char *line, size_t room) {
    char *end = memchr(held, '\n', held_bytes);
    if (!end) return 0;
    size_t bytes = (size_t)(end - held) + 1;
    snprintf(line, room, "%.*s", (int)(bytes - 1 < room - 1 ? bytes - 1 : room - 1), held);
    memmove(held, held + bytes, held_bytes - bytes);
    held_bytes -= bytes;
    return bytes;
}

static void say(const char *text) { put(text, strlen(text)); }

/* Waits for the line of control that begins so. */
static void hear(const char *wanted, char *line, size_t room) {
    for (;;) {
        size_t bytes;
        while ((bytes = take_line(line, room)) > 0)
            if (line[0] == '#' && strncmp(line + 1, wanted, strlen(wanted)) == 0) return;
        get();
    }
}

static int ascending(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return a < b ? -1 : a > b;
}

static void begin_row(const char *test, const char *direction, size_t line) {
    printf("{\"command\":\"port\",\"engine\":\"c\",\"test\":\"%s\",\"direction\":\"%s\",\"line_bytes\":%zu", test,
           direction, line);
}

static void print_rate(const char *test, const char *direction, size_t line, uint64_t lines, double seconds) {
    begin_row(test, direction, line);
    printf(",\"frames\":%lu,\"seconds\":%.6f,\"frames_per_second\":%.3f,\"bytes_per_second\":%.0f}\n", lines,
           seconds, (double)lines / seconds, (double)lines * (double)line / seconds);
}

static void print_times(const char *test, const char *direction, size_t line, double p50, double p99) {
    begin_row(test, direction, line);
    printf(",\"p50_us\":%.3f,\"p99_us\":%.3f}\n", p50, p99);
}

/* A line of `x` out, and its answer in. */
static void ping(const char *test, size_t bytes, size_t rounds) {
    static char line[LARGE_BYTES];
    memset(line, 'x', bytes);
    line[bytes - 1] = '\n';
    double *times = calloc(rounds, sizeof *times);
    char text[128];
    say("#hello\n");
    hear("hello", text, sizeof text);
    for (size_t round = 0; round < rounds; round++) {
        uint64_t start = now();
        put(line, bytes);
        while (take_line(text, sizeof text) != bytes) get();
        times[round] = (double)(now() - start) / 1e3;
    }
    qsort(times, rounds, sizeof *times, ascending);
    print_times(test, "out", bytes, times[rounds / 2], times[rounds * 99 / 100]);
    free(times);
}

/* Answers each line until the partner says what it measured. */
static void echo(const char *test, size_t bytes, size_t rounds) {
    char text[128];
    snprintf(text, sizeof text, "#ping %zu %zu\n", bytes, rounds);
    say(text);
    for (;;) {
        char *end = memchr(held, '\n', held_bytes);
        if (!end) {
            get();
            continue;
        }
        if (held[0] == 'x') put(held, (size_t)(end - held) + 1);
        double p50, p99;
        take_line(text, sizeof text);
        if (sscanf(text, "#done %lf %lf", &p50, &p99) == 2) {
            print_times(test, "in", bytes, p50, p99);
            return;
        }
    }
}

static void send_lines(const char *test, size_t bytes, uint64_t lines) {
    static char block[BULK_BYTES];
    size_t most = sizeof block / bytes;
    memset(block, 'x', sizeof block);
    for (size_t i = 1; i <= most; i++) block[i * bytes - 1] = '\n';
    char text[128];
    snprintf(text, sizeof text, "#sink %lu\n", lines);
    uint64_t start = now();
    say(text);
    for (uint64_t left = lines; left > 0;) {
        uint64_t some = left < most ? left : most;
        put(block, some * bytes);
        left -= some;
    }
    hear("done", text, sizeof text);
    print_rate(test, "out", bytes, lines, (double)(now() - start) / 1e9);
}

static void receive_lines(const char *test, size_t bytes, uint64_t lines) {
    static char buffer[BUFFER_BYTES];
    char text[128];
    snprintf(text, sizeof text, "#source %zu %lu\n", bytes, lines);
    uint64_t start = now(), seen = 0;
    say(text);
    /* The line that says it is done is one more. */
    while (seen < lines + 1) {
        wait_for(POLLIN);
        ssize_t got = read(port, buffer, sizeof buffer);
        if (got <= 0) die("read");
        for (char *at = buffer, *end = buffer + got; (at = memchr(at, '\n', (size_t)(end - at))); at++) seen++;
    }
    print_rate(test, "in", bytes, lines, (double)(now() - start) / 1e9);
}

static void answer(void) {
    for (;;) {
        char *end = memchr(held, '\n', held_bytes);
        if (!end) {
            get();
            continue;
        }
        size_t bytes = (size_t)(end - held) + 1;
        put(held, bytes);
        memmove(held, held + bytes, held_bytes - bytes);
        held_bytes -= bytes;
    }
}

int main(int argc, char **argv) {
    const char *path = option(argc, argv, "--device");
    size_t rounds = (size_t)number(argc, argv, "--rounds", 2000);
    uint64_t bulk_lines = (uint64_t)number(argc, argv, "--megabytes", 128) << 20;
    if (!path) return 64;
    port = open(path, O_RDWR | O_CLOEXEC);
    if (port < 0) die(path);
    if (number(argc, argv, "--answer", 0)) answer();
    bulk_lines /= BULK_BYTES;
    ping("small message", SMALL_BYTES, rounds);
    echo("small message", SMALL_BYTES, rounds);
    ping("100 KB message", LARGE_BYTES, rounds / 10);
    echo("100 KB message", LARGE_BYTES, rounds / 10);
    send_lines("sustained throughput", BULK_BYTES, bulk_lines);
    receive_lines("sustained throughput", BULK_BYTES, bulk_lines);
    send_lines("operations a second", SMALL_BYTES, rounds * 50);
    receive_lines("operations a second", SMALL_BYTES, rounds * 50);
    return 0;
}
