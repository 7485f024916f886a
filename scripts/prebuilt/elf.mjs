// Reads a 64-bit little-endian ELF file: the header, the sections, the dynamic section.

const MACHINES = { 62: 'x64', 183: 'arm64' };
const SHT_SYMTAB = 2;
const SHT_DYNAMIC = 6;
const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const DT_NEEDED = 1;

/** Returns the NUL-terminated string at an offset. */
function stringAt(bytes, at) {
  return bytes.toString('latin1', at, bytes.indexOf(0, at));
}

/** @param {Buffer} bytes */
export function readElf(bytes) {
  if (bytes[4] !== 2 || bytes[5] !== 1) throw new Error('an ELF file that is not 64-bit little-endian');
  const sections = sectionsOf(bytes);
  const strings = (section) => sections[section.link].offset;
  const needed = [];
  for (const section of sections.filter(({ type }) => type === SHT_DYNAMIC)) {
    for (let at = section.offset; at < section.offset + section.size; at += 16) {
      if (Number(bytes.readBigUInt64LE(at)) === DT_NEEDED) needed.push(stringAt(bytes, strings(section) + Number(bytes.readBigUInt64LE(at + 8))));
    }
  }
  const names = new Set(sections.map(({ name }) => name));
  const dynamicSymbols = sections
    .filter(({ type }) => type === SHT_DYNSYM)
    .flatMap((section) => symbolNames(bytes, section, strings(section)));
  return {
    format: 'ELF',
    cpu: MACHINES[bytes.readUInt16LE(18)] ?? `machine ${bytes.readUInt16LE(18)}`,
    needed,
    versions: sections.filter(({ type }) => type === SHT_GNU_VERNEED).flatMap((section) => neededVersions(bytes, section, strings(section))),
    stripped: !sections.some(({ type, name }) => type === SHT_SYMTAB || name.startsWith('.debug_')),
    // The frames and their handlers: without the handlers nothing is caught.
    unwinds: names.has('.eh_frame') && names.has('.gcc_except_table'),
    registers: dynamicSymbols.includes('napi_register_module_v1'),
  };
}

function sectionsOf(bytes) {
  const table = Number(bytes.readBigUInt64LE(40));
  const [size, count, namesAt] = [58, 60, 62].map((at) => bytes.readUInt16LE(at));
  const sections = Array.from({ length: count }, (_, index) => {
    const at = table + index * size;
    return {
      nameAt: bytes.readUInt32LE(at),
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
      info: bytes.readUInt32LE(at + 44),
    };
  });
  const names = sections[namesAt].offset;
  return sections.map((section) => ({ ...section, name: stringAt(bytes, names + section.nameAt) }));
}

function symbolNames(bytes, section, strings) {
  const names = [];
  for (let at = section.offset; at < section.offset + section.size; at += 24) names.push(stringAt(bytes, strings + bytes.readUInt32LE(at)));
  return names;
}

/** Returns the required versions of other libraries: a list of libraries, each with a list of versions. */
function neededVersions(bytes, section, strings) {
  const versions = [];
  let library = section.offset;
  for (let left = section.info; left > 0; left -= 1) {
    let version = library + bytes.readUInt32LE(library + 8);
    for (let more = bytes.readUInt16LE(library + 2); more > 0; more -= 1) {
      versions.push(stringAt(bytes, strings + bytes.readUInt32LE(version + 8)));
      version += bytes.readUInt32LE(version + 12);
    }
    library += bytes.readUInt32LE(library + 12);
  }
  return versions;
}
