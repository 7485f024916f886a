'use strict';
// Does file operations where a spec cannot: as another user, in another mount namespace, under strace or a
// seccomp filter. One JSON request a line on stdin, one JSON answer a line on stdout.
//   node sys-driver.cjs <folder of the package>

const fs = require('node:fs');
const { execFileSync } = require('node:child_process');
const { createInterface } = require('node:readline');

const holdfast = require(process.argv[2]);

const warnings = [];
process.on('warning', (warning) => {
  warnings.push({ name: warning.name, code: warning.code, message: warning.message });
});

/** Bytes travel as `{ $bytes: base64 }`. */
function revive(_key, value) {
  return value !== null && typeof value === 'object' && typeof value.$bytes === 'string' ? Buffer.from(value.$bytes, 'base64') : value;
}

function plain(value) {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString('base64') };
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function plainError(error) {
  if (!(error instanceof Error)) return { notAnError: String(error) };
  const names = ['name', 'message', 'code', 'category', 'errno', 'syscall', 'sysCode', 'path', 'dest'];
  const more = ['mode', 'uid', 'euid', 'remedy', 'published'];
  const described = Object.fromEntries([...names, ...more].map((name) => [name, error[name]]));
  return {
    ...described,
    isHoldfastError: holdfast.isHoldfastError(error),
    type: error.constructor.name,
    ...(typeof error.toJSON === 'function' ? { json: error.toJSON() } : {}),
    ...(typeof error.toPublic === 'function' ? { public: error.toPublic() } : {}),
    ...(error.cause instanceof Error ? { cause: plainError(error.cause) } : {}),
  };
}

/** Shows in a trace where a request begins and ends, and does nothing else. */
function mark(word) {
  fs.existsSync(`/holdfast-mark/${word}`);
}

const roots = new Map();

const actions = {
  // A pinned directory, known from then on by the path it was opened by.
  openRoot: ({ openRoot, args }) => {
    const root = holdfast.openRootSync(openRoot, ...args);
    roots.set(openRoot, root);
    return root.path;
  },
  closeRoot: ({ closeRoot }) => roots.get(closeRoot).close(),
  onRoot: ({ onRoot, method, args }) => roots.get(onRoot)[method](...args),
  call: ({ call, args }) => holdfast[call](...args),
  fs: ({ fs: name, args }) => fs[name](...args),
  // libuv's thread pool answers, so with UV_THREADPOOL_SIZE=1 this is its one thread.
  poolThread: async () => Number((await fs.promises.readlink('/proc/thread-self')).split('/').pop()),
  exec: ({ exec: [command, ...args] }) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
  umask: ({ umask }) => process.umask(umask),
  env: ({ env }) => {
    for (const [name, value] of Object.entries(env)) {
      if (value === null) delete process.env[name];
      else process.env[name] = value;
    }
  },
  descriptors: () => fs.readdirSync('/proc/self/fd').length,
  warnings: () => warnings.splice(0),
  all: ({ all }) => Promise.all(all.map(run)),
  // The answer to a request, and for how many milliseconds the event loop stood still meanwhile, at the longest.
  stillness: async ({ stillness }) => {
    let last = performance.now();
    let longest = 0;
    const tick = () => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    };
    const timer = setInterval(tick, 1);
    const answer = await run(stillness);
    const took = performance.now() - last;
    tick();
    clearInterval(timer);
    return { ...answer, longest: Math.max(longest, took) };
  },
};

async function run(request) {
  const action = Object.keys(actions).find((name) => name in request);
  const marked = request.marked === true;
  try {
    if (marked) mark('begin');
    const pending = actions[action](request);
    const value = request.sync === true ? pending : await pending;
    if (marked) mark('end');
    const described = { value: plain(value) };
    // Left to the collector, it would be closed on the main thread some time later.
    if (value?.handle?.close) void value.handle.close();
    return described;
  } catch (error) {
    if (marked) mark('end');
    return { error: plainError(error) };
  }
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const answer = await run(JSON.parse(line, revive));
  // A warning is emitted on the next tick: whoever asks afterwards must find it.
  await new Promise((resolve) => setImmediate(resolve));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
process.stdout.write('{"value":"ready"}\n');
