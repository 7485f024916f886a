// The rows of a sweep, in the short and the long form, and the lines from which `npm run test:faults` makes its tables.
import { appendFileSync } from 'node:fs';
import { scenarios, type How, type Scenario, type Where } from './sys-fault-scenarios.js';
import { variants, type Variant } from './sys-sweep.js';

/** Set by `npm run test:faults`. */
export const isLong = process.env['HOLDFAST_FAULTS'] === 'all';

export interface Row {
  title: string;
  scenario: Scenario;
  how: How;
  where: Where;
  variant: Variant;
}

/** Returns all rows, or those of the short form. */
export function rows(isShort: (row: Row) => boolean): Row[] {
  const all = (Object.keys(variants) as Variant[]).flatMap((variant) =>
    scenarios.flatMap((scenario) =>
      scenario.hows.flatMap((how) =>
        scenario.wheres.map((where) => ({ title: `${scenario.title}, ${how}, ${where}, ${variant}`, scenario, how, where, variant })),
      ),
    ),
  );
  return isLong ? all : all.filter(isShort);
}

export function report(line: object): void {
  const file = process.env['HOLDFAST_FAULTS_REPORT'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
}
