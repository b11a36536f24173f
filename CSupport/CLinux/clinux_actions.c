#define _GNU_SOURCE
#include "clinux_actions.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

int clinux_freeze(int fd) { return ioctl(fd, FIFREEZE, 0); }

int clinux_thaw(int fd) { return ioctl(fd, FITHAW, 0); }

/* Reads one byte of each page of the process's readable mappings, kernel's own ones left out. */
static void touch_pages(void) {
    FILE *maps = fopen("/proc/self/maps", "re");
    if (!maps) return;
    char line[4200];
    while (fgets(line, sizeof line, maps)) {
        uintptr_t from, to;
        char modes[5];
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, modes) != 3) continue;
        if (modes[0] != 'r' || strstr(line, "[v")) continue;
        /* Unlike a load, this cannot fault when a mapped file was cut short. Linux 5.14. */
        madvise((void *)from, to - from, 22 /* MADV_POPULATE_READ */);
    }
    fclose(maps);
}

int clinux_keep_in_memory(void) {
    if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0) return 0;
    touch_pages();
    return 1;
}

int clinux_process_open(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int clinux_process_signal(int process_fd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, process_fd, signal, NULL, 0);
}

static socklen_t abstract_address(const char *name, struct sockaddr_un *address) {
    size_t length = strlen(name);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (length + 1 > sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return 0;
    }
    memcpy(address->sun_path + 1, name, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

static int abstract_socket(const char *name, int backlog) {
    struct sockaddr_un address;
    socklen_t size = abstract_address(name, &address);
    if (size == 0) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (backlog > 0 ? SOCK_NONBLOCK : 0), 0);
    if (fd < 0) return -1;
    int result = backlog > 0 ? bind(fd, (struct sockaddr *)&address, size)
                             : connect(fd, (struct sockaddr *)&address, size);
    if (result == 0 && backlog > 0) result = listen(fd, backlog);
    if (result == 0) return fd;
    int kept = errno;
    close(fd);
    errno = kept;
    return -1;
}

int clinux_abstract_listen(const char *name, int backlog) { return abstract_socket(name, backlog); }

int clinux_abstract_connect(const char *name) { return abstract_socket(name, 0); }

int64_t clinux_peer_user(int fd) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -1;
    return (int64_t)credentials.uid;
}

int clinux_wait_for_input(const int *fds, int count, int timeout_milliseconds) {
    struct pollfd all[4];
    if (count > 4) count = 4;
    for (int i = 0; i < count; i++) all[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    int ready = poll(all, (nfds_t)count, timeout_milliseconds);
    if (ready < 0) return errno == EINTR ? 0 : -1;
    int bits = 0;
    for (int i = 0; i < count; i++)
        if (all[i].revents) bits |= 1 << i;
    return bits;
}
