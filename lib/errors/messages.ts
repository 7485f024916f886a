// The messages of all errors. Each one names path, cause and remedy.

import { quoted } from '../base/escape.js';
import { describeDirectory, describeOutbound } from './permission-messages.js';
import { STATE_CODES, describeState } from './state-messages.js';
import { table, tableOfTables } from '../base/lookup-table.js';
import type { HoldfastErrorCategory, HoldfastErrorCode } from '../../types/errors.js';
import type { Context, Explained, Failure } from './failure.js';

interface Known {
  category: HoldfastErrorCategory;
  /** message for an unauthenticated client */
  public: string;
  /** remedy for an unauthenticated client */
  remedy?: string;
}

const CODES: Record<string, Known> = tableOfTables<Known>({
  'invalid-path': { category: 'policy', public: 'The path is not usable.' },
  'outside-workspace': { category: 'policy', public: 'The path leaves the directory it is confined to.' },
  symlink: { category: 'policy', public: 'The path leads through a symbolic link, which is not allowed here.' },
  hardlink: { category: 'policy', public: 'The file has more than one name, which is not allowed here.' },
  'not-file': { category: 'policy', public: 'The path does not name a regular file.' },
  'not-directory': { category: 'policy', public: 'The path does not name a directory.' },
  'device-path': { category: 'policy', public: 'The path names a device or a file of the system itself.' },
  'too-large': { category: 'policy', public: 'The file is too large.' },
  'invalid-text': { category: 'policy', public: 'The file is not text in UTF-8.' },
  'invalid-json': { category: 'policy', public: 'The file is not valid JSON.' },
  'insecure-permissions': { category: 'policy', public: 'A directory of the service grants access to others.' },
  'not-owned': { category: 'policy', public: 'A file or directory of the service belongs to another user.' },
  OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE: {
    category: 'policy',
    public: 'The file may not be sent: only its owner may read it.',
    remedy:
      'If this file is meant to be sent, let its producer write it with mode 0644.',
  },
  'path-mismatch': {
    category: 'policy',
    public: 'The path kept changing while it was used.',
    remedy: 'Try again.',
  },
  'not-found': { category: 'operational', public: 'The file or directory does not exist.' },
  'already-exists': { category: 'operational', public: 'The name already exists.' },
  'not-durable': {
    category: 'operational',
    public: 'The change was made, but may not survive a power loss.',
    remedy: 'Look at the result after a power loss, or write the file again once the storage is healthy.',
  },
  ...STATE_CODES,
  'root-closed': { category: 'operational', public: 'The directory is no longer open.' },
  'unsupported-platform': { category: 'operational', public: 'This system does not support the operation.' },
  'native-unavailable': { category: 'operational', public: 'The service is not installed completely.' },
  internal: { category: 'operational', public: 'The service failed.' },
} satisfies Record<HoldfastErrorCode, Known>);

/** The name of each kind of object in messages. */
const KINDS = table({
  file: 'a regular file',
  directory: 'a directory',
  symlink: 'a symbolic link',
  fifo: 'a FIFO',
  socket: 'a socket',
  device: 'a device',
});

/**
 * Returns the sentence of an error.
 *
 * @param at the path, quoted and escaped
 */
function describe(failure: Failure, at: string, context: Context | undefined): Explained {
  const { code, detail } = failure;
  const kind = KINDS[detail] ?? 'another kind of object';
  switch (code) {
    case 'invalid-path':
      return { sentence: `${at} is not a usable path${WHY_INVALID[detail] ?? ''}` };
    case 'outside-workspace':
      if (detail === 'root') {
        return { sentence: `${at} is the root itself, which this call cannot remove, rename or replace` };
      }
      if (detail === 'text') {
        return { sentence: `${at} lies outside the root`, remedy: 'Use a path beneath the root.' };
      }
      return {
        sentence: `${at} leaves the root through a symbolic link`,
        remedy: 'Use a path beneath the root; a link with an absolute target always leaves it.',
      };
    case 'symlink':
      if (detail === 'untrusted') {
        return {
          sentence: `${at} leads through a symbolic link that another user could have created`,
          remedy: 'The link and its directory must belong to root or to this user, and no other user may write the directory.',
        };
      }
      if (detail === 'nosymfollow') {
        return {
          sentence: `${at} is, or leads through, a symbolic link on a mount with nosymfollow`,
          remedy: 'Use the path it leads to, or mount the file system without nosymfollow.',
        };
      }
      if (detail === 'staged') {
        return { sentence: `the staged file for ${at} was replaced by a symbolic link` };
      }
      if (detail === 'slash') {
        return { sentence: `${at} is a symbolic link`, remedy: "Name it without the '/' or '/.' at its end, or use the path it leads to." };
      }
      if (detail === 'final' && context?.done === 'copied') {
        return { sentence: `${at} is a symbolic link`, remedy: 'Remove the link first, or use the path it leads to.' };
      }
      return {
        sentence: `${at} is, or leads through, a symbolic link`,
        remedy:
          context?.done === undefined && context?.first === undefined
            ? "Use the path it leads to, or allow links with the option 'symlinks' (for a write: 'finalSymlink')."
            : "Use the path it leads to, or allow links on the way with the option 'symlinks' of the root.",
      };
    case 'hardlink':
      if (detail === 'staged') {
        return { sentence: `the staged file for ${at} has more than one name` };
      }
      if (detail === 'in-place') {
        return {
          sentence: `${at} has more than one name, and an overwrite in place would change it under all of them`,
          remedy: 'Mount the directory instead of the file, or mount a copy that has one name.',
        };
      }
      return {
        sentence: `${at} has more than one name`,
        remedy: "Copy the file, or allow it with hardlinks: 'allow'.",
      };
    case 'not-file':
      if (detail === 'staged') {
        return { sentence: `the staged file for ${at} is not a regular file` };
      }
      if (detail === 'slash') {
        return { sentence: `${at} can only name a directory, because it ends with '/' or '/.', and it does not exist` };
      }
      if (detail === 'link-to-slash') {
        return { sentence: `${at} leads to a name that ends with '/' or '/.', which only a directory can have` };
      }
      return { sentence: `${at} is ${kind}, not a regular file` };
    case 'not-directory':
      if (detail === 'parent') {
        return { sentence: `a parent of ${at} is not a directory` };
      }
      return { sentence: KINDS[detail] === undefined ? `${at} is not a directory` : `${at} is ${kind}, not a directory` };
    case 'device-path':
      if (detail === 'pseudo') {
        const how = context?.done === 'copied' ? "Read it with pseudoFiles: 'allow', and write what was read." : "Allow it with pseudoFiles: 'allow'.";
        return { sentence: `${at} is a pseudo file (procfs, sysfs or similar)`, remedy: how };
      }
      return detail === 'namespace'
        ? { sentence: `${at} leads through a magic link to a directory outside this mount namespace`, remedy: 'Open it by a path of this mount namespace.' }
        : { sentence: `${at} names a device or a magic link` };
    case 'too-large':
      return describeTooLarge(detail, at, context);
    case 'invalid-text':
      return { sentence: `${at} is not text in UTF-8`, remedy: "Read it with invalid: 'replace', or as bytes." };
    case 'invalid-json':
      return { sentence: `${at} is not valid JSON${WHY_NO_JSON[detail] ?? ''}` };
    case 'insecure-permissions':
    case 'not-owned':
      return describeDirectory(failure, at, context?.location);
    case 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE':
      return describeOutbound(failure, at);
    case 'path-mismatch':
      return { sentence: (WHY_MISMATCH[detail] ?? WHY_MISMATCH.retries)(at), remedy: HOW_TO_MATCH[detail] ?? 'Try again.' };
    case 'not-found':
      if (detail === 'takes-none') {
        return { sentence: `${at} cannot be created or replaced: its file system does not store files of programs`, remedy: HOW_TO_FIND[detail] };
      }
      return {
        sentence: `${at} does not exist${WHY_NOT_FOUND[detail] ?? ''}`,
        remedy: /^\$?'file:/i.test(at) ? 'A string is a path, not a URL: pass new URL(…).' : howToFind(detail, context),
      };
    case 'already-exists':
      return { sentence: `${at} already exists` };
    case 'not-durable':
      return describeNotDurable(at, context);
    case 'root-closed':
      return { sentence: `the root for ${at} is closed`, remedy: 'Open it again.' };
    case 'unsupported-platform':
      if (detail === 'rename-directory' || detail === 'rename-file') {
        return {
          sentence: `this system cannot rename ${at} without the risk of replacing another file (no exclusive rename${detail === 'rename-file' ? ', and no hard links' : ''})`,
          remedy: 'Use overwrite: true where nothing has the new name.',
        };
      }
      if (detail === 'permission-model') {
        return {
          sentence: `Node's permission model does not let ${at} be opened again by its descriptor`,
          remedy: 'Start Node with --allow-fs-read=*, and for stageAtomic, and for append and openWritable of holdfast/fs-safe, also with --allow-fs-write=* (on Linux /proc/self/fd/* is enough).',
        };
      }
      return { sentence: `this system cannot open ${at} again by its descriptor (${detail === 'forged' ? 'what is mounted at /proc is not procfs' : 'is /proc mounted?'})` };
    default:
      return { sentence: `a defect of holdfast (${detail}) at ${at}`, remedy: 'Please report it.' };
  }
}

function describeNotDurable(at: string, context: Context | undefined): Explained {
  if (context?.done === 'removed') {
    return {
      sentence: `${at} was removed, but a directory could not be synced: it may be there again after a power loss`,
      remedy: 'Nothing is left to remove now: look for it after a power loss.',
    };
  }
  if (context?.first !== undefined) {
    return {
      sentence: `the rename of ${at} was made, but a directory could not be synced: a power loss may undo it`,
      remedy: 'Do not rename again: look at both names after a power loss.',
    };
  }
  return {
    sentence: `${at} was published, but its directory could not be synced: it may not survive a power loss`,
    remedy: context?.done === 'copied' ? 'Copy it again with overwrite: true once the storage is healthy.' : 'Write it again once the storage is healthy.',
  };
}

const WHY_NO_JSON: Record<string, string> = table({
  text: ': it is not UTF-8',
  empty: ': it is empty',
});

const WHY_MISMATCH: Record<string, (at: string) => string> = table({
  retries: (at) => `${at} kept changing during every attempt`,
  walk: (at) => `${at} was moved or exchanged during the walk`,
  moved: (at) => `the directory of ${at} was moved or replaced during the write, and nothing was published`,
  staged: (at) => `the staged file for ${at} was exchanged during the commit, and nothing was published`,
  temporary: (at) => `the temporary file for ${at} was exchanged during the write, and nothing was published`,
  'temporary-gone': (at) => `the temporary file for ${at} was removed or renamed by another program during the write, and nothing was published`,
  shown: (at) => `the file that was renamed onto the staged file grants less than ${at}, which cannot be renamed over and may be open to others: nothing was published`,
  target: (at) => `${at} was exchanged during the write, and was not overwritten`,
  tree: (at) => `${at} was moved during the call`,
  exchanged: (at) => `${at} was exchanged during its removal, and the other object was not removed`,
  'both-names': (at) => `${at} has its new name, but its old name could not be removed: it may have both`,
  'working-directory': (at) => `${at} is relative, and the path of the working directory leads to another directory now, such as a mount over it`,
  displaced: (at) => `other programs replaced or changed ${at} twice while the update was published: one of their files has lost its name`,
  replaced: (at) => `another program replaced or changed ${at} while the update was published, and removed or moved the published file: that of the other program has the name`,
  unseen: (at) => `the file that the update of ${at} replaced was removed before the update could compare it once more: a change of another program may be lost`,
  published: (at) => `${at} is another file than the one that was published: another user of the directory exchanged or replaced it`,
});

const HOW_TO_MATCH = table({
  walk: "Walk it again, or with onError: 'skip'.",
  moved: 'Write again, by the current path of the directory.',
  shown: 'Write to the temporary itself, or stage in a directory that no other user may write.',
  displaced: 'Compare both files, and let the programs that write the file take its lock.',
  replaced: 'Let the programs that write the file take its lock.',
  unseen: 'Let the programs that write the file take its lock.',
  published: 'Use a directory that no other user may write.',
  'working-directory': 'Change to the directory by its path, or use an absolute path.',
});

const WHY_NOT_FOUND = table({
  parent: ': a parent is not a directory',
  directory: ': its parent directory is missing',
  'lock-directory': ': the directory for lock files is missing',
  removed: ': the directory it belongs to was removed after it was opened',
  'working-directory': ': the working directory was removed or unmounted',
  dangling: ': a symbolic link on the way has no target',
  staged: ': its staged file was removed',
});

/** A copy has no option `mkdir`. */
function howToFind(detail: string, context: Context | undefined): string | undefined {
  return detail === 'directory' && context?.done === 'copied' ? 'Create the directory first: root.ensureDir(path).' : HOW_TO_FIND[detail];
}

const HOW_TO_FIND = table({
  directory: 'Create the directory first, or write with mkdir: true.',
  dangling: 'Create the target of the link, or remove the link.',
  removed: 'Create the directory again. Open a root again, too.',
  root: 'Create it first: await ensureDir(dir).',
  temporary: 'Try again.',
  'takes-none': 'Use a directory on another file system.',
  'working-directory': 'Change to a directory that exists, or use an absolute path.',
});

const WHY_INVALID = table({
  empty: ': it is empty',
  nul: ': it contains a NUL',
  dots: ": it ends with '..', which cannot be changed",
  surrogate: ': it contains a lone surrogate',
  encoding: ': it is not UTF-8, as file names on Windows must be',
  namespace: ': it begins with two separators, as shares and devices do',
  drive: ': it is relative to the working directory of a drive, or names a stream',
  stream: ': it has a colon, which names a stream on Windows',
  character: ': it has a character that no file name on Windows can have',
  device: ': a part of it is the name of a device on Windows',
  trailing: ': a part of it ends with a dot or a space, which Windows drops',
  reserved: ': holdfast reserves such names for temporaries, temporary roots and lock files',
  'url-encoding': ': the percent-encoding of the URL is not UTF-8',
  url: ': a URL must be a file: URL without host and without encoded separators',
});

function describeTooLarge(detail: string, at: string, context: Context | undefined): Explained {
  if (detail === 'memory') {
    return { sentence: `${at} is larger than the available memory` };
  }
  if (detail === 'text') {
    return { sentence: `the text of ${at} exceeds the maximum length of a string` };
  }
  if (detail === 'entries') {
    return { sentence: `${at} has more entries than the limit of ${context?.maxEntries}`, remedy: 'Raise maxEntries, or walk it.' };
  }
  const limit = context?.maxBytes === undefined ? 'the limit' : `the limit of ${context.maxBytes} bytes`;
  if (detail === 'total') {
    return { sentence: `with ${at}, the files of the tree are together larger than ${limit}`, remedy: 'Raise maxBytes, which limits all files of a copy together.' };
  }
  if (detail === 'data') {
    return { sentence: `the data for ${at} are larger than ${limit}`, remedy: 'Write less data, or raise maxBytes.' };
  }
  return {
    sentence: detail === 'growth' ? `${at} grew beyond ${limit} while it was read` : `${at} is larger than ${limit}`,
  };
}

export function explain(failure: Failure, path: string | undefined, context?: Context): { message: string; remedy: string | undefined } {
  const { sentence, remedy } = describeState(failure, quoted(path), context) ?? describe(failure, quoted(path), context);
  const message = `${failure.code}: ${sentence}.`;
  return { message: remedy === undefined ? message : `${message} ${remedy}`, remedy };
}

export { CODES };
