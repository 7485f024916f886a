/* Runs a program under a seccomp filter that makes named system calls fail, like a kernel that lacks them or a
 * container profile:  seccomp-deny openat2=ENOSYS[,statx=EPERM...] program [argument...]
 * NOTHING instead of an errno means success without effect, like chmod on some file systems.
 * The name O_TMPFILE means an openat with that flag.
 * Plain prctl and BPF: needs a C compiler and no library. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_statmount
#define SYS_statmount 457
#endif

#ifndef SYS_getxattrat
#define SYS_getxattrat 464
#endif

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "name the audit architecture of this machine here"
#endif

struct named {
  const char *name;
  unsigned number;
};

static const struct named calls[] = {
    {"openat2", SYS_openat2},     {"statx", SYS_statx},         {"fchmodat2", SYS_fchmodat2},
    {"faccessat2", SYS_faccessat2}, {"statmount", SYS_statmount},
    {"fchmod", SYS_fchmod},       {"fchmodat", SYS_fchmodat},   {"renameat2", SYS_renameat2},
    {"linkat", SYS_linkat},       {"fsync", SYS_fsync},         {"fchown", SYS_fchown},
    {"setxattr", SYS_setxattr},   {"lsetxattr", SYS_lsetxattr}, {"fsetxattr", SYS_fsetxattr},
    {"getxattr", SYS_getxattr},   {"fgetxattr", SYS_fgetxattr}, {"getxattrat", SYS_getxattrat},
    {"fremovexattr", SYS_fremovexattr}, {"unlinkat", SYS_unlinkat},
#ifdef SYS_renameat
    {"renameat", SYS_renameat},
#endif
    {"O_TMPFILE", SYS_openat},
#ifdef SYS_chmod
    {"chmod", SYS_chmod},
#endif
};

static const struct named errors[] = {
    {"ENOSYS", ENOSYS}, {"EPERM", EPERM}, {"EACCES", EACCES},   {"EROFS", EROFS},     {"EIO", EIO},
    {"ENOENT", ENOENT}, {"ELOOP", ELOOP}, {"EAGAIN", EAGAIN},   {"EINVAL", EINVAL},   {"ENOTSUP", ENOTSUP},
    {"NOTHING", 0},
};

static unsigned look_up(const struct named *table, size_t size, const char *name) {
  for (size_t i = 0; i < size; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].number;
  fprintf(stderr, "seccomp-deny: unknown name %s\n", name);
  exit(2);
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: seccomp-deny call=ERROR[,call=ERROR...] program [argument...]\n");
    return 2;
  }
  struct sock_filter program[64] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
  };
  unsigned short length = 4;
  for (char *rule = strtok(argv[1], ","); rule != NULL; rule = strtok(NULL, ",")) {
    char *equals = strchr(rule, '=');
    if (equals == NULL || length > 58) {
      fprintf(stderr, "seccomp-deny: cannot use rule %s\n", rule);
      return 2;
    }
    *equals = '\0';
    unsigned number = look_up(calls, sizeof calls / sizeof *calls, rule);
    unsigned error = look_up(errors, sizeof errors / sizeof *errors, equals + 1);
    int is_tmpfile = strcmp(rule, "O_TMPFILE") == 0;
    program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, is_tmpfile ? 4 : 1);
    if (is_tmpfile) {
      program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2]));
      program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1);
    }
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
    if (is_tmpfile) program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  }
  program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog filter = {.len = length, .filter = program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    perror("seccomp-deny: prctl");
    return 2;
  }
  execvp(argv[2], argv + 2);
  perror("seccomp-deny: execvp");
  return 2;
}
