// Every TypeScript and JavaScript block of README.md and docs/ is a whole program: it is type-checked, run, and held
// against the ```text block that follows it, if one does.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import ts from 'typescript5';
import { describe, expect, test } from 'vitest';
import { build, scratch } from './helpers/scratch.js';
import { needs } from './helpers/sys-needs.js';

const PROJECT = path.resolve(import.meta.dirname, '..');
const TSC = path.join(PROJECT, 'node_modules/typescript/bin/tsc');
const WITHOUT_PRIVILEGES = [
  '--reuid=1000', '--regid=1000', '--clear-groups', '--no-new-privs',
  '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all',
];

interface Example {
  name: string;
  language: 'ts' | 'js';
  code: string;
  output: string | undefined;
}

function examplesOf(file: string): Example[] {
  const text = fs.readFileSync(path.join(PROJECT, file), 'utf8');
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```\n/gms)];
  return blocks.flatMap((block, index) => {
    const [whole, language, code] = block as unknown as [string, string, string];
    if (language !== 'ts' && language !== 'js') return [];
    const next = blocks[index + 1];
    const between = next && text.slice(block.index + whole.length, next.index);
    const line = text.slice(0, block.index).split('\n').length;
    return [{
      name: `${file}, line ${line}`,
      language,
      code,
      output: next?.[1] === 'text' && between?.trim() === '' ? next[2] : undefined,
    }];
  });
}

const FILES = ['README.md', ...fs.readdirSync(path.join(PROJECT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
const EXAMPLES = FILES.flatMap(examplesOf);

/** Whether an example is about a volume whose group is the process's own, and whose owner is root. */
function playsThePod({ code }: Example): boolean {
  return code.includes('DATA_DIR');
}

/** A folder in which the package is installed, with what the examples work on. */
function workplace(): string {
  const dir = scratch();
  fs.chmodSync(dir, 0o755);
  build(dir, [
    'media/photo.png 0600: PNG',
    'workspace/ 0755',
    'workspace/link-to-etc => /etc',
    'data/ 2775',
    'package.json: {"type":"module"}',
    `node_modules/holdfast => ${PROJECT}`,
    `node_modules/@types/node => ${PROJECT}/node_modules/@types/node`,
  ]);
  return dir;
}

/** What an example prints, both streams in their order, without what differs between two runs. */
function run(example: Example, dir: string): { status: number | null; output: string } {
  const program = path.join(dir, 'example.mjs');
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  fs.writeFileSync(program, example.language === 'ts' ? ts.transpileModule(example.code, { compilerOptions: options }).outputText : example.code);
  const data = path.join(dir, 'data');
  const pod = playsThePod(example);
  if (pod) {
    fs.chownSync(data, 0, 1000);
    fs.chmodSync(data, 0o2775);
  }
  const launcher = pod ? ['setpriv', ...WITHOUT_PRIVILEGES, process.execPath] : [process.execPath];
  const log = path.join(dir, 'output.txt');
  const fd = fs.openSync(log, 'w');
  try {
    const env = { PATH: process.env['PATH'], DATA_DIR: data };
    const { status, error } = spawnSync(launcher[0]!, [...launcher.slice(1), program], { cwd: dir, env, stdio: ['ignore', fd, fd] });
    if (error) throw error;
    return { status, output: comparable(fs.readFileSync(log, 'utf8').replaceAll(data, '/data')) };
  } finally {
    fs.closeSync(fd);
  }
}

function comparable(output: string): string {
  return output
    .replace(/^\(node:\d+\)/gm, '(node:1)')
    .replace(/^\(Use `node --trace-warnings.*\n/gm, '')
    .replace(/\b(e?uid)("?:| )\d+/g, '$1$21000');
}

function runsAsItSays(example: Example): void {
  const { status, output } = run(example, workplace());
  if (example.output !== undefined) expect(output).toBe(comparable(example.output));
  expect(status, output).toBe(0);
}

const ofThePod = EXAMPLES.filter(playsThePod);

needs('root', 'setpriv')('an example of a pod without privileges', () => {
  test.each(ofThePod)('runs and prints what it says: $name', runsAsItSays);
});

describe('an example of the documentation', () => {
  test('exists in the README, one of the pod too', () => {
    expect(EXAMPLES.filter(({ name }) => name.startsWith('README.md')).length).toBeGreaterThanOrEqual(4);
    expect(ofThePod.length).toBeGreaterThanOrEqual(1);
  });

  test.each(EXAMPLES.filter((example) => !playsThePod(example)))('runs and prints what it says: $name', runsAsItSays);

  test('passes the type checker', () => {
    const dir = workplace();
    const files = EXAMPLES.map(({ code, language }, index) => {
      const file = `example-${index}.${language}`;
      fs.writeFileSync(path.join(dir, file), code);
      return file;
    });
    const settings = { strict: true, noEmit: true, allowJs: true, target: 'es2022', module: 'nodenext', types: ['node'] };
    fs.writeFileSync(path.join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: settings, files }));
    const { stdout, status } = spawnSync(process.execPath, [TSC, '-p', dir], { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });
});

describe('what the documentation names', () => {
  const read = (file: string): string => fs.readFileSync(path.join(PROJECT, file), 'utf8');

  test('every error code has a row in the README', () => {
    const declared = [...read('errors.d.ts').matchAll(/^ \* - `([\w-]+)`: /gm)].map((match) => match[1]!);
    const told = [...read('README.md').matchAll(/^\| (`[^|]+`) \| [^|]+ \|$/gm)].flatMap((row) => [...row[1]!.matchAll(/`([\w-]+)`/g)].map((match) => match[1]!));
    expect(declared.length).toBeGreaterThan(15);
    expect(told.filter((code) => !/^(ensureDir|writeAtomic|readLocalFileSafely)$/.test(code)).sort()).toEqual(declared.sort());
  });

  test('every test that a guarantee cites exists', () => {
    const rows = read('docs/guarantees.md').split('\n').filter((line) => line.startsWith('| ') && !/attacked by \|$/.test(line));
    expect(rows.length).toBeGreaterThan(30);
    for (const row of rows) {
      const cited = [...row.slice(row.lastIndexOf(' | ')).matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
      for (const name of cited) {
        const file = name.includes('/') ? name : `__test__/${name}.spec.ts`;
        expect(fs.existsSync(path.join(PROJECT, file)), `${file}, cited in: ${row}`).toBe(true);
      }
      if (cited.length === 0) expect(row).toMatch(/ \| – \(.+\) \|$/);
    }
  });
});
