// Advice for methods of a root that would fail.

import { onDeniedRead, onDeniedWrite, writableMount, type Advice } from './advice.js';
import { shellWord } from '../../base/escape.js';
import type { Facts, Inspection } from './facts.js';

export function adviseOnRoot(verb: string, error: Record<string, unknown>, call: string, inspection: Inspection): Advice[] {
  const { path, above } = inspection;
  switch (error.code) {
    case 'EACCES':
      return verb === 'list' ? onDeniedRead(inspection) : onDeniedWrite(verb, of(above, inspection));
    case 'EROFS':
      return writableMount(inspection);
    case 'EBUSY':
      return [{ text: 'A file system is mounted here: unmount it first. This lists it.', command: `findmnt -- ${shellWord(path)}` }];
    case 'EPERM':
      return onForbidden(inspection);
    case 'ENOTEMPTY':
      return [{ text: 'To remove its content as well, remove the tree.', code: `await ${call.slice(0, -1)}, { recursive: true })` }];
    case 'symlink':
    case 'not-found':
      return [{ text: 'This shows where the path ends.', command: `namei -l -- ${shellWord(path)}` }];
    default:
      return typeof error.remedy === 'string' ? [{ text: error.remedy }] : [];
  }
}

/** Returns what the doctor knows about the directory above, which decides on changes of names in it. */
function of(above: { path: string; facts: Facts | null } | undefined, inspection: Inspection): Inspection {
  return above === undefined ? inspection : { ...inspection, path: above.path, exists: above.facts !== null, place: above.path, facts: above.facts, directory: above.facts };
}

function onForbidden({ path, facts, above }: Inspection): Advice[] {
  const isFixed = (one: Facts | null | undefined) => one?.attributes.some((attribute) => attribute !== 'mount-point') === true;
  if (isFixed(facts) || isFixed(above?.facts)) {
    const at = isFixed(facts) ? path : above!.path;
    return [{ text: 'As root, remove the attribute.', command: `chattr -i -a -- ${shellWord(at)}` }];
  }
  if (above?.facts && (parseInt(above.facts.mode, 8) & 0o1000) !== 0) {
    return [{ text: 'The directory is sticky: only the owner of the entry, or of the directory, may rename or remove it.' }];
  }
  return [{ text: `The file system refuses it${facts?.mount ? ` (${facts.mount.type})` : ''}.` }];
}
