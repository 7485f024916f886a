// Sets up the demo: a scratch directory, a copy of the package that other users can read, and the users.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { capabilities } from '../index.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const packageRoot = resolve(here, '..');
const FS_GROUP = 1000;

/** Whether unprivileged users can reach this path: every directory on it must be searchable. */
function everyoneReaches(path) {
  const parent = dirname(path);
  const { mode } = statSync(path);
  const wanted = statSync(path).isDirectory() ? 0o001 : 0o005;
  return (mode & wanted) === wanted && (parent === path || everyoneReaches(parent));
}

function findTool(name) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

function makeDir(path, mode, uid, gid) {
  mkdirSync(path);
  if (uid !== undefined) chownSync(path, uid, gid);
  // After chown, which clears setgid. chmod also overrides the umask.
  chmodSync(path, mode);
  return path;
}

/** Copies the files that an actor needs, because only its owner may have access to the checkout. */
function copyPackage(to) {
  mkdirSync(to);
  for (const name of ['index.js', 'index.mjs', 'package.json', 'dist']) cpSync(join(packageRoot, name), join(to, name), { recursive: true });
  const binary = resolve(process.env.HOLDFAST_NATIVE_PATH || capabilities().native);
  cpSync(binary, join(to, basename(binary)));
  cpSync(join(here, 'demo-actor.mjs'), join(to, 'demo-actor.mjs'));
  if (process.platform !== 'win32') execFileSync('chmod', ['-R', 'a+rX', to]);
  return { HOLDFAST_NATIVE_PATH: join(to, basename(binary)) };
}

/** Runs actions as a given user, each in a new Node process. */
class Actor {
  constructor({ program, folder, env, command = [], identity = {} }) {
    Object.assign(this, { program, folder, env, command, identity });
  }

  does(step, input) {
    const words = [...this.command, this.program, '--no-warnings', join(this.folder, 'demo-actor.mjs'), step, JSON.stringify(input)];
    const { stdout, stderr, error } = spawnSync(words[0], words.slice(1), { cwd: '/', env: this.env, encoding: 'utf8', ...this.identity });
    if (error) throw error;
    if (stdout === '') throw new Error(`the actor said nothing: ${stderr}`);
    return JSON.parse(stdout);
  }
}

/**
 * Returns the command and identity of a user without capabilities: by setpriv if it is installed, otherwise by Node's
 * spawn.
 */
function asUser(uid) {
  const setpriv = findTool('setpriv');
  if (setpriv === undefined) return { identity: { uid, gid: uid } };
  const nothing = ['--clear-groups', '--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all'];
  return { command: [setpriv, `--reuid=${uid}`, `--regid=${uid}`, ...nothing] };
}

class Stage {
  constructor() {
    const place = [tmpdir(), '/tmp', '/var/tmp'].map((dir) => realpathSync(dir)).find(everyoneReaches) ?? realpathSync(tmpdir());
    this.scratch = mkdtempSync(join(place, 'holdfast-demo-'));
    chmodSync(this.scratch, 0o755);
    this.isReal = process.platform === 'linux' && process.geteuid() === 0;
    const folder = join(this.scratch, 'holdfast');
    const { HOLDFAST_SKIP_DIR_HARDENING: _a, OPENCLAW_SKIP_STATE_DIR_HARDEN: _b, ...environment } = process.env;
    const env = { ...environment, ...copyPackage(folder) };
    const common = { program: this.reachableNode(), folder, env };
    this.gateway = new Actor({ ...common, ...(this.isReal ? asUser(1000) : {}) });
    this.sender = new Actor({ ...common, ...(this.isReal ? asUser(1001) : {}) });
    this.becomesReal();
  }

  /** Checks that root may switch users and change owners. Root in a container may lack that right. */
  becomesReal() {
    if (!this.isReal) return;
    try {
      makeDir(join(this.scratch, 'probe'), 0o700, 1000, 1000);
      if (this.gateway.does('whoAmI', {}).value.uid === 1000) return;
    } catch {
      // describe() reports it: the demo continues as it does without root.
    }
    this.isReal = false;
    for (const actor of [this.gateway, this.sender]) Object.assign(actor, { command: [], identity: {} });
  }

  reachableNode() {
    if (!this.isReal || everyoneReaches(process.execPath)) return process.execPath;
    const copy = join(this.scratch, 'node');
    copyFileSync(process.execPath, copy);
    chmodSync(copy, 0o755);
    return copy;
  }

  describe() {
    if (!this.isReal) return `on ${this.scratch}, without root: as near to the real thing as this user gets`;
    const how = this.gateway.command.length > 0 ? 'by setpriv' : 'by spawn, setpriv is not installed';
    return `on ${this.scratch}, as root, with child processes of uid 1000 and 1001 (${how})`;
  }

  /** Makes a volume as Kubernetes mounts it for a pod with `fsGroup: 1000`. */
  volume(name) {
    return makeDir(join(this.scratch, name), 0o2775, 0, FS_GROUP);
  }

  sharedDirectory(name) {
    return makeDir(join(this.scratch, name), 0o755, 1000, 1000);
  }

  ownDirectory(name, mode = 0o700) {
    return makeDir(join(this.scratch, name), mode);
  }

  /**
   * Returns a directory of another user that is no system directory. Harmless: this user may not even set its current
   * mode.
   */
  foreignDirectory() {
    if (process.platform === 'win32') return undefined;
    return ['/usr/local/bin', '/usr/share/man', '/usr/share/doc', '/etc/ssl'].find((dir) => {
      try {
        const { uid, mode } = statSync(dir);
        if (uid === process.geteuid()) return false;
        chmodSync(dir, mode & 0o7777);
        return false;
      } catch (error) {
        return error.code === 'EPERM';
      }
    });
  }

  close() {
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

export function openStage() {
  return new Stage();
}
