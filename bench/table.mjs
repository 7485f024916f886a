// Prints a run, and formats numbers for all outputs.

export const duration = (nanoseconds) => {
  const value = nanoseconds / 1000;
  return value >= 1000 ? `${(value / 1000).toPrecision(3)} ms` : `${value.toPrecision(3)} µs`;
};
export const figure = (value) => (value >= 10 ? value.toFixed(1) : value.toFixed(2));
export const spread = ({ low, high }) => `[${figure(low)}–${figure(high)}]`;

/** Formats a reached ratio, with one more digit if two digits would equal the target. */
export function reached({ limit, times, figure: { median } }) {
  const value = figure(median) === figure(limit ?? times) ? median.toFixed(median >= 10 ? 2 : 3) : figure(median);
  return times === undefined ? value : `${value}×`;
}

/** Returns whether the system calls alone miss the target, so that nothing with the same guarantees can meet it. */
export const isRuledOut = ({ met, floor, limit, times }) => !met && floor !== undefined && (times === undefined ? floor > limit : floor < times);

/** Counts the targets for a sentence. */
export function countTargets(targets) {
  const met = targets.filter((target) => target.met).length;
  const ruledOut = targets.filter(isRuledOut).length;
  return { met, ruledOut, missed: targets.length - met - ruledOut };
}

function describeTarget(target) {
  const { candidate, against, cpu, limit, times, met } = target;
  const bound = times === undefined ? `≤ ${figure(limit)}` : `≥ ${times}×`;
  const verdict = met ? 'met' : isRuledOut(target) ? `FLOOR ${figure(target.floor)}` : 'MISSED';
  return `${verdict}  ${candidate} : ${against}${cpu ? ', processor time' : ''} ${reached(target)} (to reach ${bound}) ${spread(target.figure)}`;
}

/** Prints a row with one candidate per line: time of one operation, ratio to the first line, quartiles of the ratio. */
export function printRow({ id, title, candidates, targets }) {
  console.log(`\n  ${title}  (${id})`);
  for (const { id: name, nanoseconds, ratio, omits } of candidates) {
    const cells = [name.padEnd(18), duration(nanoseconds).padStart(10), figure(ratio.median).padStart(7), spread(ratio).padEnd(14)];
    console.log(`    ${cells.join(' ')} ${omits ? `(${omits})` : ''}`.trimEnd());
  }
  for (const target of targets) console.log(`    → ${describeTarget(target)}`);
}

/** Prints the missed targets, at the end of the output. */
export function printSummary(results) {
  const all = results.flatMap((row) => row.targets.map((target) => ({ row, target })));
  const { met, ruledOut } = countTargets(all.map(({ target }) => target));
  console.log(`\n${met} of ${all.length} targets met; ${ruledOut} are below the floor of this machine.`);
  const missed = all.filter(({ target }) => !target.met);
  for (const { row, target } of missed) console.log(`  Node ${row.node} ${row.place} ${row.title}: ${describeTarget(target)}`);
  const left = new Set(results.flatMap(({ node, leftOut }) => leftOut.map(({ name, wants }) => `${name} on Node ${node} (wants ${wants})`)));
  if (left.size > 0) console.log(`Left out: ${[...left].join(', ')}.`);
}
