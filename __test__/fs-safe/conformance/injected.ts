import * as fs from 'node:fs';
import type { Api, Case, Difference } from './harness.js';
import { injectedAsync, injectedSync } from '../../helpers/fs-safe-injected.js';

type Options = Record<string, unknown>;
type Changes = Parameters<typeof injectedSync>[1];

interface Entry extends Omit<Case, 'name' | 'call' | 'differs'> {
  options?: Options;
  /** the twins may differ in the recorded calls */
  differs?: { sync: Difference; async: Difference } | Difference;
  changes?: { sync: Changes; async: Changes };
  /** the calls that a row shows; default: all */
  shows?: RegExp;
}

/** Shows the outcome of the call, and every call of the host's functions. */
function twins(name: string, { options = {}, differs, changes, shows = /./, ...rest }: Entry): Case[] {
  const of = (twin: 'sync' | 'async') => (differs === undefined ? {} : { differs: 'sync' in differs ? differs[twin] : differs });
  return [
    { name: `with a host's file system, ${name}`, ...rest, ...of('async'),
      call: async (api: Api, dir: string) => {
        const { fileSystem, calls } = injectedAsync(dir, changes?.async);
        return report(dir, calls, shows, () => api.replaceFileAtomic({ filePath: `${dir}/f`, content: 'new', ...options, fileSystem } as never));
      } },
    { name: `with a host's file system, ${name}, at once`, ...rest, ...of('sync'),
      call: async (api: Api, dir: string) => {
        const { fileSystem, calls } = injectedSync(dir, changes?.sync);
        return report(dir, calls, shows, async () => api.replaceFileAtomicSync({ filePath: `${dir}/f`, content: 'new', ...options, fileSystem } as never));
      } },
  ];
}

async function report(dir: string, calls: string[], shows: RegExp, replace: () => Promise<unknown>): Promise<unknown> {
  const outcome = await replace().catch((error) => (error === refusal ? 'the guard' : [error.name, error.code].filter(Boolean).join(' ')));
  return [outcome, ...calls.filter((call) => shows.test(call))];
}

const refusal = new Error('a guard of the host refuses');
const busyTwice = () => {
  let times = 0;
  return (inner: (...args: any[]) => any, ...args: any[]) => {
    times += 1;
    if (times <= 2) throw Object.assign(new Error('EBUSY: busy, rename'), { code: 'EBUSY', errno: -16, syscall: 'rename' });
    return inner(...args);
  };
};
const refused = () => {
  throw refusal;
};
const exchanged = (_inner: unknown, from: string, to: string) => {
  fs.rmSync(from);
  fs.writeFileSync(to, 'other');
};

const RENAMED = '{"method":"rename"}';
const tolerated = 'a chmod that the system refuses is tolerated; where `dirMode` is private (no bit for group and others), a warning says so';
const keepsSetgid = 'setgid stays: it decides the group of what is made there';
const shared = 'a sticky directory that others may write is shared, and not closed to them';

export const injectedCases: readonly Case[] = [
  ...twins('a new file', { mode: 0o700 }),
  ...twins('over a file', { mode: 0o700, layout: ['f 0644: old'] }),
  ...twins('a parent is made', { mode: 0o755, options: {} }),
  ...twins('a mode', { mode: 0o700, options: { mode: 0o640 } }),
  ...twins('keeping the mode', { mode: 0o700, layout: ['f 0640: old'], options: { preserveExistingMode: true } }),
  ...twins('keeping the mode of nothing', { mode: 0o700, options: { preserveExistingMode: true } }),
  ...twins('keeping the mode of a link', { mode: 0o700, layout: ['f => g'], options: { preserveExistingMode: true } }),
  ...twins('with a prefix', { mode: 0o700, options: { tempPrefix: 'config' } }),
  ...twins('synced', { mode: 0o700, options: { syncTempFile: true, syncParentDir: true } }),
  ...twins('one of two names, refused', { mode: 0o700, layout: ['f: old', 'g == f'], options: { destinationHardlinks: 'reject' } }),
  ...twins('one name, asked for', { mode: 0o700, layout: ['f: old'], options: { destinationHardlinks: 'reject' } }),
  ...twins('no name, asked for', { mode: 0o700, options: { destinationHardlinks: 'reject' } }),
  ...twins('a busy target', { mode: 0o700, options: { renameMaxRetries: 3, renameRetryBaseDelayMs: 1 }, changes: { get sync() { return { renameSync: busyTwice() }; }, get async() { return { rename: busyTwice() }; } } }),
  ...twins('a guard before the rename', { mode: 0o700, changes: { sync: { renameSync: refused }, async: { rename: refused } } }),
  ...twins('a guard before the parent', { mode: 0o700, changes: { sync: { mkdirSync: refused }, async: { mkdir: refused } } }),
  ...twins('a guard before the content', { mode: 0o700, changes: { sync: { writeFileSync: refused }, async: { 'handle.chmod': refused } } }),
  ...twins('a guard of the cleaning', { mode: 0o700, options: { throwOnCleanupError: true }, changes: { sync: { renameSync: refused, unlinkSync: refused }, async: { rename: refused, unlink: refused } } }),
  ...twins('a rename that publishes another file', { mode: 0o700, changes: { sync: { renameSync: exchanged }, async: { rename: exchanged } } }),
  ...twins('asked before each change', { mode: 0o700, options: { assertBeforeMutation: refused } }),
  ...twins('in a directory of the group, as Kubernetes mounts it', { mode: 0o2775, owner: [0, 1000], user: 1000, layout: ['f: old'], shows: /chmod/, differs: {
    sync: { verdict: 'better', because: tolerated, theirs: ['ok ["Error EPERM","fchmodSync(<$DIR>, 0700)"]', 'f 0644: old'], ours: [`ok [${RENAMED},"fchmodSync(<$DIR>, 02700)","fchmodSync(<$DIR/TEMPORARY>, 0600)"]`, 'f 0600: new'] },
    async: { verdict: 'better', because: tolerated, theirs: ['ok ["Error EPERM","<$DIR>.chmod(0700)"]', 'f 0644: old'], ours: [`ok [${RENAMED},"<$DIR>.chmod(02700)","<$DIR/TEMPORARY>.chmod(0600)"]`, 'f 0600: new'] },
  } }),
  ...twins('in a setgid directory of its own', { mode: 0o2775, user: 1000, shows: /chmod/, differs: {
    sync: { verdict: 'better', because: keepsSetgid, theirs: [`ok [${RENAMED},"fchmodSync(<$DIR>, 0700)","fchmodSync(<$DIR/TEMPORARY>, 0600)"]`, './ 0700'], ours: [`ok [${RENAMED},"fchmodSync(<$DIR>, 02700)","fchmodSync(<$DIR/TEMPORARY>, 0600)"]`, './ 2700'] },
    async: { verdict: 'better', because: keepsSetgid, theirs: [`ok [${RENAMED},"<$DIR>.chmod(0700)","<$DIR/TEMPORARY>.chmod(0600)"]`, './ 0700'], ours: [`ok [${RENAMED},"<$DIR>.chmod(02700)","<$DIR/TEMPORARY>.chmod(0600)"]`, './ 2700'] },
  } }),
  ...twins('in a directory like /tmp', { mode: 0o1777, shows: /chmod/, differs: {
    sync: { verdict: 'better', because: shared, theirs: [`ok [${RENAMED},"fchmodSync(<$DIR>, 0700)","fchmodSync(<$DIR/TEMPORARY>, 0600)"]`, './ 0700'], ours: [`ok [${RENAMED},"fchmodSync(<$DIR/TEMPORARY>, 0600)"]`, './ 1777'] },
    async: { verdict: 'better', because: shared, theirs: [`ok [${RENAMED},"<$DIR>.chmod(0700)","<$DIR/TEMPORARY>.chmod(0600)"]`, './ 0700'], ours: [`ok [${RENAMED},"<$DIR/TEMPORARY>.chmod(0600)"]`, './ 1777'] },
  } }),
];
