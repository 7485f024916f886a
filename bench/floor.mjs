// The floor: runs core/benches/floor as a process that measures one slice per request.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, fstat, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fail, findCargo, projectRoot } from '../scripts/support.mjs';

const folder = fileURLToPath(new URL('../core/benches/floor/', import.meta.url));

/**
 * Builds the program, unless it was built from the same source before. Returns its path, or undefined without Rust or
 * Linux. The program does not use the library, so changes there need no new build.
 */
export function buildFloor() {
  const cargo = process.platform === 'linux' ? findCargo() : undefined;
  if (!cargo) return undefined;
  const sources = readdirSync(folder).sort().map((name) => readFileSync(path.join(folder, name)));
  const fingerprint = createHash('sha256').update(Buffer.concat(sources)).digest('hex').slice(0, 16);
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

/**
 * One job of libuv's pool that makes one call, for rows whose work waits and therefore has a job: their floor is its
 * time and that of the system calls.
 */
export function oneJob(file) {
  const fd = openSync(file, 'r');
  const time = async (runs) => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < runs; i++) await new Promise((resolve) => fstat(fd, resolve));
    return Number(process.hrtime.bigint() - start);
  };
  return { id: 'job', label: "one job of libuv's pool: fs.fstat with a callback", omits: 'does nothing of the work', time };
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

  const candidate = (calls, request, more = {}) => ({
    id: 'floor',
    label: `the system calls alone, in a Rust loop: ${calls}`,
    omits: 'runs in another process, without JavaScript',
    time: (runs) => ask(`${request} ${runs}`),
    ...more,
  });

  return {
    read: (file, size) => candidate(`openat2, fstat, ${size <= 16 * 1024 ? 'read' : 'readv'}, close`, `read ${file} ${size}`),
    write: (file, size, synced) =>
      candidate(
        `openat2, newfstatat, openat, fstat, write, ${synced ? 'fsync, ' : ''}close, renameat, ${synced ? 'fsync, ' : ''}close`,
        `write ${file} ${size} ${synced}`,
      ),
    ensureDir: (directory) => candidate('openat2, fstat, close', `ensure-dir ${directory}`),
    freshDir: (parent, most) => candidate('openat2, mkdirat, openat, fstat, 2 × close', `fresh-dir ${parent}`, { most }),
    walk: (top) => candidate('openat, getdents64, close for each directory', `walk ${top}`),
    append: (file) =>
      candidate('openat2, 2 × openat, 3 × fstat, geteuid, 3 × newfstatat, 2 × fcntl, pread, write, 3 × close', `append ${file}`),
    lock: (file) =>
      candidate(
        '2 × openat2, openat, 3 × fstat, geteuid, 2 × newfstatat, 2 × fcntl, fstatfs, pread, pwrite, ftruncate, 3 × close',
        `lock ${file}`,
      ),
    rename: (dir) => candidate('renameat2', `rename ${dir}`),
    copy: (source, over, most) =>
      candidate(
        `2 × openat, 2 × fstat, newfstatat, ioctl, copy_file_range, pread, ${over ? 'renameat' : 'linkat'}, 2 × close`,
        `copy ${source} ${over}`,
        { most },
      ),
    stop: () => child.stdin.end(),
  };
}
