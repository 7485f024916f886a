// A CommonJS program in TypeScript that binds the adapters.
import adapters = require('holdfast/fs-safe');

class FsSafeError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

const api: adapters.FsSafe = adapters.bindFsSafe({ FsSafeError });
const options: adapters.EnsureParentDirOptions = { trustedRoot: '/srv', allowOutsideRoot: false };

async function save(filePath: string): Promise<adapters.FsSafeReplaceResult> {
  adapters.ensureParentDirSync(filePath, options);
  const root: adapters.FsSafeRoot = await api.root('/srv');
  await root.writeJson('f', { a: 1 }, { space: 2, durable: false });
  return api.replaceFileAtomic({ filePath, content: 'text', mode: 0o600 });
}

// @ts-expect-error the module has no member of that name
void adapters.bindfsSafe;

export = { save };
