// Calls on one path run one after another. Paths are compared as text, so that calls on different paths never wait for each other.

/**
 * For calls during which the caller's own functions run: a queue that also lets paths wait that may lead to one file would
 * deadlock when such a function awaits a call on the other path.
 */
export class PathQueue {
  /** the last call on each path */
  #last: Map<string, Promise<void>> = new Map();

  /** Runs a call after those made before it on the same path. It starts after this method has returned, so that it may queue another. */
  queued<T>(path: string, call: () => Promise<T>): Promise<T> {
    const running = (this.#last.get(path) ?? Promise.resolve()).then(call);
    const done = () => {
      if (this.#last.get(path) === tail) {
        this.#last.delete(path);
      }
    };
    const tail: Promise<void> = running.then(done, done);
    this.#last.set(path, tail);
    return running;
  }
}
