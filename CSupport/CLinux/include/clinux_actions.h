#ifndef VIREO_CLINUX_ACTIONS_H
#define VIREO_CLINUX_ACTIONS_H

/* What single actions need of Linux: freezing file systems, signals to one certain process. As in
 * clinux.h, a call does what the system call does: -1 and errno on failure. */

#include <stddef.h>
#include <stdint.h>

/* FIFREEZE of ioctl_fs(2): flushes the file system that `fd` lies on and stops writes to it. */
int clinux_freeze(int fd);
/* FITHAW. EINVAL when it is not frozen. */
int clinux_thaw(int fd);

/* mlockall(2) of what is mapped and what will be; where the limit does not allow that, touches every
 * readable page once, so that it is in memory for now. 0 when locked, 1 when only touched. */
int clinux_keep_in_memory(void);

/* pidfd_open(2), close-on-exec. */
int clinux_process_open(int pid);
/* pidfd_send_signal(2). */
int clinux_process_signal(int process_fd, int signal);

/* Unix stream sockets in the abstract name space, which no file system holds: close-on-exec, the
 * listening one non-blocking, the connected one waiting. `name` is without the leading NUL. */
int clinux_abstract_listen(const char *name, int backlog);
int clinux_abstract_connect(const char *name);
/* The peer's user id by SO_PEERCRED, or -1. */
int64_t clinux_peer_user(int fd);

/* poll(2) for input on up to 4 descriptors, negative ones left out; bit n of the answer is set when the
 * n-th has input or its other end is gone. 0 after `timeout_milliseconds`, below 0: for ever. */
int clinux_wait_for_input(const int *fds, int count, int timeout_milliseconds);

#endif
