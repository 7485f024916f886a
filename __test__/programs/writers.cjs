'use strict';
// Two processes write one file, and one reads it. Prints the reader's results as JSON.
//   node writers.cjs <folder of the package> <file> <versions of each writer>
//   (itself starts) node writers.cjs <folder> <file> <versions> <writer>

const { spawn } = require('node:child_process');
const { createHash } = require('node:crypto');

const [folder, file, count, writer] = process.argv.slice(2);
const holdfast = require(folder);
const versions = Number(count);

/** Returns the content of a version: its writer, number, length and digest. No part of one equals another. */
function version(by, number) {
  const size = (number * 7919) % 20_000;
  const body = `${by} ${number} `.repeat(Math.ceil((size + 1) / 8)).slice(0, size);
  const digest = createHash('sha256').update(body).digest('hex');
  return `${by} ${number} ${body.length} ${digest}\n${body}`;
}

/** Returns the version of a complete content, or undefined. */
function recognise(content) {
  const [, by, number, length, digest, body] = /^(\d+) (\d+) (\d+) ([0-9a-f]{64})\n(.*)$/s.exec(content) ?? [];
  const isWhole = body !== undefined && body.length === Number(length) && createHash('sha256').update(body).digest('hex') === digest;
  return isWhole ? { by: Number(by), number: Number(number) } : undefined;
}

async function write() {
  for (let number = 1; number <= versions; number++) {
    const content = version(writer, number);
    // In turn: synced or not, one call or pieces, on this thread or in the pool.
    const options = { durable: number % 8 === 0, mode: 0o600 };
    if (number % 3 === 0) holdfast.writeAtomicSync(file, content, options);
    else if (number % 10 === 1) await holdfast.writeAtomic(file, pieces(content), options);
    else await holdfast.writeAtomic(file, content, options);
  }
}

async function* pieces(content) {
  for (let at = 0; at < content.length; at += 4096) yield content.slice(at, at + 4096);
}

async function read() {
  holdfast.writeAtomicSync(file, version(0, 0), { mode: 0o600 });
  const seen = { reads: 0, versions: 0, torn: 0, backwards: 0, errors: {}, last: {}, codes: [] };
  let left = 2;
  let previous;
  for (const by of ['1', '2']) {
    const child = spawn(process.execPath, [__filename, folder, file, count, by], { stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('close', (code, signal) => {
      left -= 1;
      seen.codes.push(signal ?? code);
    });
  }
  const look = async (isSync) => {
    seen.reads += 1;
    try {
      const { buffer } = isSync ? holdfast.readLocalFileSafelySync(file) : await holdfast.readLocalFileSafely(file);
      const found = recognise(String(buffer));
      if (found === undefined) seen.torn += 1;
      else {
        // A later version of a writer is never followed by an earlier one.
        if (found.number < (seen.last[found.by] ?? 0)) seen.backwards += 1;
        if (previous !== `${found.by} ${found.number}`) seen.versions += 1;
        seen.last[found.by] = found.number;
        previous = `${found.by} ${found.number}`;
      }
    } catch (error) {
      seen.errors[error.code ?? error.message] = (seen.errors[error.code ?? error.message] ?? 0) + 1;
    }
  };
  while (left > 0) {
    for (let n = 0; n < 64; n++) await look(n % 2 === 0);
    // The exit of a writer is reported only when the event loop turns.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await look(true);
  process.stdout.write(JSON.stringify(seen));
}

void (writer === undefined ? read() : write());
