// Reads a 64-bit little-endian Mach-O file: its load commands and its symbols.

import { createHash } from 'node:crypto';

const CPUS = { 0x01000007: 'x64', 0x0100000c: 'arm64' };
const LC_SYMTAB = 0x2;
const LC_LOAD_DYLIB = 0xc;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
const LC_VERSION_MIN_MACOSX = 0x24;
const LC_BUILD_VERSION = 0x32;
const N_EXT = 0x01;
const N_STAB = 0xe0;

const text = (bytes, at, length) => bytes.toString('latin1', at, at + length).replace(/\0.*$/s, '');
const stringAt = (bytes, at) => bytes.toString('latin1', at, bytes.indexOf(0, at));
const version = (value) => `${value >>> 16}.${(value >>> 8) & 0xff}`;

/** @param {Buffer} bytes */
export function readMachO(bytes) {
  const needed = [];
  const sections = [];
  let symbols = [];
  let oldest;
  let signature;
  let at = 32;
  for (let left = bytes.readUInt32LE(16); left > 0; left -= 1) {
    const command = bytes.readUInt32LE(at) & 0x7fffffff;
    if (command === LC_LOAD_DYLIB) needed.push(stringAt(bytes, at + bytes.readUInt32LE(at + 8)));
    else if (command === LC_SEGMENT_64) sections.push(...sectionsOf(bytes, at));
    else if (command === LC_SYMTAB) symbols = symbolsOf(bytes, at);
    else if (command === LC_BUILD_VERSION) oldest = version(bytes.readUInt32LE(at + 12));
    else if (command === LC_VERSION_MIN_MACOSX) oldest = version(bytes.readUInt32LE(at + 8));
    else if (command === LC_CODE_SIGNATURE) signature = bytes.readUInt32LE(at + 8);
    at += bytes.readUInt32LE(at + 4);
  }
  return {
    format: 'Mach-O',
    cpu: CPUS[bytes.readUInt32LE(4)] ?? `processor ${bytes.readUInt32LE(4)}`,
    needed,
    versions: [],
    // Has neither debugging entries nor names of local symbols. zig's linker exports more than requested.
    stripped: !symbols.some(({ type }) => (type & N_STAB) !== 0 || (type & N_EXT) === 0),
    unwinds: sections.includes('__unwind_info') && sections.includes('__gcc_except_tab'),
    registers: symbols.some(({ name, type }) => name === '_napi_register_module_v1' && (type & N_EXT) !== 0),
    oldest,
    signed: signature !== undefined && isSignatureRight(bytes, signature),
  };
}

const SUPER_BLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
const SHA256 = 2;

/**
 * Whether every page has the hash in the signature. On Apple silicon macOS kills processes whose pages have a wrong
 * hash or none.
 */
function isSignatureRight(bytes, start) {
  if (bytes.readUInt32BE(start) !== SUPER_BLOB) return false;
  const blobs = Array.from({ length: bytes.readUInt32BE(start + 8) }, (_, index) => start + bytes.readUInt32BE(start + 16 + index * 8));
  const directory = blobs.find((at) => bytes.readUInt32BE(at) === CODE_DIRECTORY);
  if (directory === undefined || bytes[directory + 37] !== SHA256) return false;
  const [hashes, , , count, limit] = [16, 20, 24, 28, 32].map((offset) => bytes.readUInt32BE(directory + offset));
  const [size, page] = [bytes[directory + 36], 1 << bytes[directory + 39]];
  if (count !== Math.ceil(limit / page) || limit > start) return false;
  for (let index = 0; index < count; index += 1) {
    const hash = createHash('sha256').update(bytes.subarray(index * page, Math.min(limit, (index + 1) * page))).digest();
    const at = directory + hashes + index * size;
    if (!hash.subarray(0, size).equals(bytes.subarray(at, at + size))) return false;
  }
  return true;
}

function sectionsOf(bytes, command) {
  return Array.from({ length: bytes.readUInt32LE(command + 64) }, (_, index) => text(bytes, command + 72 + index * 80, 16));
}

function symbolsOf(bytes, command) {
  const [symbols, count, strings] = [8, 12, 16].map((offset) => bytes.readUInt32LE(command + offset));
  return Array.from({ length: count }, (_, index) => {
    const at = symbols + index * 16;
    return { name: stringAt(bytes, strings + bytes.readUInt32LE(at)), type: bytes[at + 4] };
  });
}
