// A process that is killed at the entry of any system call of a verb leaves the complete old or new state.
// `npm run test:faults` does it for every verb and call; this spec for the writes, once for each state that a call leaves.
import { constants, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Driver } from '../../helpers/sys-driver.js';
import { kindOf, type Call } from '../../helpers/sys-fault.js';
import { straysIn } from '../../helpers/sys-fault-scenarios.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';
import { Rig, variants, type Variant } from '../../helpers/sys-sweep.js';
import { isLong, report, rows } from '../../helpers/sys-sweep-report.js';

const covered = rows(({ scenario, how, where, variant }) => {
  const isNamed = variant === 'named temporaries' && /keeps the mode/.test(scenario.title);
  return how === 'sync' && where === 'plain' && (isNamed || (variant === 'openat2 and O_TMPFILE' && /keeps the mode|would cut|torn one/.test(scenario.title)));
});

/** Names that may remain: a temporary, or the recovery copy of a write in place. */
const ownName = /(^|\/)\.holdfast-([0-9a-v]{24}\.tmp|[0-9a-f]{32}\.recovery)$/;

/** O_CREAT, O_TRUNC or O_TMPFILE, which `fs.constants` lacks. */
const CREATES = constants.O_CREAT | constants.O_TRUNC | 0o20000000;

/** Calls that leave every file unchanged. An open may create one. */
const changesNothing = ({ name, args }: Call): boolean =>
  /^(close|l?stat|fstat|newfstatat|statx|f?statfs|f?getxattr(at)?|access|faccessat2?|read|pread64|readv|preadv2?|getdents64|lseek|fcntl|readlink(at)?|geteuid|getuid|umask)$/.test(name) ||
  (/^open(at2?)?$/.test(name) && (Number(/flags=(0x[0-9a-f]+)/.exec(args)?.[1]) & CREATES) === 0);

needs('root', 'gcc', 'setfacl')('sudden death', () => {
  const rigs = new Map<Variant, Rig>();
  let survivor: Driver;

  beforeAll(async () => {
    const base = scratch();
    for (const variant of Object.keys(variants) as Variant[]) rigs.set(variant, new Rig(base, variant));
    survivor = await Driver.start();
    await survivor.must({ umask: 0o022 });
  });

  afterAll(async () => {
    for (const rig of rigs.values()) await rig.renew();
  });

  it.each(covered.map((row) => [row.title, row] as const))('in each call of %s', { timeout: 180_000 }, async (_title, { scenario, how, where, variant }) => {
    const rig = rigs.get(variant) as Rig;
    const calls = await rig.observe(scenario, how, where);
    // A root is opened by two: openat2 and statx.
    expect(calls.length).toBeGreaterThanOrEqual(2);
    const seen = { states: 0, old: 0, new: 0, strays: 0 };
    // At the entry of a call, the state is that after the previous call.
    const distinct = calls.filter((_, at) => isLong || scenario.isParallel || at === 0 || !changesNothing(calls[at - 1] as Call));
    for (const { name, number } of distinct) {
      const { ground, hit } = await rig.kill(scenario, how, where, `${name}#${number}:kill`);
      const told = kindOf(hit);
      const state = scenario.state(ground.dir);
      const parts = state.split(',');
      expect(parts.filter((part) => !/^(old|old in a copy|new|new above and old below|part|both names)$/.test(part)), `${told} shows ${state}`).toEqual([]);
      const strays = straysIn(ground.dir, scenario);
      expect(strays.filter((stray) => !ownName.test(stray)), told).toEqual([]);
      seen.states += 1;
      seen[parts.some((part) => /old|part|both/.test(part)) ? 'old' : 'new'] += 1;
      seen.strays += strays.length > 0 ? 1 : 0;

      if (where === 'root') await survivor.openRoot(ground.dir);
      const { error } = await survivor.ask(scenario.request(ground));
      if (where === 'root') await survivor.must({ closeRoot: ground.dir });
      expect(error && !(scenario.isOnce && /^(already-exists|not-found)$/.test(String(error.code)) && /^new$|^both/.test(state)) ? error.message : undefined, told).toBeUndefined();
      await survivor.must({ call: 'cleanStaleTemporaries', args: [ground.dir, { olderThanMs: 0 }] });
      expect(straysIn(ground.dir, scenario).filter((stray) => !stray.includes('/') && /\.tmp$/.test(stray)), told).toEqual([]);
      rmSync(ground.dir, { recursive: true, force: true });
    }
    report({ sweep: 'kill', scenario: scenario.title, how, where, variant, ...seen });
    // Both states must occur, before and after the publication, unless the publication is the last call.
    const isLast = /^(rename|link)/.test(calls.at(-1)?.name ?? '');
    if (scenario.targets.length > 0) expect(Math.min(seen.old, isLast ? 1 : seen.new)).toBeGreaterThan(0);
  });
});
