/* One epoll(7) loop, level-triggered, for one socket or thousands: a 64 KiB buffer for all, and what is
 * left of a cut line kept by connection.
 *
 *   epoll_loop receive --listen PATH --connections N */
#include "common.h"
#include <sys/epoll.h>

struct connection {
    char *tail;
    size_t held, room;
};

static void keep(struct connection *connection, const char *bytes, size_t count) {
    if (connection->room < count) {
        connection->room = count < 4096 ? 4096 : 2 * count;
        connection->tail = realloc(connection->tail, connection->room);
    }
    memmove(connection->tail, bytes, count);
    connection->held = count;
}

int main(int argc, char **argv) {
    const char *path = option(argc, argv, "--listen");
    int connections = (int)number(argc, argv, "--connections", 1);
    if (!path) return 64;
    int listener = listen_on(path, SOCK_NONBLOCK), epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event want = {.events = EPOLLIN, .data.fd = listener}, events[64];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &want);
    struct connection *table = calloc(65536, sizeof *table);
    char *buffer = malloc(BUFFER_BYTES + (1 << 20));
    struct meter meter = meter_start();
    uint64_t frames = 0, bytes = 0;
    int accepted = 0, ended = 0;
    while (ended < connections) {
        int count = epoll_wait(epoll, events, 64, -1);
        meter.calls++;
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int next;
                while ((next = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    want.data.fd = next;
                    epoll_ctl(epoll, EPOLL_CTL_ADD, next, &want);
                    if (++accepted == connections) meter = meter_start();
                }
                continue;
            }
            struct connection *connection = &table[fd];
            size_t held = connection->held;
            if (held > 0) memcpy(buffer, connection->tail, held);
            ssize_t got = read(fd, buffer + held, BUFFER_BYTES);
            meter.calls++;
            if (got <= 0) {
                if (got < 0 && errno == EAGAIN) continue;
                ended++;
                close(fd);
                continue;
            }
            bytes += (uint64_t)got;
            size_t all = held + (size_t)got;
            frames += count_lines(buffer, held, all, &held);
            if (held > 0)
                keep(connection, buffer + all - held, held);
            else
                connection->held = 0;
        }
    }
    print_row("receive", "c-epoll", frames, bytes, meter);
    printf(",\"connections\":%d}\n", accepted);
    unlink(path);
    return 0;
}
