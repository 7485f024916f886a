// A process that is killed at any system call of a write leaves the old content or the new, whole.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { Driver, verbRequest } from './helpers/sys-driver.js';
import { ownedDir, ownedFile, strays } from './helpers/sys-layout.js';
import { needs } from './helpers/sys-needs.js';
import { scratch } from './helpers/sys-scratch.js';
import { fileCalls, watch } from './helpers/sys-strace.js';

needs('root', 'strace')('sudden death in a write', () => {
  let base: string;
  let count = 0;
  const content = 'brand new'.repeat(1000);

  beforeAll(() => {
    base = scratch();
  });

  async function fresh(): Promise<Driver> {
    const driver = await Driver.start();
    await driver.must(verbRequest('sync', 'writeAtomic', join(base, 'warm-up'), 'x'));
    return driver;
  }

  it.each([
    ['an overwrite', 'old'.repeat(1000)],
    ['a new file', undefined],
  ])('%s, killed on entering each of its calls', async (_title, old) => {
    const layOut = (): [dir: string, file: string] => {
      const dir = ownedDir(base, `case-${count++}`, 0, 0, 0o700);
      return [dir, old === undefined ? join(dir, 'file') : ownedFile(dir, 'file', 0, 0, 0o640, old)];
    };
    const request = (file: string) => ({ ...verbRequest('sync', 'writeAtomic', file, content, { mode: 0o600 }), marked: true });
    const first = await fresh();
    const { calls } = await watch(first, request(layOut()[1]), { thread: first.pid });
    const targets = fileCalls(calls).map((call) => ({
      ...call,
      when: calls.slice(0, calls.indexOf(call) + 1).filter(({ name }) => name === call.name).length,
    }));
    expect(targets.length).toBeGreaterThanOrEqual(8);
    const seen = new Set<string>();
    for (const { name, when, text } of targets) {
      const [dir, file] = layOut();
      const driver = await fresh();
      const inject = [{ syscall: name, effect: 'signal=SIGKILL', when }];
      await expect(watch(driver, request(file), { thread: driver.pid, inject })).rejects.toThrow('SIGKILL');
      const found = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
      expect([old, content], text).toContain(found);
      seen.add(String(found === content));
      for (const name of strays(dir, 'file')) expect(name).toMatch(/^\.holdfast-[0-9a-f]{32}\.tmp$/);
      const next = await first.verb('sync', 'writeAtomic', file, 'after it');
      expect(next.error).toBeUndefined();
      expect(readFileSync(file, 'utf8')).toBe('after it');
    }
    expect([...seen].sort()).toEqual(['false', 'true']);
  });
});
