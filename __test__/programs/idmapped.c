/* Mounts a directory over itself with mapped ids: those up to LAST unchanged, all others unmapped.
 *   idmapped DIRECTORY LAST
 * The user namespace of a child holds the mapping; mount_setattr(2), Linux 5.12. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* From linux/mount.h, which conflicts with sys/mount.h on some systems. */
#define CLONE_THE_TREE 1
#define FROM_EMPTY_PATH 4
#define ID_MAPPED 0x00100000

struct attributes {
  uint64_t set, clear, propagation, user_namespace;
};

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void write_map(pid_t child, const char *name, unsigned long count) {
  char path[64], line[64];
  snprintf(path, sizeof path, "/proc/%d/%s", child, name);
  int fd = open(path, O_WRONLY);
  int length = snprintf(line, sizeof line, "0 0 %lu", count);
  if (fd < 0 || write(fd, line, length) != length) fail(path);
  close(fd);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int ready[2];
  if (pipe(ready) != 0) fail("pipe");
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    if (unshare(CLONE_NEWUSER) != 0) fail("unshare");
    if (write(ready[1], "x", 1) != 1) fail("write");
    pause();
  }
  char byte;
  if (read(ready[0], &byte, 1) != 1) fail("read");
  unsigned long count = strtoul(argv[2], NULL, 10) + 1;
  write_map(child, "uid_map", count);
  write_map(child, "gid_map", count);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", child);
  int mapping = open(path, O_RDONLY | O_CLOEXEC);
  if (mapping < 0) fail(path);
  int tree = syscall(SYS_open_tree, AT_FDCWD, argv[1], CLONE_THE_TREE | O_CLOEXEC);
  if (tree < 0) fail("open_tree");
  struct attributes attributes = {.set = ID_MAPPED, .user_namespace = mapping};
  if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) fail("mount_setattr");
  if (syscall(SYS_move_mount, tree, "", AT_FDCWD, argv[1], FROM_EMPTY_PATH) != 0) fail("move_mount");
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return 0;
}
