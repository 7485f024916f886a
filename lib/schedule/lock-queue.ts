// Orders the calls of one environment that want the same lock: first come, first served. Only the first one asks the
// kernel, so that a thousand waiters take no thread, no descriptor and no system call.

import { path as nodePath } from '../base/node.js';
import { dirOf, type Target } from './write-queue.js';
import type { NativePath } from '../errors/failure.js';

/** A lock as a call names it. */
export interface LockName {
  target: Target;
  /** the last component of the path as it is written: the kernel decides whether another spelling has the same lock */
  file: string;
  /** the directory for lock files; empty for that of the file */
  lockDir: string;
  /** the same for all calls that want this lock, by whatever path */
  key: string;
}

/** One call that wants, asks for, or has a lock. */
export interface Turn {
  readonly name: LockName;
  readonly key: string;
  readonly shared: boolean;
  /** A lock that only JavaScript releases, as opposed to an append, which ends by itself. */
  readonly isHeldByCaller: boolean;
  /** the call, for messages */
  readonly verb: string;
  /** device and inode of the lock file, once the call has the lock */
  identity: string | undefined;
  /** `ending`: the call is over, and its last attempt still runs */
  state: 'waiting' | 'asking' | 'ending' | 'holding' | 'over';
  /** called when the state becomes `asking` */
  onGranted: (() => void) | undefined;
  /** resolves when the attempt that runs has ended; it does not reject */
  attempt: Promise<void> | undefined;
}

interface Queue {
  holding: Turn[];
  asking: Turn | undefined;
  waiting: Turn[];
}

/** Replaces bytes that are not UTF-8: equal texts with it may be different paths. */
const REPLACEMENT = '\uFFFD';

/** @param text the text of the path */
function fileOf(text: string, path: NativePath) {
  const file = text.slice(text.lastIndexOf(nodePath.sep) + 1);
  if (typeof path === 'string' || !file.includes(REPLACEMENT)) {
    return file;
  }
  const bytes = Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('latin1');
  return `\0${bytes.slice(bytes.lastIndexOf('/') + 1)}`;
}

/** Returns whether two targets may be one file: a call that asks does not know its lock file yet. */
function mayBeSame(one: Target, other: Target) {
  return one.name === other.name && dirOf(one) === dirOf(other);
}

/** Returns whether a call may have its lock beside those that have it. */
function isCompatible(turn: Turn, { holding }: Queue) {
  return holding.length === 0 || (turn.shared && holding[0].shared);
}

export class LockQueue {
  #queues: Map<string, Queue> = new Map();
  /** the calls for files of one name */
  #turns: Map<string, Set<Turn>> = new Map();
  /** how many locks had a text that may be that of several paths */
  #ambiguous = 0;

  /**
   * Returns the name of a lock. Directories are compared, in the kernel's cache, only while another call has another path
   * with the same file name.
   */
  nameOf(target: Target, lockDir: string, path: NativePath): LockName {
    const { text = '' } = target;
    const file = fileOf(text, path);
    const isAmbiguous = text.includes(REPLACEMENT) || lockDir.includes(REPLACEMENT);
    for (const { name } of this.#turns.get(file) ?? []) {
      const isSame = !isAmbiguous && name.target.text === text;
      if (name.lockDir === lockDir && !lockDir.includes(REPLACEMENT) && (isSame || (dirOf(target) !== null && dirOf(target) === dirOf(name.target)))) {
        return { target, file, lockDir, key: name.key };
      }
    }
    this.#ambiguous += isAmbiguous ? 1 : 0;
    return { target, file, lockDir, key: `${text}\0${lockDir}${isAmbiguous ? `\0${this.#ambiguous}` : ''}` };
  }

  /** Adds a call. Its state is `asking` at once if no other call is in its way. */
  enter(name: LockName, shared: boolean, isHeldByCaller: boolean, verb: string): Turn {
    const { key } = name;
    const turn: Turn = { name, key, shared, isHeldByCaller, verb, identity: undefined, state: 'waiting', onGranted: undefined, attempt: undefined };
    const turns = this.#turns.get(name.file);
    if (turns === undefined) {
      this.#turns.set(name.file, new Set([turn]));
    } else {
      turns.add(turn);
    }
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = { holding: [], asking: undefined, waiting: [] };
      this.#queues.set(key, queue);
    }
    queue.waiting.push(turn);
    this.#advance(queue);
    return turn;
  }

  /** Records that a call has its lock. Others that share it may ask. */
  hold(turn: Turn, identity: string) {
    const queue = this.#queues.get(turn.key) as Queue;
    turn.identity = identity;
    turn.state = 'holding';
    queue.asking = undefined;
    queue.holding.push(turn);
    this.#advance(queue);
  }

  /** Records that a call is over whose attempt runs. Call {@link leave} after the attempt. */
  end(turn: Turn) {
    turn.state = 'ending';
  }

  /** Returns the attempt that runs before the turn of a call, which no holder can prolong. Its outcome may be the turn. */
  attemptBefore({ key }: Turn) {
    return this.#queues.get(key)?.asking?.attempt;
  }

  /** Removes a call, whatever its state. */
  leave(turn: Turn) {
    const queue = this.#queues.get(turn.key);
    if (queue === undefined || turn.state === 'over') {
      return;
    }
    turn.state = 'over';
    const turns = this.#turns.get(turn.name.file);
    if (turns?.delete(turn) && turns.size === 0) {
      this.#turns.delete(turn.name.file);
    }
    if (queue.asking === turn) {
      queue.asking = undefined;
    } else {
      const list = queue.holding.includes(turn) ? queue.holding : queue.waiting;
      list.splice(list.indexOf(turn), 1);
    }
    this.#advance(queue);
    if (queue.asking === undefined && queue.holding.length === 0 && queue.waiting.length === 0) {
      this.#queues.delete(turn.key);
    }
  }

  /**
   * Whether JavaScript of this environment may have to run before a lock can be free.
   *
   * @param identity of the lock file: another spelling of the path may lead to it
   */
  isHeldByCaller({ key, target }: LockName, identity: string) {
    if (this.#held(key, identity)?.isHeldByCaller === true) {
      return true;
    }
    for (const { asking } of this.#queues.values()) {
      if (asking?.isHeldByCaller === true && (asking.key === key || mayBeSame(asking.name.target, target))) {
        return true;
      }
    }
    return false;
  }

  /** Returns the other call of this environment that has the lock or asks for it before a call; `undefined` if none does. */
  holderBefore(turn: Turn, identity: string | undefined): string | undefined {
    const asking = this.#queues.get(turn.key)?.asking;
    return (this.#held(turn.key, identity) ?? (asking === turn ? undefined : asking))?.verb;
  }

  #held(key: string, identity: string | undefined): Turn | undefined {
    const [held] = this.#queues.get(key)?.holding ?? [];
    if (held !== undefined || identity === undefined) {
      return held;
    }
    for (const { holding } of this.#queues.values()) {
      const other = holding.find((turn) => turn.identity === identity);
      if (other !== undefined) {
        return other;
      }
    }
    return undefined;
  }

  #advance(queue: Queue) {
    const [first] = queue.waiting;
    if (first === undefined || queue.asking !== undefined || !isCompatible(first, queue)) {
      return;
    }
    queue.waiting.shift();
    queue.asking = first;
    first.state = 'asking';
    first.onGranted?.();
  }
}

export const locks = new LockQueue();
