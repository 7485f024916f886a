// Writes through a shared mapping: each byte of its input becomes the last byte of the file, and is printed once it is.
//   map-write FILE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int count, char **args) {
  struct stat found;
  int file = count == 2 ? open(args[1], O_RDWR) : -1;
  if (file < 0 || fstat(file, &found) != 0 || found.st_size == 0) return 2;
  volatile char *bytes = mmap(NULL, (size_t)found.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (bytes == MAP_FAILED) {
    perror(args[1]);
    return 1;
  }
  char byte;
  while (read(0, &byte, 1) == 1) {
    bytes[found.st_size - 1] = byte;
    if (write(1, &byte, 1) != 1) return 1;
  }
  return 0;
}
