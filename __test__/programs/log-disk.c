/* A disk in memory that logs every write and every flush, can enter any state that a power loss may leave, and can
 * fail. Runs a program that uses it:
 *   log-disk directory bytes program [argument...]
 * The directory gets four files. `disk` is for a loop device: writes to it are logged, and the fsync that the loop
 * driver makes of a flush. `marks` logs a line of text between them. `log` is the log as text, one entry a line:
 * W (metadata) or D (content, recognized by its first bytes) with offset and length, F for a flush, M for a mark.
 * `control` takes one command a line:
 *   settle         the current content becomes the content before the log, which becomes empty
 *   replay         stops logging, and restores the content before the log
 *   advance N      everything before entry N was on the disk when the power failed
 *   reset          restores the content at the power failure, without later writes
 *   put I A B      adds the bytes from A to B of entry I
 *   fail N         the Nth request from now on and all later ones fail with EIO; 0: the disk works again
 * Implements the kernel's FUSE protocol, one request after the other, so that the log has one order. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ROOT = FUSE_ROOT_ID, DISK, CONTROL, LOG, MARKS, NODES };
enum { BLOCK = 4096, LARGEST = 1 << 20 };

static const char *const names[NODES] = {[DISK] = "disk", [CONTROL] = "control", [LOG] = "log", [MARKS] = "marks"};
/* The start of every block of the tests' files. */
static const char content_begins[8] = {'h', 'o', 'l', 'd', 'f', 'a', 's', 't'};

struct entry {
  char kind;
  uint64_t offset;
  size_t length;
  char *bytes;
};

static struct entry *entries;
static size_t count, room;
static size_t advanced;
static int replaying;

static uint64_t disk_size;
static char *live, *lost; /* the current content; the content at the power failure */
static char *changed;     /* by block: whether the two may differ */

static long fail_in; /* requests until all fail; 0: none fails */
static char *log_text;
static size_t log_length;
static int device;

static void *need(void *memory) {
  if (memory != NULL && memory != MAP_FAILED) return memory;
  perror("log-disk");
  exit(2);
}

static char *image(void) {
  return need(mmap(NULL, disk_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

static void answer(const struct fuse_in_header *request, int error, const void *body, size_t size) {
  struct fuse_out_header head = {.len = (uint32_t)(sizeof head + (error ? 0 : size)), .error = -error, .unique = request->unique};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)body, error ? 0 : size}};
  if (writev(device, parts, 2) < 0 && errno != ENOENT) perror("log-disk: answer");
}

static void append(char kind, uint64_t offset, const char *bytes, size_t length) {
  if (count == room) entries = need(realloc(entries, (room = room ? 2 * room : 1024) * sizeof *entries));
  char *copy = NULL;
  if (length > 0) copy = memcpy(need(malloc(length)), bytes, length);
  entries[count++] = (struct entry){.kind = kind, .offset = offset, .length = length, .bytes = copy};
}

static void put(char *onto, uint64_t offset, const char *bytes, size_t length) {
  if (length == 0) return;
  memcpy(onto + offset, bytes, length);
  memset(changed + offset / BLOCK, 1, (offset + length - 1) / BLOCK - offset / BLOCK + 1);
}

/* Distinguishes content from metadata by block: a file system may write both in one request. */
static int is_content(const char *bytes, size_t length) {
  for (size_t at = 0; at < length; at += BLOCK)
    if (length - at < sizeof content_begins || memcmp(bytes + at, content_begins, sizeof content_begins) != 0) return 0;
  return 1;
}

static void reset(void) {
  for (uint64_t block = 0; block < disk_size / BLOCK; block++) {
    if (!changed[block]) continue;
    memcpy(live + block * BLOCK, lost + block * BLOCK, BLOCK);
    changed[block] = 0;
  }
}

static void settle(void) {
  for (uint64_t block = 0; block < disk_size / BLOCK; block++) {
    if (!changed[block]) continue;
    memcpy(lost + block * BLOCK, live + block * BLOCK, BLOCK);
    changed[block] = 0;
  }
  while (count > 0) free(entries[--count].bytes);
  replaying = 0;
  advanced = 0;
}

static int command(const char *line) {
  size_t entry, from, to;
  if (strcmp(line, "settle") == 0) return settle(), 0;
  if (strcmp(line, "reset") == 0) return reset(), 0;
  if (strcmp(line, "replay") == 0) return replaying = 1, reset(), 0;
  if (sscanf(line, "fail %ld", &fail_in) == 1) return 0;
  if (sscanf(line, "advance %zu", &entry) == 1) {
    if (!replaying || entry > count || entry < advanced) return EINVAL;
    for (; advanced < entry; advanced++) {
      const struct entry *write = &entries[advanced];
      if (write->kind == 'W' || write->kind == 'D') put(lost, write->offset, write->bytes, write->length);
    }
    return 0;
  }
  if (sscanf(line, "put %zu %zu %zu", &entry, &from, &to) == 3) {
    if (!replaying || entry >= count || from > to || to > entries[entry].length) return EINVAL;
    put(live, entries[entry].offset + from, entries[entry].bytes + from, to - from);
    return 0;
  }
  return EINVAL;
}

static int commands(char *text, size_t length) {
  if (length == 0 || text[length - 1] != '\n') return EINVAL;
  text[length - 1] = '\0';
  char *rest = text;
  for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
    int error = command(line);
    if (error != 0) return error;
  }
  return 0;
}

static void describe_log(void) {
  free(log_text);
  FILE *out = need(open_memstream(&log_text, &log_length));
  for (size_t n = 0; n < count; n++) {
    const struct entry *entry = &entries[n];
    if (entry->kind == 'M') fprintf(out, "M %.*s\n", (int)entry->length, entry->bytes);
    else if (entry->kind == 'F') fprintf(out, "F\n");
    else fprintf(out, "%c %llu %zu\n", entry->kind, (unsigned long long)entry->offset, entry->length);
  }
  fclose(out);
}

static int fails(void) {
  if (fail_in > 1) fail_in--;
  else if (fail_in == 1) return 1;
  return 0;
}

static void write_to(const struct fuse_in_header *request, const struct fuse_write_in *in, char *bytes) {
  struct fuse_write_out out = {.size = in->size};
  int error = 0;
  switch (request->nodeid) {
  case DISK:
    if (in->offset > disk_size || in->size > disk_size - in->offset) error = ENOSPC;
    else if (fails()) error = EIO;
    else {
      if (!replaying) append(is_content(bytes, in->size) ? 'D' : 'W', in->offset, bytes, in->size);
      put(live, in->offset, bytes, in->size);
    }
    break;
  case CONTROL:
    error = commands(bytes, in->size);
    break;
  case MARKS:
    if (!replaying) append('M', 0, bytes, in->size);
    break;
  default:
    error = EBADF;
  }
  answer(request, error, &out, sizeof out);
}

static void read_from(const struct fuse_in_header *request, const struct fuse_read_in *in) {
  const char *bytes = request->nodeid == DISK ? live : log_text;
  uint64_t size = request->nodeid == DISK ? disk_size : request->nodeid == LOG ? log_length : 0;
  uint64_t rest = in->offset < size ? size - in->offset : 0;
  answer(request, 0, bytes + in->offset, rest < in->size ? rest : in->size);
}

static struct fuse_attr attributes(uint64_t id) {
  struct fuse_attr attr = {.ino = id, .nlink = 1, .blksize = BLOCK, .mode = id == ROOT ? S_IFDIR | 0700 : S_IFREG | 0600};
  if (id == DISK) attr.size = disk_size, attr.blocks = disk_size / 512;
  return attr;
}

static void look_up(const struct fuse_in_header *request, const char *name) {
  for (uint64_t id = DISK; id < NODES; id++) {
    if (strcmp(names[id], name) != 0) continue;
    struct fuse_entry_out out = {.nodeid = id, .generation = 1, .attr = attributes(id)};
    return answer(request, 0, &out, sizeof out);
  }
  answer(request, ENOENT, NULL, 0);
}

static void serve(const struct fuse_in_header *request, char *body) {
  switch (request->opcode) {
  case FUSE_INIT: {
    struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_readahead = LARGEST, .max_write = LARGEST};
    out.flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES;
    out.max_pages = LARGEST / BLOCK;
    return answer(request, 0, &out, sizeof out);
  }
  case FUSE_LOOKUP:
    return look_up(request, body);
  case FUSE_GETATTR:
  case FUSE_SETATTR: {
    struct fuse_attr_out out = {.attr = attributes(request->nodeid)};
    return answer(request, 0, &out, sizeof out);
  }
  case FUSE_OPEN:
    if (request->nodeid == LOG) describe_log();
    /* fall through */
  case FUSE_OPENDIR: {
    struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};
    return answer(request, 0, &out, sizeof out);
  }
  case FUSE_READ:
    return read_from(request, (const void *)body);
  case FUSE_WRITE:
    return write_to(request, (const void *)body, body + sizeof(struct fuse_write_in));
  case FUSE_FSYNC:
    if (request->nodeid == DISK && fails()) return answer(request, EIO, NULL, 0);
    if (request->nodeid == DISK && !replaying) append('F', 0, NULL, 0);
    return answer(request, 0, NULL, 0);
  case FUSE_STATFS: {
    struct fuse_statfs_out out = {.st = {.bsize = BLOCK, .frsize = BLOCK, .namelen = 255}};
    return answer(request, 0, &out, sizeof out);
  }
  case FUSE_RELEASE:
  case FUSE_RELEASEDIR:
  case FUSE_DESTROY:
    return answer(request, 0, NULL, 0);
  case FUSE_FORGET:
  case FUSE_BATCH_FORGET:
  case FUSE_INTERRUPT:
    return;
  default:
    return answer(request, ENOSYS, NULL, 0);
  }
}

int main(int argc, char **argv) {
  if (argc < 4 || (disk_size = strtoull(argv[2], NULL, 10)) == 0 || disk_size % BLOCK != 0) {
    fprintf(stderr, "usage: log-disk directory bytes program [argument...]\n");
    return 2;
  }
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40700,user_id=0,group_id=0", device);
  if (device < 0 || mount("log-disk", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) != 0) {
    perror("log-disk: mount");
    return 2;
  }
  pid_t program = getpid();
  if (fork() != 0) {
    execvp(argv[3], argv + 3);
    perror("log-disk: execvp");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != program) return 0;
  /* The last process in a mount namespace unmounts its mounts. That must not be the process that serves the disk. */
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
    perror("log-disk: unshare");
    return 2;
  }
  for (int fd = 0; fd < 2; fd++) close(fd);
  live = image();
  lost = image();
  changed = need(calloc(disk_size / BLOCK, 1));
  /* One more byte, for the end of a text. */
  size_t largest = sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in) + LARGEST;
  char *request = need(malloc(largest + 1));
  for (;;) {
    ssize_t size = read(device, request, largest);
    if (size < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
    if (size < (ssize_t)sizeof(struct fuse_in_header)) return 0;
    serve((const void *)request, request + sizeof(struct fuse_in_header));
  }
}
