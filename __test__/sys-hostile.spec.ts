// Every verb in every hostile environment: it works and nothing is widened, lost or left behind, or it ends with the error that the
// table names. The rows are in helpers/sys-hostile-environments.ts, the columns in programs/hostile-columns.cjs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check, endingsOf } from './helpers/sys-hostile-checks.js';
import { environments } from './helpers/sys-hostile-environments.js';
import { cells, runRow, type Row } from './helpers/sys-hostile-run.js';
import { lock } from './helpers/sys-lock.js';
import { needs } from './helpers/sys-needs.js';
import { repository } from './helpers/sys-scratch.js';

const columns = cells();

needs('root', 'setpriv', 'unshare', 'mount', 'setfacl', 'getfacl', 'gcc', 'kernel switches')('the hostile matrix', () => {
  let release: () => void;
  beforeAll(async () => {
    release = await lock('kernel-switches');
  });
  afterAll(() => release());

  describe.each(environments.map((environment) => [environment.name, environment] as const))('%s', (_name, environment) => {
    let row: Row;
    beforeAll(() => {
      row = runRow(environment);
    });

    it.each(columns.map((cell) => [`${cell.title}: ${endingsOf(cell, environment).join(' or ')}`, cell] as const))('%s', (_title, cell) => {
      check(cell, environment, row);
    });
  });

  it('is documented where something does not hold', () => {
    const guarantees = readFileSync(join(repository, 'docs', 'guarantees.md'), 'utf8').replace(/\*\*/g, '');
    for (const { documented } of environments) if (documented !== undefined) expect(guarantees).toContain(documented);
  });

  it('has no pattern that fits no column', () => {
    for (const { name, endings = [], reasons = [] } of environments) {
      for (const [pattern] of [...endings, ...reasons]) expect(columns.some(({ title }) => pattern.test(title)), `${name}: ${pattern}`).toBe(true);
    }
  });
});
