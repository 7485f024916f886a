/**
 * Returns the slope of the best-fitting line.
 *
 * @param {[x: number, y: number][]} points
 */
export function leastSquares(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [middleX, middleY] = [mean(([x]) => x), mean(([, y]) => y)];
  const along = points.reduce((sum, [x]) => sum + (x - middleX) ** 2, 0);
  return points.reduce((sum, [x, y]) => sum + (x - middleX) * (y - middleY), 0) / along;
}

/** Flags of node: a heap that does not grow because there is room, and whose collection completes synchronously. */
export const FLAGS = ['--expose-gc', '--max-semi-space-size=1', '--single-threaded-gc'];

/** Environment of glibc's allocator: returns freed memory at once, so that the remaining memory is in use. */
export const PROMPT_ALLOCATOR = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '65536', MALLOC_MMAP_THRESHOLD_: '131072' };

/**
 * Growth of a process's memory over the second half of the calls that does not count as a leak. In practice it varies
 * by one or two megabytes, whatever the call: the collector and the allocator keep pages.
 */
const WAVERING = 4e6;

/**
 * Returns the slope, in bytes per call, that counts as a leak: 8 for a million calls, half of malloc's smallest block
 * of 16 bytes. Fewer calls detect only larger leaks.
 *
 * @param {number} calls
 */
export function limit(calls) {
  return WAVERING / (calls / 2);
}

/** Returns the problems of a row as text; empty if there are none. */
export function faults({ calls, slope, descriptors, threads }) {
  return [
    slope > limit(calls) ? `${slope.toFixed(1)} bytes a call` : '',
    descriptors > 0 ? `${descriptors} descriptors` : '',
    threads > 0 ? `${threads} threads` : '',
  ]
    .filter(Boolean)
    .join(', ');
}
