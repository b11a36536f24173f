/* The floor: blocking read(2) and write(2) with memchr(3) and one buffer. What a line costs at least.
 *
 *   floor receive --listen PATH [--buffer B]
 *   floor send    --connect PATH --bytes B --frames N [--connections N]
 *   floor echo    --listen PATH
 *   floor ping    --connect PATH --bytes B --rounds N */
#include "common.h"
#include "round_trip.h"

static void receive(const char *path, size_t room) {
    int listener = listen_on(path, 0);
    int fd = accept(listener, NULL, NULL);
    /* A line that is cut stays at the start of the buffer: the buffer holds a line of 1 MiB. */
    char *buffer = malloc(room + (1 << 20));
    struct meter meter = meter_start();
    uint64_t frames = 0, bytes = 0;
    size_t held = 0;
    for (;;) {
        ssize_t got = read(fd, buffer + held, room);
        meter.calls++;
        if (got <= 0) break;
        bytes += (uint64_t)got;
        size_t count = held + (size_t)got;
        frames += count_lines(buffer, held, count, &held);
        if (held > 0 && held < count) memmove(buffer, buffer + count - held, held);
    }
    print_row("receive", "floor", frames, bytes - held, meter);
    puts("}");
    unlink(path);
}

static void send_lines(const char *path, size_t line, uint64_t frames) {
    size_t lines = line < BUFFER_BYTES ? BUFFER_BYTES / line : 1;
    char *buffer = malloc(lines * line);
    memset(buffer, 'x', lines * line);
    for (size_t i = 1; i <= lines; i++) buffer[i * line - 1] = '\n';
    int fd = connect_to(path);
    struct meter meter = meter_start();
    uint64_t left = frames;
    while (left > 0) {
        uint64_t now_lines = left < lines ? left : lines;
        write_all(fd, buffer, now_lines * line);
        meter.calls++;
        left -= now_lines;
    }
    print_row("send", "floor", frames, frames * line, meter);
    puts("}");
}

/* Many connections at once, one process: each gets `burst` lines in turn. */
static void send_many(const char *path, size_t line, uint64_t frames, int connections, size_t burst) {
    char *buffer = malloc(burst * line);
    memset(buffer, 'x', burst * line);
    for (size_t i = 1; i <= burst; i++) buffer[i * line - 1] = '\n';
    int *fds = malloc(sizeof(int) * (size_t)connections);
    for (int i = 0; i < connections; i++) fds[i] = connect_to(path);
    struct meter meter = meter_start();
    uint64_t sent = 0;
    while (sent < frames)
        for (int i = 0; i < connections && sent < frames; i++) {
            size_t lines = frames - sent < burst ? (size_t)(frames - sent) : burst;
            write_all(fds[i], buffer, lines * line);
            meter.calls++;
            sent += lines;
        }
    print_row("send", "floor", frames, frames * line, meter);
    puts("}");
}

static ssize_t read_some(void *context, int fd, char *room, size_t count) {
    (void)context;
    return read(fd, room, count);
}

int main(int argc, char **argv) {
    const char *command = argc > 1 ? argv[1] : "";
    const char *path = option(argc, argv, "--listen");
    if (!path) path = option(argc, argv, "--connect");
    size_t line = (size_t)number(argc, argv, "--bytes", 256);
    uint64_t frames = (uint64_t)number(argc, argv, "--frames", 1000000);
    int connections = (int)number(argc, argv, "--connections", 1);
    if (!path) return 64;
    if (strcmp(command, "receive") == 0)
        receive(path, (size_t)number(argc, argv, "--buffer", BUFFER_BYTES));
    else if (strcmp(command, "send") == 0 && connections > 1)
        send_many(path, line, frames, connections, (size_t)number(argc, argv, "--burst", 4));
    else if (strcmp(command, "send") == 0)
        send_lines(path, line, frames);
    else if (strcmp(command, "echo") == 0)
        echo(path, read_some, NULL);
    else if (strcmp(command, "ping") == 0)
        ping(path, "floor", line, (size_t)number(argc, argv, "--rounds", 100000), read_some, NULL);
    else
        return 64;
    return 0;
}
