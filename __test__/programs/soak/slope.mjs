/**
 * The slope of the line that fits best.
 *
 * @param {[x: number, y: number][]} points
 */
export function leastSquares(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [middleX, middleY] = [mean(([x]) => x), mean(([, y]) => y)];
  const along = points.reduce((sum, [x]) => sum + (x - middleX) ** 2, 0);
  return points.reduce((sum, [x, y]) => sum + (x - middleX) * (y - middleY), 0) / along;
}

/** For node: a heap that does not grow because there is room, and is collected when it is told to, and not a little later. */
export const FLAGS = ['--expose-gc', '--max-semi-space-size=1', '--single-threaded-gc'];

/** For the environment: has the allocator give memory back when it is freed, so that what stays is kept by somebody. */
export const PROMPT_ALLOCATOR = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '65536', MALLOC_MMAP_THRESHOLD_: '131072' };

/**
 * What the memory of a process may have grown by, over the second half of so many calls, before it counts as a leak. In
 * practice it wavers by one or two megabytes, whatever is called: pages are the collector's and the allocator's to keep.
 */
const WAVERING = 4e6;

/**
 * The slope, in bytes a call, that counts as a leak: 8 for a million calls, half of the smallest block of malloc, which is 16
 * bytes. Fewer calls find only more.
 *
 * @param {number} calls
 */
export function limit(calls) {
  return WAVERING / (calls / 2);
}

/** What is wrong with a row, as text; empty when nothing is. */
export function faults({ calls, slope, descriptors, threads }) {
  return [
    slope > limit(calls) ? `${slope.toFixed(1)} bytes a call` : '',
    descriptors > 0 ? `${descriptors} descriptors` : '',
    threads > 0 ? `${threads} threads` : '',
  ]
    .filter(Boolean)
    .join(', ');
}
