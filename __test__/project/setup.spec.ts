// The output of the first command in a checkout on a machine that lacks a tool.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { build, scratch } from '../helpers/scratch.js';

const PROJECT = path.resolve(import.meta.dirname, '../..');

/** Makes programs by name with their output for `--version`. Any other use fails with a message. */
function programs(versions: Record<string, string>): string {
  const dir = scratch();
  fs.mkdirSync(`${dir}/home`);
  build(dir, Object.entries(versions).map(([name, version]) => `bin/${name} 0755: #!/bin/sh\n[ "$1" = --version ] && echo "${version}" && exit 0\necho "${name} was started" >&2\nexit 101\n`));
  return dir;
}

/** Runs a command with only the programs of that directory in PATH. */
function setUp(dir: string, command: string): { status: number | null; said: string } {
  const { CARGO: _a, CARGO_HOME: _b, RUSTC: _c, ...environment } = process.env;
  const env = { ...environment, HOME: `${dir}/home`, PATH: `${dir}/bin` };
  const { status, stdout, stderr } = spawnSync(process.execPath, command.split(' '), { cwd: PROJECT, encoding: 'utf8', env });
  return { status, said: stdout + stderr };
}

describe.skipIf(process.platform === 'win32')('where there is', () => {
  const commands = ['scripts/setup.mjs', 'scripts/setup.mjs --build-only', 'scripts/test.mjs'];

  test.each(commands)('no Rust, %s prints how to get it, and starts nothing', (command) => {
    const { status, said } = setUp(programs({ npm: '11.0.0' }), command);
    expect(said).toContain('cargo was not found');
    expect(said).toMatch(/Install Rust 1\.\d+ or newer .*rustup\.rs/);
    expect(said).not.toContain('was started');
    expect(status).toBe(1);
  });

  test.each(commands)('a Rust that is too old, %s prints its version, and how to get a newer one', (command) => {
    const { status, said } = setUp(programs({ npm: '11.0.0', cargo: 'cargo 1.63.0', rustc: 'rustc 1.63.0 (4b91a6ea7 2022-08-08)' }), command);
    expect(said).toContain('too old: 1.63.0');
    expect(said).toMatch(/Install Rust 1\.\d+ or newer .*rustup\.rs/);
    expect(said).not.toContain('was started');
    expect(status).toBe(1);
  });

  test('an old Rust in PATH and a new one where rustup puts it, the new one is taken', () => {
    const dir = programs({ npm: '11.0.0', cargo: 'cargo 1.63.0', rustc: 'rustc 1.63.0 (4b91a6ea7 2022-08-08)' });
    build(dir, ['cargo', 'rustc'].map((name) => `home/.cargo/bin/${name} 0755: #!/bin/sh\n[ "$1" = --version ] && echo "${name} 1.99.0" && exit 0\necho "the new ${name} was started" >&2\nexit 101\n`));
    const { status, said } = setUp(dir, 'scripts/setup.mjs --build-only');
    expect(said).toContain('the new cargo was started');
    expect(said).toContain('cargo build failed');
    expect(status).toBe(1);
  });

  test('the Rust in the message is the one that Cargo.toml requires', () => {
    const [, wanted] = /^rust-version = "(.+)"$/m.exec(fs.readFileSync(path.join(PROJECT, 'Cargo.toml'), 'utf8'))!;
    expect(setUp(programs({}), 'scripts/setup.mjs').said).toContain(`Rust ${wanted} or newer`);
  });
});
