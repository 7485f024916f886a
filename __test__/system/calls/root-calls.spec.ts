// The system calls of the methods of a root, counted by strace. Names directly in the root need no open of a parent.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Driver, rootRequest, type RootMethod } from '../../helpers/sys-driver.js';
import { both } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';
import { fileCalls, names, watch } from '../../helpers/sys-strace.js';

/** Two directories of 0700, and in each a file, a link and a directory with a file. `turn` counts the requests. */
const LAYOUT = 'for d in . deep/er; do mkdir -p $d/tree; echo x >$d/file; echo x >$d/tree/file; ln -s file $d/link; touch $d/spare-0 $d/spare-1 $d/spare-2; echo x >$d/old-0; done';

const NOT_SYNCED = { durable: false };
type Row = [what: string, direct: string[], beneath: string[], method: RootMethod, args: (at: (name: string) => string, turn: number) => unknown[]];

const HELD = ['openat2', 'statx', 'close'];

/** The calls for a name in the root's own directory, and for one beneath another. */
const ROWS: Row[] = [
  ['stat', ['statx'], HELD, 'stat', (at) => [at('file')]],
  ['lstat of a link', ['statx'], HELD, 'lstat', (at) => [at('link')]],
  ['exists', ['statx'], HELD, 'exists', (at) => [at('file')]],
  ['readlink', ['readlinkat'], ['openat2', 'readlinkat', 'close'], 'readlink', (at) => [at('link')]],
  ['rename', ['renameat2'], ['openat2', 'openat2', 'renameat2', 'close', 'close'], 'rename', (at, turn) => [at(`old-${turn}`), at(`old-${turn + 1}`), NOT_SYNCED]],
  ['remove', ['unlinkat'], ['openat2', 'unlinkat', 'close'], 'remove', (at, turn) => [at(`spare-${turn}`)]],
  ['list', ['openat2', 'getdents64', 'getdents64', 'close'], ['openat2', 'getdents64', 'getdents64', 'close'], 'list', (at) => [at('tree')]],
];

needs('root', 'strace')('the system calls of a root', () => {
  let driver: Driver;

  beforeAll(async () => {
    driver = await Driver.start();
  });

  describe.each(both)('%s', (how) => {
    let root: string;

    beforeAll(async () => {
      root = scratch();
      await driver.exec('sh', '-c', `cd ${root} && ${LAYOUT}`);
      await driver.openRoot(root);
    });

    async function costOf(method: RootMethod, argsOf: (turn: number) => unknown[]): Promise<string[]> {
      for (const turn of [0, 1]) await driver.must(rootRequest(root, how, method, ...argsOf(turn)));
      const { answer, calls } = await watch(driver, { ...rootRequest(root, how, method, ...argsOf(2)), marked: true });
      expect(answer.error).toBeUndefined();
      return names(fileCalls(calls));
    }

    it.each(ROWS)('%s', async (_what, direct, beneath, method, args) => {
      // On the event loop the stat is read from a descriptor that memory alone has answered.
      const expected = how === 'async' && direct[0] === 'statx' ? HELD : direct;
      const at = (dir: string) => (name: string) => join(dir, name);
      expect([await costOf(method, (turn) => args(at(''), turn)), await costOf(method, (turn) => args(at('deep/er'), turn))]).toEqual([expected, beneath]);
    });
  });
});
