// Power loss on two file systems, and the two mutants that must be detected: the short form of `npm run test:crash`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../helpers/sys-needs.js';
import { repository, scratch } from '../../helpers/sys-scratch.js';

interface Row {
  fileSystem: string;
  variant: string;
  states: number;
  withLostWrites: number;
  withTornWrites: number;
  torn: number;
  missing: number;
  lost: number;
  impossible: number;
  acknowledged: number;
  examples: string[];
}

const STATES = 40;

needs(
  'root',
  'unshare',
  'mount',
  'gcc',
  'loop devices',
  '/dev/fuse',
  'mkfs.ext4',
  'mkfs.xfs',
)('a disk that loses its power', () => {
  let rows: Row[];
  let status: number | null;
  let output = '';

  beforeAll(async () => {
    const report = join(scratch(), 'report.json');
    const options = ['--fs', 'ext4-default,xfs', '--states', String(STATES), '--mutants', '15', '--steps', '25', '--json', report];
    // Asynchronous: vitest treats a worker that blocks for long as dead.
    const child = spawn(process.execPath, ['scripts/crash.mjs', '--prepared', ...options], { cwd: repository });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    [status] = (await once(child, 'close')) as [number | null];
    if (!existsSync(report)) throw new Error(`no report: ${output}`);
    rows = JSON.parse(readFileSync(report, 'utf8')) as Row[];
  }, 600_000);

  it('ends with success, which it does only if nothing was lost and both mutants were caught', () => {
    expect(output).toContain('nothing lost, every mutant caught');
    expect(status).toBe(0);
  });

  it('has lost parts of writes', () => {
    expect(rows.reduce((sum, { withTornWrites }) => sum + withTornWrites, 0)).toBeGreaterThan(0);
  });

  describe.each(['ext4-default', 'xfs'])('with %s', (fileSystem) => {
    const row = (variant: string): Row => rows.find((one) => one.fileSystem === fileSystem && one.variant === variant) as Row;

    it('has every acknowledged file whole, and no file that is neither old nor new', () => {
      const { examples, ...counts } = row('holdfast');
      expect(examples).toEqual([]);
      expect(counts).toMatchObject({ states: STATES, torn: 0, missing: 0, lost: 0, impossible: 0 });
      // States without lost writes would prove nothing.
      expect(counts.withLostWrites).toBeGreaterThan(0);
      expect(counts.acknowledged).toBeGreaterThan(20);
    });

    it('shows torn files when files are not synced', () => {
      expect(row('without the file sync').torn).toBeGreaterThan(0);
    });

    it('shows files that are missing or too old when directories are not synced', () => {
      const { missing, lost } = row('without the directory sync');
      expect(missing + lost).toBeGreaterThan(0);
    });
  });
});
