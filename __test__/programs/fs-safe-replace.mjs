// Runs one replaceFileAtomic, for a trace of its system calls. Prints the outcome and the resulting file.
import { readFileSync } from 'node:fs';
import { bindFsSafe } from '../../fs-safe.mjs';

class FsSafeError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}

const [filePath, text] = process.argv.slice(2);
const { sync = false, withOriginal = false, ...options } = JSON.parse(text);
const theirs = () => ({ method: 'copy-fallback', by: 'the original' });
const original = { replaceFileAtomic: async () => theirs(), replaceFileAtomicSync: theirs };
const api = bindFsSafe({ FsSafeError, original: withOriginal ? original : undefined });

const told = {};
try {
  const replace = sync ? api.replaceFileAtomicSync : api.replaceFileAtomic;
  told.result = await replace({ filePath, content: 'new', ...options });
} catch (error) {
  told.code = error.code;
}
told.content = readFileSync(filePath, 'utf8');
console.log(JSON.stringify(told));
