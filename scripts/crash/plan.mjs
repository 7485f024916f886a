// What the workload of the crash test writes, and how: the same for the process that writes and for the one that checks,
// from nothing but a seed.

/** Numbers from 0 to 1, always the same for the same seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The two directories of every disk: one is used by absolute paths, the other is pinned. */
export const PLACES = ['plain', 'root'];

/** Within an inode or a metadata block, one block, just over it, many, and more than one request to the device. */
const SIZES = [40, 600, 4096, 5000, 20_000, 70_000, 300_000];

const SECTOR = 512;

/** Every sector says which file and version it is of, so that nothing of another version can pass for it. */
export function contentOf(file, version) {
  const size = SIZES[(file * 7 + version * 3) % SIZES.length];
  const sectors = Array.from({ length: Math.ceil(size / SECTOR) }, (_, sector) =>
    Buffer.alloc(SECTOR, `holdfast ${file} ${version} ${sector} of ${size}\n`),
  );
  return Buffer.concat(sectors).subarray(0, size);
}

/** The version that is here whole, or undefined. */
export function versionOf(file, content) {
  const [, named, version] = /^holdfast (\d+) (\d+) /.exec(content.subarray(0, 40).toString('latin1')) ?? [];
  if (Number(named) !== file) return undefined;
  return contentOf(file, Number(version)).equals(content) ? Number(version) : undefined;
}

/** How many of a dozen files have their later versions synced how; the first version of each is fully durable. */
const SYNCED = [true, true, true, true, true, true, true, true, 'file', 'file', false, false];

/** The ways to write and how often each is taken, added up; those up to ALONE are of one file, the rest of several at a time. */
const WAYS = [['sync', 0.25], ['async', 0.4], ['stream', 0.5], ['stage', 0.6], ['async', 0.8], ['many', 1]];
const ALONE = 0.6;

/**
 * Steps that are done one after the other, each of one write or of several at a time.
 *
 * @param {{ seed: number, steps: number }} options
 */
export function makePlan({ seed, steps }) {
  const random = randomFrom(seed);
  const below = (limit) => Math.floor(random() * limit);
  const files = [];

  function newFile(place, isLone) {
    const number = files.length;
    // Lone files are in directories of their own, which the write has to make; or are created exclusively.
    const isDeep = isLone && random() < 0.5;
    const name = isDeep ? `made-${number}/deeper/file-${number}` : `file-${number}`;
    files.push({ number, place, name, versions: 0, isLone, isDeep, durable: isLone ? true : SYNCED[number % SYNCED.length] });
    return files.at(-1);
  }

  function write(file) {
    file.versions += 1;
    const isFirst = file.versions === 1;
    const options = { durable: isFirst ? true : file.durable };
    if (file.isDeep) options.mkdir = true;
    else if (file.isLone) options.overwrite = false;
    return { file: file.number, version: file.versions, options };
  }

  const steady = PLACES.map((place) => Array.from({ length: 12 }, () => newFile(place, false)));

  function step() {
    const place = below(PLACES.length);
    const pick = () => (random() < 0.25 ? newFile(PLACES[place], true) : steady[place][below(steady[place].length)]);
    const kind = random();
    const how = WAYS.find(([, upTo]) => kind < upTo)[0];
    const isLone = kind < ALONE;
    const writes = Array.from({ length: isLone ? 1 : 2 + below(5) }, () => write(pick()));
    return { place: PLACES[place], how, writes };
  }

  const made = Array.from({ length: steps }, step);
  return { files, steps: made };
}
