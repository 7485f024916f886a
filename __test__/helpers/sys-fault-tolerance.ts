// Faults after which a call may succeed, and the required result or the required other calls.
import { tmpdir } from 'node:os';
import { syncsLinks } from './journal.js';
import type { Value } from './sys-driver.js';
import type { Call } from './sys-fault.js';

interface Case {
  hit: Call;
  errno: string;
  /** undefined for a verb without a result */
  value: Value;
  /** the calls before the failed one */
  earlier: Call[];
  /** the calls after the failed one */
  later: Call[];
  /** an asynchronous call made it on the event loop's thread */
  isOnLoop: boolean;
  /** an asynchronous call made it in the thread pool */
  isInPool: boolean;
  /** the kind of the failed call, with its paths and flags */
  kind: string;
}

interface Tolerance {
  why: string;
  call: RegExp;
  errnos?: RegExp;
  /** further condition, if the outcome itself does not show the reason */
  holds?: (one: Case) => boolean;
}

const wasMadeBy = ({ later }: Case, name: RegExp, args = /(?:)/): boolean =>
  later.some((call) => name.test(call.name) && args.test(call.args) && call.result >= 0);
/** Returns one result for each of many. */
const resultsOf = ({ value }: Case): Value[] => (Array.isArray(value) ? value.map((one) => one.value) : [value]);
const isPartlyKept = (result: Value): boolean => Object.values(result?.preserved ?? {}).includes(false);
const isInPlace = ({ value }: Case): boolean => value?.method === 'in-place';
/** Not durable, or made durable by another descriptor of a directory. */
const isTrueAboutDurability = (one: Case): boolean => {
  return resultsOf(one).some((result) => result?.durable === false) || wasMadeBy(one, /^fsync$/, /\/(case-\d+|sub)> $/);
};

/** Whether the call is on a lock file, by its name or by the temporary that became it. */
function isOnLockFile({ hit, earlier, later }: Case): boolean {
  const [temporary] = /\/#\d+|\.holdfast-\w+\.tmp/.exec(hit.args) ?? [];
  return temporary === undefined || [...earlier, ...later].some(({ name, args, result }) => /^(link|rename)at/.test(name) && result >= 0 && args.includes(temporary) && args.includes('.lock"'));
}

/** The first match is the reason. */
const tolerances: Tolerance[] = [
  { why: 'the rest was read or written by further calls', call: /^p?(read|write)/, errnos: /^short$/ },
  { why: 'what memory does not answer is asked again in the pool', call: /(?:)/, holds: ({ isOnLoop }) => isOnLoop },
  { why: 'closing what was only looked at loses nothing', call: /^close (?!.*(\/\.holdfast-|\/#))/ },
  { why: 'closing it loses nothing that is synced by another descriptor', call: /^close .*\/\.holdfast-/, holds: (one) => wasMadeBy(one, /^fsync$/, /\/\.holdfast-[0-9a-f]+\.tmp> $/) },
  {
    why: 'without a journal a file has a name before its sync, and was closed once before its rename',
    call: /^close .*\/#/,
    holds: (one) => !syncsLinks(tmpdir()) && !wasMadeBy(one, /^rename/) && resultsOf(one).every((result) => result?.method === 'rename'),
  },
  {
    why: 'closing the file that was replaced loses nothing: it had the name of the temporary until its removal',
    call: /^close .*\.holdfast-\*\.tmp \(deleted\)/,
    holds: ({ earlier }) => earlier.some(({ name, result }) => name === 'renameat2' && result >= 0) && earlier.some(({ name, args, result }) => name === 'unlinkat' && result >= 0 && args.includes('.tmp"')),
  },
  { why: 'written in place, a copy has done its work', call: /^(close|unlinkat) .*\/(\.holdfast-|#)/, holds: isInPlace },
  { why: 'written in place, a file keeps what it has', call: /^getxattr(at)? /, holds: isInPlace },
  { why: 'a temporary that cannot be removed tells by its name that it is one', call: /^unlinkat .*"\.holdfast-/ },
  {
    why: 'the search for the file by which writes are ordered fails alone, and the write makes the same call again',
    call: /^(openat|newfstatat|readlinkat|fstatfs) .*(\/(link|file)>|"(link|file)" flags=0x2a0000)/,
    // The search stats the file that it opened; the write opens it again.
    holds: (one) =>
      one.isInPool &&
      (one.later.some((call) => call.name === one.hit.name && call.args === one.hit.args && call.result >= 0) ||
        (one.hit.name === 'newfstatat' && wasMadeBy(one, /^openat$/, /"file" flags=0x2a0000/))),
  },
  {
    why: 'an interrupted call is made again',
    call: /(?:)/,
    errnos: /^EINTR$/,
    // The second call may be answered by an error of its own: that a file is missing.
    holds: (one) => wasMadeBy(one, new RegExp(`^${one.hit.name}$`)) || one.later.some(({ name, args }) => name === one.hit.name && args === one.hit.args),
  },
  {
    why: 'where there is no unnamed temporary there is a named one',
    call: /^(openat .*"\." flags=0x49|statx <[^>]*\/#\*>|linkat <[^>]*\/#\*>)/,
    // The descriptor's name in /proc, or a named temporary from the start.
    holds: (one) => wasMadeBy(one, /^linkat$/) || wasMadeBy(one, /^openat$/, /"\.holdfast-.*flags=0x[0-9a-f]*c2 /),
  },
  {
    why: 'a mount that cannot be asked what it is counts as a distant one',
    call: /^(statx|fstatfs) <(?![^>]*\/(file|link|entry-\*|\.holdfast)[^>]*>)/,
    holds: (one) => wasMadeBy(one, /^openat$/, /"\.holdfast-.*flags=0x[0-9a-f]*c2 /),
  },
  {
    why: 'a call that is missing is replaced by an older one',
    call: /^(openat2|statx|renameat2|fchmodat2|linkat|preadv2) /,
    errnos: /^(ENOSYS|EPERM)$/,
    holds: (one) => wasMadeBy(one, { openat2: /^openat$/, statx: /stat/, renameat2: /^linkat$/, fchmodat2: /chmod/ }[one.hit.name] ?? /(?:)/),
  },
  { why: 'names that are not exchanged are renamed', call: /^renameat2 /, errnos: /^(EINVAL|ENOTSUP|EOPNOTSUPP|ENOSYS|EPERM|EACCES)$/, holds: (one) => wasMadeBy(one, /^renameat$/) },
  { why: 'a file that is refused statx has the stat of fstat', call: /^statx /, errnos: /^EACCES$/, holds: (one) => wasMadeBy(one, /^(fstat|newfstatat)$/) },
  { why: 'what could not be kept is told', call: /^(fchown|fgetxattr|getxattr(at)?|f(set|remove)xattr) /, holds: (one) => resultsOf(one).some(isPartlyKept) },
  { why: 'an ACL that cannot be read is removed', call: /^fgetxattr /, holds: (one) => wasMadeBy(one, /^fremovexattr$/) },
  {
    why: 'a copy of which the ACL is unknown has the bits of its owner alone',
    call: /^fgetxattr <[^>]*\/file>/,
    errnos: /^(EPERM|EACCES|ENOSYS)$/,
    // A temporary has mode 0600 from the start.
    holds: ({ later }) => !later.slice(0, later.findIndex(({ name }) => /^(rename|link)/.test(name))).some(({ name }) => /chmod/.test(name)),
  },
  { why: 'what may not be asked is not trusted to be private', call: /^getxattr(at)? /, holds: ({ value }) => value?.isPrivate === false },
  { why: 'an ACL is read through a second descriptor', call: /^getxattr(at)? /, holds: (one) => wasMadeBy(one, /^fgetxattr$/) || one.later.some(({ name, result }) => name === 'fgetxattr' && result === -61) },
  { why: 'a directory that cannot be opened to sync it is told as not durable', call: /^openat2? .*flags=0x(9|29|b|2b)0000\b/, holds: isTrueAboutDurability },
  { why: 'a removal from a directory that may not be read is not synced', call: /^openat2? .*"sub" flags=0x(9|b)0000\b/, errnos: /^EACCES$/, holds: ({ value, later }) => value?.removed === 1 && !later.some(({ name }) => name === 'fsync') },
  { why: 'the directories of two names that cannot be told apart are synced one by one', call: /^newfstatat <[^>]*\/[ab]> ""/, holds: ({ value }) => value?.durable === true },
  { why: 'POSIX refuses to unlink a directory with EPERM', call: /^unlinkat .*flags=0x0\b/, errnos: /^EPERM$/, holds: (one) => wasMadeBy(one, /^unlinkat$/, /flags=0x200\b/) },
  { why: 'content that the file system does not share is copied', call: /^ioctl .*flags=0x40049409\b/, holds: (one) => wasMadeBy(one, /^copy_file_range$/) },
  {
    why: 'content that the kernel does not copy is read and written',
    call: /^copy_file_range /,
    holds: (one) => wasMadeBy(one, /^(copy_file_range|pread64)$/),
  },
  { why: 'one of many files that finds no descriptor is written again, alone', call: /^(openat2?|statx) /, errnos: /^EMFILE$/, holds: (one) => resultsOf(one).length > 1 && wasMadeBy(one, /^openat2?$/) },
  { why: 'writing back early is a wish', call: /^sync_file_range / },
  { why: 'a temporary without a lock is known by its age', call: /^flock .*\/(\.holdfast-|#)/ },
  { why: 'where a name cannot be locked, the file is', call: /^fcntl .*flags=0x25\b/, holds: (one) => wasMadeBy(one, /^flock$/) },
  { why: 'where a directory cannot be opened to lock a name in it, the file is locked', call: /^openat .*"\." flags=0x90000\b/, holds: (one) => wasMadeBy(one, /^flock$/) },
  { why: 'closing the directory, or the end of the process, releases the lock on a name', call: /^fcntl .*flags=0x25\b/, holds: (one) => !wasMadeBy(one, /^rename/) },
  { why: 'a name whose lock cannot be asked for is judged by its file', call: /^fcntl .*flags=0x24\b/, holds: ({ value }) => Array.isArray(value) },
  { why: 'a second descriptor keeps the lock of the file, and the name has one', call: /^fcntl .*flags=0x406\b/, holds: (one) => !isInPlace(one) },
  { why: 'a name that cannot be looked at after publication says nothing', call: /^newfstatat .*"file" flags=0x100\b/, holds: (one) => !wasMadeBy(one, /^(rename|link)/) },
  { why: 'a temporary whose name cannot be compared is removed', call: /^newfstatat .*("\.holdfast-[^"]*" flags=0x100|\/(#|\.holdfast-)[^>]*> "")/, holds: (one) => isInPlace(one) && wasMadeBy(one, /^unlinkat$/, /"\.holdfast-/) },
  { why: 'what cannot be looked at may still be made', call: /^openat2? /, errnos: /^(EACCES|EPERM)$/, holds: (one) => wasMadeBy(one, /^mkdirat$/) },
  { why: 'what cannot be opened or locked is judged by its age', call: /^(openat|newfstatat|statx|flock|close) .*\.holdfast-\*|^lseek /, holds: ({ value }) => Array.isArray(value) },
  {
    why: 'a new directory that cannot be looked at keeps the bits of its owner that it has',
    call: /^newfstatat <[^>]*\/copy(\/[^>]*)?> ""/,
    holds: ({ earlier }) => earlier.slice(-3).some(({ name, result }) => name === 'mkdirat' && result >= 0),
  },
  { why: 'directories that cannot be told apart are synced one by one', call: /^(newfstatat|statx|fstat) <[^>]*\/(case-\*|sub)> ""/ },
  { why: 'an update of a file that cannot be locked is checked before its rename alone', call: /^(openat .*"state" flags=0xa0902\b|newfstatat <[^>]*\/state> ""|fcntl <[^>]*\/state>)/ },
  {
    why: 'a lock file that cannot be completed before it has its name is created by its name',
    call: /(\/#\*>|^openat .*"\." flags=0x49|\.holdfast-\*\.tmp)/,
    holds: (one) => wasMadeBy(one, /^openat$/, /\.lock" flags=0x[0-9a-f]*c2\b/),
  },
  { why: 'closing a lock file that was unlocked loses nothing', call: /^close .*(\.lock|\/#\*)>/, holds: isOnLockFile },
  { why: 'a lock file that cannot be read is not known to be one, and gets no text', call: /^pread64 .*(\.lock|\/#\*)>/, holds: isOnLockFile },
  { why: 'the text about the holder of a lock is for people', call: /^pwrite64 .*(\.lock|\/#\*|\.tmp)>/, holds: isOnLockFile },
  { why: 'a lock whose file system cannot be told is not told to exclude the whole host', call: /^fstatfs .*(\.lock|\/#\*)>/, holds: isOnLockFile },
  { why: 'a lock file that root cannot give to the owner of the directory stays root\'s', call: /^newfstatat <[^>]*\/(case-\*|locks|[ab])> ""/ },
  { why: 'a lock file that root is about to give away is opened again', call: /^openat .*\.lock"/, errnos: /^EACCES$/, holds: (one) => wasMadeBy(one, /^(openat|linkat|renameat2?)$/, /\.lock"/) },
  { why: 'a lock that is taken is asked for again', call: /^fcntl .*(\.lock|\/#\*)>/, errnos: /^EACCES$/, holds: (one) => isOnLockFile(one) && wasMadeBy(one, /^fcntl$/) },
  { why: 'closing it releases a lock that cannot be released', call: /^fcntl .*(\.lock|\/#\*)>/, holds: (one) => isOnLockFile(one) && wasMadeBy(one, /^close$/, /(\.lock|\/#\d+[^>]*)>/) },
  { why: 'a mode that cannot be changed is told', call: /chmod/, errnos: /^(EPERM|EACCES|ENOSYS)$/, holds: ({ value }) => value.hardening === 'tolerated' },
  { why: 'a root that may not be read is held all the same', call: /^openat .*"\/.*case-\*(\/locks)?" flags=0x90000/, errnos: /^EACCES$/ },
  { why: 'a root is known by the path it was opened by', call: /^readlinkat <\/proc\/self\/fd> "\*"/ },
];

/** Returns the reason why success is correct in spite of this fault; undefined if there is none. */
export function toleranceOf(one: Case): string | undefined {
  return tolerances.find(({ call, errnos, holds }) => call.test(one.kind) && (errnos?.test(one.errno) ?? true) && (holds?.(one) ?? true))?.why;
}
