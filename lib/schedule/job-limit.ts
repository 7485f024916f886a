// Limits the jobs in libuv's pool. Submitting thousands at once would block the event loop. A waiting job costs one
// closure and holds no descriptor.

/** Limit of running jobs. It exceeds the number of threads, so that no thread is idle while jobs wait. */
const MAX_JOBS = Math.max(128, 2 * (Number(process.env.UV_THREADPOOL_SIZE) || 0));

/** The number of threads in libuv's pool. */
const THREADS = Math.min(1024, Math.max(1, Math.trunc(Number(process.env.UV_THREADPOOL_SIZE)) || 4));

let running = 0;

/** Jobs that wait for an idle thread ({@link untilIdle}), first in, first out. */
const paused: (() => void)[] = [];

/** jobs that wait for a slot; the next one to start is at `head` */
let waiting: (() => void)[] = [];
let head = 0;

/** Returns whether a job would start at once. No job starts while another one waits for an idle thread. */
export function hasRoom() {
  return running < MAX_JOBS && paused.length === 0;
}

/** Runs a job when a slot is free: in the same tick, if one is free now. */
export async function inPool<T>(start: () => Promise<T>): Promise<T> {
  if (hasRoom()) {
    running += 1;
  } else {
    await slot(waiting);
  }
  try {
    return await start();
  } finally {
    running -= 1;
    startNext();
  }
}

/**
 * Resolves when the pool has an idle thread, so that the next step of a job starts without delay. Only jobs of {@link
 * inPool} call it. Counts the jobs of this module only.
 */
export async function untilIdle(): Promise<void> {
  if (running <= THREADS && paused.length === 0) {
    return;
  }
  running -= 1;
  const resumed = slot(paused);
  startNext();
  await resumed;
}

/** Resolves when a running job frees its slot, and takes that slot in the same tick. */
function slot(queue: (() => void)[]): Promise<void> {
  return new Promise((resolve) => {
    queue.push(() => {
      running += 1;
      resolve();
    });
  });
}

function startNext() {
  while (paused.length > 0) {
    if (running >= THREADS) {
      return;
    }
    (paused.shift() as () => void)();
  }
  while (running < MAX_JOBS && head < waiting.length) {
    const next = waiting[head];
    head += 1;
    if (head === waiting.length) {
      waiting = [];
      head = 0;
    }
    next();
  }
}
