/* Mounts a directory a second time with its owners mapped (mount_setattr(2), MOUNT_ATTR_IDMAP):
 *   idmap source target first-id-on-disk first-id-shown count
 * Ids outside of the range have no counterpart and show as the overflow id. Needs CAP_SYS_ADMIN. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

struct attributes {
  uint64_t set, clear, propagation, user_namespace;
};

static void fail(const char *what) {
  fprintf(stderr, "idmap: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void put(pid_t child, const char *name, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)child, name);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, text, strlen(text)) < 0) fail(path);
  close(file);
}

int main(int count, char **words) {
  if (count != 6) {
    fprintf(stderr, "usage: idmap source target first-id-on-disk first-id-shown count\n");
    return 2;
  }
  int begun[2];
  if (pipe(begun) != 0) fail("pipe");
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    if (unshare(CLONE_NEWUSER) != 0) fail("unshare");
    if (write(begun[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte;
  if (read(begun[0], &byte, 1) != 1) fail("read");
  char map[64], path[64];
  snprintf(map, sizeof map, "%s %s %s", words[3], words[4], words[5]);
  put(child, "uid_map", map);
  put(child, "gid_map", map);
  snprintf(path, sizeof path, "/proc/%d/ns/user", (int)child);
  int namespace = open(path, O_RDONLY | O_CLOEXEC);
  if (namespace < 0) fail(path);
  int tree = (int)syscall(SYS_open_tree, AT_FDCWD, words[1], 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC);
  if (tree < 0) fail("open_tree");
  struct attributes idmap = {0x00100000 /* MOUNT_ATTR_IDMAP */, 0, 0, (uint64_t)namespace};
  if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &idmap, sizeof idmap) != 0) fail("mount_setattr");
  if (syscall(SYS_move_mount, tree, "", AT_FDCWD, words[2], 4 /* MOVE_MOUNT_F_EMPTY_PATH */) != 0) fail("move_mount");
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return 0;
}
