// Compares the files after a power loss with the acknowledged writes.

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { PLACES, recordOf, versionOf, wholeRecords } from './plan.mjs';

const TEMPORARY = /^\.holdfast-[0-9a-f]{32}\.tmp$/;
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
  const known = new Set(files.map(({ place, name }) => `${place}/${name}`));
  for (const place of PLACES) {
    for (const entry of readdirSync(path.join(mounted, place), { withFileTypes: true, recursive: true })) {
      const name = path.relative(mounted, path.join(entry.parentPath ?? entry.path, entry.name));
      if (TEMPORARY.test(entry.name)) verdict.strays += 1;
      else if (!entry.isDirectory() && !LOCK.test(entry.name) && !known.has(name)) verdict.impossible.push(`${name}: nobody wrote it`);
    }
  }
  for (const file of files) {
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

function contentOrError(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    return error;
  }
}
