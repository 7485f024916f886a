// `holdfast doctor` on systems without dry runs: what node:fs knows about a path. Changes nothing, and forecasts nothing.

import fs = require('node:fs');
import nodePath = require('node:path');
import { escaped } from '../../base/escape.js';
import { inBytes, type Palette } from '../terminal.js';
import { preamble } from './doctor.js';
import { octal } from './process.js';

const HAS_MODES = process.platform !== 'win32';

type PortableFacts = ReturnType<typeof toFacts>;

function kindOf(stat: fs.Stats) {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isFIFO()) return 'fifo';
  return stat.isSocket() ? 'socket' : 'device';
}

/** Returns whether this process may access a path. `null` where Windows does not look at the ACL. */
function may(path: string, right: number) {
  if (!HAS_MODES) return null;
  try {
    fs.accessSync(path, right);
    return true;
  } catch {
    return false;
  }
}

function spaceAt(path: string) {
  try {
    const { bsize, blocks, bavail } = fs.statfsSync(path);
    return { totalBytes: blocks * bsize, availableBytes: bavail * bsize };
  } catch {
    return null;
  }
}

function realPathOf(path: string) {
  try {
    return fs.realpathSync.native(path);
  } catch {
    return null;
  }
}

function toFacts(path: string, stat: fs.Stats) {
  const { R_OK, W_OK, X_OK } = fs.constants;
  return {
    realPath: realPathOf(path),
    kind: kindOf(stat),
    mode: HAS_MODES ? octal(stat.mode & 0o7777) : null,
    uid: HAS_MODES ? stat.uid : null,
    gid: HAS_MODES ? stat.gid : null,
    size: stat.size,
    names: stat.nlink,
    access: { read: may(path, R_OK), write: may(path, W_OK), search: may(path, X_OK) },
    space: spaceAt(path),
  };
}

/** Returns the symlinks among the components of an absolute path, including the last one. */
function linksOnTheWay(path: string) {
  const links = [];
  let at = nodePath.parse(path).root;
  for (const part of path.slice(at.length).split(nodePath.sep).filter(Boolean)) {
    at = nodePath.join(at, part);
    try {
      if (fs.lstatSync(at).isSymbolicLink()) links.push({ path: at, target: fs.readlinkSync(at) });
    } catch {
      break;
    }
  }
  return links;
}

/** Returns the facts of a path or, if it is missing, of its nearest existing ancestor. */
function visit(given: string) {
  const path = nodePath.resolve(given);
  const links = linksOnTheWay(path);
  for (let place = path; ; place = nodePath.dirname(place)) {
    try {
      const facts = toFacts(place, place === path ? fs.lstatSync(place) : fs.statSync(place));
      return { path, exists: place === path, place, facts, lookError: null, links, verbs: {} };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' || nodePath.dirname(place) === place) {
        return { path, exists: false, place, facts: null, lookError: { code: String(code), message }, links, verbs: {} };
      }
    }
  }
}

/** Reports what is at paths. */
export function portableDoctor(paths: readonly string[]) {
  const visited = paths.map(visit);
  return { command: 'doctor' as const, ok: visited.every(({ facts }) => facts !== null), ...preamble(), paths: visited };
}

type Report = ReturnType<typeof portableDoctor>;

export function portableText({ holdfast, process: who, native, paths }: Report, paint: Palette) {
  const lines = [`${paint.strong(`holdfast ${holdfast}`)}, node ${who.node}, ${who.platform} ${who.arch}, resolver ${native.resolver}`];
  if (HAS_MODES) lines.push(`this process is user ${who.euid}, group ${who.egid}, groups ${who.groups.join(' ') || 'none'}; umask ${who.umask}`);
  for (const visited of paths) lines.push('', paint.strong(escaped(visited.path)), ...pathLines(visited).map((line) => `  ${line}`));
  lines.push('', `What each call does there is forecast on Linux alone. Try the calls in a directory of their own: npx holdfast selftest --dir DIR`);
  return `${lines.join('\n')}\n`;
}

function pathLines({ exists, place, facts, links, lookError }: Report['paths'][number]) {
  if (facts === null) return [`cannot be inspected: ${escaped(lookError?.message ?? 'unknown')}`];
  const { kind, realPath, space } = facts;
  const lines = [`${exists ? kind : `does not exist; above it, ${escaped(place)}, a ${kind}`}${permissions(facts)}${kind === 'file' && facts.names > 1 ? `, ${facts.names} names` : ''}`];
  for (const { path, target } of links) lines.push(`link ${escaped(path)} -> ${escaped(target)}`);
  if (realPath !== null && realPath !== place) lines.push(`real path ${escaped(realPath)}`);
  lines.push(space === null ? 'size unknown' : `${inBytes(space.availableBytes)} of ${inBytes(space.totalBytes)} free`);
  return lines;
}

function permissions({ mode, uid, gid, access }: PortableFacts) {
  if (mode === null) return '';
  const words = Object.entries(access).flatMap(([word, is]) => (is === true ? [word] : []));
  return `, mode ${mode}, owner ${uid}, group ${gid}, any ACL unknown; this process may ${words.join(', ') || 'do nothing with it'}`;
}
