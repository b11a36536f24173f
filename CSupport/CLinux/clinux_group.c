#define _GNU_SOURCE
#include "clinux_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Whom a child becomes, and the files of the control group that it is in. */

int clinux_account_named(const char *name, struct clinux_account *account) {
    char text[16384];
    struct passwd entry, *found = NULL;
    int result = getpwnam_r(name, &entry, text, sizeof text, &found);
    if (!found) return result == 0 ? ENOENT : result;
    account->user = entry.pw_uid;
    account->group = entry.pw_gid;
    account->group_count = (int)(sizeof account->groups / sizeof account->groups[0]);
    if (getgrouplist(name, entry.pw_gid, account->groups, &account->group_count) < 0) return E2BIG;
    const char *home = entry.pw_dir && *entry.pw_dir ? entry.pw_dir : "/";
    if (strlen(home) >= sizeof account->home) home = "/";
    strcpy(account->home, home);
    return 0;
}

int clinux_open_directory(const char *path) { return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); }

int clinux_write_file_at(int directory, const char *name, const char *text) {
    int fd = openat(directory, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t put = write(fd, text, strlen(text));
    int kept = errno;
    close(fd);
    errno = kept;
    return put < 0 ? -1 : 0;
}

int clinux_read_file_at(int directory, const char *name, char *text, int count) {
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t got = read(fd, text, (size_t)(count - 1));
    int kept = errno;
    close(fd);
    errno = kept;
    if (got < 0) return -1;
    text[got] = 0;
    return (int)got;
}

int clinux_make_directory_at(int directory, const char *name) { return mkdirat(directory, name, 0755); }

int clinux_remove_directory_at(int directory, const char *name) {
    return unlinkat(directory, name, AT_REMOVEDIR);
}

int clinux_open_directory_at(int directory, const char *name) {
    return openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int clinux_is_delegated(int directory) {
    static const char *const names[] = {"user.delegate", "trusted.delegate"};
    for (int i = 0; i < 2; i++) {
        char mark = 0;
        if (fgetxattr(directory, names[i], &mark, 1) == 1 && mark == '1') return 1;
    }
    return 0;
}
