// The messages of locks, updates and appends.

import { quoted } from '../base/escape.js';
import { asUser } from './permission-messages.js';
import type { Context, Explained, Failure } from './failure.js';

/** The codes of these calls, as in the table of all codes. */
export const STATE_CODES = {
  'torn-tail': { category: 'policy', public: 'The file ends with an incomplete record.' },
  'lock-timeout': { category: 'operational', public: 'The file is in use.', remedy: 'Try again later.' },
  'lock-lost': { category: 'operational', public: 'The file was changed by others at the same time.', remedy: 'Try again.' },
  conflict: { category: 'operational', public: 'The file was changed by others at the same time.', remedy: 'Try again.' },
} as const;

const REMOVE_LOCK_FILE = 'Remove it, or name a directory for lock files that no other user may write (lockDir).';

/** @param at the path, quoted and escaped */
export function describeState(failure: Failure, at: string, context: Context | undefined): Explained | undefined {
  const { code, detail, uid, euid } = failure;
  if (detail === 'lock-directory') {
    return describeLockDirectory(code, context?.lockDir);
  }
  if (detail === 'lock-denied') {
    return {
      sentence: `${lockFileOf(failure, at)} belongs to user ${uid}, its mode does not let others open it, and ${asUser({ uid, euid })}`,
      remedy: 'Let both users create lock files for their group (lockMode: 0o660), and remove this one; or name another directory for them (lockDir).',
    };
  }
  if (detail === 'lock') {
    return describeLockFile(failure, lockFileOf(failure, at));
  }
  switch (code) {
    case 'too-large':
      if (detail === 'update') {
        return { sentence: `${at} is larger than the limit of ${context?.maxBytes} bytes for what an update reads`, remedy: 'Raise maxReadBytes.' };
      }
      if (detail === 'records') {
        return { sentence: `the records alone are larger than the limit of ${context?.maxBytes} bytes for ${at}`, remedy: 'Append fewer records at once, or raise maxFileBytes.' };
      }
      return detail === 'append'
        ? { sentence: `the records would make ${at} larger than the limit of ${context?.maxBytes} bytes`, remedy: 'Rotate the file, or raise maxFileBytes.' }
        : undefined;
    case 'torn-tail':
      return {
        sentence: `${at} does not end with a line break: its last record was never completed`,
        remedy: "Repair the file, or append with onTornTail: 'isolate', which ends that record first.",
      };
    case 'lock-timeout':
      return detail === 'file'
        ? {
            sentence: `another program holds a lock (fcntl or lockf) on ${at} itself, which the update would replace`,
            remedy: 'Try again when that program has released it.',
          }
        : describeTimeout(failure, at);
    case 'symlink':
      if (detail === 'state-link') {
        return {
          sentence: `${at} is a symbolic link: another path to the same file would have another lock`,
          remedy: 'Use the path that it leads to.',
        };
      }
      if (detail === 'update-link' || context?.verb === 'update') {
        return {
          sentence: `${at} is, or leads through, a symbolic link`,
          remedy: "Use the path that it leads to: an update follows no link as the name of its file. Links on the way are allowed by the option 'symlinks'.",
        };
      }
      return undefined;
    case 'not-file':
      return detail === 'directory' && context?.verb === 'lock'
        ? { sentence: `${at} has no name that a lock could belong to: it ends with '/', '.' or '..'`, remedy: 'Use the path of the directory without that end.' }
        : undefined;
    case 'not-found':
      return detail === 'directory' && context?.verb === 'lock'
        ? { sentence: `the directory of ${at} does not exist, so that it can have no lock`, remedy: 'Make the directory first.' }
        : undefined;
    case 'lock-lost':
      if (detail === 'directory') {
        return {
          sentence: `the directory of ${at}, or of its lock file, was moved or replaced while the lock was held, so that another process may have held the lock too`,
          remedy: 'Try again. Exchange directories while no program uses them.',
        };
      }
      if (detail === 'published') {
        return {
          sentence: `the directory of ${at}, or of its lock file, was moved or replaced while the update was published: the path may lead to a file without the update`,
          remedy: 'Look at the file before you update it again. Exchange directories while no program uses them.',
        };
      }
      if (detail === 'unchecked') {
        return {
          sentence: `the work under the lock for ${at} has ended, but whether the lock was held until then could not be checked`,
          remedy: 'Look at the result of the work before you repeat it.',
        };
      }
      return {
        sentence: `the lock file of ${at} was removed or replaced while it was held, so that another process may have held the lock too`,
        remedy: 'Do not remove files named .holdfast-….lock: they lock nothing after their holder has ended.',
      };
    case 'conflict':
      return {
        sentence: `${at} was changed without the lock during each attempt of the update`,
        remedy: 'Let all writers use withLock, updateAtomic or updateJson, the last two without lock: false; or try again.',
      };
    case 'not-durable':
      return detail === 'append'
        ? {
            sentence: `the records are in ${at}, but could not be synced: they may not survive a power loss`,
            remedy: 'Do not append them again; write the file again once the storage is healthy.',
          }
        : undefined;
    case 'unsupported-platform':
      return detail === 'locks'
        ? { sentence: `the file system of the lock file for ${at} has no locks`, remedy: 'Name a directory on another file system with lockDir.' }
        : undefined;
    default:
      return undefined;
  }
}

const SAME_ORDER = 'Calls that need several locks must take them in the same order: else two of them wait for each other.';

function describeTimeout({ holder, ownHolder, isOwnProcess }: Failure, at: string) {
  if (ownHolder !== undefined) {
    return {
      sentence: `the lock for ${at} was not free in time: this process holds it, in an earlier call (${ownHolder}) of the same thread`,
      remedy: /^(?:acquire|try)Lock$/.test(ownHolder)
        ? `Release it first, or write under it with writeAtomic, or with an update that has lock: false. ${SAME_ORDER}`
        : `Wait longer (timeoutMs), or make the next call when the one before has ended. ${SAME_ORDER}`,
    };
  }
  if (isOwnProcess) {
    return {
      sentence: `the lock for ${at} was not free in time: this process holds it, in another thread or by another copy of holdfast`,
      remedy: 'Wait longer (timeoutMs). A call under the lock that uses another copy of the package waits for itself: load one copy.',
    };
  }
  if (holder === undefined) {
    // Shared locks and appends leave no text about their holder.
    return {
      sentence: `the lock for ${at} was not free in time`,
      remedy:
        'Wait longer (timeoutMs): a process that has ended holds no lock. Shared locks of other processes keep an exclusive call out as long as they overlap: leave a pause between them, or read without a lock.',
    };
  }
  return {
    sentence: `the lock for ${at} was not free in time; its lock file names the holder ${quoted(holder)}`,
    remedy: 'Wait longer (timeoutMs), or check that process: a process that has ended holds no lock.',
  };
}

function describeLockDirectory(code: string, directory: Context['lockDir']) {
  const at = directory === undefined ? 'the directory for lock files' : `the directory for lock files ${quoted(Buffer.from(directory as string).toString())}`;
  switch (code) {
    case 'not-found':
      return { sentence: `${at} does not exist`, remedy: 'Make it first: lockDir is never made.' };
    case 'not-directory':
      return { sentence: `${at} is not a directory`, remedy: 'Name a directory with lockDir.' };
    default:
      return { sentence: `${at} cannot be used`, remedy: 'Name another one with lockDir.' };
  }
}

/** Names a lock file by its path, and the path of the call. */
function lockFileOf({ temporary }: Failure, at: string) {
  return `the lock file of ${at} (${quoted(temporary)})`;
}

/** @param it the lock file, in words */
function describeLockFile({ code, uid, euid }: Failure, it: string) {
  switch (code) {
    case 'symlink':
      return { sentence: `${it} is a symbolic link, which another user may have created`, remedy: REMOVE_LOCK_FILE };
    case 'hardlink':
      return { sentence: `${it} has more than one name`, remedy: REMOVE_LOCK_FILE };
    case 'not-file':
      return { sentence: `${it} is not a regular file`, remedy: REMOVE_LOCK_FILE };
    case 'not-owned':
      return {
        sentence: `${it} belongs to user ${uid}, who is neither root nor the owner of its directory, and ${asUser({ uid, euid })}`,
        remedy: REMOVE_LOCK_FILE,
      };
    default:
      return { sentence: `${it} was removed or replaced during every attempt`, remedy: 'Try again.' };
  }
}
