// Inspects binaries: each is for its target and stripped, needs no library beyond the system's own and no glibc newer
// than 2.17, can unwind a panic, and reveals nothing of the build machine. Reads the file itself, so that the check is
// the same on every system and for every target; runs `objdump` as well if it is installed.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { projectRoot } from '../support.mjs';
import { readElf } from './elf.mjs';
import { readMachO } from './mach-o.mjs';
import { readPe } from './pe.mjs';

/** The oldest supported glibc: that of RHEL 7 and the like, and the minimum of Node itself. */
export const GLIBC_FLOOR = '2.17';

/** Libraries that a binary may need, by kind of system. Users would have to install any other. */
const SYSTEM_LIBRARIES = {
  gnu: /^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|librt\.so\.1|libutil\.so\.1|ld-linux-(x86-64\.so\.2|aarch64\.so\.1))$/,
  // The compiler's unwinder is the distribution's; a binary of `npm run build` may use it.
  'own gnu': /^(libgcc_s\.so\.1|lib(c|m|pthread|dl|rt|util)\.so\.\d|ld-linux-(x86-64\.so\.2|aarch64\.so\.1))$/,
  musl: /^(libc\.so|libc\.musl-(x86_64|aarch64)\.so\.1)$/,
  'own musl': /^(libgcc_s\.so\.1|libc\.so|libc\.musl-(x86_64|aarch64)\.so\.1)$/,
  darwin: /^(\/usr\/lib\/libSystem\.B\.dylib|\/usr\/lib\/lib(iconv\.2|charset\.1|objc\.A)\.dylib)$/,
  win32: /^(kernel32|ntdll|advapi32|bcryptprimitives|bcrypt|ws2_32|userenv|msvcrt|api-ms-win-[\w-]+)\.dll$/i,
  'own win32': /^(kernel32|ntdll|advapi32|bcryptprimitives|bcrypt|ws2_32|userenv|msvcrt|vcruntime140|libgcc_s_seh-1|api-ms-win-[\w-]+)\.dll$/i,
};

const kindOf = (target) => (target.os === 'linux' ? { glibc: 'gnu', musl: 'musl' }[target.libc] : target.os);

/** @param {string} a @param {string} b */
export function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Returns the newest glibc version that a binary requires; '0' for none. */
export const newestGlibc = (versions) => versions.filter((name) => /^GLIBC_\d/.test(name)).map((name) => name.slice(6)).sort(compareVersions).at(-1) ?? '0';

/** Reads the file, with the same fields for all three formats. */
export function readBinary(file) {
  const bytes = readFileSync(file);
  const magic = bytes.readUInt32BE(0);
  if (magic === 0x7f454c46) return { bytes, ...readElf(bytes) };
  if (magic === 0xcffaedfe) return { bytes, ...readMachO(bytes) };
  if (magic >>> 16 === 0x4d5a) return { bytes, ...readPe(bytes) };
  throw new Error(`${file} is no binary of a known format`);
}

/** Returns the same from objdump, or undefined without one. */
function glibcByObjdump(file) {
  const { status, stdout } = spawnSync('objdump', ['-T', file], { encoding: 'utf8', maxBuffer: 16 << 20 });
  return status === 0 ? newestGlibc(stdout.match(/GLIBC_[\d.]+/g) ?? []) : undefined;
}

/** Returns folders of the build machine in a binary. They would reveal it, and make the build irreproducible. */
function machinePaths(bytes) {
  const text = bytes.toString('latin1');
  const folders = [projectRoot, `${homedir()}/`];
  const found = folders.filter((folder) => folder.length > 2 && text.includes(folder));
  const usual = /(?:\/home\/|\/root\/|\/Users\/|[A-Z]:\\Users\\|\.cargo[/\\]registry)[\w./\\-]{0,60}/.exec(text);
  return usual ? [...found, usual[0]] : found;
}

/**
 * Checks a binary.
 *
 * @param {string} file
 * @param {import('./targets.mjs').Target} target
 * @param {{ own?: boolean }} [options] own: built for this machine only, with any of its libraries
 * @returns {string[]} the problems
 */
export function binaryProblems(file, target, { own = false } = {}) {
  const problems = [];
  const kind = kindOf(target);
  const { format, cpu, needed, versions, stripped, unwinds, registers, signed, bytes } = readBinary(file);
  const wantedFormat = { linux: 'ELF', darwin: 'Mach-O', win32: 'PE' }[target.os];
  if (format !== wantedFormat || cpu !== target.cpu) problems.push(`it is ${format} for ${cpu}, and should be ${wantedFormat} for ${target.cpu}`);
  if (!registers) problems.push('it exports no napi_register_module_v1');
  if (!stripped) problems.push('it is not stripped');
  if (!unwinds) problems.push('it has no tables to unwind a panic with');
  if (target.os === 'darwin' && target.cpu === 'arm64' && !signed) problems.push('its signature is missing or wrong: macOS would not load it');
  const allowed = SYSTEM_LIBRARIES[own && SYSTEM_LIBRARIES[`own ${kind}`] ? `own ${kind}` : kind];
  for (const library of needed) if (!allowed.test(library)) problems.push(`it needs ${library}`);
  if (own) return problems;
  if (kind === 'gnu') {
    const newest = [newestGlibc(versions), glibcByObjdump(file) ?? '0'].sort(compareVersions).at(-1);
    if (compareVersions(newest, GLIBC_FLOOR) > 0) problems.push(`it needs glibc ${newest}; ${GLIBC_FLOOR} has to do`);
  }
  for (const found of machinePaths(bytes)) problems.push(`it names a path of the machine that made it: ${found}`);
  return problems;
}
