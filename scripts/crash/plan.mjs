// The plan of the crash test's workload, derived from a seed only. The writing process and the checking process use the
// same plan.

/** Returns a generator of numbers from 0 to 1, deterministic for a seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The two directories of every disk: one for absolute paths, one for a pinned root. */
export const PLACES = ['plain', 'root'];

/**
 * Sizes within an inode or a metadata block, of one block, slightly above it, of many, and of more than one request to
 * the device.
 */
const SIZES = [40, 600, 4096, 5000, 20_000, 70_000, 300_000];

const SECTOR = 512;

/**
 * Returns the content of a version. Every sector contains its file and version, so that no other version can be
 * mistaken for it.
 */
export function contentOf(file, version) {
  const size = SIZES[(file * 7 + version * 3) % SIZES.length];
  const sectors = Array.from({ length: Math.ceil(size / SECTOR) }, (_, sector) =>
    Buffer.alloc(SECTOR, `holdfast ${file} ${version} ${sector} of ${size}\n`),
  );
  return Buffer.concat(sectors).subarray(0, size);
}

/** Returns the version whose content is complete, or undefined. */
export function versionOf(file, content) {
  const [, named, version] = /^holdfast (\d+) (\d+) /.exec(content.subarray(0, 40).toString('latin1')) ?? [];
  if (Number(named) !== file) return undefined;
  return contentOf(file, Number(version)).equals(content) ? Number(version) : undefined;
}

/** Records of a log until the next log begins, in a directory of its own. */
const RECORDS = 8;

/** Returns a record of a log, without its line break: within a sector, across some, or across many. */
export function recordOf(file, version) {
  const size = [60, 300, 700, 5000, 90_000][(file * 3 + version) % 5];
  const head = `holdfast ${file} ${version} `;
  return head + String(version % 10).repeat(size - head.length);
}

/** Returns how many records at the start of a log are whole, and how many bytes follow them. */
export function wholeRecords(file, content) {
  let [count, at] = [0, 0];
  for (;;) {
    const line = Buffer.from(`${recordOf(file, count + 1)}\n`);
    if (!content.subarray(at, at + line.length).equals(line)) return { count, rest: content.length - at };
    count += 1;
    at += line.length;
  }
}

/** Values of `durable` for the later versions of a dozen files; the first version of each is fully durable. */
const SYNCED = [true, true, true, true, true, true, true, true, 'file', 'file', false, false];

/**
 * The ways to write, with cumulative frequencies. Those up to ALONE write one file, the others several at once. `move`
 * renames a file.
 */
const WAYS = [['sync', 0.25], ['async', 0.35], ['stream', 0.42], ['stage', 0.49], ['move', 0.6], ['async', 0.8], ['many', 1]];
const ALONE = 0.6;

/** Returns the name of a moved file in a version: the first one was written, each other has come by a rename. */
export function nameOfVersion({ names }, version) {
  return names[(version - 1) % names.length];
}

/**
 * Returns steps to run in sequence. Each step has one write, or several at once.
 *
 * @param {{ seed: number, steps: number }} options
 */
export function makePlan({ seed, steps }) {
  const random = randomFrom(seed);
  const below = (limit) => Math.floor(random() * limit);
  const files = [];

  function newFile(place, isLone) {
    const number = files.length;
    // Lone files are in directories of their own, which the write makes, or are created exclusively.
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

  const moved = PLACES.map((place) =>
    Array.from({ length: 2 }, () => {
      const file = newFile(place, false);
      const { number } = file;
      return Object.assign(file, { durable: true, names: [`here-${number}/moved`, `there-${number}/moved`] });
    }),
  );

  function step() {
    const place = below(PLACES.length);
    const pick = () => (random() < 0.25 ? newFile(PLACES[place], true) : steady[place][below(steady[place].length)]);
    const kind = random();
    const how = WAYS.find(([, upTo]) => kind < upTo)[0];
    const isLone = kind < ALONE;
    if (how === 'move') return { place: PLACES[place], how, writes: [write(moved[place][below(moved[place].length)])] };
    const writes = Array.from({ length: isLone ? 1 : 2 + below(5) }, () => write(pick()));
    return { place: PLACES[place], how, writes };
  }

  const logs = {};

  /** One to three records, one after another. */
  function append(at) {
    const place = PLACES[at % PLACES.length];
    const writes = Array.from({ length: 1 + (at % 3) }, () => {
      if ((logs[place]?.versions ?? RECORDS) >= RECORDS) {
        const number = files.length;
        logs[place] = { number, place, name: `logs-${number}/log`, versions: 0, durable: true, isLog: true };
        files.push(logs[place]);
      }
      logs[place].versions += 1;
      return { file: logs[place].number, version: logs[place].versions, options: { durable: true, mkdir: true } };
    });
    return { place, how: at % 2 === 0 ? 'append' : 'append-async', writes };
  }

  // Every third step appends.
  const made = Array.from({ length: steps }, (_, at) => (at % 3 === 2 ? append((at - 2) / 3) : step()));
  return { files, steps: made };
}
