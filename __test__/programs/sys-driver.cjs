'use strict';
// Runs file operations that a spec cannot: as another user, in another mount namespace, under strace or a seccomp
// filter. Reads one JSON request per line from stdin, and writes one JSON response per line to stdout.
//   node sys-driver.cjs <folder of the package>

const fs = require('node:fs');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const { dirname } = require('node:path');
const { createInterface } = require('node:readline');

const holdfast = require(process.argv[2]);

const warnings = [];
process.on('warning', (warning) => {
  warnings.push({ name: warning.name, code: warning.code, message: warning.message });
});

/** Yields these pieces asynchronously. */
async function* produce(pieces) {
  for (const piece of pieces) {
    await null;
    yield piece;
  }
}

/** Revives bytes from `{ $bytes: base64 }`, pieces from `{ $pieces: [...] }`, a function from `{ $returns: value }` or `{ $appends: text }`. */
function revive(_key, value) {
  if (value !== null && typeof value === 'object' && '$returns' in value) return () => value.$returns;
  if (value !== null && typeof value === 'object' && '$appends' in value) return (current = '') => `${current}${value.$appends}`;
  if (value !== null && typeof value === 'object' && Array.isArray(value.$pieces)) return produce(value.$pieces);
  return value !== null && typeof value === 'object' && typeof value.$bytes === 'string' ? Buffer.from(value.$bytes, 'base64') : value;
}

function plain(value) {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString('base64') };
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Error) return plainError(value);
  // The path of a root is a getter.
  if (typeof value.ensureDir === 'function') return { path: value.path };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function plainError(error) {
  if (!(error instanceof Error)) return { notAnError: String(error) };
  const names = ['name', 'message', 'code', 'category', 'errno', 'syscall', 'sysCode', 'path', 'dest'];
  const more = ['mode', 'uid', 'euid', 'remedy', 'temporary', 'published', 'removed', 'copied', 'torn'];
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

/** Marks the start and the end of a request in a trace, and passes the plan to `fault.c`. */
function mark(word) {
  fs.existsSync(`/holdfast-mark/${word}`);
}

const roots = new Map();

const actions = {
  // Pins a directory. Later requests identify it by the path of this call.
  openRoot: ({ openRoot, args }) => {
    const root = holdfast.openRootSync(openRoot, ...args);
    roots.set(openRoot, root);
    return root.path;
  },
  closeRoot: ({ closeRoot }) => roots.get(closeRoot).close(),
  // Walks a directory of an open root to its end.
  walk: async ({ walk, args }) => {
    const entries = [];
    for await (const entry of roots.get(walk).walk(...args)) entries.push(entry);
    return entries;
  },
  onRoot: ({ onRoot, method, args }) => roots.get(onRoot)[method](...args),
  // Like a producer that needs a handle, or gives up. `meanwhile` is a command that gets the path of the temporary as
  // its last argument, `ending` another end than `commit`.
  stage: async ({ stage, args, content, meanwhile, ending }) => {
    const staged = await holdfast.stageAtomic(stage, ...args);
    try {
      await staged.handle.writeFile(content);
      if (meanwhile !== undefined) execFileSync(meanwhile[0], [...meanwhile.slice(1), staged.tempPath]);
      if (ending === 'abort') return await staged.abort();
      if (ending === 'dispose') return await staged[Symbol.asyncDispose]();
      return await staged.commit();
    } finally {
      // After `abort` and `dispose`, which may have failed, it would try again.
      if (ending === undefined) await staged.abort();
    }
  },
  // Aborts when the temporary in `dir` has its name. The event loop stands still until then.
  abortedLate: async ({ abortedLate: { onRoot, method, args, options }, dir }) => {
    const controller = new AbortController();
    const object = onRoot === undefined ? holdfast : roots.get(onRoot);
    const pending = object[method](...args, { ...options, signal: controller.signal });
    pending.catch(() => {});
    while (!fs.readdirSync(dir).some((name) => name.startsWith('.holdfast-')));
    const warned = once(process, 'warning');
    controller.abort(new Error('mine'));
    return pending.finally(() => warned);
  },
  // Aborts a staged file by its signal while `commit` runs.
  abortedCommit: async ({ abortedCommit }) => {
    const controller = new AbortController();
    const staged = await holdfast.stageAtomic(abortedCommit, { signal: controller.signal });
    const warned = once(process, 'warning');
    const pending = staged.commit();
    controller.abort(new Error('mine'));
    return pending.finally(() => warned);
  },
  // Returns the codes of aborts of a staged file: while its directory may not be written, and afterwards.
  abortAgain: async ({ abortAgain }) => {
    const staged = await holdfast.stageAtomic(abortAgain);
    const code = () => staged.abort().then(() => 'resolved', (error) => error.code);
    const dir = dirname(abortAgain);
    fs.chmodSync(dir, 0o555);
    const codes = [...(await Promise.all([code(), code()])), await code(), await staged.commit().catch((error) => error.code)];
    await staged[Symbol.asyncDispose]();
    fs.chmodSync(dir, 0o755);
    return [...codes, fs.existsSync(staged.tempPath), await code(), fs.existsSync(staged.tempPath), await code()];
  },
  chdir: ({ chdir }) => process.chdir(chdir),
  call: ({ call, args }) => holdfast[call](...args),
  fs: ({ fs: name, args }) => fs[name](...args),
  // A thread of libuv's pool. With UV_THREADPOOL_SIZE=1 it is the only one.
  poolThread: async () => Number((await fs.promises.readlink('/proc/thread-self')).split('/').pop()),
  exec: ({ exec: [command, ...args] }) => execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
  umask: ({ umask }) => process.umask(umask),
  // glibc changes each thread, one after the other: afterwards their credentials are equal but not identical.
  setuid: ({ setuid }) => process.setuid(setuid),
  // Neither commits nor aborts: the temporary lives as long as this process.
  keepStaged: async ({ keepStaged }) => (await holdfast.stageAtomic(keepStaged)).tempPath,
  // Pieces of 70,000 bytes, with other jobs for the pool between them.
  stream: ({ stream, pieces, options }) =>
    holdfast.writeAtomic(
      stream,
      (async function* () {
        for (let count = 0; count < pieces; count++) {
          await Promise.all(Array.from({ length: 8 }, () => fs.promises.stat('/')));
          yield Buffer.alloc(70_000, 'x');
        }
      })(),
      options,
    ),
  env: ({ env }) => {
    for (const [name, value] of Object.entries(env)) {
      if (value === null) delete process.env[name];
      else process.env[name] = value;
    }
  },
  descriptors: () => fs.readdirSync('/proc/self/fd').length,
  warnings: () => warnings.splice(0),
  all: ({ all }) => Promise.all(all.map(run)),
  // A request to a file system that creates the file `held` and waits for its removal: the event loop removes it, and
  // counts.
  releasing: async ({ releasing, held }) => {
    let releases = 0;
    const timer = setInterval(() => {
      if (!fs.existsSync(held)) return;
      fs.rmSync(held);
      releases += 1;
    }, 1);
    const answer = await run(releasing);
    clearInterval(timer);
    return { ...answer, releases };
  },
};

async function run(request) {
  const action = Object.keys(actions).find((name) => name in request);
  const { marked } = request;
  try {
    if (marked) mark(marked === true ? 'begin' : `begin/${marked}`);
    const pending = actions[action](request);
    const value = request.sync === true ? pending : await pending;
    if (marked) mark('end');
    const described = { value: plain(value) };
    // The garbage collector would close it on the main thread some time later.
    await value?.handle?.close?.();
    if (action === 'call') await value?.close?.();
    return described;
  } catch (error) {
    if (marked) mark('end');
    return { error: plainError(error) };
  }
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const answer = await run(JSON.parse(line, revive));
  // A warning is emitted on the next tick: a later request must find it.
  await new Promise((resolve) => setImmediate(resolve));
  // Newer Nodes treat the separators of lines and paragraphs as the end of a line.
  const text = JSON.stringify(answer).replace(/[\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16)}`);
  process.stdout.write(`${text}\n`);
});
process.stdout.write('{"value":"ready"}\n');
