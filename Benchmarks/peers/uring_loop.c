/* One io_uring loop for one socket or thousands: multishot receive into provided 64 KiB buffers, and what
 * is left of a cut line kept by connection. Needs Linux 6.0.
 *
 *   uring_loop receive --listen PATH --connections N
 *   uring_loop echo    --listen PATH
 *   uring_loop ping    --connect PATH --bytes B --rounds N
 *
 * The last two with the least that io_uring has for it: write(2), and a receive and the wait for it in one
 * call. */
#include "common.h"
#include "round_trip.h"
#include <liburing.h>
#include <poll.h>

enum { BUFFERS = 64 };

struct connection {
    char *tail;
    size_t held, room;
};

static void keep(struct connection *connection, const char *bytes, size_t count) {
    size_t all = connection->held + count;
    if (connection->room < all) {
        connection->room = all < 4096 ? 4096 : 2 * all;
        connection->tail = realloc(connection->tail, connection->room);
    }
    memcpy(connection->tail + connection->held, bytes, count);
    connection->held = all;
}

static struct io_uring_sqe *entry(struct io_uring *ring, struct meter *meter) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    if (sqe) return sqe;
    io_uring_submit(ring);
    meter->calls++;
    return io_uring_get_sqe(ring);
}

static void start(struct io_uring *ring, struct meter *meter, int fd) {
    struct io_uring_sqe *sqe = entry(ring, meter);
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    io_uring_sqe_set_data64(sqe, (uint64_t)fd);
}

static ssize_t receive_some(void *ring, int fd, char *room, size_t count) {
    struct io_uring_cqe *cqe;
    io_uring_prep_recv(io_uring_get_sqe(ring), fd, room, count, 0);
    if (io_uring_submit_and_wait(ring, 1) < 0 || io_uring_peek_cqe(ring, &cqe)) return -1;
    ssize_t got = cqe->res;
    io_uring_cqe_seen(ring, cqe);
    return got;
}

int main(int argc, char **argv) {
    const char *command = argc > 1 ? argv[1] : "";
    const char *path = option(argc, argv, "--listen");
    if (!path) path = option(argc, argv, "--connect");
    int connections = (int)number(argc, argv, "--connections", 1);
    if (!path) return 64;
    struct io_uring ring;
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = 16384,
    };
    if (io_uring_queue_init_params(4096, &ring, &parameters) < 0) return 69;
    if (strcmp(command, "echo") == 0) {
        echo(path, receive_some, &ring);
        return 0;
    }
    if (strcmp(command, "ping") == 0) {
        ping(path, "c-uring", (size_t)number(argc, argv, "--bytes", 256),
             (size_t)number(argc, argv, "--rounds", 100000), receive_some, &ring);
        return 0;
    }
    struct io_uring_buf_ring *buffers;
    if (posix_memalign((void **)&buffers, 4096, BUFFERS * sizeof(struct io_uring_buf))) return 75;
    memset(buffers, 0, BUFFERS * sizeof(struct io_uring_buf));
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)buffers, .ring_entries = BUFFERS, .bgid = 0};
    if (io_uring_register_buf_ring(&ring, &registration, 0)) return 69;
    char *memory = malloc((size_t)BUFFERS * BUFFER_BYTES);
    for (int i = 0; i < BUFFERS; i++)
        io_uring_buf_ring_add(buffers, memory + (size_t)i * BUFFER_BYTES, BUFFER_BYTES, (unsigned short)i,
                              BUFFERS - 1, i);
    io_uring_buf_ring_advance(buffers, BUFFERS);

    struct connection *table = calloc(65536, sizeof *table);
    struct meter meter = meter_start();
    uint64_t frames = 0, bytes = 0;
    int accepted = 0, ended = 0, listener = listen_on(path, 0);
    for (; accepted < connections; accepted++) start(&ring, &meter, accept(listener, NULL, NULL));
    meter = meter_start();
    while (ended < connections) {
        io_uring_submit_and_wait(&ring, 1);
        meter.calls++;
        struct io_uring_cqe *cqe;
        unsigned head, seen = 0;
        io_uring_for_each_cqe(&ring, head, cqe) {
            seen++;
            int fd = (int)cqe->user_data;
            struct connection *connection = &table[fd];
            if (cqe->res > 0) {
                unsigned short id = (unsigned short)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
                char *buffer = memory + (size_t)id * BUFFER_BYTES;
                size_t count = (size_t)cqe->res, held;
                bytes += count;
                uint64_t lines = count_lines(buffer, 0, count, &held);
                frames += lines;
                if (lines > 0) connection->held = 0;
                if (held > 0) keep(connection, buffer + count - held, held);
                io_uring_buf_ring_add(buffers, buffer, BUFFER_BYTES, id, BUFFERS - 1, 0);
                io_uring_buf_ring_advance(buffers, 1);
            }
            if (cqe->flags & IORING_CQE_F_MORE) continue;
            if (cqe->res > 0 || cqe->res == -ENOBUFS) {
                start(&ring, &meter, fd);
            } else {
                ended++;
                close(fd);
            }
        }
        io_uring_cq_advance(&ring, seen);
    }
    print_row("receive", "c-uring", frames, bytes, meter);
    printf(",\"connections\":%d}\n", accepted);
    unlink(path);
    return 0;
}
