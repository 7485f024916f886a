/* A file system in memory with quirks of real ones. Runs a program that uses it:
 *   odd-fs directory habit[,habit...] program [argument...]
 * Habits: chmod-ignored (as vfat), short-reads and short-writes (one byte at a time), close-fails (ENOSPC at
 * close of a written file, as NFS and quotas do), sync-dir-refused (EINVAL), slow-open and slow-close (while a file
 * `directory.slow` exists: makes the file `directory.waits`, and responds when it is removed), folds-cases (names that
 * differ in the case of ASCII letters are one).
 * Implements the kernel's protocol, so that no FUSE library is needed. Ends when the program ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 512, LARGEST = 1 << 20, ROOT = FUSE_ROOT_ID };

struct node {
  char name[256];
  uint64_t parent;
  mode_t mode;
  uid_t uid;
  gid_t gid;
  int alive, written;
  char *data;
  size_t size;
};

static struct node nodes[NODES];
static const char *habits;
static char slow[4096], waits[4096];
static int device;

static int has(const char *habit) {
  const char *found = strstr(habits, habit);
  char end = found ? found[strlen(habit)] : 'x';
  return end == '\0' || end == ',';
}

static void answer(const struct fuse_in_header *request, int error, const void *body, size_t size) {
  struct fuse_out_header head = {.len = (uint32_t)(sizeof head + (error ? 0 : size)), .error = -error, .unique = request->unique};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)body, error ? 0 : size}};
  if (writev(device, parts, 2) < 0 && errno != ENOENT) perror("odd-fs: answer");
}

static struct fuse_attr attributes(uint64_t id) {
  const struct node *node = &nodes[id];
  struct fuse_attr attr = {.ino = id, .size = node->size, .blocks = (node->size + 511) / 512, .mode = node->mode};
  attr.nlink = S_ISDIR(node->mode) ? 2 : 1;
  attr.uid = node->uid;
  attr.gid = node->gid;
  attr.blksize = 4096;
  return attr;
}

static uint64_t find(uint64_t parent, const char *name) {
  int (*compare)(const char *, const char *) = has("folds-cases") ? strcasecmp : strcmp;
  for (uint64_t id = ROOT + 1; id < NODES; id++)
    if (nodes[id].alive && nodes[id].parent == parent && compare(nodes[id].name, name) == 0) return id;
  return 0;
}

static uint64_t make(const struct fuse_in_header *request, const char *name, mode_t mode) {
  for (uint64_t id = ROOT + 1; id < NODES; id++) {
    if (nodes[id].parent != 0) continue; /* never reused: the kernel may still know a removed one */
    nodes[id] = (struct node){.parent = request->nodeid, .mode = mode, .uid = request->uid, .gid = request->gid, .alive = 1};
    snprintf(nodes[id].name, sizeof nodes[id].name, "%s", name);
    nodes[id].data = calloc(1, LARGEST);
    return id;
  }
  return 0;
}

static struct fuse_entry_out entry(uint64_t id) {
  return (struct fuse_entry_out){.nodeid = id, .generation = 1, .attr = attributes(id)};
}

static struct fuse_open_out opened(void) {
  int direct = has("short-reads") || has("short-writes");
  return (struct fuse_open_out){.open_flags = direct ? FOPEN_DIRECT_IO : 0};
}

static void wait_if(const char *habit) {
  struct timespec moment = {.tv_nsec = 1000000};
  if (!has(habit) || access(slow, F_OK) != 0) return;
  int fd = open(waits, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return perror("odd-fs: waits");
  close(fd);
  while (access(waits, F_OK) == 0) nanosleep(&moment, NULL);
}

static void list(const struct fuse_in_header *request, const struct fuse_read_in *in) {
  static char page[65536];
  size_t used = 0;
  for (uint64_t id = in->offset < ROOT + 1 ? ROOT + 1 : in->offset; id < NODES; id++) {
    if (!nodes[id].alive || nodes[id].parent != request->nodeid) continue;
    struct fuse_dirent item = {.ino = id, .off = id + 1, .namelen = (uint32_t)strlen(nodes[id].name), .type = nodes[id].mode >> 12};
    size_t size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + item.namelen);
    if (used + size > in->size || used + size > sizeof page) break;
    memset(page + used, 0, size);
    memcpy(page + used, &item, FUSE_NAME_OFFSET);
    memcpy(page + used + FUSE_NAME_OFFSET, nodes[id].name, item.namelen);
    used += size;
  }
  answer(request, 0, page, used);
}

static void change(const struct fuse_in_header *request, const struct fuse_setattr_in *in) {
  struct node *node = &nodes[request->nodeid];
  if ((in->valid & FATTR_MODE) && !has("chmod-ignored")) node->mode = (node->mode & S_IFMT) | (in->mode & 07777);
  if (in->valid & FATTR_UID) node->uid = in->uid;
  if (in->valid & FATTR_GID) node->gid = in->gid;
  if ((in->valid & FATTR_SIZE) && in->size <= LARGEST) node->size = in->size;
  struct fuse_attr_out out = {.attr = attributes(request->nodeid)};
  answer(request, 0, &out, sizeof out);
}

static void rename_entry(const struct fuse_in_header *request, uint64_t to, unsigned flags, const char *name) {
  const char *new_name = name + strlen(name) + 1;
  uint64_t id = find(request->nodeid, name), over = find(to, new_name);
  if (id == 0) return answer(request, ENOENT, NULL, 0);
  if (over != 0 && (flags & RENAME_NOREPLACE)) return answer(request, EEXIST, NULL, 0);
  if (flags & ~(unsigned)RENAME_NOREPLACE) return answer(request, EINVAL, NULL, 0);
  if (over != 0) nodes[over].alive = 0;
  nodes[id].parent = to;
  snprintf(nodes[id].name, sizeof nodes[id].name, "%s", new_name);
  answer(request, 0, NULL, 0);
}

static void serve(const struct fuse_in_header *request, const char *body) {
  struct node *node = &nodes[request->nodeid < NODES ? request->nodeid : 0];
  uint64_t id;
  switch (request->opcode) {
  case FUSE_INIT: {
    struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_readahead = 65536, .max_write = 65536};
    return answer(request, 0, &out, sizeof out);
  }
  case FUSE_LOOKUP: {
    if ((id = find(request->nodeid, body)) == 0) return answer(request, ENOENT, NULL, 0);
    struct fuse_entry_out out = entry(id);
    return answer(request, 0, &out, sizeof out);
  }
  case FUSE_GETATTR: {
    struct fuse_attr_out out = {.attr = attributes(request->nodeid)};
    return answer(request, 0, &out, sizeof out);
  }
  case FUSE_SETATTR:
    return change(request, (const void *)body);
  case FUSE_MKDIR: {
    const struct fuse_mkdir_in *in = (const void *)body;
    if ((id = make(request, body + sizeof *in, S_IFDIR | (in->mode & 07777))) == 0) return answer(request, ENOSPC, NULL, 0);
    struct fuse_entry_out out = entry(id);
    return answer(request, 0, &out, sizeof out);
  }
  case FUSE_CREATE: {
    const struct fuse_create_in *in = (const void *)body;
    wait_if("slow-open");
    if ((id = make(request, body + sizeof *in, S_IFREG | (in->mode & 07777))) == 0) return answer(request, ENOSPC, NULL, 0);
    struct {
      struct fuse_entry_out entry;
      struct fuse_open_out open;
    } out = {entry(id), opened()};
    return answer(request, 0, &out, sizeof out);
  }
  case FUSE_OPEN:
  case FUSE_OPENDIR: {
    wait_if("slow-open");
    struct fuse_open_out out = opened();
    return answer(request, 0, &out, sizeof out);
  }
  case FUSE_READ: {
    const struct fuse_read_in *in = (const void *)body;
    size_t rest = in->offset < node->size ? node->size - in->offset : 0;
    size_t size = rest < in->size ? rest : in->size;
    return answer(request, 0, node->data + in->offset, has("short-reads") && size > 1 ? 1 : size);
  }
  case FUSE_WRITE: {
    const struct fuse_write_in *in = (const void *)body;
    struct fuse_write_out out = {.size = has("short-writes") && in->size > 1 ? 1 : in->size};
    if (in->offset + out.size > LARGEST) return answer(request, ENOSPC, NULL, 0);
    memcpy(node->data + in->offset, body + sizeof *in, out.size);
    if (in->offset + out.size > node->size) node->size = in->offset + out.size;
    node->written = 1;
    return answer(request, 0, &out, sizeof out);
  }
  case FUSE_FLUSH:
    wait_if("slow-close");
    return answer(request, node->written && has("close-fails") ? ENOSPC : 0, NULL, 0);
  case FUSE_FSYNCDIR:
    return answer(request, has("sync-dir-refused") ? EINVAL : 0, NULL, 0);
  case FUSE_RENAME:
    return rename_entry(request, ((const struct fuse_rename_in *)(const void *)body)->newdir, 0, body + sizeof(struct fuse_rename_in));
  case FUSE_RENAME2: {
    const struct fuse_rename2_in *in = (const void *)body;
    return rename_entry(request, in->newdir, in->flags, body + sizeof *in);
  }
  case FUSE_UNLINK:
  case FUSE_RMDIR:
    if ((id = find(request->nodeid, body)) == 0) return answer(request, ENOENT, NULL, 0);
    nodes[id].alive = 0;
    return answer(request, 0, NULL, 0);
  case FUSE_READDIR:
    return list(request, (const void *)body);
  case FUSE_STATFS: {
    struct fuse_statfs_out out = {.st = {.bsize = 4096, .frsize = 4096, .namelen = 255}};
    return answer(request, 0, &out, sizeof out);
  }
  case FUSE_RELEASE:
  case FUSE_RELEASEDIR:
  case FUSE_FSYNC:
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
  if (argc < 4) {
    fprintf(stderr, "usage: odd-fs directory habit[,habit...] program [argument...]\n");
    return 2;
  }
  habits = argv[2];
  snprintf(slow, sizeof slow, "%s.slow", argv[1]);
  snprintf(waits, sizeof waits, "%s.waits", argv[1]);
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  char options[128];
  snprintf(options, sizeof options, "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions", device);
  if (device < 0 || mount("odd-fs", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) != 0) {
    perror("odd-fs: mount");
    return 2;
  }
  nodes[ROOT] = (struct node){.parent = ROOT, .mode = S_IFDIR | 0755, .alive = 1};
  pid_t program = getpid();
  if (fork() != 0) {
    execvp(argv[3], argv + 3);
    perror("odd-fs: execvp");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != program) return 0;
  for (int fd = 0; fd < 2; fd++) close(fd);
  static char request[1 << 17];
  for (;;) {
    ssize_t size = read(device, request, sizeof request);
    if (size < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
    if (size < (ssize_t)sizeof(struct fuse_in_header)) return 0;
    serve((const void *)request, request + sizeof(struct fuse_in_header));
  }
}
