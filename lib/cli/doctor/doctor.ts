// `holdfast doctor`: reports the object at a path, the outcome of each verb there, and what to change. Changes nothing.

import nodePath = require('node:path');
import { version } from '../../base/version.js';
import { capabilities } from '../../native/capabilities.js';
import { examine, linksOnTheWay, targetOf } from './facts.js';
import { readMounts, type Mount } from './mounts.js';
import { describeProcess } from './process.js';
import { native } from '../../native/load.js';
import { splitPath } from './root-verdicts.js';
import { ROOT_VERBS, VERBS, verdicts } from './verdicts.js';

/** Version of the schema of `--json`. New fields do not change it. */
const SCHEMA = 1;

/** The environment variables that change the outcome of a verb. */
const VARIABLES = ['HOLDFAST_SKIP_DIR_HARDENING', 'OPENCLAW_SKIP_STATE_DIR_HARDEN', 'HOLDFAST_NATIVE_PATH'];

/** Returns whether the binary of this platform supports dry runs. On Linux it does. */
export function canForetell() {
  return typeof native().inspect === 'function';
}

/** Returns the first fields of a report. */
export function preamble() {
  return {
    schema: SCHEMA,
    holdfast: version,
    process: describeProcess(),
    native: capabilities(),
    environment: Object.fromEntries(VARIABLES.map((name) => [name, process.env[name] ?? null])),
  };
}

/**
 * Inspects paths, and reports what each verb would do there.
 *
 * @param wanted verbs; those of the table VERBS if undefined
 */
export function doctor(paths: readonly string[], wanted?: readonly string[]) {
  const start = preamble();
  const mounts = readMounts();
  const visited = paths.map((given) => visit(given, wanted, start.process, mounts));
  const isFine = visited.every(({ verbs }) => Object.values(verbs).every(({ outcome }) => outcome === 'ok' || outcome === 'not-applicable'));
  return { command: 'doctor' as const, ok: isFine, ...start, paths: visited };
}

/**
 * Resolves a path as node:path does, but leaves `..` to the kernel, because a symlink may precede it. Keeps `/` and `/.`
 * at the end, with which a path names a directory only.
 */
function absolute(given: string) {
  const hasUp = given.split('/').includes('..');
  if (hasUp) return given.startsWith('/') ? given : `${process.cwd()}/${given}`;
  const path = nodePath.resolve(given);
  const [end = ''] = /(?:\/+\.?)+$/.exec(given) ?? [];
  return path === '/' ? path : path + end;
}

function visit(given: string, wanted: readonly string[] | undefined, who: ReturnType<typeof describeProcess>, mounts: Mount[]) {
  const path = absolute(given);
  const { exists, place, facts, error } = examine(path, mounts);
  const leadsTo = facts?.kind === 'symlink' ? targetOf(path) : null;
  const directory = exists && facts !== null && facts.kind !== 'directory' ? examine(nodePath.dirname(path), mounts).facts : facts;
  const isAboveAsked = wanted?.some((verb) => ROOT_VERBS.some((one) => one === verb)) === true;
  const { dir } = splitPath(path);
  const above = isAboveAsked ? { path: dir, facts: examine(dir, mounts).facts } : undefined;
  return {
    path,
    exists,
    /** The path that `facts` describes: the given one, or its nearest existing ancestor. */
    place,
    facts,
    lookError: facts === null ? { code: String(error?.code), message: String(error?.message) } : null,
    links: linksOnTheWay(path),
    leadsTo,
    verbs: verdicts({ path, exists, place, facts, directory, above, who, leadsTo, isAsked: wanted !== undefined }, wanted ?? VERBS),
  };
}

