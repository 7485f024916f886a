// Escapes external text (paths, mount points, arguments) for messages, JSON, code and shell commands.

import { buffer } from './node.js';

const { isUtf8 } = buffer;

/** Matches printable ASCII, which needs no check of each character. */
const PLAIN = /^[\x20-\x7e]*$/;

/**
 * Matches characters that are invisible or misleading: control characters (C0, C1), format characters (bidi overrides
 * and isolates, zero-width), line and paragraph separators, spaces other than U+0020, unassigned and private-use code
 * points, lone surrogates. UAX #44 defines the properties.
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{2800}]|(?! )\p{Zs}/gu;

/** Matches the same characters except the newline, which `JSON.stringify` writes between lines only. */
const UNPRINTABLE_IN_LINES = /(?!\n)(?:[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{2800}]|(?! )\p{Zs})/gu;

function hex4(unit: number) {
  return unit.toString(16).padStart(4, '0');
}

/**
 * Returns a code point as an escape of a JavaScript string.
 *
 * @param character one code point
 */
function asEscape(character: string) {
  const point = character.codePointAt(0) as number;
  return point > 0xffff ? `\\u{${point.toString(16)}}` : `\\u${hex4(point)}`;
}

/**
 * Returns a code point as an escape of a JSON string.
 *
 * @param character one code point
 */
function asJsonEscape(character: string) {
  return Array.from({ length: character.length }, (_, index) => `\\u${hex4(character.charCodeAt(index))}`).join('');
}

/** Escapes text for a message, a log line or a terminal: `\u001b` for ESC. The result is one line. */
export function escaped(text: string) {
  return PLAIN.test(text) ? text : text.replace(UNPRINTABLE, asEscape);
}

/** Escapes text of several lines, such as a stack. Keeps its newlines. */
export function escapedLines(text: string) {
  return PLAIN.test(text) ? text : text.replace(UNPRINTABLE_IN_LINES, asEscape);
}

/** Escapes the characters that `JSON.stringify` leaves unchanged: all but C0, which stays exact. */
export function escapedForJson(text: string) {
  return PLAIN.test(text) ? text : text.replace(UNPRINTABLE, (character) => (character < ' ' ? character : asEscape(character)));
}

/** Quotes a path for a message. */
export function quoted(path: string | undefined) {
  return path === undefined ? 'the path' : `'${escaped(path)}'`;
}

/** Serializes a value as JSON in which every character is printable. `JSON.parse` returns the exact value. */
export function printableJson(value: unknown, indent?: number) {
  return JSON.stringify(value, null, indent).replace(UNPRINTABLE_IN_LINES, asJsonEscape);
}

function asHexEscape(byte: number) {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/**
 * Quotes a path as one word for a shell, byte for byte.
 *
 * Printable text becomes a plain POSIX word or a word in single quotes. Other text becomes `$'…'` with `\xNN` for each
 * byte. bash, zsh, ksh, mksh and busybox support it, POSIX since 2024; dash 0.5.12 does not. A quote is closed after an
 * escape that a hexadecimal digit follows, because POSIX does not define the number of digits of `\x`.
 */
export function shellWord(path: string | Uint8Array) {
  const bytes = typeof path === 'string' ? Buffer.from(path) : Buffer.from(path);
  const text = isUtf8(bytes) ? bytes.toString() : undefined;
  if (text !== undefined && text.search(UNPRINTABLE) < 0) {
    return /^[\w@%+:,./][\w@%+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  }
  // Bytes that are not UTF-8 have no characters: each one beyond ASCII is escaped.
  const characters = text === undefined ? Array.from(bytes.toString('latin1')) : Array.from(text);
  const encoding = text === undefined ? 'latin1' : 'utf8';
  const escapes = characters.map((character) => (mustBeEscaped(character, encoding) ? Array.from(Buffer.from(character, encoding), asHexEscape).join('') : character));
  return `$'${escapes.join('').replace(/(\\x[0-9a-f]{2})(?=[0-9a-fA-F])/g, (escape) => `${escape}'$'`)}'`;
}

/** Returns whether a character needs an escape inside of `$'…'`. `!` does, because an interactive bash may expand it there. */
function mustBeEscaped(character: string, encoding: 'latin1' | 'utf8') {
  return /['!\\]/.test(character) || (encoding === 'latin1' ? character > '~' || character < ' ' : character.search(UNPRINTABLE) >= 0);
}
