// A directory that another process keeps exchanging with a file or a link, in step with the calls of holdfast: every
// open for a directory finds the other one, and every look at the name finds the directory.
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rootRequest, verbRequest, type Request } from '../../helpers/sys-driver.js';
import { FaultyDriver, numbered } from '../../helpers/sys-fault.js';
import { both, ownedDir } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';

const policies = ['reject', 'follow-parents', 'follow-within-root', 'follow-trusted'];

needs('root', 'gcc')('a directory whose opens fail in step with an attacker', () => {
  describe.each([
    ['openat2', undefined],
    ['walk', 'openat2=ENOSYS'],
  ])('resolved by %s', (call, without) => {
    let base: string;
    let faulty: FaultyDriver;

    beforeAll(async () => {
      base = scratch();
      writeFileSync(join(ownedDir(base, 'dir', 0, 0, 0o755), 'entry'), '');
      faulty = await FaultyDriver.start(without);
      for (const how of both) await faulty.driver.must(verbRequest(how, 'ensureDir', join(base, 'dir')));
    });
    afterAll(() => faulty.driver.end());

    describe.each(both)('%s', (how) => {
      const inStep = async (request: Request) => {
        const { name, number } = numbered((await faulty.ask(request)).calls).find(({ args }) => args.includes('"dir"'))!;
        const { answer, calls } = await faulty.ask(request, `${name}#${number}-%2:error=${constants.errno.ENOTDIR}`);
        expect(calls.filter(({ effect }) => effect !== '')).toHaveLength(1);
        expect(answer.error).toBeUndefined();
        return answer.value;
      };

      it.each(policies)('is found by one look, symlinks: %s', async (symlinks) => {
        const value = await inStep(verbRequest(how, 'ensureDir', 'dir', { root: base, symlinks }));
        expect(value).toMatchObject({ path: join(base, 'dir') });
      });

      // A walk opens the directory that it found by the same system call, which would fail, too.
      const byOneCall = call === 'openat2' ? policies.filter((policy) => policy !== 'follow-trusted') : [];
      it.each(byOneCall)('is listed after one look, symlinks: %s', async (symlinks) => {
        await faulty.driver.must({ openRoot: base, args: [{ symlinks }] });
        expect(await inStep(rootRequest(base, how, 'list', 'dir'))).toMatchObject([{ name: 'entry' }]);
      });
    });
  });
});
