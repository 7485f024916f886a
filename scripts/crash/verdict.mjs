// Compares the files after a power loss with the acknowledged writes.

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { nameOfVersion, PLACES, recordOf, versionOf, wholeRecords } from './plan.mjs';

const TEMPORARY = /^\.holdfast-[0-9a-v]{24}\.tmp$/;
const LOCK = /^\.holdfast-[0-9a-f]{32}\.lock$/;

/**
 * Checks the files of a mounted disk.
 *
 * @param {string} mounted
 * @param {{ number: number, place: string, name: string, durable: boolean | 'file' }[]} files
 * @param {{ started: Map<number, number>, durable: Map<number, number> }} claims
 * @returns
 *   {{ torn: string[], missing: string[], lost: string[], impossible: string[], strays: number, unsynced: number }}
 *   torn: no complete version; missing: acknowledged, but no such file; lost: older than the acknowledged version;
 *   impossible: content that no write produced, or an unreadable file system; unsynced: torn or missing files that were
 *   written without a sync
 */
export function judge(mounted, files, { started, durable }) {
  const verdict = { torn: [], missing: [], lost: [], impossible: [], strays: 0, unsynced: 0 };
  const known = new Set(files.flatMap(({ place, name, names = [name] }) => names.map((one) => `${place}/${one}`)));
  for (const place of PLACES) {
    for (const entry of readdirSync(path.join(mounted, place), { withFileTypes: true, recursive: true })) {
      const name = path.relative(mounted, path.join(entry.parentPath ?? entry.path, entry.name));
      if (TEMPORARY.test(entry.name)) verdict.strays += 1;
      else if (!entry.isDirectory() && !LOCK.test(entry.name) && !known.has(name)) verdict.impossible.push(`${name}: nobody wrote it`);
    }
  }
  for (const file of files.filter(({ names }) => names !== undefined)) judgeMoved(mounted, file, { started, durable }, verdict);
  for (const file of files.filter(({ names }) => names === undefined)) {
    const [newest, promised] = [started.get(file.number) ?? 0, durable.get(file.number) ?? 0];
    const where = `${file.place}/${file.name}`;
    // After the start of an unsynced write its file has no guarantee.
    const isPromised = file.durable !== false || newest < 2;
    const content = contentOrError(path.join(mounted, where));
    if (content instanceof Error) {
      const isAbsent = content.code === 'ENOENT';
      if (!isAbsent) verdict.impossible.push(`${where}: ${content.message}`);
      else if (!isPromised) verdict.unsynced += 1;
      else if (promised > 0) verdict.missing.push(`${where}: version ${promised} was acknowledged`);
      continue;
    }
    if (file.isLog) {
      const { count, rest } = wholeRecords(file.number, content);
      const told = `${where}: ${count} whole records and ${rest} bytes, ${promised} acknowledged`;
      if (count < promised) verdict.lost.push(told);
      // Behind the acknowledged records there is at most a part of the next one.
      else if (count > newest || rest > recordOf(file.number, count + 1).length + 1) verdict.impossible.push(told);
      continue;
    }
    const version = versionOf(file.number, content);
    const told = `${where}: ${content.length} bytes, version ${version ?? 'none'}, ${promised} acknowledged`;
    if (version > newest) verdict.impossible.push(told);
    else if (!isPromised) verdict.unsynced += version === undefined ? 1 : 0;
    else if (version === undefined) verdict.torn.push(told);
    else if (version < promised) verdict.lost.push(told);
  }
  return verdict;
}

/** Checks a file that was renamed: it has the name of a version since the acknowledged one, and its whole content. */
function judgeMoved(mounted, file, { started, durable }, verdict) {
  const [newest, promised] = [started.get(file.number) ?? 0, durable.get(file.number) ?? 0];
  const contents = file.names.map((name) => [name, contentOrError(path.join(mounted, file.place, name))]);
  const found = contents.filter(([, content]) => !(content instanceof Error && content.code === 'ENOENT'));
  if (found.length === 0) {
    if (promised > 0) verdict.missing.push(`${file.place}/${file.names}: neither name, and version ${promised} was acknowledged`);
    return;
  }
  const possible = new Set();
  for (let version = Math.max(promised, 1); version <= newest; version++) possible.add(nameOfVersion(file, version));
  for (const [name, content] of found) {
    const told = `${file.place}/${name}: versions ${promised} to ${newest}`;
    if (content instanceof Error) verdict.impossible.push(`${told}: ${content.message}`);
    else if (versionOf(file.number, content) !== 1) verdict.torn.push(told);
    else if (!possible.has(name)) verdict.lost.push(told);
  }
}

function contentOrError(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    return error;
  }
}
