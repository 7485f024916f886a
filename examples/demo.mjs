// Reproduces two production failures of gateways written with node:fs, on a scratch directory: first with the gateway's
// code, then with holdfast. Exits with 1 if an outcome differs from the expected one.
//
//   npm run demo
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openStage } from './demo-stage.mjs';
import { Report, octal } from './demo-report.mjs';

const report = new Report();
const stage = openStage();
const promised = { before: 'what the gateway ran into', after: 'as promised' };

/** Returns the mode of a file in octal, or a text if it does not exist. */
function mode(path) {
  return existsSync(path) ? octal(statSync(path).mode & 0o7777) : 'absent';
}

/** Runs one action of an actor on `path`, and prints its outcome with the mode before and after. */
function play(kind, actor, code, step, path, isPromised, details = () => []) {
  const before = mode(path);
  const outcome = actor.does(step, { path });
  const after = mode(path);
  const good = isPromised(outcome, { before, after });
  report.line({ kind, code, outcome, before, after, good, remark: promised[kind] });
  for (const [name, text] of details(outcome)) report.detail(name, text);
  return outcome;
}

function stateDirectory() {
  report.chapter(
    'The pod that will not start',
    stage.isReal
      ? 'A Kubernetes volume with fsGroup: root:1000, mode 2775. The gateway: uid 1000, no capabilities, umask 077.'
      : 'Not root, so no volume of another owner can be made. The nearest: a directory that belongs to another user.',
  );
  const dir = stage.isReal ? stage.volume('state') : stage.foreignDirectory();
  if (dir === undefined) return report.note('Not shown: there is no directory here that refuses this user a chmod.');
  const unchanged = ({ before, after }) => before === after;
  play(
    'before',
    stage.gateway,
    'fs.mkdirSync(dir, { recursive: true }); fs.chmodSync(dir, 0o700)',
    'plainStateDirectory',
    dir,
    ({ error }, modes) => error?.code === 'EPERM' && unchanged(modes),
  );
  play(
    'after',
    stage.gateway,
    'ensureDirSync(dir)',
    'ensureDir',
    dir,
    ({ value, warnings }, modes) =>
      value?.hardening === 'tolerated' &&
      value.reason === 'EPERM' &&
      value.isPrivate === false &&
      unchanged(modes) &&
      warnings.length === 1 &&
      warnings[0].code === 'HOLDFAST_DIR_NOT_PRIVATE',
    ({ value, warnings }) => [
      ['result', JSON.stringify({ ...value, mode: octal(value?.mode ?? 0) })],
      ...warnings.map((warning) => ['warning', warning.message]),
    ],
  );
  play(
    'after',
    stage.gateway,
    "ensureDirSync(dir, { existing: 'require' })",
    'requireDir',
    dir,
    ({ error }, modes) => error?.code === 'insecure-permissions' && unchanged(modes),
    ({ error }) => [['error', error?.message]],
  );

  const place = stage.isReal ? dir : stage.ownDirectory('state');
  if (!stage.isReal) report.note('The writes go to a directory of this user’s own.');
  const file = join(place, 'sessions.json');
  play(
    'after',
    stage.gateway,
    "writeAtomicSync(dir + '/sessions.json', …)",
    'writeState',
    file,
    ({ value }) => value?.created === true && value.durable === true && readFileSync(file, 'utf8') === '{"turn":1}',
    ({ value }) => [['result', `${value?.size} bytes, ${value?.method}, durable: ${value?.durable}, directory still ${mode(place)}`]],
  );
  const nested = join(place, 'agents', 'main');
  play(
    'after',
    stage.gateway,
    "ensureDirSync(dir + '/agents/main')",
    'ensureDir',
    nested,
    ({ value }, { after }) => value?.hardening === 'created' && value.isPrivate && after === (stage.isReal ? '2700' : '0700'),
  );
}

function mediaFile() {
  report.chapter(
    'The media file that goes missing',
    stage.isReal
      ? 'The gateway (uid 1000, umask 077) saves a download; the sender, uid 1001, shall deliver it.'
      : 'Not root, so one user plays both: the gateway (umask 077) saves a download, the sender shall deliver it.',
  );
  const dir = stage.isReal ? stage.sharedDirectory('media') : stage.ownDirectory('media', 0o755);
  const plain = join(dir, 'cat.png');
  play(
    'before',
    stage.gateway,
    "fs.writeFileSync('cat.png', data, { mode: 0o644 })",
    'plainSave',
    plain,
    (_outcome, { after }) => after === '0600',
  );
  play(
    'before',
    stage.sender,
    "fs.readFileSync('cat.png')",
    'plainSend',
    plain,
    ({ error, value }) => (stage.isReal ? error?.code === 'EACCES' : value !== undefined),
    ({ error }) =>
      error ? [['HTTP 500', JSON.stringify({ error: error.message })]] : [['sent', 'although its mode says: for the owner alone']],
  );
  play(
    'after',
    stage.sender,
    "readLocalFileSafelySync({ filePath: 'cat.png', outbound: true })",
    'send',
    plain,
    ({ error }) =>
      error?.code === 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE' &&
      error.json.mode === 0o600 &&
      [plain, '0600'].every((word) => error.message.includes(word)) &&
      !JSON.stringify(error.public).includes(dir),
    ({ error }) => [
      ['message', error?.message],
      ['log line', JSON.stringify(error?.json)],
      ['HTTP 403', JSON.stringify(error?.public)],
    ],
  );
  play(
    'after',
    stage.gateway,
    '… outbound: { allowOwnerOnly: true }, by its owner',
    'sendOwnersOwn',
    plain,
    ({ value }) => value?.size === 9,
  );

  const safe = join(dir, 'dog.png');
  play(
    'after',
    stage.gateway,
    "writeAtomicSync('dog.png', data)",
    'save',
    safe,
    ({ value }, { after }) => value?.mode === 0o644 && after === '0644',
  );
  play(
    'after',
    stage.sender,
    "readLocalFileSafelySync({ filePath: 'dog.png', outbound: true })",
    'send',
    safe,
    ({ value }) => value?.size === 9,
  );
  const secret = join(dir, 'token');
  play(
    'after',
    stage.gateway,
    "writeAtomicSync('token', data, { mode: PRIVATE_FILE_MODE })",
    'saveSecret',
    secret,
    ({ value }, { after }) => value?.mode === 0o600 && after === '0600',
  );
}

try {
  report.title(stage.describe());
  stateDirectory();
  mediaFile();
} finally {
  stage.close();
}
process.exitCode = report.conclude();
