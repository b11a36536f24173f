#ifndef VIREO_CLINUX_SPAWN_H
#define VIREO_CLINUX_SPAWN_H

/* Child processes as Linux has them: made in a control group, known by a descriptor. */

#include <stdint.h>
#include <sys/types.h>

/* A process that stands in a control group and starts children of its parent there. */
struct clinux_zygote;

/* What the child becomes. All pointers are the caller's and are read only. */
struct clinux_child {
    /* Paths to try one after the other, ending with NULL: what execvp(3) would make of a name. */
    char *const *paths;
    char *const *arguments;
    char *const *environment;
    /* chdir(2) to it as the child's user; NULL to stay. */
    const char *directory;
    /* Become 0, 1 and 2. All others are closed. */
    int input, output, error;
    /* A control group's directory to be born in, or -1. */
    int cgroup;
    /* Whether user, group and groups count. */
    int changes_user;
    uid_t user;
    gid_t group;
    const gid_t *groups;
    int group_count;
    /* RLIMIT_NOFILE, 0 to keep it. */
    uint64_t descriptors_max;
    /* Whether the child may run in the caller's memory until it is another program, where the
     * machine can do so and it does not change the user: all that this struct points to, and the
     * room, have to stay until the child has ended. */
    int shares_memory;
    /* The one of the control group that starts it, ready; NULL to do without. */
    struct clinux_zygote *zygote;
};

/* The memory that a child runs on which shares the caller's. */
struct clinux_room;

/* Where a child that could not become its program failed: bytes of the report pipe. */
enum {
    clinux_stage_session = 1,
    clinux_stage_descriptors,
    clinux_stage_limits,
    clinux_stage_user,
    clinux_stage_directory,
    clinux_stage_program,
    clinux_stage_group,
};

struct clinux_spawned {
    pid_t pid;
    /* pidfd_open(2), close-on-exec: readable when the child has ended. */
    int pidfd;
    /* The reading end of the report pipe, non-blocking: empty at its end when the program runs. */
    int report;
    /* To be freed by clinux_free_room once the child has ended; NULL when it shares no memory. */
    struct clinux_room *room;
    /* Whether the child moves itself into the control group, and waits for the kernel to do it. */
    int moved_itself;
};

/* Starts a child in a session of its own: no descriptor but the three, no signal blocked, handled or
 * ignored, umask 077, no core dumps, no_new_privs, killed with the calling thread.
 *
 * clone3(2) with CLONE_PIDFD and, with a control group, CLONE_INTO_CGROUP; where that is refused
 * clone(2), and the child moves itself into the group first of all. With a zygote, clone(2) by that,
 * where the texts have room with it. Returns before the program runs:
 * whether it does is told by the report pipe once the child has ended. -1 and errno when there is no
 * child; ECHILD when the zygote fails, and its group has to be killed. */
int clinux_spawn(const struct clinux_child *child, struct clinux_spawned *spawned);
void clinux_free_room(struct clinux_room *room);

/* Starts a zygote for the group whose directory is open as `cgroup`: a copy of the caller that shares
 * its descriptors, moves into the group and waits there, with all signals blocked, to be asked. It is
 * killed with the calling thread. NULL and errno when there is none. */
struct clinux_zygote *clinux_zygote_start(int cgroup);
pid_t clinux_zygote_pid(const struct clinux_zygote *zygote);
/* 1 when it stands in the group and is not at work. */
int clinux_zygote_is_ready(const struct clinux_zygote *zygote);
/* 1 once it has ended and was reaped, with a child whose start it did not tell of. */
int clinux_zygote_has_ended(struct clinux_zygote *zygote);
/* Kills it if it has not ended, and waits for that, at most a second. */
void clinux_zygote_free(struct clinux_zygote *zygote);

/* The child behind a pidfd, if it has ended; it is gone then. 1: exited with `number`; 2: ended by
 * signal `number`; 0: it runs; -1 on failure. waitid(2). */
int clinux_reap(int pidfd, int *number);
/* Reaps one child by its id if it has ended: 1 if so. */
int clinux_reap_adopted(pid_t pid);
/* pidfd_send_signal(2). */
int clinux_pidfd_signal(int pidfd, int signal_number);
/* kill(2) of a whole process group. */
int clinux_signal_group(pid_t group, int signal_number);
int clinux_signal_process(pid_t pid, int signal_number);

/* PR_SET_CHILD_SUBREAPER: descendants whose parent ended become this process's children. */
int clinux_become_subreaper(void);

/* A report of the pipe: 1 with stage and errno, 0 when there is none. */
int clinux_read_report(int fd, int *stage, int *number);

/* pipe2(2), close-on-exec; the end of this process does not block. `reads` says which end that is. */
int clinux_child_pipe(int ends[2], int reads);
/* /dev/null, close-on-exec, above descriptor 2. */
int clinux_null_device(void);

/* The peer's user id by SO_PEERCRED: 0 or -1. */
int clinux_peer_credentials(int fd, uid_t *user, pid_t *pid);

/* getpwnam_r(3) and getgrouplist(3): 0, or ENOENT when there is no such user. */
struct clinux_account {
    uid_t user;
    gid_t group;
    gid_t groups[64];
    int group_count;
    char home[1024];
};
int clinux_account_named(const char *name, struct clinux_account *account);

/* openat(2) of a directory, close-on-exec, and of a small file to be written or read in it. */
int clinux_open_directory(const char *path);
int clinux_write_file_at(int directory, const char *name, const char *text);
/* At most `count` - 1 bytes, ended with 0: how many, or -1. */
int clinux_read_file_at(int directory, const char *name, char *text, int count);
int clinux_make_directory_at(int directory, const char *name);
int clinux_remove_directory_at(int directory, const char *name);
int clinux_open_directory_at(int directory, const char *name);
/* 1 when the directory carries systemd's mark of delegation: xattr user.delegate or
 * trusted.delegate of "1". */
int clinux_is_delegated(int directory);

#endif
