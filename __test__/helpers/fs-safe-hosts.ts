// Stand-ins for a host's arguments to holdfast/fs-safe, and descriptions of outcomes in the words of docs/fs-safe.md.
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

/** The error that callbacks throw, for a check of its identity. */
export const thrown = new Error('thrown by a callback');

/** Describes the outcome of a call as docs/fs-safe.md does. */
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

/** Returns the causes of an error: the name of an errno, and the first words that hosts match. */
function causes(cause: unknown): string[] {
  if (cause === undefined) return [];
  const { errno, code, message, cause: next } = cause as NodeJS.ErrnoException;
  const isErrno = typeof errno === 'number' && errno < 0;
  const words = /^(.*? root) \(/.exec(message)?.[1];
  if (code === 'native-unavailable') return ['`native-unavailable`'];
  if (!(cause instanceof Error) || (!isErrno && words === undefined)) return [`that is no errno and no words: ${String(cause)}`];
  return [`\`${isErrno ? code : words}\``, ...causes(next)];
}

export interface Row {
  call: string;
  outcome: string;
  expected: string;
}

/** Returns the rows of the table of outcomes. */
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

/** The calls for outcomes, by function and outcome as the documentation spells them. */
export type Outcomes = Record<string, Record<string, (dir: string) => unknown>>;

/** Returns the documented rows for which a set of outcomes has a call. */
export function rowsOf(outcomes: Outcomes): (Row & { bring: (dir: string) => unknown })[] {
  return documentedRows().flatMap((row) => {
    const bring = outcomes[row.call]?.[row.outcome];
    return bring === undefined ? [] : [{ ...row, bring }];
  });
}

/** Returns `function | outcome` of every call. */
export function namesOf(outcomes: Outcomes): string[] {
  return Object.entries(outcomes).flatMap(([call, ways]) => Object.keys(ways).map((outcome) => `${call} | ${outcome}`));
}
