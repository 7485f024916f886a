// `holdfast doctor`: what is at a path, what each verb would do there, and what to change. Nothing is changed.

import nodePath = require('node:path');
import { version } from '../../base/version.js';
import { capabilities } from '../../native/capabilities.js';
import { examine, linksOnTheWay, targetOf } from './facts.js';
import { readMounts, type Mount } from './mounts.js';
import { describeProcess } from './process.js';
import { native } from '../../native/load.js';
import { VERBS, verdicts } from './verdicts.js';

/** Version of the shape of what `--json` prints. Fields may be added under the same number. */
const SCHEMA = 1;

/** The variables that change what a verb does. */
const VARIABLES = ['HOLDFAST_SKIP_DIR_HARDENING', 'OPENCLAW_SKIP_STATE_DIR_HARDEN', 'HOLDFAST_NATIVE_PATH'];

/** Whether the binary of this platform can tell what verbs would do. It can on Linux. */
export function canForetell() {
  return typeof native().inspect === 'function';
}

/** What a report begins with. */
export function preamble() {
  return {
    schema: SCHEMA,
    holdfast: version,
    process: describeProcess(),
    native: capabilities(),
    environment: Object.fromEntries(VARIABLES.map((name) => [name, process.env[name] ?? null])),
  };
}

/** @param wanted verbs */
export function doctor(paths: readonly string[], wanted: readonly string[] = VERBS) {
  const start = preamble();
  const mounts = readMounts();
  const visited = paths.map((given) => visit(given, wanted, start.process, mounts));
  const isFine = visited.every(({ verbs }) => Object.values(verbs).every(({ outcome }) => outcome === 'ok' || outcome === 'not-applicable'));
  return { command: 'doctor' as const, ok: isFine, ...start, paths: visited };
}

/** As node:path resolves it, except where `..` is left to the kernel: a link may lie before it. */
function absolute(given: string) {
  const hasUp = given.split('/').includes('..');
  return hasUp ? (given.startsWith('/') ? given : `${process.cwd()}/${given}`) : nodePath.resolve(given);
}

function visit(given: string, wanted: readonly string[], who: ReturnType<typeof describeProcess>, mounts: Mount[]) {
  const path = absolute(given);
  const { exists, place, facts, error } = examine(path, mounts);
  const leadsTo = facts?.kind === 'symlink' ? targetOf(path) : null;
  const directory = exists && facts !== null && facts.kind !== 'directory' ? examine(nodePath.dirname(path), mounts).facts : facts;
  return {
    path,
    exists,
    /** Whose facts these are: the path itself, or the nearest directory above it. */
    place,
    facts,
    lookError: facts === null ? { code: String(error?.code), message: String(error?.message) } : null,
    links: linksOnTheWay(path),
    leadsTo,
    verbs: verdicts({ path, exists, facts, directory, who, leadsTo }, wanted),
  };
}

export { SCHEMA };
