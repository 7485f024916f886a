// Computes the states that a power loss may leave, from the log of a disk. Pure functions.
//
// At any point of the log, every write before the last completed flush is on the disk. Each later write is on the disk
// in full, in part or not at all: the disk may reorder them. For several writes of one sector the order of the log
// holds, because the disk keeps the later of two; omitting the later one gives the state in between. The loop driver
// turns a forced unit access into a write and a flush, so the log has none.

const SECTOR = 512;

/** Parses the log into entries. `kind` is that of log-disk.c. */
export function parseLog(text) {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [kind, offset, length] = line.split(' ');
      return kind === 'M' ? { kind, text: line.slice(2) } : { kind, offset: Number(offset), length: Number(length) };
    });
}

const isWrite = ({ kind }) => kind === 'W' || kind === 'D';

/** Returns parts of a write, cut at sectors of the given size: the beginning, the end, or some of its sectors. */
function tornParts(length, unit, random) {
  const sectors = Math.ceil(length / unit);
  const part = (from, to) => [from * unit, Math.min(length, to * unit)];
  if (sectors < 2) return [[0, length]];
  const middle = 1 + Math.floor(random() * (sectors - 1));
  const kind = random();
  if (kind < 0.4) return [part(0, middle)];
  if (kind < 0.6) return [part(middle, sectors)];
  const parts = [];
  for (let sector = 0; sector < sectors; sector++) if (random() < 0.5) parts.push(part(sector, sector + 1));
  return parts;
}

/** Chooses which of `count` writes are on the disk, by one of the patterns of losses. */
function chosenOf(count, random) {
  const kind = random();
  const one = Math.floor(random() * count);
  const share = [0.1, 0.5, 0.9][Math.floor(random() * 3)];
  return Array.from({ length: count }, (_, n) => {
    if (kind < 0.1) return false;
    if (kind < 0.2) return true;
    if (kind < 0.35) return n === one;
    if (kind < 0.5) return n !== one;
    if (kind < 0.6) return n < one;
    return random() < share;
  });
}

/**
 * Returns legal states with distinct disk contents, in the order of the log. A quarter of them lies right after an
 * acknowledgement, half where writes were not flushed, the rest anywhere.
 *
 * @param {object} options
 * @param {ReturnType<typeof parseLog>} options.entries
 * @param {number} options.wanted number of states; the result has fewer if the log has no more
 * @param {() => number} options.random
 * @param {number} options.metadataUnit bytes of metadata that the disk writes atomically; content is torn at 512
 * @returns {{ cut: number, flush: number, puts: number[][], lost: number, torn: number }[]} `cut`: the power fails
 *   before this entry; `flush`: entries up to it are on the disk; `puts`: bytes of later entries on the disk; `lost`,
 *   `torn`: number of writes that are missing or partial
 */
export function legalStates({ entries, wanted, random, metadataUnit }) {
  const first = entries.findIndex(({ kind }) => kind === 'M');
  const end = entries.findIndex(({ kind, text }) => kind === 'M' && text === 'end');
  if (first < 0 || end < 0) throw new Error('the log has no marks, or no end');
  const cuts = Array.from({ length: end - first }, (_, n) => first + 1 + n);
  const acknowledged = cuts.filter((cut) => entries[cut - 1].text?.startsWith('durable'));
  const { flushBefore, writesBefore } = counts(entries);
  const unflushed = cuts.filter((cut) => writesBefore[cut] > writesBefore[flushBefore[cut]]);

  const states = new Map();
  for (let tries = 0; states.size < wanted && tries < wanted * 50; tries++) {
    const from = [acknowledged, unflushed, unflushed, cuts][tries % 4];
    if (from.length === 0) continue;
    const cut = from[Math.floor(random() * from.length)];
    const state = stateAt(entries, cut, flushBefore[cut], { random, metadataUnit });
    const content = `${writesBefore[state.flush]} ${state.puts.join(' ')}`;
    // Of two moments with the same disk content, the later one has more acknowledgements.
    if (cut > (states.get(content)?.cut ?? -1)) states.set(content, state);
  }
  return [...states.values()].sort((a, b) => a.flush - b.flush || a.cut - b.cut);
}

function stateAt(entries, cut, flush, { random, metadataUnit }) {
  const open = [];
  for (let n = flush; n < cut; n++) if (isWrite(entries[n])) open.push(n);
  const chosen = chosenOf(open.length, random);
  const mayTear = random() < 0.5;
  const state = { cut, flush, puts: [], lost: 0, torn: 0 };
  open.forEach((n, index) => {
    const { kind, length } = entries[n];
    const whole = [[0, length]];
    const parts = mayTear && random() < 0.6 ? tornParts(length, kind === 'D' ? SECTOR : metadataUnit, random) : whole;
    if (!chosen[index]) state.lost += 1;
    else if (parts.length !== 1 || parts[0][1] - parts[0][0] !== length) state.torn += 1;
    if (chosen[index]) for (const [begin, stop] of parts) state.puts.push([n, begin, stop]);
  });
  return state;
}

/** Counts for each point of the log the entries up to the last flush, and the writes before it. */
function counts(entries) {
  const flushBefore = [0];
  const writesBefore = [0];
  entries.forEach((entry, n) => {
    flushBefore.push(entry.kind === 'F' ? n + 1 : flushBefore[n]);
    writesBefore.push(writesBefore[n] + (isWrite(entry) ? 1 : 0));
  });
  return { flushBefore, writesBefore };
}

/**
 * Returns the claims at the time of the power loss: the newest version of each file that was started, and the newest
 * that was acknowledged.
 *
 * @returns {{ started: Map<number, number>, durable: Map<number, number> }}
 */
export function claimsAt(entries, cut) {
  const started = new Map();
  const durable = new Map();
  for (let n = 0; n < cut; n++) {
    const { kind, text } = entries[n];
    if (kind !== 'M') continue;
    const [word, file, version] = text.split(' ');
    const into = word === 'durable' ? durable : started;
    into.set(Number(file), Math.max(Number(version), into.get(Number(file)) ?? 0));
  }
  return { started, durable };
}
