// Makes each system call of each verb fail: the file is the complete old or new one, no temporary remains, and the
// error or success is true. `npm run test:faults` uses every errno for every call; here each call gets one of them, in
// turn.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { scenarios } from '../../helpers/sys-fault-scenarios.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';
import { errnos, Rig, sweep, variants, type Variant } from '../../helpers/sys-sweep.js';
import { isLong, report, rows } from '../../helpers/sys-sweep-report.js';

/** Each scenario in one of its forms, in turn; without openat2, if the walk differs; without O_TMPFILE, for writes. */
const covered = rows(({ variant, how, where, scenario }) => {
  if (variant === 'the walk') return how === 'sync' && where === 'plain' && /^(a read$|an overwrite with a mode|a new file in|making|opening)/.test(scenario.title);
  if (variant === 'named temporaries') return how === 'async' && where === 'plain' && /keeps the mode|exclusive|stream|at once/.test(scenario.title);
  // Their calls are those of the others.
  if (/^(an appended record$|a record in a new file$|an update of|an update without|a shared lock)/.test(scenario.title)) return false;
  const isOdd = scenarios.indexOf(scenario) % 2 === 1;
  return how === (isOdd ? scenario.hows[0] : scenario.hows.at(-1)) && where === (isOdd ? scenario.wheres[0] : scenario.wheres.at(-1));
});

needs('root', 'gcc', 'setfacl')('a call of which one system call fails', () => {
  const rigs = new Map<Variant, Rig>();

  beforeAll(() => {
    const base = scratch();
    for (const variant of Object.keys(variants) as Variant[]) rigs.set(variant, new Rig(base, variant));
  });

  afterAll(async () => {
    for (const rig of rigs.values()) await rig.renew();
  });

  it.each(covered.map((row, place) => [row.title, row, place] as const))('%s', { timeout: 180_000 }, async (_title, { scenario, how, where, variant }, place) => {
    const rig = rigs.get(variant) as Rig;
    const oneOf = (call: number) => [errnos[(place + call) % errnos.length] as (typeof errnos)[number]];
    const tally = await sweep(rig, scenario, how, where, isLong ? () => errnos : oneOf, isLong);
    report({ sweep: 'faults', scenario: scenario.title, how, where, variant, ...tally });
    expect(tally.problems).toEqual([]);
    expect(tally.cases).toBeGreaterThan(2);
    expect(tally.strays).toBe(0);
  });
});
