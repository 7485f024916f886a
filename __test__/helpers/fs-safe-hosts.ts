// Stand-ins for what a host hands to holdfast/fs-safe, and what its callers see, in the words of docs/fs-safe.md.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { isHoldfastError } from '../../index.mjs';
import { bindFsSafe, bindSafeOpen } from '../../fs-safe.mjs';

export class FsSafeError extends Error {
  override readonly name = 'FsSafeError';
  readonly details: unknown;
  constructor(
    readonly code: string,
    message: string,
    options?: { cause?: unknown; details?: unknown },
  ) {
    super(message, options);
    this.details = options?.details;
  }
}

export class SafeOpenError extends Error {
  override readonly name = 'SafeOpenError';
  constructor(
    readonly code: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export const plain = bindFsSafe({ FsSafeError });
export const outbound = bindFsSafe({ FsSafeError, outbound: true });
export const old = bindSafeOpen({ SafeOpenError });
export const oldOutbound = bindSafeOpen({ SafeOpenError, outbound: true });

/** What a callback throws, to be known again. */
export const thrown = new Error('thrown by a callback');

/** How docs/fs-safe.md writes down what a call came to. */
export async function told(call: () => unknown): Promise<string> {
  try {
    return `\`${JSON.stringify(await call())}\``;
  } catch (error) {
    return toldError(error);
  }
}

function toldError(error: unknown): string {
  if (error === thrown) return 'what it threw';
  const { name, code, errno, message, cause } = error as NodeJS.ErrnoException & { cause?: NodeJS.ErrnoException };
  if (error instanceof FsSafeError || error instanceof SafeOpenError || isHoldfastError(error)) {
    return `\`${name}\` \`${code}\`${causes(cause).map((text) => `, cause ${text}`).join('')}`;
  }
  if (typeof errno === 'number') return `\`${code}\`, raw`;
  return name === 'Error' ? `\`Error\`: \`${message.replace(/(: |under )\/\S*?(\.?)$/, '$1<path>$2')}\`` : `\`${name}\``;
}

/** The causes of an error: an errno by its name, and one that hosts match by its first words. */
function causes(cause: unknown): string[] {
  if (cause === undefined) return [];
  const { errno, code, message, cause: next } = cause as NodeJS.ErrnoException;
  const isErrno = typeof errno === 'number' && errno < 0;
  const words = /^(.*? root) \(/.exec(message)?.[1];
  if (!(cause instanceof Error) || (!isErrno && words === undefined)) return [`that is no errno and no words: ${String(cause)}`];
  return [`\`${isErrno ? code : words}\``, ...causes(next)];
}

export interface Row {
  call: string;
  outcome: string;
  expected: string;
}

/** The rows of the table of outcomes. */
export function documentedRows(): Row[] {
  const text = fs.readFileSync(path.resolve(import.meta.dirname, '../../docs/fs-safe.md'), 'utf8');
  const section = text.slice(text.indexOf('\n## Outcomes'), text.indexOf('\n## Options'));
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [call, outcome, expected] = line.split('|').slice(1, 4).map((cell) => cell.trim());
      return { call: call!, outcome: outcome!, expected: expected! };
    });
}

/** How a call is brought about, by its function and outcome as the documentation spells them. */
export type Outcomes = Record<string, Record<string, (dir: string) => unknown>>;

/** The documented rows that a set of outcomes brings about. */
export function rowsOf(outcomes: Outcomes): (Row & { bring: (dir: string) => unknown })[] {
  return documentedRows().flatMap((row) => {
    const bring = outcomes[row.call]?.[row.outcome];
    return bring === undefined ? [] : [{ ...row, bring }];
  });
}

/** `function | outcome` of everything that is brought about. */
export function namesOf(outcomes: Outcomes): string[] {
  return Object.entries(outcomes).flatMap(([call, ways]) => Object.keys(ways).map((outcome) => `${call} | ${outcome}`));
}
