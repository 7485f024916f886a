// Credentials of this process: ids, groups, capabilities, security modules.

import { OVERFLOW_ID } from '../../errors/permission-messages.js';
import { native } from '../../native/load.js';

/** Names of capabilities(7), by number. Those that holdfast's verbs depend on are among the first. */
const CAPABILITIES =
  'chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore'.split(
    ' ',
  );

/**
 * Reads a file of procfs. Returns an empty string if `/proc` is not procfs.
 *
 * @param path beneath `/proc/self`
 */
function contentOf(path: string) {
  return native().readProc(path)?.toString('utf8') ?? '';
}

/** Returns the lines of `/proc/self/status`, by name. */
function status(): Map<string, string> {
  const lines = contentOf('status').split('\n');
  return new Map(lines.map((line) => line.split(':\t', 2) as [string, string]));
}

/**
 * Returns the names of the capabilities in a set.
 *
 * @param hex a set as `/proc` shows it
 */
function capabilityNames(hex: string) {
  if (hex === '') return ['unknown'];
  const set = BigInt(`0x${hex}`);
  const names = [];
  for (let bit = 0n; set >> bit > 0n; bit++) {
    if ((set >> bit) & 1n) names.push(CAPABILITIES[Number(bit)] ?? `capability ${bit}`);
  }
  return names;
}

/** Returns whether the user namespace maps a user. Where it does not, the id is that of another user outside. */
export function isMapped(uid: number) {
  return uid !== OVERFLOW_ID || /^\s*0\s+0\s+4294967295\s*$/.test(contentOf('uid_map'));
}

/** Returns the credentials of this process. */
export function describeProcess() {
  const known = status();
  const effective = known.get('CapEff') ?? '';
  const module = contentOf('attr/current').replace(/\0/g, '').trim();
  return {
    uid: process.getuid?.() ?? -1,
    euid: process.geteuid?.() ?? -1,
    gid: process.getgid?.() ?? -1,
    egid: process.getegid?.() ?? -1,
    groups: process.getgroups?.() ?? [],
    umask: octal(process.umask(), 4),
    capabilities: { effective, names: capabilityNames(effective) },
    noNewPrivileges: known.has('NoNewPrivs') ? known.get('NoNewPrivs') === '1' : null,
    seccomp: { '0': 'off', '1': 'strict', '2': 'filter' }[known.get('Seccomp') ?? ''] ?? 'unknown',
    // AppArmor and SELinux have these labels when they confine nothing.
    securityModule: !known.has('Pid') ? 'unknown' : module === '' || module === 'unconfined' || module === 'kernel' ? null : module,
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
  };
}

export function octal(mode: number, digits: number = 4) {
  return mode.toString(8).padStart(digits, '0');
}
