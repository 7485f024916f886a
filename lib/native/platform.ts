// Chooses the binary for this process by platform, architecture and, on Linux, C library.

import { fs } from '../base/node.js';

/** The targets that have a binary, in Node's names for platform and architecture. */
const SUPPORTED = Object.freeze([
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-arm64',
  'darwin-x64',
  'win32-x64-msvc',
]);

type Libc = 'gnu' | 'musl';

/** Returns the targets to try, the likeliest first. Returns both C libraries when the one in use is unknown. */
export function targets(): string[] {
  const { platform, arch } = process;
  if (platform === 'win32') return [`win32-${arch}-msvc`];
  if (platform !== 'linux') return [`${platform}-${arch}`];
  const libc = libcOf(process.execPath) ?? libcOfReport() ?? libcOfLdd();
  return (libc ? [libc] : ['gnu', 'musl']).map((name) => `linux-${arch}-${name}`);
}

/**
 * Returns the C library of a program, by its dynamic loader (PT_INTERP of its ELF header). This works for Node, Bun and
 * Deno, and does not depend on what else is installed.
 */
function libcOf(program: string): Libc | undefined {
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
 * Returns the dynamic loader that an ELF file names.
 *
 * @param fd of a 64-bit little-endian ELF file
 */
function interpreter(fd: number): string {
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

function readAt(fd: number, position: number, length: number) {
  const bytes = Buffer.alloc(length);
  if (fs.readSync(fd, bytes, 0, length, position) !== length) throw new Error('the file ends early');
  return bytes;
}

interface Report {
  header: { glibcVersionRuntime?: string };
  sharedObjects?: string[];
}

/** Reads the C library from the diagnostic report, without its network part, which may query a name server. */
function libcOfReport(): Libc | undefined {
  try {
    const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
    const before = report.excludeNetwork;
    report.excludeNetwork = true;
    const { header, sharedObjects = [] } = report.getReport() as Report;
    report.excludeNetwork = before;
    if (header.glibcVersionRuntime) return 'gnu';
    return sharedObjects.some((file) => /\/(ld-musl-|libc\.musl-)/.test(file)) ? 'musl' : undefined;
  } catch {
    return undefined;
  }
}

/** Reads the C library from `ldd`, which names its own on glibc and musl. Alpine may lack `ldd`. */
function libcOfLdd(): Libc | undefined {
  try {
    const text = fs.readFileSync('/usr/bin/ldd', 'latin1');
    if (text.includes('musl')) return 'musl';
    return /GNU C Library|GLIBC/.test(text) ? 'gnu' : undefined;
  } catch {
    return undefined;
  }
}

export { SUPPORTED };
