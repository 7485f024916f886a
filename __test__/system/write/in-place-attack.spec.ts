// fallback: 'in-place' in a directory that another user may write and whose files that user exchanges at every step.
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it } from 'vitest';
import { Driver, type Answer } from '../../helpers/sys-driver.js';
import { octal } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { buildC, makeDir, scratch } from '../../helpers/sys-scratch.js';

const inOwnNamespace = ['unshare', '--mount', '--propagation', 'private'];
const THEM = 1001;
const ROUNDS = 16;
// Large enough for the attacker to see every file while it is written.
const OLD = 'old content of the target'.repeat(100_000);
const NEW = 'new content of the target'.repeat(80_000);
const BAIT = 'a private file of the service';

describe.each(['ext4', 'tmpfs'])('on %s', (kind) => {
  needs('root', 'unshare', 'mount', 'gcc', 'loop devices', 'mkfs.ext4')('a bind-mounted file in a directory of two users', () => {
    let driver: Driver;
    let dir: string;
    let outside: string;

    beforeAll(async () => {
      const base = scratch();
      const mounted = makeDir(base, 'mounted', 0o755);
      driver = await Driver.start({ launcher: inOwnNamespace });
      if (kind === 'tmpfs') {
        await driver.exec('mount', '-t', 'tmpfs', 'tmpfs', mounted);
      } else {
        const image = join(base, 'image');
        await driver.exec('truncate', '-s', '64M', image);
        await driver.exec('mkfs.ext4', '-q', '-F', image);
        await driver.exec('mount', '-o', 'loop', image, mounted);
      }
      [dir, outside] = [join(mounted, 'shared'), join(mounted, 'outside')];
      for (const [path, mode] of [[dir, 0o2770], [outside, 0o700]] as const) {
        await driver.fs('mkdirSync', path);
        await driver.fs('chownSync', path, 0, path === dir ? THEM : 0);
        await driver.fs('chmodSync', path, mode);
      }
    }, 60_000);

    /** Returns a path as this process sees it: the mounts are those of the driver. */
    const seen = (path: string): string => `/proc/${driver.pid}/root${path}`;
    const own = (path: string, text: string): void => {
      fs.writeFileSync(seen(path), text);
      fs.chownSync(seen(path), 0, 0);
      fs.chmodSync(seen(path), 0o600);
    };

    it.each(['.tmp', '.recovery', ''])('never reads or writes what was put in place of its files (%s)', async (suffix) => {
      const [source, target, bait] = [join(outside, `source${suffix}`), join(dir, 'target'), join(dir, 'bait')];
      own(source, OLD);
      own(target, 'beneath the mount');
      await driver.exec('mount', '--bind', source, target);
      const attacker = spawn('nsenter', ['-t', String(driver.pid), '-m', buildC('usurper'), '-u', String(THEM), dir, 'bait', suffix], { stdio: ['pipe', 'pipe', 'inherit'] });
      const lines = createInterface({ input: attacker.stdout })[Symbol.asyncIterator]();
      expect((await lines.next()).value).toBe('ready');
      const codes = new Set<string>();
      for (let round = 0; round < ROUNDS; round += 1) {
        own(bait, BAIT);
        const held = fs.openSync(seen(bait), 'r');
        fs.writeFileSync(seen(source), OLD);
        fs.chmodSync(seen(source), 0o600);
        const mode = round % 2 === 0 ? undefined : 0o644;
        const { value, error }: Answer = await driver.verb(round % 4 < 2 ? 'sync' : 'async', 'writeAtomic', target, NEW, { fallback: 'in-place', mode });
        codes.add(error?.code ?? 'success');
        expect(fs.readFileSync(seen(source), 'utf8') === (error ? OLD : NEW)).toBe(true);
        expect(octal(fs.statSync(seen(source)).mode & 0o7777)).toBe(octal(error ? 0o600 : (mode ?? 0o600)));
        if (value) expect(value).toMatchObject({ method: 'in-place', size: NEW.length, ino: fs.statSync(seen(source)).ino });
        expect(fs.readFileSync(held, 'utf8') === BAIT).toBe(true);
        expect(octal(fs.fstatSync(held).mode & 0o7777)).toBe('0600');
        fs.closeSync(held);
        await sweep();
      }
      attacker.stdin.end();
      const exchanges = Number((await lines.next()).value);
      expect(exchanges).toBeGreaterThan(0);
      expect([...codes].filter((code) => !['success', 'path-mismatch', 'not-found'].includes(code))).toEqual([]);
      expect(codes).toContain('success');
      await driver.exec('umount', target);
    }, 120_000);

    async function sweep(): Promise<void> {
      await driver.exec('find', dir, '-name', '.holdfast-*', '-delete').catch(() => '');
    }
  });
});
