// Predicts the outcome of methods of a root at a path. The root is the directory above it.

import { literal } from './advice.js';
import { RenameIndex } from '../../native/record-layout.js';
import { dryRunList, dryRunRemove, dryRunRename, type DryRun } from '../../verbs/dry-run.js';
import { conclude, refused, type Verdict } from './conclude.js';
import type { Inspection } from './facts.js';

/** The free name in the dry run of a rename. */
const NEW_NAME = 'holdfast-doctor-new-name';

/** Splits a path into the directory above it and the name, which keeps `/` and `/.` at its end. */
export function splitPath(path: string): { dir: string; name: string } {
  const [end = ''] = /(?:\/+\.?)+$/.exec(path) ?? [];
  const trunk = path.slice(0, path.length - end.length);
  const at = trunk.lastIndexOf('/');
  return trunk === '' ? { dir: '/', name: '.' } : { dir: trunk.slice(0, at) || '/', name: trunk.slice(at + 1) + end };
}

function judge(inspection: Inspection, verb: string, args: (name: string) => string, dryRun: (dir: string, name: string) => DryRun, fine: (numbers: Float64Array) => Pick<Verdict, 'result' | 'why'>) {
  const { path } = inspection;
  const { dir, name } = splitPath(path);
  const { numbers, error } = dryRun(dir, name);
  const found = { call: `(await openRoot(${literal(dir)})).${verb}(${args(literal(name))})`, target: path };
  return numbers === undefined
    ? refused(inspection, verb, { ...found, outcome: 'fails' }, error)
    : conclude(inspection, verb, { ...found, outcome: 'ok', ...fine(numbers) });
}

export function listVerdict(inspection: Inspection): Verdict {
  return judge(inspection, 'list', (name) => name, dryRunList, () => ({ result: {}, why: 'a directory that this process may list' }));
}

export function renameVerdict(inspection: Inspection): Verdict {
  const dryRun = (dir: string, name: string) => dryRunRename(dir, name, NEW_NAME);
  return judge(inspection, 'rename', (name) => `${name}, ${literal(NEW_NAME)}`, dryRun, (numbers) => {
    const durable = numbers[RenameIndex.DURABLE] === 1;
    return { result: { durable, same: false }, why: `it can be renamed in its directory${durable ? '' : ', which cannot be synced'}` };
  });
}

export function removeVerdict(inspection: Inspection): Verdict {
  const { facts } = inspection;
  const what = facts?.kind === 'directory' ? 'an empty directory, which would be removed' : facts?.kind === 'symlink' ? 'the link itself would be removed' : 'the name would be removed';
  const verdict = judge(inspection, 'remove', (name) => name, dryRunRemove, () => ({ result: { removed: 1 }, why: what }));
  const isHidden = verdict.outcome === 'ok' && facts?.kind === 'directory' && !facts.access.read;
  return isHidden ? { ...verdict, doubts: [...verdict.doubts, 'this process may not read the directory, which may have entries'] } : verdict;
}
