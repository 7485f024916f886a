/* Runs a program as root of a new user namespace that maps a range of ids to themselves:
 *   in-user-namespace count program [argument...]
 * Ids from `count` on are unmapped. Needs root; util-linux needs newuidmap for the same. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what) {
  fprintf(stderr, "in-user-namespace: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void put(pid_t process, const char *name, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)process, name);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, text, strlen(text)) < 0) fail(path);
  close(file);
}

int main(int count, char **words) {
  if (count < 3) {
    fprintf(stderr, "usage: in-user-namespace count program [argument...]\n");
    return 2;
  }
  int begun[2], mapped[2];
  if (pipe2(begun, O_CLOEXEC) != 0 || pipe2(mapped, O_CLOEXEC) != 0) fail("pipe");
  pid_t outside = fork();
  if (outside < 0) fail("fork");
  char byte;
  if (outside == 0) {
    /* The child stays outside and maps its parent, which executes the program: the process id stays the same. */
    close(begun[1]);
    if (read(begun[0], &byte, 1) != 1) _exit(1);
    char map[64];
    snprintf(map, sizeof map, "0 0 %s", words[1]);
    put(getppid(), "uid_map", map);
    put(getppid(), "gid_map", map);
    if (write(mapped[1], "x", 1) != 1) _exit(1);
    _exit(0);
  }
  if (unshare(CLONE_NEWUSER) != 0) fail("unshare");
  if (write(begun[1], "x", 1) != 1) fail("write");
  close(mapped[1]);
  if (read(mapped[0], &byte, 1) != 1) fail("map");
  waitpid(outside, NULL, 0);
  if (setgid(0) != 0 || setuid(0) != 0) fail("setuid");
  execvp(words[2], words + 2);
  fail(words[2]);
}
