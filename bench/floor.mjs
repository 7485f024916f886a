// The floor: runs core/benches/floor.rs as a process that measures one slice per request.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fail, findCargo, projectRoot } from '../scripts/support.mjs';

const source = fileURLToPath(new URL('../core/benches/floor.rs', import.meta.url));

/**
 * Builds the program, unless it was built from the same source before. Returns its path, or undefined without Rust or
 * Linux. The program does not use the library, so changes there need no new build.
 */
export function buildFloor() {
  const cargo = process.platform === 'linux' ? findCargo() : undefined;
  if (!cargo) return undefined;
  const fingerprint = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16);
  const program = path.join(projectRoot, '.cache/bench', `floor-${fingerprint}`);
  if (existsSync(program)) return program;
  const result = spawnSync(cargo, ['build', '--release', '--package', 'holdfast-core', '--bench', 'floor', '--message-format=json-render-diagnostics'], {
    cwd: projectRoot,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (result.status !== 0) fail('bench: the floor could not be built; the message of cargo is above.');
  const built = result.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .find((message) => message.reason === 'compiler-artifact' && message.target.name === 'floor').executable;
  mkdirSync(path.dirname(program), { recursive: true });
  copyFileSync(built, program);
  return program;
}

/** @typedef {ReturnType<typeof startFloor>} Floor */

/**
 * Starts the program. Its candidates return the time that the process measures around the loop alone.
 * @param {string} program
 */
export function startFloor(program) {
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function ask(request) {
    child.stdin.write(`${request}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error(`the floor ended at "${request}"`);
    return Number(value);
  }

  const candidate = (calls, request) => ({
    id: 'floor',
    label: `the system calls alone, in a Rust loop: ${calls}`,
    omits: 'runs in another process, without JavaScript',
    time: (runs) => ask(`${request} ${runs}`),
  });

  return {
    read: (file, size) => candidate(`openat2, fstat, ${size <= 16 * 1024 ? 'read' : 'readv'}, close`, `read ${file} ${size}`),
    write: (file, size, synced) =>
      candidate(
        `openat2, newfstatat, openat, fstat, write, ${synced ? 'fsync, ' : ''}close, renameat, ${synced ? 'fsync, ' : ''}close`,
        `write ${file} ${size} ${synced}`,
      ),
    ensureDir: (directory) => candidate('openat2, fstat, close', `ensure-dir ${directory}`),
    stop: () => child.stdin.end(),
  };
}
