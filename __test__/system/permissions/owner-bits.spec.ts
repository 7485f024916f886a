// New directories where the umask, or a default ACL, takes bits of their owner: a user without capabilities needs them.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { asUser1000, Driver, type Answer, type Request } from '../../helpers/sys-driver.js';
import { both, modeOf, octal, ownedDir } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch, stagedPackage } from '../../helpers/sys-scratch.js';
import { EndedUnderWatch, names, watch } from '../../helpers/sys-strace.js';

const UMASKS = [0o100, 0o277, 0o477, 0o700, 0o777];

let base: string;
let count = 0;

beforeAll(() => {
  base = scratch();
});

const place = (): string => ownedDir(base, `place-${count++}`, 1000, 1000, 0o755);

const withDefaultAcl = (): string => {
  const dir = place();
  execFileSync('setfacl', ['-d', '-m', 'u::r-x,g::---,o::---', dir]);
  return dir;
};

const underUmask = async (umask: number): Promise<Driver> => {
  const driver = await Driver.start({ launcher: asUser1000 });
  await driver.must({ umask });
  return driver;
};

const changes = /^(mkdir|rename|fchmod)/;
const ensureDir = (dir: string, options: object = {}): Request => ({ call: 'ensureDirSync', sync: true, args: [dir, options] });
const callsOf = async (driver: Driver, dir: string): Promise<string[]> => names((await watch(driver, ensureDir(dir))).calls).filter((call) => changes.test(call));

needs('root', 'setpriv', 'strace')('a private directory under a umask that takes bits of its owner', () => {
  it.each(UMASKS)('has its mode before another call finds it: %o', async (umask) => {
    const driver = await underUmask(umask);
    for (let round = 0; round < 10; round += 1) {
      const dir = place();
      const requests = Array.from({ length: 24 }, (_, index): Request => {
        const at = `${dir}/a/b${index % 3}`;
        return index % 2 === 0 ? { call: 'ensureDir', args: [at] } : { call: 'writeAtomic', args: [`${at}/f${index}`, 'x', { mkdir: true, durable: false }] };
      });
      const answers: Answer[] = await driver.must({ all: requests });
      expect(answers.map(({ error, value }) => error?.message ?? value.mode).filter((mode) => ![0o700, 0o644, 0o666 & ~umask].includes(mode))).toEqual([]);
      for (const made of ['a', 'a/b0', 'a/b1', 'a/b2']) expect(octal(modeOf(join(dir, made)))).toBe(octal(0o700));
    }
  });

  it.each([0o277, 0o777])('is never left without them by a killed process: %o', async (umask) => {
    const dir = place();
    const killed = watch(await underUmask(umask), ensureDir(`${dir}/a`), { inject: [{ syscall: 'renameat2', effect: 'signal=KILL', when: 1 }] });
    await expect(killed).rejects.toBeInstanceOf(EndedUnderWatch);
    expect(existsSync(`${dir}/a`)).toBe(false);
    const driver = await underUmask(0o022);
    await driver.must({ call: 'cleanStaleTemporaries', args: [dir, { olderThanMs: 0 }] });
    expect(readdirSync(dir)).toEqual([]);
  });

  it('has them before its name once the umask has taken some, and is made in place before', async () => {
    const dir = place();
    const driver = await underUmask(0o022);
    expect(await callsOf(driver, `${dir}/a`)).toEqual(['mkdirat']);
    await driver.must({ umask: 0o277 });
    await driver.must(ensureDir(`${dir}/b`));
    expect(await callsOf(driver, `${dir}/c`)).toContain('renameat2');
    expect(['a', 'b', 'c'].map((name) => octal(modeOf(join(dir, name))))).toEqual(['0700', '0700', '0700']);
  });
});

needs('root', 'setpriv', 'strace', 'setfacl')('a private directory in one whose default ACL takes bits of its owner', () => {
  it('has them before its name, but for the first one of a process', async () => {
    const dir = withDefaultAcl();
    const driver = await underUmask(0o022);
    await driver.must(ensureDir(`${dir}/a`));
    expect(await callsOf(driver, `${dir}/b`)).toContain('renameat2');
    expect(['a', 'b'].map((name) => octal(modeOf(join(dir, name))))).toEqual(['0700', '0700']);
  });

  it.each(both)('is copied with everything in it: %s', async (how) => {
    const dir = withDefaultAcl();
    execFileSync('setpriv', [...asUser1000.slice(1), 'sh', '-c', 'mkdir -m 750 "$1/t" && chmod 750 "$1/t" && echo x > "$1/t/f"', 'sh', dir]);
    const driver = await underUmask(0o022);
    await driver.openRoot(dir);
    const { error, value } = await driver.onRoot(dir, how, 'copy', 't', 'new', { recursive: true });
    expect([error, value?.copied]).toEqual([undefined, 2]);
    expect(octal(modeOf(`${dir}/new`))).toBe('0750');
  });
});

needs('root', 'setpriv')('a user without capabilities, under a umask that takes bits of the owner', () => {
  describe.each(UMASKS)('%o', (umask) => {
    it('copies a tree with its modes', async () => {
      const dir = place();
      execFileSync('setpriv', [...asUser1000.slice(1), 'sh', '-c', 'cd "$1" && mkdir -p t/a/b && echo x > t/a/b/f && chmod 750 t t/a && chmod 500 t/a/b', 'sh', dir]);
      const driver = await underUmask(umask);
      await driver.openRoot(dir);
      for (const how of both) {
        const { error, value } = await driver.onRoot(dir, how, 'copy', 't', how, { recursive: true });
        expect([error, value?.copied]).toEqual([undefined, 4]);
        expect(['.', 'a', 'a/b'].map((name) => octal(modeOf(join(dir, how, name))))).toEqual(['0750', '0750', '0500']);
      }
    });

    it('stages a file, which has mode 0600 until then', async () => {
      const dir = place();
      const driver = await underUmask(umask);
      const stage = { stage: join(dir, 'f'), args: [{ mode: 0o640 }], content: 'x', meanwhile: ['stat', '-c', '%a'] };
      expect((await driver.must(stage)).mode).toBe(0o640);
      await driver.openRoot(dir);
      const { error, value } = await driver.onRoot(dir, 'async', 'writeAtomic', 'g', 'x', { mode: 0o640 });
      expect([error, value?.mode]).toEqual([undefined, 0o640]);
      expect(readdirSync(dir).sort()).toEqual(['f', 'g']);
    });

    it('gets a temporary root', () => {
      const dir = place();
      const script = `
        process.umask(${umask});
        require(${JSON.stringify(stagedPackage())}).openTempRoot({ parent: ${JSON.stringify(dir)} }).then(async (work) => {
          await work.root.writeAtomic('a/f', 'x', { mkdir: true });
          console.log((require('fs').statSync(work.path).mode & 0o777).toString(8), await work.remove());
        });`;
      expect(execFileSync('setpriv', [...asUser1000.slice(1), process.execPath, '-e', script], { encoding: 'utf8' })).toBe('700 { removed: 3 }\n');
      expect(readdirSync(dir)).toEqual([]);
    });
  });

  it.each([0o500, 0o300, 0])('has a temporary root removed that a killed process left with mode %o', async (mode) => {
    const dir = place();
    const left = ownedDir(dir, `p-.holdfast-${'0'.repeat(32)}.dir`, 1000, 1000, mode);
    const shared = ownedDir(dir, `p-.holdfast-${'1'.repeat(32)}.dir`, 1000, 1000, 0o710);
    const driver = await underUmask(0o022);
    const clean = (olderThanMs: number) => driver.must({ call: 'cleanStaleTemporaries', args: [dir, { olderThanMs }] });
    expect(await clean(60_000)).toEqual([]);
    expect(octal(modeOf(left))).toBe(octal(mode));
    expect(await clean(0)).toEqual([left]);
    expect(readdirSync(dir)).toEqual([shared.slice(dir.length + 1)]);
  });

  it('keeps a temporary root of a live process, whatever its mode', async () => {
    const dir = place();
    const left = ownedDir(dir, `.holdfast-${'0'.repeat(32)}.dir`, 1000, 1000, 0o700);
    mkdirSync(join(left, 'd'));
    writeFileSync(join(left, 'f'), '');
    const held = execFileSync('sh', ['-c', 'exec 9<"$1"; flock 9; chmod 0500 "$1"; shift; exec setpriv "$@"', 'sh', left, ...asUser1000.slice(1), process.execPath, '-e',
      `require(${JSON.stringify(stagedPackage())}).cleanStaleTemporaries(${JSON.stringify(dir)}, { olderThanMs: 0 }).then((removed) => console.log(removed.length))`], { encoding: 'utf8' }); // prettier-ignore
    expect(held).toBe('0\n');
    chmodSync(left, 0o700);
    expect(readdirSync(left)).toEqual(['d', 'f']);
  });
});
