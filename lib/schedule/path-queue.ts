// Runs calls on one path one after another. Compares paths as text, so that calls on different paths never wait for
// each other.

/**
 * A queue for calls that run the caller's functions. If paths to one file shared a queue, a function that awaits a call
 * on the other path would deadlock.
 */
export class PathQueue {
  /** the last call on each path */
  #last: Map<string, Promise<void>> = new Map();

  /**
   * Runs a call after the earlier calls on the same path. The call starts after this method returns, so that it may
   * queue another.
   */
  queued<T>(path: string, call: () => Promise<T>): Promise<T> {
    return this.#enqueue([path], (this.#last.get(path) ?? Promise.resolve()).then(call));
  }

  /** Runs a call after the earlier calls on any of several paths. */
  queuedOnAll<T>(paths: string[], call: () => Promise<T>): Promise<T> {
    return this.#enqueue(paths, Promise.all(paths.map((path) => this.#last.get(path))).then(call));
  }

  #enqueue<T>(paths: string[], running: Promise<T>): Promise<T> {
    const done = () => {
      for (const path of paths) {
        if (this.#last.get(path) === tail) {
          this.#last.delete(path);
        }
      }
    };
    const tail: Promise<void> = running.then(done, done);
    for (const path of paths) {
      this.#last.set(path, tail);
    }
    return running;
  }
}
