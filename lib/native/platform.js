'use strict';

// Which of the binaries this process can load: by platform, architecture and, on Linux, C library.

const fs = process.getBuiltinModule('node:fs');

/** What binaries are made for, by Node's names for platform and architecture. */
const SUPPORTED = Object.freeze([
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-arm64',
  'darwin-x64',
  'win32-x64-msvc',
]);

/** @typedef {'gnu' | 'musl'} Libc */

/**
 * The targets to try, the likeliest first: one, or both C libraries where this one cannot be told.
 *
 * @returns {string[]}
 */
function targets() {
  const { platform, arch } = process;
  if (platform === 'win32') return [`win32-${arch}-msvc`];
  if (platform !== 'linux') return [`${platform}-${arch}`];
  const libc = libcOf(process.execPath) ?? libcOfReport() ?? libcOfLdd();
  return (libc ? [libc] : ['gnu', 'musl']).map((name) => `linux-${arch}-${name}`);
}

/**
 * The C library of a program, by the dynamic loader it names (PT_INTERP of its ELF header). It holds for whatever
 * runs this, Node, Bun or Deno, and does not depend on what else is installed.
 *
 * @param {string} program
 * @returns {Libc | undefined}
 */
function libcOf(program) {
  let fd;
  try {
    fd = fs.openSync(program, 'r');
    const loader = interpreter(fd);
    if (/\/ld-musl-[^/]*$/.test(loader)) return 'musl';
    return /\/ld-linux[^/]*$/.test(loader) || /\/ld64\.so[^/]*$/.test(loader) ? 'gnu' : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

const PT_INTERP = 3;

/**
 * @param {number} fd of a 64-bit little-endian ELF file
 * @returns {string}
 */
function interpreter(fd) {
  const header = readAt(fd, 0, 64);
  if (header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2 || header[5] !== 1) return '';
  const size = header.readUInt16LE(54);
  const table = readAt(fd, Number(header.readBigUInt64LE(32)), size * header.readUInt16LE(56));
  for (let at = 0; at < table.length; at += size) {
    if (table.readUInt32LE(at) !== PT_INTERP) continue;
    const length = Number(table.readBigUInt64LE(at + 32));
    return readAt(fd, Number(table.readBigUInt64LE(at + 8)), Math.min(length, 4096)).toString('latin1').replace(/\0.*$/s, '');
  }
  return '';
}

/**
 * @param {number} fd
 * @param {number} position
 * @param {number} length
 */
function readAt(fd, position, length) {
  const bytes = Buffer.alloc(length);
  if (fs.readSync(fd, bytes, 0, length, position) !== length) throw new Error('the file ends early');
  return bytes;
}

/**
 * What the process says of itself. Without the network part, which may ask a name server.
 *
 * @returns {Libc | undefined}
 */
function libcOfReport() {
  try {
    const report = /** @type {any} */ (process.report);
    const before = report.excludeNetwork;
    report.excludeNetwork = true;
    /** @type {{ header: { glibcVersionRuntime?: string }, sharedObjects?: string[] }} */
    const { header, sharedObjects = [] } = report.getReport();
    report.excludeNetwork = before;
    if (header.glibcVersionRuntime) return 'gnu';
    return sharedObjects.some((file) => /\/(ld-musl-|libc\.musl-)/.test(file)) ? 'musl' : undefined;
  } catch {
    return undefined;
  }
}

/**
 * On both C libraries `ldd` names its own; Alpine may lack it.
 *
 * @returns {Libc | undefined}
 */
function libcOfLdd() {
  try {
    const text = fs.readFileSync('/usr/bin/ldd', 'latin1');
    if (text.includes('musl')) return 'musl';
    return /GNU C Library|GLIBC/.test(text) ? 'gnu' : undefined;
  } catch {
    return undefined;
  }
}

module.exports = { SUPPORTED, targets };
