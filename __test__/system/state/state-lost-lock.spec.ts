// Two updates that both have a lock, since the lock file of the first one was removed while it stood before its rename.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Driver } from '../../helpers/sys-driver.js';
import { needs } from '../../helpers/sys-needs.js';
import { repository, scratch } from '../../helpers/sys-scratch.js';
import { watch } from '../../helpers/sys-strace.js';

/** Blocks this thread until a file is there. */
function waitFor(file: string): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; tries < 2000 && !existsSync(file); tries += 1) Atomics.wait(cell, 0, 0, 5);
}

needs('root', 'strace')('an update whose lock file is removed right before its rename', () => {
  it('publishes before the next update, which starts again with its content', async () => {
    const dir = scratch();
    const file = join(dir, 'count.json');
    writeFileSync(file, '0');
    const driver = await Driver.start();
    const [called, done] = [join(dir, 'called'), join(dir, 'done')];
    const code = `
      const fs = require('node:fs');
      require(${JSON.stringify(join(repository, 'index.js'))})
        .updateJson(${JSON.stringify(file)}, (n) => (fs.writeFileSync(${JSON.stringify(called)}, ''), n + 1), { ifMissing: 0, durable: false })
        .then(({ value }) => fs.writeFileSync(${JSON.stringify(done)}, String(value)));`;
    let ended: Promise<unknown> | undefined;
    let isDoneFirst: boolean | undefined;
    const act = (): void => {
      for (const name of readdirSync(dir).filter((one) => one.endsWith('.lock'))) rmSync(join(dir, name));
      ended = once(spawn(process.execPath, ['-e', code], { stdio: 'inherit' }), 'close');
      waitFor(called);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      isDoneFirst = existsSync(done);
    };
    const { answer } = await watch(driver, { call: 'updateAtomic', args: [file, { $returns: '1' }, { durable: false }] }, { atEntry: { of: 'rename', act } });
    await ended;
    expect(answer.value).toMatchObject({ size: 1 });
    expect(isDoneFirst).toBe(false);
    expect(readFileSync(done, 'utf8')).toBe('2');
    expect(readFileSync(file, 'utf8')).toBe('2\n');
  });
});
