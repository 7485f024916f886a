// Compares the doctor's verdicts with the verbs as user 1000, then follows each command that it advises in a copy of the
// place: the verb works there, and other users have the access that they had.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { places } from '../helpers/sys-doctor-places.js';
import { asUser, asUser1000 } from '../helpers/sys-driver.js';
import { needs } from '../helpers/sys-needs.js';
import { scratch, stagedPackage } from '../helpers/sys-scratch.js';

const { splitPath: doctorsSplit } = createRequire(import.meta.url)('../../dist/cli/doctor/root-verdicts.js');

const VERBS = ['ensureDir', 'writeAtomic', 'readLocalFileSafely', 'outbound', 'list', 'rename', 'remove'] as const;
type Verb = (typeof VERBS)[number];

interface Verdict {
  ok: boolean;
  target: string;
  outcome: string;
  error?: { code: string; message: string };
  why: string;
  advice: { text: string; command?: string }[];
}

interface Outcome {
  value?: { isPrivate?: boolean };
  error?: { code: string; message: string };
}

interface Trial {
  of: string;
  verb: Verb;
  /** of all places */
  copy: string;
  /** of this place */
  dir: string;
  target: string;
  command: string;
}

/** Commands that only show something. */
const SHOWS = /^(?:namei|getfacl|df) /;

const CALLS: Record<Verb, (target: string) => [string, unknown[]]> = {
  ensureDir: (target) => ['ensureDirSync', [target]],
  writeAtomic: (target) => ['writeAtomicSync', [target, 'text', { durable: false }]],
  readLocalFileSafely: (target) => ['readLocalFileSafelySync', [target]],
  outbound: (target) => ['readLocalFileSafelySync', [target, { outbound: true }]],
  list: (target) => ['root.listSync', splitPath(target)],
  rename: (target) => ['root.renameSync', [...splitPath(target), 'holdfast-doctor-new-name']],
  remove: (target) => ['root.removeSync', splitPath(target)],
};

/** Returns the directory above, which is the root, and the name, with what ends it. */
function splitPath(path: string): [string, string] {
  const { dir, name } = doctorsSplit(path);
  return [dir, name];
}

/** Returns the path of a call: the path that the doctor is asked about, or a new file in that directory. */
function targetOf(path: string, { target }: Verdict) {
  return target.endsWith('new-file') ? target : path;
}

function run(command: string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8', input, maxBuffer: 1 << 26 });
  expect(status, stderr).toBe(0);
  return stdout;
}

function program(as: string[], name: string, argument: string, input = ''): any {
  const folder = stagedPackage();
  return JSON.parse(run([...as, process.execPath, join(folder, 'programs', name), folder, argument], input));
}

/** Makes all places beneath a directory of root, with the modes that root has with umask 022. */
function make(base: string) {
  const lines = places.map(({ made }, number) => `mkdir -m 755 ${base}/${number} && cd ${base}/${number} && { ${made}; } || exit 1`);
  run(['bash'], `umask 022\n${lines.join('\n')}\n`);
}

/** Returns what some users and groups may do with every object beneath a directory. */
function accesses(base: string): Record<string, number>[] {
  const paths = run(['find', base, '-print0']);
  return [asUser(77, 77), asUser(78, 78)].map((as) => program(as, 'accesses.cjs', '', paths));
}

needs('root', 'setpriv', 'setfacl')('the doctor, for user 1000', () => {
  const rows = VERBS.flatMap((verb) => places.map((place, number) => ({ ...place, verb, number })));
  let verdicts: Verdict[];
  let outcomes: Outcome[];
  let trials: Trial[];
  let after: Outcome[];
  let gained: { trial: Trial; path: string; before: number; now: number }[];

  beforeAll(() => {
    const base = scratch();
    run(['mkdir', '-m', '755', join(base, 'made'), join(base, 'trials')]);
    run(['chmod', '755', base]);
    make(join(base, 'made'));
    const copyAs = (name: string) => run(['cp', '-a', join(base, 'made'), join(base, name)]);
    VERBS.forEach(copyAs);
    const asked = rows.map(({ verb, number, path }) => ({ verb, dir: join(base, verb, String(number)), path: `${base}/${verb}/${number}/${path}` }));
    verdicts = program(asUser1000, 'doctor-reports.cjs', JSON.stringify(asked.map(({ verb, path }) => [verb, path])));
    const targets = asked.map(({ path }, index) => targetOf(path, verdicts[index]!));
    outcomes = program(asUser1000, 'calls.cjs', JSON.stringify(asked.map(({ verb }, index) => CALLS[verb](targets[index]!))));

    trials = rows.flatMap(({ name, verb, number }, index) =>
      verdicts[index]!.advice.flatMap(({ command }, order) => {
        if (command === undefined || SHOWS.test(command)) return [];
        const copy = `trials/${verb}-${order}`;
        const moved = (text: string) => text.replaceAll(asked[index]!.dir, join(base, copy, String(number)));
        return [{ of: `${verb} on ${name}`, verb, copy, dir: moved(asked[index]!.dir), target: moved(targets[index]!), command: moved(command) }];
      }),
    );
    new Set(trials.map(({ copy }) => copy)).forEach(copyAs);
    const before = accesses(join(base, 'trials'));
    // Root follows the advice, but what needs no root is for the user.
    const [byUser, byRoot] = [true, false].map((is) => trials.filter(({ command }) => /^chmod u\+|^mkdir (?!.*chown)/.test(command) === is).map(({ command }) => `${command} || { echo 'failed: ${command}' >&2; exit 1; }\n`));
    run(['bash'], `umask 022\n${byRoot!.join('')}`);
    run([...asUser1000, 'bash'], `umask 022\n${byUser!.join('')}`);
    const now = accesses(join(base, 'trials'));
    gained = trials.flatMap((trial) =>
      now.flatMap((all, who) =>
        Object.entries(all).flatMap(([path, may]) => {
          if (path !== trial.dir && !path.startsWith(`${trial.dir}/`)) return [];
          // What a command makes may be read, and not written.
          const had = before[who]![path] ?? 5;
          return (may & ~had) === 0 ? [] : [{ trial, path, before: had, now: may }];
        }),
      ),
    );
    after = program(asUser1000, 'calls.cjs', JSON.stringify(trials.map(({ verb, target }) => CALLS[verb](target))));
  });

  it('predicts what each verb does', () => {
    const wrong = rows.flatMap(({ name, verb }, index) => {
      const { ok, outcome, error } = verdicts[index]!;
      const { value, error: thrown } = outcomes[index]!;
      const isGood = thrown === undefined && value?.isPrivate !== false;
      const told = { ok, outcome, code: error?.code, message: withoutChance(error?.message) };
      const was = { ok: isGood, outcome: isGood ? 'ok' : thrown === undefined ? 'warn' : 'fails', code: thrown?.code, message: withoutChance(thrown?.message) };
      return JSON.stringify(told) === JSON.stringify(was) ? [] : [{ on: `${verb} on ${name}`, told, was }];
    });
    expect(wrong).toEqual([]);
  });

  it('advises commands after which the verb works', () => {
    expect(trials.length).toBeGreaterThan(40);
    const vain = trials.flatMap(({ of, command }, index) => {
      const { value, error } = after[index]!;
      return error === undefined && value?.isPrivate !== false ? [] : [{ of, command, error: error?.message ?? 'not private' }];
    });
    expect(vain).toEqual([]);
  });

  it('advises no command that gives other users access that they did not have', () => {
    // This one says that everybody may read the file.
    const unasked = gained.filter(({ trial, before, now }) => !(trial.verb === 'outbound' && (now & ~before) === 4));
    expect(unasked.map(({ trial: { of, command }, path, before, now }) => ({ of, command, path, before, now }))).toEqual([]);
  });

  it('has something to say of each verb that does not succeed', () => {
    const silent = rows.filter((_, index) => {
      const { ok, advice, error } = verdicts[index]!;
      return !ok && advice.length === 0 && error?.code === 'EACCES';
    });
    expect(silent.map(({ name, verb }) => `${verb} on ${name}`)).toEqual([]);
  });
});

/** Replaces the random names of temporaries. */
function withoutChance(message: string | undefined) {
  return message?.replace(/\.holdfast-([0-9a-v]{24}|\*)\.tmp/g, '<temporary>');
}
