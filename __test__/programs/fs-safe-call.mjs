// Makes one call of holdfast/fs-safe, for a process with an injected fault. Prints its error.
import { bindFsSafe } from '../../fs-safe.mjs';

class FsSafeError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
    this.details = options?.details;
  }
}

const [call, dir] = process.argv.slice(2);
const api = bindFsSafe({ FsSafeError });
const tooMuch = 'x'.repeat(1024 * 1024);
const states = [];
const onDestinationState = ({ state, path, ino }) => states.push({ state, path, ino: String(ino) });
const CALLS = {
  read: () => api.readLocalFileSafely({ filePath: `${dir}/f` }),
  fromRoots: () => api.readLocalFileFromRoots({ filePath: `${dir}/f`, roots: [dir] }),
  writeFileWithinRoot: () => api.writeFileWithinRoot({ rootDir: dir, relativePath: 'f', data: tooMuch }),
  replaceFileAtomic: () => api.replaceFileAtomic({ filePath: `${dir}/f`, content: tooMuch, syncTempFile: true, syncParentDir: true }),
  watched: () => api.replaceFileAtomic({ filePath: `${dir}/f`, content: 'new', syncTempFile: true, syncParentDir: true, onDestinationState }),
};

try {
  await CALLS[call]();
  console.log('it succeeded');
} catch (error) {
  const { code, errno, details, cause } = error;
  console.log(JSON.stringify({ class: error.constructor.name, code, errno, details, cause: cause && { code: cause.code, errno: cause.errno }, states }));
}
