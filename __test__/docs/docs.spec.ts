// Checks every code block of README.md and docs/: runs it and compares its output, type-checks it, or parses it, as
// helpers/doc-blocks.ts explains. A block without handling fails.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import ts from 'typescript5';
import { describe, expect, it, test } from 'vitest';
import { HoldfastError, httpStatus, type HoldfastErrorCode } from '../../index.mjs';
import { blocksOf, documents, isPrinted, PROJECT, type Block } from '../helpers/doc-blocks.js';
import { build, scratch } from '../helpers/scratch.js';
import { asUser1000 } from '../helpers/sys-driver.js';
import { needs } from '../helpers/sys-needs.js';
import { DECLARATIONS, examplesOf, programOf } from '../helpers/type-examples.js';

const TSC = path.join(PROJECT, 'node_modules/typescript/bin/tsc');

const BLOCKS = documents().flatMap((file) => blocksOf(file, fs.readFileSync(path.join(PROJECT, file), 'utf8')));
const RUN = BLOCKS.filter(({ how }) => how === 'run');
const TYPED = BLOCKS.filter(({ language, how }) => (language === 'ts' || language === 'js') && (how === 'run' || how === 'types'));

/** Makes a folder with an installed package and the files that the examples use. */
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
    // npx first searches the installed commands, as this script does.
    'bin/npx 0755: #!/bin/sh\nexec "$@"\n',
    'bin/holdfast => ../node_modules/holdfast/dist/cli/main.js',
  ]);
  return dir;
}

/** Writes the program of a block, and returns the command that runs it. */
function prepare({ language, code }: Block, dir: string): string[] {
  if (language === 'sh') {
    fs.writeFileSync(path.join(dir, 'example.sh'), code);
    return ['bash', '-euo', 'pipefail', 'example.sh'];
  }
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  fs.writeFileSync(path.join(dir, 'example.mjs'), language === 'ts' ? ts.transpileModule(code, { compilerOptions: options }).outputText : code);
  return [process.execPath, 'example.mjs'];
}

/** Runs an example. Returns both output streams in order, without details that differ between runs. */
function run(block: Block, dir: string): { status: number | null; output: string } {
  const command = prepare(block, dir);
  const data = path.join(dir, 'data');
  if (block.asPod) {
    fs.chownSync(data, 0, 1000);
    fs.chmodSync(data, 0o2775);
    command.unshift(...asUser1000);
  }
  const log = path.join(dir, 'output.txt');
  const fd = fs.openSync(log, 'w');
  try {
    const env = { PATH: `${dir}/bin:${path.dirname(process.execPath)}:${process.env['PATH']}`, DATA_DIR: data };
    const { status, error } = spawnSync(command[0]!, command.slice(1), { cwd: dir, env, stdio: ['ignore', fd, fd] });
    if (error) throw error;
    return { status, output: comparable(fs.readFileSync(log, 'utf8').replaceAll(data, '/data').replaceAll(dir, '/srv/app')) };
  } finally {
    fs.closeSync(fd);
  }
}

/** Returns the compiler's errors for files in a folder with an installed package. */
function typeErrors(dir: string, files: string[]): string {
  // Node runs TypeScript by removing the types (--experimental-strip-types).
  const settings = { strict: true, noEmit: true, allowJs: true, erasableSyntaxOnly: true, verbatimModuleSyntax: true, target: 'es2022', lib: ['es2023', 'esnext.disposable'], module: 'nodenext', types: ['node'] };
  fs.writeFileSync(path.join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: settings, files }));
  const { stdout, status } = spawnSync(process.execPath, [TSC, '-p', dir], { encoding: 'utf8' });
  return status === 0 ? '' : stdout || `the compiler ended with ${status}`;
}

function comparable(output: string): string {
  return output
    .replace(/^\(node:\d+\)/gm, '(node:1)')
    .replace(/^\(Use `node --trace-warnings.*\n/gm, '')
    .replace(/\b(e?uid)("?:| )\d+/g, '$1$21000');
}

function runsAsItSays(block: Block): void {
  const { status, output } = run(block, workplace());
  const { output: written } = block;
  if (written !== undefined && !isPrinted(comparable(written), output)) expect(output).toBe(comparable(written));
  expect(status, output).toBe(block.exit);
}

needs('root', 'setpriv')('an example of a pod without privileges', () => {
  test.each(RUN.filter(({ asPod }) => asPod))('runs and prints what it says: $name', runsAsItSays);
});

describe('an example of the documentation', () => {
  test('exists in the README, one of the pod too', () => {
    expect(RUN.filter(({ name }) => name.startsWith('README.md')).length).toBeGreaterThanOrEqual(4);
    expect(RUN.filter(({ asPod }) => asPod).length).toBeGreaterThanOrEqual(1);
  });

  test.each(RUN.filter(({ asPod }) => !asPod))('runs and prints what it says: $name', runsAsItSays);

  test('passes the type checker', () => {
    const dir = workplace();
    const files = TYPED.map(({ code, language }, index) => {
      const file = `example-${index}.${language}`;
      // Each file is a module, even without an import.
      fs.writeFileSync(path.join(dir, file), `${code}export {};\n`);
      return file;
    });
    expect(typeErrors(dir, files).replace(/example-(\d+)\.\w+/g, (_, index) => TYPED[Number(index)]!.name)).toBe('');
  });

  test.each(BLOCKS.filter(({ how }) => how === 'syntax'))('can be parsed: $name', ({ language, code }) => {
    if (language === 'sh') {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(status).toBe(0);
      return;
    }
    const { diagnostics } = ts.transpileModule(code, { reportDiagnostics: true, compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } });
    expect(diagnostics?.map(({ messageText }) => messageText)).toEqual([]);
  });

  test.each(BLOCKS.filter(({ language }) => language === 'json'))('is JSON: $name', ({ code }) => {
    expect(() => JSON.parse(code)).not.toThrow();
  });

  test.each(BLOCKS.filter(({ language }) => language === 'yaml'))('is indented as YAML has to be: $name', ({ code }) => {
    expect(code).not.toContain('\t');
    for (const line of code.split('\n')) expect(line, line).toMatch(/^(  )*(\S.*)?$/);
  });
});

describe('an @example of the types', () => {
  const examples = Object.values(DECLARATIONS).flat().flatMap(examplesOf);

  /** Returns the folder of the other examples, with a file that exceeds every socket buffer. */
  function folder(): string {
    const dir = workplace();
    build(dir, ['workspace/notes.md: note']);
    fs.writeFileSync(path.join(dir, 'media/clip.mp4'), Buffer.alloc(16 * 1024 * 1024), { mode: 0o644 });
    fs.chmodSync(path.join(dir, 'media/clip.mp4'), 0o644);
    return dir;
  }

  it('exists for every function that has one', () => {
    expect(examples.length).toBeGreaterThanOrEqual(10);
    expect(examples.map(({ of }) => of)).toContain('openLocalFileSafely');
  });

  it.each(examples)('runs: $name', async (example) => {
    const dir = folder();
    const code = ts.transpileModule(programOf(example), { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } }).outputText;
    fs.writeFileSync(path.join(dir, 'example.mjs'), code);
    const { status, stderr, signal } = spawnSync(process.execPath, ['example.mjs'], { cwd: dir, encoding: 'utf8', timeout: 30_000, stdio: ['ignore', 'ignore', 'pipe'] });
    expect({ status, signal }, stderr).toEqual({ status: 0, signal: null });
  });

  it('passes the type checker', () => {
    const dir = folder();
    const files = examples.map((example, index) => {
      fs.writeFileSync(path.join(dir, `example-${index}.mts`), programOf(example));
      return `example-${index}.mts`;
    });
    expect(typeErrors(dir, files)).toBe('');
  });
});

describe('a block without a check', () => {
  const fence = '```';
  test.each([
    ['an unknown language', `${fence}python\n1\n${fence}\n`],
    ['no language', `${fence}\n1\n${fence}\n`],
    ['more than a language', `${fence}ts title\n1\n${fence}\n`],
    ['an indented fence', `- x\n\n  ${fence}ts\n  1\n  ${fence}\n`],
    ['another kind of fence', '~~~ts\n1\n~~~\n'],
    ['a fence without an end', `${fence}ts\n1\n`],
    ['a text that is no output', `x\n\n${fence}text\n1\n${fence}\n`],
    ['a marker without a reason', `<!-- example: syntax -->\n${fence}ts\n1\n${fence}\n`],
    ['a marker that is not understood', `<!-- example: never — I say so -->\n${fence}ts\n1\n${fence}\n`],
    ['types for a shell', `<!-- example: types — why -->\n${fence}sh\nls\n${fence}\n`],
  ])('is refused: %s', (_name, text) => {
    expect(() => blocksOf('x.md', text)).toThrow(/^x\.md, line \d+: /);
  });

  test('a different output is detected', () => {
    expect(isPrinted('a … c\n', 'a b c\n')).toBe(true);
    expect(isPrinted('a … c\n', 'a b d\n')).toBe(false);
    expect(isPrinted('a…\nc\n', 'a\nb\nc\n')).toBe(false);
  });
});

describe('what the documentation names', () => {
  const read = (file: string): string => fs.readFileSync(path.join(PROJECT, file), 'utf8');

  test('every error code has a row in docs/errors.md', () => {
    const declared = [...read('types/errors.d.ts').matchAll(/^ \* - `([\w-]+)`: /gm)].map((match) => match[1]!);
    const told = [...read('docs/errors.md').matchAll(/^\| (`[^|]+`) \| \d+ \| [^|]+ \|$/gm)].flatMap((row) => [...row[1]!.matchAll(/`([\w-]+)`/g)].map((match) => match[1]!));
    expect(declared.length).toBeGreaterThan(15);
    expect(told.sort()).toEqual(declared.sort());
  });

  test('every error code has the HTTP status of its row', () => {
    const rows = [...read('docs/errors.md').matchAll(/^\| `([\w-]+)` \| (\d+) \|/gm)];
    expect(Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)]))).toEqual(Object.fromEntries(rows.map(([, code]) => [code, httpStatus(new HoldfastError(code as HoldfastErrorCode, { path: '/x' }))])));
  });

  /** Returns the table rows whose last column cites tests. */
  function citingRows(text: string): string[] {
    const tables = text.split('\n\n').filter((part) => /^\| .*attacked by \|$/m.test(part));
    return tables.flatMap((table) => table.split('\n').filter((line) => line.startsWith('| ') && !/attacked by \|$/.test(line)));
  }

  const reference = fs.readdirSync(path.join(PROJECT, 'docs/api')).map((name) => `docs/api/${name}`);

  test('every page that a page links to exists', () => {
    for (const file of [...documents(), ...reference, 'CONTRIBUTING.md', 'SECURITY.md', 'examples/mcp-filesystem/README.md']) {
      for (const [, target] of read(file).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
        expect(fs.existsSync(path.resolve(PROJECT, path.dirname(file), target!)), `${target}, linked from ${file}`).toBe(true);
      }
    }
  });

  /** Returns the anchors of a page: those of headings, which are numbered when there are several of a kind, and `id` attributes. */
  function anchorsOf(text: string): Set<string> {
    const anchors = new Set([...text.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1]!));
    const seen = new Map<string, number>();
    for (const [, heading] of text.matchAll(/^#+ (.+)$/gm)) {
      const slug = heading!.toLowerCase().replace(/[^\w\s-]/g, '').trim().replace(/\s/g, '-');
      const before = seen.get(slug) ?? 0;
      seen.set(slug, before + 1);
      anchors.add(before === 0 ? slug : `${slug}-${before}`);
    }
    return anchors;
  }

  test('every heading that a page links to exists', () => {
    const anchors = new Map<string, Set<string>>();
    for (const file of [...documents(), ...reference]) {
      for (const [, target, anchor] of read(file).matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)) {
        const page = target === '' ? file : path.join(path.dirname(file), target!);
        if (!anchors.has(page)) anchors.set(page, anchorsOf(read(page)));
        expect(anchors.get(page)!.has(anchor!), `#${anchor}, linked from ${file}`).toBe(true);
      }
    }
  });

  test('every test that a guarantee cites exists', () => {
    const rows = citingRows(read('docs/guarantees.md'));
    expect(rows.length).toBeGreaterThan(30);
    const { scripts } = JSON.parse(read('package.json'));
    const specs = fs.readdirSync(path.join(PROJECT, '__test__'), { recursive: true, encoding: 'utf8' }).map((file) => path.basename(file));
    for (const row of rows) {
      const cited = [...row.slice(row.lastIndexOf(' | ')).matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
      for (const name of cited) {
        const script = /^npm run ([\w:-]+)/.exec(name)?.[1];
        if (script !== undefined) {
          expect(scripts, `npm run ${script}, cited in: ${row}`).toHaveProperty([script]);
          continue;
        }
        const exists = name.includes('/') ? fs.existsSync(path.join(PROJECT, name)) : specs.includes(`${name}.spec.ts`);
        expect(exists, `${name}, cited in: ${row}`).toBe(true);
      }
      if (cited.length === 0) expect(row).toMatch(/ \| – \(.+\) \|$/);
    }
  });
});

describe('the files that index.d.ts re-exports', () => {
  const files = DECLARATIONS.holdfast.filter((file) => file !== 'index.d.ts');
  const isDocumented = (node: ts.Node) => ts.getJSDocCommentsAndTags(node).length > 0;

  /** Returns every declaration and its members, by name. */
  function declarations(file: string): { name: string; node: ts.Node }[] {
    const source = ts.createSourceFile(file, fs.readFileSync(path.join(PROJECT, file), 'utf8'), ts.ScriptTarget.Latest, true);
    return source.statements.flatMap((statement): { name: string; node: ts.Node }[] => {
      if (ts.isVariableStatement(statement)) return [{ name: statement.declarationList.getText(), node: statement }];
      if (ts.isFunctionDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) return [{ name: statement.name!.getText(), node: statement }];
      if (!ts.isInterfaceDeclaration(statement) && !ts.isClassDeclaration(statement)) return [];
      const members = [...statement.members].filter((member) => !ts.isConstructorDeclaration(member));
      const owner = statement.name!.getText();
      return [{ name: owner, node: statement }, ...members.map((node) => ({ name: `${owner}.${node.name!.getText()}`, node }))];
    });
  }

  test.each(files)('document every export, option and field: %s', (file) => {
    const all = declarations(file);
    expect(all.length).toBeGreaterThan(5);
    expect(all.filter(({ node }) => !isDocumented(node)).map(({ name }) => name)).toEqual([]);
  });
});
