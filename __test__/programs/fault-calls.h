/* System calls and registers for fault.c. */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_getxattrat
#define SYS_getxattrat 464
#endif
#ifndef SYS_statmount
#define SYS_statmount 457
#endif

/* Arguments by kind: d descriptor, p path or name, f flags, h struct open_how, n number of bytes, - anything else. */
struct known {
  long number;
  const char *name;
  char kinds[5];
};

static const struct known known_calls[] = {
    {SYS_read, "read", "d-n-"},
    {SYS_write, "write", "d-n-"},
    {SYS_pread64, "pread64", "d-n-"},
    {SYS_pwrite64, "pwrite64", "d-n-"},
    {SYS_readv, "readv", "d---"},
    {SYS_writev, "writev", "d---"},
    {SYS_preadv, "preadv", "d---"},
    {SYS_pwritev, "pwritev", "d---"},
    {SYS_preadv2, "preadv2", "d---"},
    {SYS_pwritev2, "pwritev2", "d---"},
    {SYS_close, "close", "d---"},
    {SYS_openat, "openat", "dpf-"},
    {SYS_openat2, "openat2", "dph-"},
    {SYS_fstat, "fstat", "d---"},
    {SYS_newfstatat, "newfstatat", "dp-f"},
    {SYS_statx, "statx", "dpf-"},
    {SYS_faccessat, "faccessat", "dp--"},
    {SYS_faccessat2, "faccessat2", "dp--"},
    {SYS_mkdirat, "mkdirat", "dp--"},
    {SYS_unlinkat, "unlinkat", "dpf-"},
    {SYS_renameat2, "renameat2", "dpdp"},
    {SYS_linkat, "linkat", "dpdp"},
    {SYS_symlinkat, "symlinkat", "pdp-"},
    {SYS_readlinkat, "readlinkat", "dp--"},
    {SYS_fchmod, "fchmod", "df--"},
    {SYS_fchmodat, "fchmodat", "dpf-"},
    {SYS_fchmodat2, "fchmodat2", "dpf-"},
    {SYS_fchown, "fchown", "d---"},
    {SYS_fchownat, "fchownat", "dp--"},
    {SYS_fsync, "fsync", "d---"},
    {SYS_fdatasync, "fdatasync", "d---"},
    {SYS_syncfs, "syncfs", "d---"},
    {SYS_sync_file_range, "sync_file_range", "d---"},
    {SYS_ftruncate, "ftruncate", "d---"},
    {SYS_fallocate, "fallocate", "d---"},
    {SYS_copy_file_range, "copy_file_range", "d-d-"},
    {SYS_sendfile, "sendfile", "dd--"},
    {SYS_getdents64, "getdents64", "d---"},
    {SYS_lseek, "lseek", "d---"},
    {SYS_fadvise64, "fadvise64", "d---"},
    {SYS_flock, "flock", "d---"},
    {SYS_fcntl, "fcntl", "df--"},
    {SYS_ioctl, "ioctl", "df--"},
    {SYS_dup, "dup", "d---"},
    {SYS_dup3, "dup3", "d---"},
    {SYS_fstatfs, "fstatfs", "d---"},
    {SYS_statfs, "statfs", "p---"},
    {SYS_utimensat, "utimensat", "dp--"},
    {SYS_getxattrat, "getxattrat", "dpfp"},
    {SYS_getxattr, "getxattr", "pp--"},
    {SYS_lgetxattr, "lgetxattr", "pp--"},
    {SYS_fgetxattr, "fgetxattr", "dp--"},
    {SYS_setxattr, "setxattr", "pp--"},
    {SYS_lsetxattr, "lsetxattr", "pp--"},
    {SYS_fsetxattr, "fsetxattr", "dp--"},
    {SYS_removexattr, "removexattr", "pp--"},
    {SYS_fremovexattr, "fremovexattr", "dp--"},
    {SYS_listxattr, "listxattr", "p---"},
    {SYS_flistxattr, "flistxattr", "d---"},
    {SYS_statmount, "statmount", "----"},
#if defined(__x86_64__)
    {SYS_renameat, "renameat", "dpdp"},
    {SYS_access, "access", "p---"},
    {SYS_open, "open", "pf--"},
    {SYS_stat, "stat", "p---"},
    {SYS_lstat, "lstat", "p---"},
    {SYS_mkdir, "mkdir", "p---"},
    {SYS_rmdir, "rmdir", "p---"},
    {SYS_unlink, "unlink", "p---"},
    {SYS_rename, "rename", "pp--"},
    {SYS_link, "link", "pp--"},
    {SYS_symlink, "symlink", "pp--"},
    {SYS_readlink, "readlink", "p---"},
    {SYS_chmod, "chmod", "pf--"},
    {SYS_chown, "chown", "p---"},
#endif
#if defined(__aarch64__)
    {38, "renameat", "dpdp"},
#endif
};

/* Counts unknown calls as well: a new one must not go unnoticed. */
static const struct known *look_up(long number) {
  static struct known others[8];
  static char names[8][32];
  static unsigned next;
  for (const struct known *known = known_calls; known < known_calls + sizeof known_calls / sizeof *known_calls; known++)
    if (known->number == number) return known;
  for (unsigned at = 0; at < 8; at++)
    if (others[at].name != NULL && others[at].number == number) return &others[at];
  struct known *other = &others[next];
  snprintf(names[next], sizeof *names, "syscall_%ld", number);
  *other = (struct known){number, names[next], "----"};
  next = (next + 1) % 8;
  return other;
}

/* Calls for memory, time, signals, threads, identity and the event loop's own waiting: no file operations. */
static const unsigned machinery[] = {
    SYS_mmap,           SYS_munmap,          SYS_mprotect,      SYS_mremap,         SYS_madvise,        SYS_brk,
    SYS_mlock,          SYS_munlock,         SYS_msync,         SYS_mincore,        SYS_membarrier,     SYS_futex,
    SYS_rt_sigaction,   SYS_rt_sigprocmask,  SYS_rt_sigreturn,  SYS_rt_sigpending,  SYS_sigaltstack,    SYS_restart_syscall,
    SYS_clock_gettime,  SYS_clock_getres,    SYS_gettimeofday,  SYS_nanosleep,      SYS_clock_nanosleep, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_sched_setaffinity, SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_setscheduler, SYS_getpid,
    SYS_getppid,        SYS_gettid,          SYS_getuid,        SYS_geteuid,        SYS_getgid,         SYS_getegid,
    SYS_getgroups,      SYS_getrandom,       SYS_getrusage,     SYS_getcpu,         SYS_prctl,          SYS_prlimit64,
    SYS_rseq,           SYS_set_robust_list, SYS_set_tid_address, SYS_clone,        SYS_clone3,         SYS_exit,
    SYS_exit_group,     SYS_wait4,           SYS_waitid,        SYS_kill,           SYS_tgkill,         SYS_epoll_ctl,
    SYS_epoll_pwait,    SYS_epoll_create1,   SYS_ppoll,         SYS_pselect6,       SYS_eventfd2,       SYS_pipe2,
    SYS_socketpair,     SYS_uname,           SYS_sysinfo,       SYS_capget,         SYS_umask,          SYS_io_uring_setup,
#if defined(__x86_64__)
    SYS_arch_prctl,     SYS_poll,            SYS_select,        SYS_epoll_wait,     SYS_pipe,           SYS_fork,
    SYS_vfork,          SYS_time,            SYS_getpgrp,
#endif
};

struct registers {
#if defined(__x86_64__)
  struct user_regs_struct set;
#elif defined(__aarch64__)
  struct user_regs_struct set;
  int number;
#else
#error "name the registers of this machine here"
#endif
};

static void give_up(const char *what);

static void move_set(int request, pid_t tid, int kind, void *at, size_t size) {
  struct iovec vector = {at, size};
  /* ESRCH: killed meanwhile; the caller ignores the registers. */
  if (ptrace((enum __ptrace_request)request, tid, (void *)(uintptr_t)kind, &vector) != 0 && errno != ESRCH) give_up("registers");
}

static void get_registers(pid_t tid, struct registers *registers) {
  memset(registers, 0, sizeof *registers);
  move_set(PTRACE_GETREGSET, tid, NT_PRSTATUS, &registers->set, sizeof registers->set);
#if defined(__aarch64__)
  move_set(PTRACE_GETREGSET, tid, NT_ARM_SYSTEM_CALL, &registers->number, sizeof registers->number);
#endif
}

static void put_registers(pid_t tid, struct registers *registers) {
  move_set(PTRACE_SETREGSET, tid, NT_PRSTATUS, &registers->set, sizeof registers->set);
}

#if defined(__x86_64__)
static long arguments(const struct registers *registers, uint64_t args[6]) {
  const struct user_regs_struct *set = &registers->set;
  const uint64_t all[6] = {set->rdi, set->rsi, set->rdx, set->r10, set->r8, set->r9};
  memcpy(args, all, sizeof all);
  return (long)set->orig_rax;
}

static void set_third_argument(pid_t tid, struct registers *registers, uint64_t value) {
  registers->set.rdx = value;
  put_registers(tid, registers);
}

static int64_t result_of(const struct registers *registers) { return (int64_t)registers->set.rax; }

static void set_result(pid_t tid, struct registers *registers, int64_t value) {
  registers->set.rax = (uint64_t)value;
  put_registers(tid, registers);
}

/* The kernel does not make a call without a number; its result is the content of the register. */
static void skip_call(pid_t tid, struct registers *registers, int64_t value) {
  registers->set.orig_rax = (unsigned long long)-1;
  set_result(tid, registers, value);
}
#elif defined(__aarch64__)
static long arguments(const struct registers *registers, uint64_t args[6]) {
  memcpy(args, registers->set.regs, 6 * sizeof *args);
  return registers->number;
}

static void set_third_argument(pid_t tid, struct registers *registers, uint64_t value) {
  registers->set.regs[2] = value;
  put_registers(tid, registers);
}

static int64_t result_of(const struct registers *registers) { return (int64_t)registers->set.regs[0]; }

static void set_result(pid_t tid, struct registers *registers, int64_t value) {
  registers->set.regs[0] = (uint64_t)value;
  put_registers(tid, registers);
}

static void skip_call(pid_t tid, struct registers *registers, int64_t value) {
  int none = -1;
  move_set(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &none, sizeof none);
  set_result(tid, registers, value);
}
#endif
