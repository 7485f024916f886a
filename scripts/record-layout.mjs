// The layout of the record that crosses between Rust and JavaScript: numbers, then text, then data. The table below is
// its only definition; this script generates the constants of both sides from it.
//
//   node scripts/record-layout.mjs           writes src/record_layout.rs and lib/native/record-layout.ts
//   node scripts/record-layout.mjs --check   exits with 1 when one of them differs from the table

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fail, projectRoot } from './support.mjs';

/** Sizes of a record, and the indices that all records have. */
const RECORD = [
  ['NUMBERS', 32, 'Numbers at the start of a record.'],
  ['TEXT', 8192, 'Bytes for text after the numbers: more than two paths.'],
  ['STATUS', 0, 'Index of the status in every record; 0 is success.'],
  ['IS_AS_GIVEN', 29, 'Index of the flag that says: the path as given is the real one, and no text repeats it.'],
  ['CONTAINMENT', 30, 'Index of the containment in every record of a success.'],
  ['TEXT_LENGTH', 31, 'Index of the length of the text, in bytes.'],
];

/** Values at the index of the status. */
const STATUS = [
  ['FAILED', 1, 'The record is an error.'],
  ['NOT_CACHED', 2, 'There is no result from memory.'],
  ['UNKNOWN_MOUNT', 3, 'There is no result from memory, and the locality of the mount is not known yet.'],
  ['UNREAD', 4, 'The file is open and judged; its content is not in memory, or too much for this thread.'],
];

const PRESERVED = '-1 for nothing to preserve, otherwise a bit each for mode, ACL and owner.';
const INO_LOW = 'The lower 32 bits of the inode, which a number may lose.';

/** Fields of `fs.Stats`, from index 1 on. Rust writes them as one array. */
const STAT_FIELDS = ['DEV', 'MODE', 'NLINK', 'UID', 'GID', 'RDEV', 'BLKSIZE', 'INO', 'SIZE', 'BLOCKS', 'ATIME', 'MTIME', 'CTIME', 'BIRTHTIME'];

/**
 * Indices, one group for each kind of record. `values` are possible numbers at an index; `linux` marks records that
 * only Linux has.
 */
const GROUPS = [
  {
    name: 'failure',
    doc: 'An error.',
    indices: [
      ['ERRNO', 1],
      ['MODE', 2],
      ['UID', 3],
      ['EUID', 4],
      ['SIZE', 5],
      ['LEFT_ERRNO', 6, 'Why the temporary remains whose path is in the text.'],
      ['KEPT_MODE', 7, 'Mode of a target that did not get its former permissions back, or -1.'],
      ['KEPT_ERRNO', 8, 'Why; 0 where its content was not restored first.'],
      ['DONE', 9, 'Entries that were removed or copied before.'],
      ['IS_SECOND', 10, 'Whether it concerns the second of two paths.'],
    ],
  },
  {
    name: 'stat',
    doc: 'The fields of `fs.Stats`.',
    rustOnly: [['FIRST', 1, 'The first of the fourteen fields.']],
    indices: [['NANOSECONDS', 20, 'The nanoseconds of the four times.']],
    typescriptOnly: STAT_FIELDS.map((name, at) => [name, at + 1]),
  },
  {
    name: 'identity',
    doc: 'Device and inode by which a root or a temporary is known.',
    indices: [['DEV', 2], ['INO', 3], ['INO_LOW', 4, INO_LOW]],
  },
  {
    name: 'read',
    doc: 'A read or an open, after the fields of `fs.Stats`.',
    indices: [
      ['LENGTH', 15, 'The number of bytes read.'],
      ['DESCRIPTOR', 16, 'The descriptor that an open hands over.'],
      ['IS_HELD', 17, 'The flag that says: the content was read, and is for `readTake`.'],
      ['INO_LOW', 17, `Of an open: ${INO_LOW[0].toLowerCase()}${INO_LOW.slice(1)}`],
      ['BY_PARENT', 18, 'The flag that says: the directory was opened first, which a batch of reads does once.'],
    ],
  },
  {
    name: 'root',
    doc: 'A root, beside its identity.',
    indices: [
      ['NUMBER', 1, 'A number that no other root of the process has.'],
      ['BORN', 5, 'Time of birth in seconds; 0 where the file system has none.'],
      ['BORN_NANOSECONDS', 6, 'The nanoseconds of that time.'],
    ],
  },
  {
    name: 'ensure_dir',
    doc: 'A directory that `ensureDir` made sure of.',
    indices: [
      ['MODE', 1],
      ['IS_PRIVATE', 2],
      ['HARDENING', 3],
      ['REASON', 4, '0 for none, otherwise one more than the position in the list of reasons.'],
      ['FIRST_CREATED', 5, 'Length of the path of the first directory created, which follows the real path in the text.'],
    ],
  },
  {
    name: 'write',
    doc: 'A written file.',
    indices: [['CREATED', 1], ['SIZE', 2], ['MODE', 3], ['DEV', 4], ['INO', 5], ['METHOD', 6], ['DURABLE', 7], ['PRESERVED', 8, PRESERVED]],
  },
  {
    name: 'copy',
    doc: 'A copied file or tree; its real path is in the text.',
    indices: [['ENTRIES', 1, 'Entries, directories included.'], ['SIZE', 2, 'Bytes of all files together.'], ['DURABLE', 3]],
  },
  {
    name: 'remove',
    doc: 'What was removed.',
    indices: [['COUNT', 1, 'Entries, directories included.']],
  },
  {
    name: 'rename',
    doc: 'A changed name; its real path is in the text.',
    indices: [['IS_SAME', 1, 'Whether both are names of one file, and were left.'], ['DURABLE', 2]],
  },
  {
    name: 'stage',
    doc: 'The temporary of a staged file that others write, before its identity.',
    indices: [['DESCRIPTOR', 1, 'The descriptor that JavaScript opens it again by.']],
  },
  {
    name: 'lock',
    doc: 'A lock file, beside its identity. The text has its path and, after a NUL, a text about the holder.',
    indices: [
      ['IS_HELD', 1, 'Whether the lock was free and is taken.'],
      ['IS_OF_HOST', 5, 'Whether the lock file lies on a file system of this host.'],
    ],
  },
  {
    name: 'append',
    doc: 'Appended records; where the lock is held by another, the text is about the holder.',
    indices: [
      ['IS_DONE', 1, 'Whether the lock was free and the records are in the file.'],
      ['OFFSET', 2],
      ['SIZE', 3],
      ['CREATED', 4],
      ['ISOLATED', 5],
      ['ROTATED', 6],
      ['DURABLE', 7],
      ['IS_TORN', 8, 'Of a failure: whether a part of the records is in the file.'],
    ],
  },
  {
    name: 'target_key',
    doc: 'The file that a write is about to replace.',
    indices: [
      ['KIND', 1],
      ['DEV', 2],
      ['INO', 3],
      ['HAS_FILE', 4, 'Whether the next two are given.'],
      ['FILE_DEV', 5],
      ['FILE_INO', 6],
    ],
    values: [
      ['NAME_ONLY', 0, 'A name in a directory that is not known.'],
      ['KNOWN', 1, 'Directory and name are known.'],
      ['KNOWN_BY_NAME', 2, 'Known, and the name of the file is in the text: a final link was followed.'],
      ['UNKNOWN', 3, 'Nothing is known.'],
    ],
  },
  {
    name: 'entries',
    doc: 'Entries of directories. The data have, one after the other: rows of numbers for the stats, rows of three numbers of 32 bits for names that are not UTF-8, one byte a kind, the names, a record of a failure, its path.',
    indices: [
      ['COUNT', 1, 'Number of entries.'],
      ['STATS', 2, 'Number of rows of a stat.'],
      ['RAW', 3, 'Number of rows for names that are not UTF-8: number of the entry, offset in the names, length.'],
      ['KINDS', 4, 'Bytes of the kinds: more than entries in a walk, which enters and leaves directories.'],
      ['NAMES', 5, 'Bytes of the names, each ended by a NUL.'],
      ['IS_ASCII', 6, 'Whether all names are ASCII.'],
      ['IS_END', 7, 'Whether no entries follow.'],
      ['FAILURE', 8, 'Bytes of the record of a failure; 0 for none.'],
      ['FAILURE_PATH', 9, 'Bytes of its path below the first directory.'],
    ],
  },
  {
    name: 'facts',
    doc: 'Facts for the doctor, after the fields of `fs.Stats`.',
    linux: true,
    indices: [
      [
        'TRAITS',
        15,
        "Bits: own, own or root's, an ACL that names somebody, immutable, append-only, a mount point, read-only, an ACL that cannot be read.",
      ],
      ['ACCESS', 16, 'What the effective user may do, as in the last digit of a mode.'],
      ['MOUNT', 17, 'Number of the mount, or -1.'],
      ['ACL', 18, 'Length of the ACL, which follows the real path in the text, or -1.'],
      ['VOLUME', 19, 'The first of seven numbers of `fstatfs(2)`.'],
    ],
  },
  {
    name: 'predicted_write',
    doc: 'The dry run of a write.',
    linux: true,
    indices: [['CREATED', 1], ['MODE', 2], ['DURABLE', 3], ['PRESERVED', 4, PRESERVED]],
  },
];

/** Wraps a text as doc comment lines, to the width of each language's formatter. */
function wrapped(text, indent, marker, width) {
  const lines = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && `${last} ${word}`.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`${indent}${marker} ${word}`);
  }
  return lines;
}

function rustConstants(entries, type, indent, prefix = '') {
  return entries.flatMap(([name, value, doc]) => [
    ...(doc ? wrapped(doc, indent, '///', 100) : []),
    `${indent}pub(crate) const ${prefix}${name}: ${type} = ${type === 'f64' ? value.toFixed(1) : value};`,
  ]);
}

function rust() {
  const lines = [
    '//! The layout of the record that crosses to JavaScript. Generated from the table in',
    '//! `scripts/record-layout.mjs`: edit that, and run it.',
    '',
    ...rustConstants(RECORD, 'usize', ''),
    '',
    ...rustConstants(STATUS, 'f64', '', 'STATUS_'),
  ];
  for (const { name, doc, linux, rustOnly = [], indices, values = [] } of GROUPS) {
    lines.push('', ...wrapped(doc, '', '///', 100));
    if (linux) lines.push('#[cfg(target_os = "linux")]');
    lines.push(`pub(crate) mod ${name} {`, ...rustConstants([...rustOnly, ...indices], 'usize', '    '), ...rustConstants(values, 'f64', '    '), '}');
  }
  return `${lines.join('\n')}\n`;
}

function typescriptEnum(name, doc, entries) {
  const members = entries.flatMap(([member, value, text]) => [...(text ? [`  /** ${text} */`] : []), `  ${member} = ${value},`]);
  return ['', `/** ${doc} */`, `export const enum ${name} {`, ...members, '}'];
}

function typescript() {
  const pascal = (name) => name.replace(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase());
  const lines = [
    '// The layout of the record that the binary returns. Generated from the table in scripts/record-layout.mjs: edit that, and run it.',
    ...typescriptEnum('Layout', 'Sizes of a record, and the indices that all records have.', RECORD),
    ...typescriptEnum('Status', 'Values at the index of the status.', STATUS),
  ];
  for (const { name, doc, indices, values = [], typescriptOnly = [] } of GROUPS) {
    lines.push(...typescriptEnum(`${pascal(name)}Index`, doc, [...typescriptOnly, ...indices]));
    if (values.length > 0) lines.push(...typescriptEnum(`${pascal(name)}Value`, `Values in a record of that kind.`, values));
  }
  return `${lines.join('\n')}\n`;
}

const OUTPUTS = [
  ['src/record_layout.rs', rust()],
  ['lib/native/record-layout.ts', typescript()],
];

if (process.argv.includes('--check')) {
  const stale = OUTPUTS.filter(([file, text]) => readFileSync(path.join(projectRoot, file), 'utf8') !== text).map(([file]) => file);
  if (stale.length > 0) fail(`record-layout: ${stale.join(' and ')} differ from the table: node scripts/record-layout.mjs`);
  console.log('record-layout: both sides are as the table says');
} else {
  for (const [file, text] of OUTPUTS) writeFileSync(path.join(projectRoot, file), text);
}
