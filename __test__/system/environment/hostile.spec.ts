// Every verb in every hostile environment succeeds without widening access, losing content or leaving a temporary, or
// fails with the error in the table. The rows are in helpers/sys-hostile-environments.ts, the columns in
// programs/hostile-columns.cjs. `npm run test:hostile` runs every cell; here each environment gets a fourth of them,
// with every verb among them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check, endingsOf } from '../../helpers/sys-hostile-checks.js';
import { environments, type Environment } from '../../helpers/sys-hostile-environments.js';
import { allCells, cellsOf, runRow, type Row } from '../../helpers/sys-hostile-run.js';
import { lock } from '../../helpers/sys-lock.js';
import { needs } from '../../helpers/sys-needs.js';
import { repository } from '../../helpers/sys-scratch.js';

const columns = allCells();
/** Environments of root and of a user have separate numbers: both get every column. */
const numberOf = (environment: Environment): number => environments.filter(({ uid }) => uid === environment.uid).indexOf(environment);
const rows = environments.map((environment) => ({ environment, cells: cellsOf(environment, numberOf(environment), columns) }));

needs('root', 'setpriv', 'unshare', 'mount', 'setfacl', 'getfacl', 'gcc', 'kernel switches')('the hostile matrix', () => {
  let release: () => void;
  beforeAll(async () => {
    release = await lock('kernel-switches');
  });
  afterAll(() => release());

  describe.each(rows.map((row) => [row.environment.name, row] as const))('%s', (_name, { environment, cells }) => {
    let row: Row;
    beforeAll(() => {
      row = runRow(environment, cells);
    });

    it.each(cells.map((cell) => [`${cell.title}: ${endingsOf(cell, environment).join(' or ')}`, cell] as const))('%s', (_title, cell) => {
      check(cell, environment, row);
    });
  });

  it('has every column in some environments, under root and under a user', () => {
    for (const uid of [0, 1000]) {
      const met = new Set(rows.filter(({ environment }) => environment.uid === uid).flatMap(({ cells }) => cells));
      expect(columns.filter((cell) => !met.has(cell)).map(({ title }) => title)).toEqual([]);
    }
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
