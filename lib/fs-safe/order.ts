// The order of calls that change one file.

import { PathQueue } from '../schedule/path-queue.js';

/**
 * Serializes whole calls on one path: replacements, and changes beneath a root. A callback of one call may await a call
 * on another path.
 */
class Changes extends PathQueue {
  /** the paths whose running call awaits a function of the host, with the number of such functions */
  #inHost: Map<string, number> = new Map();

  /** Awaits a function of the host during a call on a path. */
  async inHost<T>(path: string, call: () => T | Promise<T>): Promise<T> {
    this.#inHost.set(path, (this.#inHost.get(path) ?? 0) + 1);
    try {
      return await call();
    } finally {
      const left = (this.#inHost.get(path) as number) - 1;
      if (left === 0) {
        this.#inHost.delete(path);
      } else {
        this.#inHost.set(path, left);
      }
    }
  }

  /**
   * Runs a call that the original does not serialize after the earlier calls on its paths. Runs it at once while one of
   * those awaits a function of the host: that function may await this call.
   */
  after<T>(paths: string[], call: () => Promise<T>): Promise<T> {
    return paths.some((path) => this.#inHost.has(path)) ? call() : this.queuedOnAll(paths, call);
  }
}

export const changes = new Changes();
