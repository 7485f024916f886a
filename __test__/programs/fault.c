/* Runs a program and makes single system calls of it fail:  fault report-file program [argument...]
 *
 * A seccomp filter stops every call but those about memory, time, threads and the event loop. This process is the
 * tracer and executes, changes or fails the call. The program controls it by a stat of a file that does not exist:
 *   /holdfast-mark/begin/PLAN   from now on calls are counted, in all of its threads, and written to the report file
 *   /holdfast-mark/end          no longer
 * PLAN is one or more of `[name]#first[-[last]][%step]:effect`, joined by commas: the counted calls of that name
 * (without a name: all calls) from the first to the last, with a step every step-th of them. Effects:
 *   error=5   the call is not made, and fails with that errno
 *   late=5    the call is made, and fails with that errno
 *   short     a read or write transfers one byte
 *   kill      the process gets SIGKILL before the call is made
 * Only calls on files are counted: none on pipes, sockets and event descriptors, which connect threads and processes.
 *
 * The report has a line for each counted call, in order of their ends: thread, name, arguments, result, effect and the
 * index of its rule. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault-calls.h"

#define MARK "/holdfast-mark/"

enum effect { NOTHING, ERROR, LATE, SHORT, KILL };

struct rule {
  char name[32];
  unsigned first, last, step, seen;
  enum effect effect;
  int number;
};

/* A pending call of one thread. */
struct call {
  pid_t tid;
  char text[1024];
  const char *name;
  const struct rule *rule;
  uint64_t changed_address, changed_value;
};

static struct rule rules[4];
static size_t rule_count;
static int is_counting;
static pid_t program;
static int report;
static struct call calls[256];

static void give_up(const char *what) {
  fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
  exit(2);
}

static void read_rules(const char *plan) {
  char copy[512];
  snprintf(copy, sizeof copy, "%s", plan);
  rule_count = 0;
  for (char *one = strtok(copy, ","); one != NULL; one = strtok(NULL, ",")) {
    struct rule *rule = &rules[rule_count++];
    char *hash = strchr(one, '#'), *colon = strchr(one, ':'), *equals = strchr(one, '=');
    if (rule_count > 4 || hash == NULL || colon == NULL || hash - one >= (ptrdiff_t)sizeof rule->name) {
      fprintf(stderr, "fault: cannot use the plan %s\n", plan);
      exit(2);
    }
    *rule = (struct rule){.number = equals ? atoi(equals + 1) : 0};
    memcpy(rule->name, one, (size_t)(hash - one));
    char *end;
    rule->first = rule->last = (unsigned)strtoul(hash + 1, &end, 10);
    if (*end == '-') {
      rule->last = (unsigned)strtoul(end + 1, &end, 10);
      if (rule->last == 0) rule->last = UINT32_MAX;
    }
    rule->step = *end == '%' ? (unsigned)strtoul(end + 1, NULL, 10) : 1;
    switch (colon[1]) {
      case 'e': rule->effect = ERROR; break;
      case 'l': rule->effect = LATE; break;
      case 's': rule->effect = SHORT; break;
      case 'k': rule->effect = KILL; break;
      default: fprintf(stderr, "fault: cannot use the plan %s\n", plan); exit(2);
    }
  }
}

/* Returns the rule for this call, if any. Each rule counts the calls of its name. */
static const struct rule *apply_rules(const char *name) {
  const struct rule *found = NULL;
  for (struct rule *rule = rules; rule < rules + rule_count; rule++) {
    if (*rule->name != '\0' && strcmp(rule->name, name) != 0) continue;
    rule->seen++;
    if (found == NULL && rule->seen >= rule->first && rule->seen <= rule->last && (rule->seen - rule->first) % rule->step == 0) found = rule;
  }
  return found;
}

static struct call *call_of(pid_t tid, int may_add) {
  struct call *empty = NULL;
  for (struct call *call = calls; call < calls + sizeof calls / sizeof *calls; call++) {
    if (call->tid == tid) return call;
    if (call->tid == 0 && empty == NULL) empty = call;
  }
  if (!may_add) return NULL;
  if (empty == NULL) give_up("too many threads in system calls");
  *empty = (struct call){.tid = tid};
  return empty;
}

static int peek(pid_t tid, uint64_t address, void *to, size_t size) {
  struct iovec here = {to, size}, there = {(void *)(uintptr_t)address, size};
  return process_vm_readv(tid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

static int poke(pid_t tid, uint64_t address, void *from, size_t size) {
  struct iovec here = {from, size}, there = {(void *)(uintptr_t)address, size};
  return process_vm_writev(tid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

/* Reads up to the end of a page at a time: text may end on any page, and the next one may not be mapped. */
static void peek_text(pid_t tid, uint64_t address, char *to, size_t size) {
  size_t length = 0;
  while (length + 1 < size) {
    size_t piece = 4096 - (address + length) % 4096;
    if (piece > size - 1 - length) piece = size - 1 - length;
    if (!peek(tid, address + length, to + length, piece)) break;
    char *end = memchr(to + length, '\0', piece);
    if (end != NULL) return;
    length += piece;
  }
  to[length] = '\0';
}

/* Returns the target of a descriptor, or an empty text. */
static void peek_descriptor(pid_t tid, int descriptor, char *to, size_t size) {
  char link[64];
  if (descriptor == AT_FDCWD)
    snprintf(link, sizeof link, "/proc/%d/cwd", tid);
  else
    snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, descriptor);
  ssize_t length = readlink(link, to, size - 1);
  to[length < 0 ? 0 : length] = '\0';
}

static void append(char *to, size_t size, const char *format, ...) {
  size_t length = strlen(to);
  va_list list;
  va_start(list, format);
  vsnprintf(to + length, size - length, format, list);
  va_end(list);
}

/* Formats arguments: targets of descriptors, quoted paths, then the flags. False for objects other than files. */
static int describe(pid_t tid, const struct known *known, const uint64_t *args, char *text, size_t size) {
  *text = '\0';
  for (int at = 0; at < 4; at++) {
    char part[400] = "";
    if (known->kinds[at] == 'd') {
      peek_descriptor(tid, (int)args[at], part, sizeof part);
      if (*part != '\0' && *part != '/') return 0;
      append(text, size, "<%s> ", part);
    } else if (known->kinds[at] == 'p') {
      peek_text(tid, args[at], part, sizeof part);
      append(text, size, "\"%s\" ", part);
    } else if (known->kinds[at] == 'f') {
      append(text, size, "flags=0x%llx ", (unsigned long long)args[at]);
    } else if (known->kinds[at] == 'h') {
      uint64_t how[3] = {0};
      peek(tid, args[at], how, sizeof how);
      append(text, size, "flags=0x%llx resolve=0x%llx ", (unsigned long long)how[0], (unsigned long long)how[2]);
    } else if (known->kinds[at] == 'n') {
      append(text, size, "count=%llu ", (unsigned long long)args[at]);
    }
  }
  /* The C library counts the processors occasionally: it opens, reads and closes a list of them. */
  return strstr(text, "/sys/devices/system/cpu") == NULL;
}

static void tell(const struct call *call, const char *result) {
  static const char *const effects[] = {"", "error", "late", "short", "kill"};
  char effect[32] = "", line[1200];
  if (call->rule != NULL) snprintf(effect, sizeof effect, "%s %ld", effects[call->rule->effect], (long)(call->rule - rules));
  int length = snprintf(line, sizeof line, "%d\t%s\t%s\t%s\t%s\n", call->tid, call->name, call->text, result, effect);
  if (write(report, line, (size_t)length) != length) give_up("report");
}

static void mark(const char *word) {
  is_counting = strncmp(word, "begin", 5) == 0;
  if (!is_counting) return;
  read_rules(word[5] == '/' ? word + 6 : "");
  if (ftruncate(report, 0) != 0 || lseek(report, 0, SEEK_SET) != 0) give_up("report");
}

/* Shortens a read or write to a single byte. */
static void shorten(pid_t tid, struct call *call, const struct known *known, struct registers *registers) {
  uint64_t args[6];
  arguments(registers, args);
  uint64_t one = 1;
  if (known->kinds[2] == 'n') {
    if (args[2] > 1) set_third_argument(tid, registers, one);
    return;
  }
  /* A vector of buffers: only one byte of the first buffer. Its length is restored afterwards. */
  call->changed_address = args[1] + offsetof(struct iovec, iov_len);
  if (!peek(tid, call->changed_address, &call->changed_value, sizeof one) || !poke(tid, call->changed_address, &one, sizeof one))
    give_up("iovec");
  set_third_argument(tid, registers, one);
}

/* Handles the entry of a call. True if its exit matters as well. */
static int on_entry(pid_t tid) {
  struct registers registers;
  get_registers(tid, &registers);
  uint64_t args[6];
  long number = arguments(&registers, args);
  const struct known *known = look_up(number);
  struct call *call = call_of(tid, 1);
  call->rule = NULL;
  call->changed_address = 0;
  call->name = known->name;
  if (!is_counting || *known->kinds == 'p' || known->kinds[1] == 'p') {
    int at = *known->kinds == 'p' ? 0 : 1;
    char path[512] = "";
    if (known->kinds[at] == 'p') peek_text(tid, args[at], path, sizeof path);
    if (strncmp(path, MARK, strlen(MARK)) == 0) {
      mark(path + strlen(MARK));
      call->tid = 0;
      return 0;
    }
  }
  if (!is_counting || !describe(tid, known, args, call->text, sizeof call->text)) {
    call->tid = 0;
    return 0;
  }
  call->rule = apply_rules(call->name);
  switch (call->rule ? call->rule->effect : NOTHING) {
    case ERROR: skip_call(tid, &registers, -call->rule->number); break;
    case SHORT: shorten(tid, call, known, &registers); break;
    case KILL:
      tell(call, "killed");
      kill(program, SIGKILL);
      break;
    default: break;
  }
  return 1;
}

static void on_exit_of(pid_t tid) {
  struct call *call = call_of(tid, 0);
  if (call == NULL) return;
  struct registers registers;
  get_registers(tid, &registers);
  if (call->rule != NULL && call->rule->effect == LATE) set_result(tid, &registers, -call->rule->number);
  if (call->changed_address != 0 && !poke(tid, call->changed_address, &call->changed_value, sizeof call->changed_value))
    give_up("iovec");
  char result[32];
  snprintf(result, sizeof result, "%lld", (long long)result_of(&registers));
  tell(call, result);
  call->tid = 0;
}

/* Stops at every call but those of the machinery. */
static void install_filter(void) {
  struct sock_filter code[8 + sizeof machinery / sizeof *machinery];
  unsigned short length = 0;
  unsigned count = sizeof machinery / sizeof *machinery;
  code[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (unsigned at = 0; at < count; at++)
    code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, machinery[at], (unsigned char)(count - at), 0);
  code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog filter = {.len = length, .filter = code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    perror("fault: seccomp");
    _exit(2);
  }
}

/* Ends with the program's status. */
static void end_like(int status) {
  if (!WIFSIGNALED(status)) exit(WEXITSTATUS(status));
  signal(WTERMSIG(status), SIG_DFL);
  raise(WTERMSIG(status));
  exit(128 + WTERMSIG(status));
}

static void resume(int request, pid_t tid, int signal_number) {
  /* The thread may have been killed meanwhile: then there is none to resume. */
  if (ptrace((enum __ptrace_request)request, tid, 0, signal_number) != 0 && errno != ESRCH) give_up("ptrace");
}

static void trace(void) {
  for (;;) {
    int status;
    pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0) give_up("waitpid");
    if (!WIFSTOPPED(status)) {
      if (tid == program) end_like(status);
      struct call *call = call_of(tid, 0);
      if (call != NULL) call->tid = 0;
      continue;
    }
    int event = status >> 16, stop = WSTOPSIG(status);
    if (event == PTRACE_EVENT_SECCOMP)
      resume(on_entry(tid) ? PTRACE_SYSCALL : PTRACE_CONT, tid, 0);
    else if (stop == (SIGTRAP | 0x80)) {
      on_exit_of(tid);
      resume(PTRACE_CONT, tid, 0);
    } else if (event == PTRACE_EVENT_STOP && (stop == SIGSTOP || stop == SIGTSTP || stop == SIGTTIN || stop == SIGTTOU))
      resume(PTRACE_LISTEN, tid, 0);
    else
      resume(PTRACE_CONT, tid, event != 0 ? 0 : stop);
  }
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: fault report-file program [argument...]\n");
    return 2;
  }
  int gate[2];
  report = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (report < 0 || pipe2(gate, O_CLOEXEC) != 0) give_up("report");
  program = fork();
  if (program < 0) give_up("fork");
  if (program == 0) {
    char byte;
    if (read(gate[0], &byte, 1) != 1) _exit(2);
    install_filter();
    execvp(argv[2], argv + 2);
    perror("fault: execvp");
    _exit(2);
  }
  const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                       PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
  if (ptrace(PTRACE_SEIZE, program, 0, options) != 0) give_up("PTRACE_SEIZE");
  if (write(gate[1], "", 1) != 1) give_up("pipe");
  trace();
}
