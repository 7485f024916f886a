// Turns the examples in the declarations (`@example`) into programs that can be run and type-checked.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { PROJECT } from './doc-blocks.js';

/** Returns an entry of the package and the files that it re-exports. */
function declarationsOf(entry: string): string[] {
  const text = fs.readFileSync(path.join(PROJECT, entry), 'utf8');
  return [entry, ...[...text.matchAll(/^export \* from '\.\/(.+)\.js';$/gm)].map((match) => `${match[1]}.d.ts`)];
}

/** The files with the declarations of each entry of the package. */
export const DECLARATIONS = { holdfast: declarationsOf('index.d.ts'), 'holdfast/fs-safe': declarationsOf('fs-safe.d.ts') };

export interface Example {
  /** file and line of the tag */
  name: string;
  /** the documented function */
  of: string;
  code: string;
}

/** The program around an example. */
interface Surroundings {
  /** parameters of the function around the example */
  parameters?: string;
  before?: string;
  /** calls `example`; default: without arguments */
  call?: string;
}

const SURROUNDINGS: Record<string, Surroundings> = {
  openLocalFileSafely: {
    parameters: 'response: ServerResponse',
    before: `
import { createServer, type ServerResponse } from 'node:http';
import { statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';`,
    call: `
const server = createServer((_, response) => void example(response)).listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(\`http://127.0.0.1:\${port}/\`, { signal: AbortSignal.timeout(10_000) });
  const { byteLength } = await answer.arrayBuffer();
  if (byteLength !== statSync('media/clip.mp4').size) throw new Error(\`the client has \${byteLength} bytes\`);
  server.close();
});`,
  },
  openRoot: { parameters: 'untrustedPath: string', call: "await example('notes.md');" },
  bindFsSafe: {
    before: `
class FsSafeError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}`,
  },
};

/** Returns the examples of a declaration file, in order. */
export function examplesOf(file: string): Example[] {
  const lines = fs.readFileSync(path.join(PROJECT, file), 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    if (line.trim() !== '* @example') return [];
    const rest = lines.slice(index + 1);
    const end = rest.findIndex((each) => /^\s*\*(\/| @)/.test(each));
    const code = rest.slice(0, end).map((each) => each.replace(/^\s*\* ?/, '')).join('\n').trim();
    const of = /^export function (\w+)/m.exec(rest.join('\n'))?.[1] ?? 'nothing';
    return [{ name: `${file}, line ${index + 1}: ${of}`, of, code }];
  });
}

/** Returns the values that an entry of the package exports, by its declarations. */
export function exportsOf(entry: keyof typeof DECLARATIONS): string[] {
  return DECLARATIONS[entry].flatMap((name) => [...fs.readFileSync(path.join(PROJECT, name), 'utf8').matchAll(/^export (?:function|const|class) (\w+)/gm)].map((match) => match[1]!));
}

/** Returns the example as a TypeScript module, which fails when the example does. */
export function programOf({ name, of, code }: Example): string {
  const entry = DECLARATIONS.holdfast.includes(name.split(',')[0]!) ? 'holdfast' : 'holdfast/fs-safe';
  const { parameters = '', before = '', call = 'await example();' } = SURROUNDINGS[of] ?? {};
  const lines = code.split('\n');
  const imports = lines.filter((line) => line.startsWith('import '));
  const body = lines.filter((line) => !line.startsWith('import '));
  return [
    `import { ${[...new Set(exportsOf(entry))].join(', ')} } from '${entry}';`,
    ...imports,
    before,
    `async function example(${parameters}): Promise<void> {`,
    ...body,
    '}',
    call,
    '',
  ].join('\n');
}
