// Compares the code on the pages of docs/recipes/ with the programs of examples/recipes/, which `npm run test:recipes`
// runs with the real frameworks.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksOf, documents, PROJECT } from '../helpers/doc-blocks.js';

const RECIPES = path.join(PROJECT, 'examples/recipes');
const pages = documents().filter((file) => file.startsWith('docs/recipes/'));
const blocks = pages.flatMap((file) => blocksOf(file, fs.readFileSync(path.join(PROJECT, file), 'utf8')));
const tested = blocks.filter(({ why }) => why === 'npm run test:recipes runs it');

/** Returns the file that a block names in its first line. */
function fileOf(code: string): string | undefined {
  const name = /^\/\/ (\S+)\n/.exec(code)?.[1];
  if (name === undefined) return undefined;
  const places = ['', 'src', 'test', 'next'].map((folder) => path.join(RECIPES, folder, name));
  return places.find((file) => fs.existsSync(file));
}

describe('the code of a recipe', () => {
  it.each(tested)('is that of the tested file: $name', ({ code }) => {
    const file = fileOf(code);
    expect(file, `no file of examples/recipes/ is named by:\n${code}`).toBeDefined();
    expect(code).toBe(fs.readFileSync(file!, 'utf8'));
  });

  it('runs here, or with the frameworks', () => {
    expect(blocks.filter(({ how, language, why }) => how !== 'run' && language !== 'sh' && language !== 'text' && why !== 'npm run test:recipes runs it')).toEqual([]);
  });

  it('is on a page for every program', () => {
    const shown = new Set(tested.map(({ code }) => fileOf(code)));
    const programs = [
      ...fs.readdirSync(path.join(RECIPES, 'src')).map((name) => `src/${name}`),
      'next/app/files/[...name]/route.ts',
    ];
    expect(programs.filter((name) => !shown.has(path.join(RECIPES, name)))).toEqual([]);
  });

  it('is on a page that docs/README.md links to', () => {
    const index = fs.readFileSync(path.join(PROJECT, 'docs/README.md'), 'utf8');
    expect(pages.length).toBeGreaterThanOrEqual(8);
    expect(pages.filter((file) => !index.includes(`](${file.slice('docs/'.length)})`))).toEqual([]);
  });
});
