/* A library to preload: fsync returns success without any effect, for "files" or for "directories", by
 * HOLDFAST_DROP_SYNC. A power-loss test that passes with it tests nothing. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int dropped(int fd) {
  const char *which = getenv("HOLDFAST_DROP_SYNC");
  struct stat status;
  if (which == NULL || fstat(fd, &status) != 0) return 0;
  return strcmp(which, S_ISDIR(status.st_mode) ? "directories" : "files") == 0;
}

int fsync(int fd) { return dropped(fd) ? 0 : (int)syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return dropped(fd) ? 0 : (int)syscall(SYS_fdatasync, fd); }
