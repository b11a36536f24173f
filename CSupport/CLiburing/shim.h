#ifndef VIREO_CLIBURING_SHIM_H
#define VIREO_CLIBURING_SHIM_H

/* The order matters. liburing.h defines _GNU_SOURCE for itself: without <sys/select.h> in front of
 * it, a debug build that also sees Foundation, Testing or Dispatch finds two shapes of fd_set;
 * without <linux/io_uring.h>, anything that also sees swift-system finds two of rw_flags. */
#include <sys/select.h>
#include <linux/io_uring.h>
#include <liburing.h>

/* These are macros with shifts, which Swift does not import. */
static const unsigned char cliburing_sqe_buffer_select = IOSQE_BUFFER_SELECT;
static const unsigned int cliburing_cancel_fd_all = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;

/* A queue of provided buffers ends in a flexible array, which Swift does not import. `tail` counts all
 * buffers ever added; io_uring_register(2), IORING_REGISTER_PBUF_RING. */
static inline void cliburing_buffer_add(void *queue, unsigned entries, unsigned tail, void *address,
                                        unsigned count, unsigned short identifier) {
    struct io_uring_buf *buffer = (struct io_uring_buf *)queue + (tail & (entries - 1));
    buffer->addr = (unsigned long long)(unsigned long)address;
    buffer->len = count;
    buffer->bid = identifier;
}

static inline void cliburing_buffers_publish(void *queue, unsigned tail) {
    struct io_uring_buf_ring *ring = queue;
    __atomic_store_n(&ring->tail, (unsigned short)tail, __ATOMIC_RELEASE);
}

/* A restriction entry is a struct of anonymous unions, which are awkward to fill from Swift. */
static inline struct io_uring_restriction cliburing_allow_sqe_op(unsigned char opcode) {
    struct io_uring_restriction entry = {0};
    entry.opcode = IORING_RESTRICTION_SQE_OP;
    entry.sqe_op = opcode;
    return entry;
}

static inline struct io_uring_restriction cliburing_allow_sqe_flags(unsigned char flags) {
    struct io_uring_restriction entry = {0};
    entry.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
    entry.sqe_flags = flags;
    return entry;
}

static inline struct io_uring_restriction cliburing_allow_register_op(unsigned char opcode) {
    struct io_uring_restriction entry = {0};
    entry.opcode = IORING_RESTRICTION_REGISTER_OP;
    entry.register_op = opcode;
    return entry;
}

#endif
