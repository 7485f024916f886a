// What pino writes about errors of holdfast.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { RECIPES } from './server.js';

/** Stores the names, and returns the lines of the log. */
function logged(names: string[], CONTENT: string): { output: string; lines: any[] } {
  const MEDIA_DIR = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'hf-recipe-')));
  onTestFinished(() => fs.rmSync(MEDIA_DIR, { recursive: true }));
  fs.writeFileSync(path.join(MEDIA_DIR, 'old'), 'old');
  fs.symlinkSync('/etc/passwd', path.join(MEDIA_DIR, 'link'));
  const { stdout, stderr, status } = spawnSync(process.execPath, ['dist/logging.js', ...names], { cwd: RECIPES, encoding: 'utf8', env: { ...process.env, MEDIA_DIR, CONTENT } });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return { output: stdout, lines: stdout.trim().split('\n').map((line) => JSON.parse(line)) };
}

it('logs code, path and remedy, and nothing of the content', () => {
  const { output, lines } = logged(['new', 'old', 'link', '../x', 'none/x'], 'top secret');
  expect(lines.map(({ msg, name, err }) => (err ? [msg, err.type, err.code, err.path, err.category] : [msg, name]))).toEqual([
    ['stored', 'new'],
    ['not stored', 'HoldfastError', 'already-exists', 'old', 'operational'],
    ['not stored', 'HoldfastError', 'already-exists', 'link', 'operational'],
    ['not stored', 'HoldfastError', 'outside-workspace', '../x', 'policy'],
    ['not stored', 'HoldfastError', 'not-found', 'none/x', 'operational'],
  ]);
  expect(lines.filter(({ err }) => err?.remedy).length).toBeGreaterThan(0);
  expect(output).not.toContain('top secret');
});

it('logs size and limit of what was too large', () => {
  const { output, lines } = logged(['new'], 'top secret '.repeat(1000));
  expect(lines[0].err).toMatchObject({ code: 'too-large', path: 'new', size: 11_000, limit: 1024 });
  expect(output).not.toContain('top secret');
});
