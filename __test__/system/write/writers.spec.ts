// Two processes write one file, a third reads it: every read returns one complete version, and the versions of a writer
// never decrease. `npm run test:faults` writes 10,000 versions each, this spec a few hundred.
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { Driver } from '../../helpers/sys-driver.js';
import { strays } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch, stagedPackage } from '../../helpers/sys-scratch.js';
import { isLong, report } from '../../helpers/sys-sweep-report.js';

const versions = isLong ? 10_000 : 300;
const places = ['the temporary directory', 'tmpfs', 'ext4'] as const;

needs('root', 'unshare', 'mount', 'loop devices', 'mkfs.ext4')('two processes that write and one that reads', () => {
  let driver: Driver;
  let base: string;

  beforeAll(async () => {
    base = scratch();
    driver = await Driver.start({ launcher: ['unshare', '--mount', '--propagation', 'private'] });
  });

  async function directory(place: (typeof places)[number]): Promise<string> {
    const dir = join(base, place.replaceAll(' ', '-'));
    await driver.fs('mkdirSync', dir);
    if (place === 'tmpfs') await driver.exec('mount', '-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', dir);
    if (place === 'ext4') {
      await driver.exec('truncate', '--size', '64M', `${dir}.image`);
      await driver.exec('mkfs.ext4', '-q', '-F', `${dir}.image`);
      await driver.exec('mount', '-o', 'loop', `${dir}.image`, dir);
    }
    return dir;
  }

  it.each(places)('on %s', { timeout: 1_800_000 }, async (place) => {
    const dir = await directory(place);
    const folder = stagedPackage();
    const program = join(folder, 'programs', 'writers.cjs');
    const seen = JSON.parse(await driver.exec(process.execPath, program, folder, join(dir, 'file'), String(versions)));
    report({ sweep: 'writers', place, written: 2 * versions, ...seen });
    expect(seen).toMatchObject({ torn: 0, backwards: 0, errors: {}, codes: [0, 0] });
    // The last version of one writer remains; a reader that saw few versions proves little.
    expect(Math.max(seen.last[1] ?? 0, seen.last[2] ?? 0)).toBe(versions);
    expect(seen.versions).toBeGreaterThan(versions / 100);
    const names = ((await driver.fs('readdirSync', dir)) as string[]).filter((name) => !['file', 'lost+found'].includes(name));
    expect(names).toEqual([]);
    if (place === 'the temporary directory') expect(strays(dir, 'file')).toEqual([]);
  });
});
