// Reads a 64-bit PE file (a Windows DLL): its header, imports, exports and exception tables.

const MACHINES = { 0x8664: 'x64', 0xaa64: 'arm64' };
const [EXPORTS, IMPORTS, EXCEPTIONS, DEBUG] = [0, 1, 3, 6];

const stringAt = (bytes, at) => bytes.toString('latin1', at, bytes.indexOf(0, at));

/** @param {Buffer} bytes */
export function readPe(bytes) {
  const header = bytes.readUInt32LE(0x3c) + 4;
  const optional = header + 20;
  if (bytes.readUInt16LE(optional) !== 0x20b) throw new Error('a PE file that is not 64-bit');
  const sections = Array.from({ length: bytes.readUInt16LE(header + 2) }, (_, index) => {
    const at = optional + bytes.readUInt16LE(header + 16) + index * 40;
    return { address: bytes.readUInt32LE(at + 12), size: bytes.readUInt32LE(at + 16), offset: bytes.readUInt32LE(at + 20) };
  });
  /** Returns the file offset of an address in the loaded image. */
  const place = (address) => {
    const section = sections.find((one) => address >= one.address && address < one.address + one.size);
    if (!section) throw new Error(`no section holds the address ${address}`);
    return address - section.address + section.offset;
  };
  const directory = (number) => ({ address: bytes.readUInt32LE(optional + 112 + number * 8), size: bytes.readUInt32LE(optional + 116 + number * 8) });
  return {
    format: 'PE',
    cpu: MACHINES[bytes.readUInt16LE(header)] ?? `machine ${bytes.readUInt16LE(header)}`,
    needed: importsOf(bytes, directory(IMPORTS), place),
    versions: [],
    stripped: bytes.readUInt32LE(header + 12) === 0 && !namesDebugFile(bytes, directory(DEBUG), place),
    unwinds: directory(EXCEPTIONS).size > 0,
    registers: exportsOf(bytes, directory(EXPORTS), place).includes('napi_register_module_v1'),
  };
}

function importsOf(bytes, { address }, place) {
  const names = [];
  if (address === 0) return names;
  for (let at = place(address); bytes.readUInt32LE(at + 12) !== 0; at += 20) names.push(stringAt(bytes, place(bytes.readUInt32LE(at + 12))));
  return names;
}

function exportsOf(bytes, { address }, place) {
  if (address === 0) return [];
  const at = place(address);
  const names = place(bytes.readUInt32LE(at + 32));
  return Array.from({ length: bytes.readUInt32LE(at + 24) }, (_, index) => stringAt(bytes, place(bytes.readUInt32LE(names + index * 4))));
}

/** Whether the file names a file with symbols by a path of the build machine. */
function namesDebugFile(bytes, { address, size }, place) {
  const CODEVIEW = 2;
  if (size === 0) return false;
  for (let at = place(address); at < place(address) + size; at += 28) {
    if (bytes.readUInt32LE(at + 12) !== CODEVIEW) continue;
    if (/[/\\]/.test(stringAt(bytes, bytes.readUInt32LE(at + 24) + 24))) return true;
  }
  return false;
}
