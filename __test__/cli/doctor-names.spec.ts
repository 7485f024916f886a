// Compares the doctor's verdicts on `list`, `rename` and `remove` with the verbs where a mount, an attribute or a right of
// root decides. doctor-advice.spec.ts has the places of ordinary directories.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { asUser1000 } from '../helpers/sys-driver.js';
import { needs } from '../helpers/sys-needs.js';
import { scratch, stagedPackage } from '../helpers/sys-scratch.js';

const { splitPath } = createRequire(import.meta.url)('../../dist/cli/doctor/root-verdicts.js');

const VERBS = ['list', 'rename', 'remove'] as const;

/** The commands run in an empty directory; the paths are beneath it, or absolute. */
const PLACES = {
  'a mount point': { made: 'mkdir d; mount -t tmpfs t d; chown 1000:1000 . d', path: 'd' },
  'a file that is a mount point': { made: 'echo x >f; echo y >g; mount --bind g f; chown 1000:1000 .', path: 'f' },
  'a file on a read-only mount': { made: 'mkdir d; echo x >d/f; chown -R 1000:1000 d; mount --bind d d; mount -o remount,ro,bind d', path: 'd/f' },
  'nothing on a read-only mount': { made: 'mkdir d; chown 1000:1000 d; mount --bind d d; mount -o remount,ro,bind d', path: 'd/new' },
  'a directory on a read-only mount': { made: 'mkdir -p d/e; mount --bind d d; mount -o remount,ro,bind d', path: 'd/e' },
  'an immutable file': { made: 'echo x >f; chown 1000:1000 . f; chattr +i f', path: 'f' },
  'an immutable directory': { made: 'mkdir d; chown 1000:1000 . d; chattr +i d', path: 'd' },
  'a directory in an immutable one': { made: 'mkdir -p d/e; chown -R 1000:1000 d; chattr +i d', path: 'd/e' },
  'a file in an append-only directory': { made: 'mkdir d; echo x >d/f; chown -R 1000:1000 d; chattr +a d', path: 'd/f' },
  'a full tmpfs': { made: 'mkdir d; mount -t tmpfs -o size=64k t d; chown 1000:1000 d; echo x >d/f; head -c 100000 /dev/zero >d/g 2>/dev/null || true', path: 'd/f' },
  'a tmpfs without a free inode': { made: 'mkdir d; mount -t tmpfs -o nr_inodes=2 t d; chown 1000:1000 d; echo x >d/f', path: 'd/f' },
  'another user’s file in a sticky directory': { made: 'mkdir d; chmod 1777 d; echo x >d/f; chown 1001:1001 d/f', path: 'd/f' },
  'a link to a directory': { made: 'mkdir d; ln -s d l; chown 1000:1000 .', path: 'l' },
  'a file on procfs': { made: 'true', path: '/proc/version' },
  'a file on sysfs': { made: 'true', path: '/sys/kernel/notes' },
  'a directory on sysfs': { made: 'true', path: '/sys/kernel/mm' },
  'the root of the file system': { made: 'true', path: '/' },
  'a path beneath nothing': { made: 'true', path: 'none/f' },
  'a path through a link': { made: 'mkdir d; echo x >d/f; ln -s d l; chown -R 1000:1000 .', path: 'l/f' },
} as const;

/** Makes the places in a mount namespace, and returns the reports of the doctor and what the verbs did, call by call. */
function compare(as: string[]) {
  const base = scratch();
  const folder = stagedPackage();
  const calls = VERBS.flatMap((verb) =>
    Object.entries(PLACES).map(([name, { made, path }], number) => {
      const dir = `${base}/${verb}-${number}`;
      return { of: `${verb} of ${name}`, verb, dir, made, path: path.startsWith('/') ? path : `${dir}/${path}` };
    }),
  );
  const script = [
    'umask 022',
    `mount -t tmpfs t ${base} && chmod 755 ${base}`,
    ...calls.map(({ dir, made }) => `mkdir ${dir} && cd ${dir} && { ${made}; } || exit 1`),
    'cd /',
    '"$@"/doctor-reports.cjs "$FOLDER" "$ASKED" && "$@"/calls.cjs "$FOLDER" "$CALLS"',
  ];
  const command = ['unshare', '--mount', '--propagation', 'private', 'bash', '-ec', script.join('\n'), 'bash', ...as, process.execPath, join(folder, 'programs')];
  const { status, stdout, stderr } = spawnSync(command[0]!, command.slice(1), {
    encoding: 'utf8',
    env: {
      ...process.env,
      FOLDER: folder,
      ASKED: JSON.stringify(calls.map(({ verb, path }) => [verb, path])),
      CALLS: JSON.stringify(calls.map(({ verb, path }) => callOf(verb, path))),
    },
  });
  expect(status, stderr).toBe(0);
  const [reports, outcomes] = stdout.trim().split('\n').map((line) => JSON.parse(line));
  return calls.map(({ of }, index) => ({ of, report: reports[index], outcome: outcomes[index] }));
}

function callOf(verb: (typeof VERBS)[number], path: string) {
  const { dir, name } = splitPath(path);
  return [`root.${verb}Sync`, [dir, name, ...(verb === 'rename' ? ['holdfast-doctor-new-name'] : [])]];
}

needs('root', 'setpriv', 'unshare', 'mount')('what the doctor foretells of names', () => {
  it.each([
    ['root', []],
    ['user 1000', asUser1000],
  ])('is what the verbs then do, for %s', (_name, as) => {
    const all = compare(as);
    const told = all.map(({ of, report: { outcome, error, result, advice } }) => ({
      of,
      ...(outcome === 'ok' ? result : { code: error.code, message: error.message }),
      isAdvised: advice.length > 0 || !/^E/.test(error?.code ?? ''),
    }));
    const done = all.map(({ of, outcome: { error, value } }) => ({ of, ...(error ? { code: error.code, message: error.message } : foreseeable(of, value)), isAdvised: true }));
    expect(told).toEqual(done);
  });
});

/** Returns the predictable part of a result. */
function foreseeable(of: string, { durable, same, removed }: Record<string, unknown>) {
  if (of.startsWith('list')) return {};
  return of.startsWith('rename') ? { durable, same } : { removed };
}
