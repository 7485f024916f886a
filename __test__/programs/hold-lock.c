// Holds an fcntl(2) lock on a whole file until its standard input ends: r, a read lock; w, a write lock.
//   hold-lock FILE r|w
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int count, char **args) {
  if (count != 3) return 2;
  int reads = args[2][0] == 'r';
  int file = open(args[1], reads ? O_RDONLY : O_RDWR);
  struct flock lock = {.l_type = reads ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
  if (file < 0 || fcntl(file, F_OFD_SETLK, &lock) != 0) {
    perror(args[1]);
    return 1;
  }
  puts("ready");
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  return 0;
}
