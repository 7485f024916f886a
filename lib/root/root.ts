import { descriptor } from '../base/descriptor.js';
import { native } from '../native/load.js';
import { atCaller, pending, promised, refusal } from '../errors/holdfast-error.js';
import { ensure, ensureSync } from '../verbs/ensure-dir.js';
import { toPath } from '../options/paths.js';
import { open, read, readSync } from '../verbs/read.js';
import { rootDefaults, type Defaults, type MethodRoot } from '../options/flatten.js';
import rootHandle = require('../schedule/root-handle.js');
import { withSource } from '../schedule/source.js';
import { copy, copyIn, copyInSync, copySync } from './copy.js';
import { list, listSync } from './list.js';
import { remove, removeSync } from './remove.js';
import { rename, renameSync } from './rename.js';
import { addStateMethods } from './state-methods.js';
import { exists, existsSync, findStat, lstat, lstatSync, readlink, readlinkSync, stat, statSync } from './stat.js';
import { readJson, readJsonSync, readText, readTextSync, writeJson, writeJsonSync } from './text.js';
import { walk } from './walk.js';
import { invalidThis, invalidType, noCallback, noCallbackSync } from '../options/validate.js';
import { removeStale } from '../verbs/clean.js';
import { stage } from '../verbs/stage.js';
import { write, writeSync } from '../verbs/write.js';
import { writeMany } from '../verbs/write-many.js';
import type { NativePath } from '../errors/failure.js';
import type { Identified } from '../schedule/root-handle.js';
import type { Stats } from 'node:fs';
import type { RootState } from '../../types/root-state.js';
import type { EnsureDirResult } from '../../types/ensure-dir.js';

type OpenedRoot = Identified & { defaults: Defaults };

/** Returns an unchecked path for an error. */
function named(path: unknown) {
  if (typeof path === 'string') {
    return path;
  }
  try {
    return toPath(path, 'path');
  } catch {
    return undefined;
  }
}

/** Returns the open directory of a root. For the adapters. */
let openedOf: (root: Root) => OpenedRoot;

/** Returns the stat of a path beneath a root. For the adapters. */
let statOf: (root: Root, file: NativePath, symlinks: 'reject' | 'follow-within-root') => Promise<Stats | undefined>;

/** Writes like `writeAtomic` of a root, and calls `beforePublish` right before publication. For the adapters. */
let writeOf: (root: Root, file: string, data: unknown, options: unknown, beforePublish: (() => void) | undefined) => Promise<unknown>;

/** Makes directories like `ensureDir` of a root, and calls `before` first. For the adapters. */
let ensureOf: (root: Root, dir: string, options: unknown, before: (() => void) | undefined) => Promise<EnsureDirResult>;

/** Runs a verb with the open directory of a root and the symlink policy of the call. For the adapters. */
let callOf: <T>(root: Root, path: string, symlinks: string, call: (pinned: MethodRoot) => T | Promise<T>) => Promise<T>;

interface Root extends RootState {} // `addStateMethods` adds them.
/** An open directory. The garbage collector closes the descriptor if `close` was not called. */
class Root {
  declare readonly path: string;
  #opened: OpenedRoot;
  #isOpen = true;
  /** The number of pending asynchronous calls. The directory stays open for them. */
  #started = 0;

  constructor(opened: Identified, defaults: Defaults) {
    const { handle, path, number, dev, ino, inoLow, born, bornNanoseconds } = opened;
    this.#opened = { handle, path, number, dev, ino, inoLow, born, bornNanoseconds, defaults };
    Object.defineProperty(this, 'path', descriptor({ enumerable: true, value: opened.path }));
  }

  #use(path: unknown) {
    if (!this.#isOpen) {
      throw refusal('root-closed', '', named(path));
    }
    return this.#opened;
  }

  #start<T>(path: unknown, call: (methodRoot: MethodRoot) => T | Promise<T>, called: Function): Promise<T> {
    return promised(() => {
      const work = call(this.#use(path));
      if (!(work instanceof Promise)) {
        return work;
      }
      this.#started += 1;
      return this.#ended(work);
    }, called);
  }

  /** Returns `root`, or throws if a method is called without its object: `const { read } = root`. */
  static #bound(root: unknown, method: Function): Root {
    if (!Root.#isRoot(root)) {
      throw invalidThis('Root', method);
    }
    return root;
  }

  static #isRoot(value: unknown): value is Root {
    return typeof value === 'object' && value !== null && #opened in value;
  }

  static #begin<T>(root: unknown, path: unknown, call: (methodRoot: MethodRoot) => T | Promise<T>, method: Function): Promise<T> {
    if (!Root.#isRoot(root)) {
      return promised(() => {
        throw invalidThis('Root', method);
      }, method);
    }
    return root.#start(path, call, method);
  }

  async #ended<T>(work: Promise<T>) {
    try {
      return await pending(work);
    } finally {
      this.#started -= 1;
      this.#closeIfDone();
    }
  }

  #closeIfDone() {
    if (!this.#isOpen && this.#started === 0) {
      native().rootClose(this.#opened.handle);
    }
  }

  read(file: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#begin(this, file, (methodRoot) => {
      noCallback(callback);
      return read(file, options, methodRoot);
    }, Root.prototype.read);
  }

  readSync(file: unknown, options?: unknown, callback: unknown = undefined) {
    try {
      noCallbackSync(callback);
      return readSync(file, options, Root.#bound(this, Root.prototype.readSync).#use(file));
    } catch (error) {
      throw atCaller(error, Root.prototype.readSync);
    }
  }

  open(file: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, file, (methodRoot) => open(file, options, methodRoot), Root.prototype.open, callback);
  }

  writeAtomic(file: unknown, data: unknown, options?: unknown, callback: unknown = undefined) {
    const { writeAtomic } = Root.prototype;
    return withSource(data, (source) => Root.#soon(this, file, (methodRoot) => write(file, data, options, methodRoot, source), writeAtomic, callback));
  }

  writeAtomicSync(file: unknown, data: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, file, (methodRoot) => writeSync(file, data, options, methodRoot), Root.prototype.writeAtomicSync, callback);
  }

  writeAtomicMany(entries: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, '.', (methodRoot) => writeMany(entries, options, methodRoot), Root.prototype.writeAtomicMany, callback);
  }

  ensureDir(dir: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, dir, (methodRoot) => ensure(dir, options, methodRoot), Root.prototype.ensureDir, callback);
  }

  ensureDirSync(dir: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, dir, (methodRoot) => ensureSync(dir, options, methodRoot), Root.prototype.ensureDirSync, callback);
  }

  /** Runs a synchronous method. */
  static #now<T>(root: unknown, path: unknown, call: (methodRoot: MethodRoot) => T, method: Function, callback: unknown): T {
    try {
      noCallbackSync(callback);
      return call(Root.#bound(root, method).#use(path));
    } catch (error) {
      throw atCaller(error, method);
    }
  }

  /** Runs an asynchronous method. */
  static #soon<T>(root: unknown, path: unknown, call: (methodRoot: MethodRoot) => T | Promise<T>, method: Function, callback: unknown): Promise<T> {
    return Root.#begin(root, path, (methodRoot) => {
      noCallback(callback);
      return call(methodRoot);
    }, method);
  }

  stat(path: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, path, (methodRoot) => stat(path, options, methodRoot), Root.prototype.stat, callback);
  }

  statSync(path: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, path, (methodRoot) => statSync(path, options, methodRoot), Root.prototype.statSync, callback);
  }

  lstat(path: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, path, (methodRoot) => lstat(path, options, methodRoot), Root.prototype.lstat, callback);
  }

  lstatSync(path: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, path, (methodRoot) => lstatSync(path, options, methodRoot), Root.prototype.lstatSync, callback);
  }

  exists(path: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, path, (methodRoot) => exists(path, options, methodRoot), Root.prototype.exists, callback);
  }

  existsSync(path: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, path, (methodRoot) => existsSync(path, options, methodRoot), Root.prototype.existsSync, callback);
  }

  readlink(path: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, path, (methodRoot) => readlink(path, options, methodRoot), Root.prototype.readlink, callback);
  }

  readlinkSync(path: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, path, (methodRoot) => readlinkSync(path, options, methodRoot), Root.prototype.readlinkSync, callback);
  }

  readText(file: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, file, (methodRoot) => readText(file, options, methodRoot), Root.prototype.readText, callback);
  }

  readTextSync(file: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, file, (methodRoot) => readTextSync(file, options, methodRoot), Root.prototype.readTextSync, callback);
  }

  readJson<T>(file: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, file, (methodRoot) => readJson(file, options, methodRoot), Root.prototype.readJson, callback) as Promise<T>;
  }

  readJsonSync<T>(file: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, file, (methodRoot) => readJsonSync(file, options, methodRoot), Root.prototype.readJsonSync, callback) as T;
  }

  writeJson(file: unknown, value: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, file, (methodRoot) => writeJson(file, value, options, methodRoot), Root.prototype.writeJson, callback);
  }

  writeJsonSync(file: unknown, value: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, file, (methodRoot) => writeJsonSync(file, value, options, methodRoot), Root.prototype.writeJsonSync, callback);
  }

  openRoot(dir: unknown, defaults?: unknown, callback: unknown = undefined): Promise<Root> {
    const open = async (methodRoot: MethodRoot) => {
      const checked = rootDefaults(defaults, methodRoot.defaults);
      return new Root(await rootHandle.openBeneath(dir, methodRoot), checked);
    };
    return Root.#soon(this, dir, open, Root.prototype.openRoot, callback);
  }

  openRootSync(dir: unknown, defaults?: unknown, callback: unknown = undefined): Root {
    const open = (methodRoot: MethodRoot) => {
      const checked = rootDefaults(defaults, methodRoot.defaults);
      return new Root(rootHandle.openBeneathSync(dir, methodRoot), checked);
    };
    return Root.#now(this, dir, open, Root.prototype.openRootSync, callback);
  }

  stage(file: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, file, (methodRoot) => stage(file, options, methodRoot), Root.prototype.stage, callback);
  }

  cleanStaleTemporaries(dir: unknown, options: unknown, callback: unknown = undefined) {
    return Root.#soon(this, dir, (methodRoot) => removeStale(dir, options, methodRoot), Root.prototype.cleanStaleTemporaries, callback);
  }

  list(dir?: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, dir, (methodRoot) => list(dir, options, methodRoot), Root.prototype.list, callback);
  }

  listSync(dir?: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, dir, (methodRoot) => listSync(dir, options, methodRoot), Root.prototype.listSync, callback);
  }

  walk(dir?: unknown, options?: unknown, callback: unknown = undefined) {
    const begins = () => {
      this.#use(dir);
      this.#started += 1;
      return () => {
        this.#started -= 1;
        this.#closeIfDone();
      };
    };
    return Root.#now(this, dir, (methodRoot) => walk(dir, options, methodRoot, begins), Root.prototype.walk, callback);
  }

  remove(path: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, path, (methodRoot) => remove(path, options, methodRoot), Root.prototype.remove, callback);
  }

  removeSync(path: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, path, (methodRoot) => removeSync(path, options, methodRoot), Root.prototype.removeSync, callback);
  }

  rename(from: unknown, to: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, from, (methodRoot) => rename(from, to, options, methodRoot, Root.#other), Root.prototype.rename, callback);
  }

  renameSync(from: unknown, to: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, from, (methodRoot) => renameSync(from, to, options, methodRoot, Root.#other), Root.prototype.renameSync, callback);
  }

  copy(from: unknown, to: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, to, (methodRoot) => copy(from, to, options, methodRoot, Root.#other), Root.prototype.copy, callback);
  }

  copySync(from: unknown, to: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, to, (methodRoot) => copySync(from, to, options, methodRoot, Root.#other), Root.prototype.copySync, callback);
  }

  copyIn(source: unknown, to: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#soon(this, to, (methodRoot) => copyIn(source, to, options, methodRoot), Root.prototype.copyIn, callback);
  }

  copyInSync(source: unknown, to: unknown, options?: unknown, callback: unknown = undefined) {
    return Root.#now(this, to, (methodRoot) => copyInSync(source, to, options, methodRoot), Root.prototype.copyInSync, callback);
  }

  /** Returns the pinned directory of a second root, which stays open until `done` is called. */
  static #other(root: unknown, path: unknown) {
    if (!Root.#isRoot(root)) {
      throw invalidType('options.toRoot', root instanceof Root ? 'a Root itself, not an object that inherits from one' : 'an instance of Root', root);
    }
    const pinned = root.#use(path);
    root.#started += 1;
    const done = () => {
      root.#started -= 1;
      root.#closeIfDone();
    };
    return { pinned, done };
  }

  close() {
    try {
      Root.#bound(this, Root.prototype.close).#close();
    } catch (error) {
      throw atCaller(error, Root.prototype.close);
    }
  }

  #close() {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#closeIfDone();
    }
  }

  [Symbol.dispose]() {
    Root.prototype.close.call(this);
  }

  async [Symbol.asyncDispose]() {
    Root.prototype.close.call(this);
  }

  static {
    addStateMethods(Root.prototype, Root.#soon, Root.#now);
    ensureOf = (root, dir, options, before) => root.#start(dir, (methodRoot) => ensure(dir, options, methodRoot, before), ensureOf);
    callOf = (root, path, symlinks, call) => root.#start(path, (pinned) => call({ ...pinned, defaults: { ...pinned.defaults, symlinks } }), callOf);
    openedOf = (root) => root.#opened;
    statOf = (root, file, symlinks) => root.#start(file, (methodRoot) => findStat(file, symlinks, methodRoot), statOf);
    writeOf = (root, file, data, options, beforePublish) =>
      withSource(data, (source) => root.#start(file, (methodRoot) => write(file, data, options, methodRoot, source, beforePublish), writeOf));
  }
}

export { Root, callOf, ensureOf, openedOf, statOf, writeOf };
