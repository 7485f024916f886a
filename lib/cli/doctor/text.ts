// Formats a doctor's report as text.

import { escaped } from '../../base/escape.js';
import { inBytes, type Palette } from '../terminal.js';
import type { doctor } from './doctor.js';

type Report = ReturnType<typeof doctor>;
type Visited = Report['paths'][number];

const MARKS = { ok: ['ok   ', 'good'], warn: ['warn ', 'mild'], fails: ['fails', 'bad'], 'not-applicable': ['–    ', 'dim'] } as const;

export function doctorText(report: Report, paint: Palette) {
  const lines = [...heading(report, paint), ...report.paths.flatMap((visited) => ['', ...pathLines(visited, paint)])];
  return `${lines.join('\n')}\n`;
}

function heading({ holdfast, process: who, native, environment }: Report, paint: Palette) {
  const { names } = who.capabilities;
  const many = names.length > 6 ? `${names.length} capabilities` : `capabilities ${names.join(', ') || 'none'}`;
  const confined = [
    who.noNewPrivileges ? 'no new privileges' : '',
    who.seccomp === 'filter' ? 'seccomp filter' : '',
    who.securityModule === null ? '' : escaped(who.securityModule),
  ].filter(Boolean);
  const lines = [
    paint.strong(`holdfast ${holdfast}`) + `, node ${who.node}, ${who.platform} ${who.arch}, resolver ${native.resolver}`,
    `this process is user ${who.euid}, group ${who.egid}, groups ${who.groups.join(' ') || 'none'}; ${many}; umask ${who.umask}` +
      (confined.length > 0 ? `; ${confined.join(', ')}` : ''),
  ];
  for (const [name, value] of Object.entries(environment)) {
    if (value !== null) lines.push(`${name}=${escaped(value)}`);
  }
  return lines;
}

function pathLines(visited: Visited, paint: Palette) {
  const lines = [paint.strong(escaped(visited.path)), ...placeLines(visited).map((line) => `  ${line}`)];
  for (const [verb, verdict] of Object.entries(visited.verbs)) {
    if (isReadOfDirectory(visited, verdict)) continue;
    const [mark, colour] = MARKS[verdict.outcome];
    const code = verdict.error?.code ?? verdict.result?.reason;
    lines.push(`  ${paint[colour](mark)}  ${verb}${code === undefined ? '' : ` ${paint[colour](String(code))}`}: ${escaped(verdict.why)}`);
    for (const doubt of verdict.doubts) lines.push(`           uncertain: ${escaped(doubt)}`);
    for (const { text, command, setting, code: program } of verdict.advice) {
      const what = command ?? setting ?? program;
      lines.push(`         - ${escaped(text)}`);
      if (what !== undefined) lines.push(`             ${paint.strong(escaped(what))}`);
    }
  }
  return lines;
}

/** What a lock file on this file system does, by its scope. */
const LOCKS = {
  host: 'a lock here excludes all processes of this host',
  unknown: 'a lock here may not exclude other hosts: name a lockDir on a local file system',
  none: 'this file system has no locks: name a lockDir on another one',
} as const;

/** Returns whether a row only says that a directory is not a file. */
function isReadOfDirectory({ exists, facts }: Visited, { outcome, error }: Visited['verbs'][string]) {
  return exists && facts?.kind === 'directory' && outcome === 'not-applicable' && error?.code === 'not-file';
}

function placeLines({ exists, place, facts, links, lookError }: Visited) {
  if (facts === null) {
    return [`cannot be inspected: ${escaped(lookError?.message ?? 'unknown')}`];
  }
  const { kind, mode, uid, gid, acl, attributes, access, mount, space, names, isReadOnly, locks } = facts;
  const may = Object.entries(access).flatMap(([word, is]) => (is ? [word] : []));
  const lines = [
    `${exists ? kind : `does not exist; above it, ${escaped(place)}, a ${kind}`}, mode ${mode}, owner ${uid}, group ${gid}, ` +
      (acl === null ? 'no ACL' : acl.isKnown ? `ACL ${acl.entries.join(' ')}` : 'an ACL that cannot be read, if any') +
      (attributes.length > 0 ? `, ${attributes.join(', ')}` : '') +
      (kind === 'file' && names > 1 ? `, ${names} names` : '') +
      `; this process may ${may.join(', ') || 'do nothing with it'}`,
  ];
  for (const { path, target } of links) lines.push(`link ${escaped(path)} -> ${escaped(target)}`);
  if (facts.realPath !== place) lines.push(`real path ${escaped(facts.realPath)}`);
  const room = space.totalBytes === 0 ? 'size unknown' : `${inBytes(space.availableBytes)} of ${inBytes(space.totalBytes)} free`;
  const inodes = space.freeInodes === null ? '' : `, ${space.freeInodes} inodes free`;
  lines.push(
    mount === null
      ? `mount unknown; ${room}${inodes}`
      : `${escaped(mount.type)} (${escaped(mount.source)}) at ${escaped(mount.mountPoint)}${mount.root === '/' ? '' : `, a bind of ${escaped(mount.root)}`}, ${escaped(mount.options.join(','))}` +
          `${isReadOnly && !mount.options.includes('ro') ? ' (file system read-only)' : ''}; ${room}${inodes}`,
    `locks: ${LOCKS[locks]}`,
  );
  return lines;
}
