// Runs one step of the demo as the current user, under umask 077. Prints one JSON object to standard output.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { ensureDirSync, PRIVATE_FILE_MODE, readLocalFileSafelySync, writeAtomicSync } from './index.mjs';

const image = Buffer.from('\x89PNG demo', 'latin1');
const read = (options) => ({ size: readLocalFileSafelySync(options).buffer.length });

const steps = {
  whoAmI: () => ({ uid: process.getuid() }),
  plainStateDirectory: ({ path }) => {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o700);
  },
  ensureDir: ({ path }) => ensureDirSync(path),
  requireDir: ({ path }) => ensureDirSync(path, { existing: 'require' }),
  writeState: ({ path }) => writeAtomicSync(path, '{"turn":1}'),
  plainSave: ({ path }) => writeFileSync(path, image, { mode: 0o644 }),
  plainSend: ({ path }) => ({ size: readFileSync(path).length }),
  save: ({ path }) => writeAtomicSync(path, image),
  saveSecret: ({ path }) => writeAtomicSync(path, image, { mode: PRIVATE_FILE_MODE }),
  send: ({ path }) => read({ filePath: path, outbound: true }),
  sendOwnersOwn: ({ path }) => read({ filePath: path, outbound: { allowOwnerOnly: true } }),
};

function attempt(step, input) {
  try {
    return { value: step(input) };
  } catch (error) {
    const { code, message } = error;
    return { error: { code, message, json: error.toJSON?.(), public: error.toPublic?.() } };
  }
}

const warnings = [];
process.on('warning', ({ code, message }) => warnings.push({ code, message }));
process.umask(0o077);
const [step, input] = process.argv.slice(2);
const outcome = attempt(steps[step], JSON.parse(input));
// Warnings are emitted on the next tick.
setImmediate(() => process.stdout.write(JSON.stringify({ ...outcome, warnings })));
