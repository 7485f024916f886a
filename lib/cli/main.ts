#!/usr/bin/env node
// The `holdfast` command. Exit status: 0 success, 1 a check failed or an error occurred, 2 wrong usage.

import { isUtf8 } from 'node:buffer';
import fs = require('node:fs');
import { isAbsolute } from 'node:path';
import { parseArgs } from 'node:util';
import { version } from '../base/version.js';
import { canForetell, doctor } from './doctor/doctor.js';
import { portableDoctor, portableText } from './doctor/portable.js';
import { doctorText } from './doctor/text.js';
import { ROOT_VERBS, VERBS } from './doctor/verdicts.js';
import { escaped, printableJson } from '../base/escape.js';
import { fsSafePackageText, writeFsSafePackage } from '../fs-safe/package.js';
import { selftest } from './selftest/selftest.js';
import { selftestText } from './selftest/text.js';
import { palette, wantsColour } from './terminal.js';

const USAGE = `Usage:
  holdfast doctor [PATH…] [--json] [--only VERB[,VERB…]]
      Reports what is at each path (default: the working directory), what each verb would do there,
      why, and what to change. Changes nothing. Verbs: ${VERBS.join(', ')};
      only where --only names them: ${ROOT_VERBS.join(', ')}, of a root at the directory above.
  holdfast selftest [--dir DIR] [--json]
      Checks every guarantee on this machine, in a private directory that it removes afterwards
      (in DIR, to choose the file system; default: the system's directory for temporary files).
  holdfast fs-safe-package DIR [--from DIR]
      Writes a package that stands for @openclaw/fs-safe in a host, with holdfast's functions in it.
      The original is found from --from (default: the working directory).
  holdfast help | --help | -h
  holdfast version | --version | -v

Exit status: 0 success, 1 a failure, 2 wrong usage.
`;

class UsageError extends Error {}

function understand(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true },
        dir: { type: 'string' },
        from: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
        version: { type: 'boolean', short: 'v', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function wantedVerbs(given: string[] | undefined) {
  if (given === undefined) return undefined;
  const wanted = given.flatMap((list) => list.split(','));
  const all = [...VERBS, ...ROOT_VERBS];
  const unknown = wanted.filter((verb) => !all.some((known) => known === verb));
  if (unknown.length > 0) throw new UsageError(`--only: no such verb: ${unknown.join(', ')}`);
  return all.filter((verb) => wanted.includes(verb));
}

/**
 * Refuses arguments that are not UTF-8: Node decodes each wrong byte to U+FFFD, and the report would describe another
 * path.
 */
function refuseOtherEncodings(args: string[]) {
  if (!args.some((arg) => arg.includes('\ufffd'))) return;
  let line;
  try {
    line = fs.readFileSync('/proc/self/cmdline');
  } catch {
    return;
  }
  if (!isUtf8(line)) throw new UsageError('an argument is not UTF-8');
}

/**
 * Refuses relative paths in a working directory that is not UTF-8: Node shows it as another one, and the report would
 * describe that.
 */
function refuseOtherDirectory(paths: string[]) {
  if (paths.every((at) => isAbsolute(at)) || !process.cwd().includes('\ufffd')) return;
  let directory;
  try {
    directory = fs.readlinkSync('/proc/self/cwd', 'buffer');
  } catch {
    return;
  }
  if (!isUtf8(directory)) throw new UsageError('the path of the working directory is not UTF-8, and Node shows it as another one: give absolute paths');
}

/**
 * Ends the command when its output cannot be written: without a word for a reader that has closed the pipe, otherwise
 * with one line.
 */
function endOnFailedOutput(error: NodeJS.ErrnoException): never {
  if (error.code !== 'EPIPE') {
    process.stderr.write(`holdfast: the output could not be written: ${escaped(error.message)}\n`);
  }
  process.exit(1);
}

/** Runs a command. Returns the exit status. */
async function main(args: string[]): Promise<number> {
  refuseOtherEncodings(args);
  const { values, positionals } = understand(args);
  const [command, ...rest] = positionals;
  if (values.version || command === 'version') {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  if (values.help || command === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const paint = palette(wantsColour(process.stdout, process.env));
  if (values.from !== undefined && command !== 'fs-safe-package') throw new UsageError('--from is an option of fs-safe-package');
  if (command === 'fs-safe-package') {
    if (values.json || values.only !== undefined || values.dir !== undefined) throw new UsageError('fs-safe-package takes only --from');
    if (rest.length !== 1 || rest[0] === '') throw new UsageError('fs-safe-package takes one directory');
    refuseOtherDirectory([rest[0], values.from ?? '.']);
    process.stdout.write(fsSafePackageText(rest[0], await writeFsSafePackage(rest[0], values.from)));
    return 0;
  }
  if (command === 'doctor') {
    if (values.dir !== undefined) throw new UsageError('--dir is an option of selftest');
    if (rest.includes('')) throw new UsageError('a path is empty');
    const paths = rest.length > 0 ? rest : ['.'];
    refuseOtherDirectory(paths);
    if (!canForetell()) {
      if (values.only !== undefined) throw new UsageError(`--only chooses what doctor forecasts, and it forecasts nothing on ${process.platform}`);
      const report = portableDoctor(paths);
      process.stdout.write(values.json ? `${printableJson(report, 2)}\n` : portableText(report, paint));
      return report.ok ? 0 : 1;
    }
    const report = doctor(paths, wantedVerbs(values.only));
    process.stdout.write(values.json ? `${printableJson(report, 2)}\n` : doctorText(report, paint));
    return report.ok ? 0 : 1;
  }
  if (command === 'selftest') {
    if (values.only !== undefined) throw new UsageError('--only is an option of doctor');
    if (rest.length > 0) throw new UsageError(`selftest takes no path (--dir DIR chooses the directory): ${rest.join(' ')}`);
    refuseOtherDirectory(values.dir === undefined ? [] : [values.dir]);
    const report = await selftest(values.dir);
    process.stdout.write(values.json ? `${printableJson(report, 2)}\n` : selftestText(report, paint));
    return report.ok ? 0 : 1;
  }
  throw new UsageError(command === undefined ? 'a command is missing' : `no such command: ${command}`);
}

process.stdout.on('error', endOnFailedOutput);
process.stderr.on('error', () => {});
main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (error) => {
    if (error instanceof UsageError) {
      process.stderr.write(`holdfast: ${escaped(error.message)} (see holdfast --help)\n`);
      process.exitCode = 2;
      return;
    }
    // For example the reason why the binary does not load.
    process.stderr.write(`holdfast: ${escaped(error instanceof Error ? error.message : String(error))}\n`);
    process.exitCode = 1;
  },
);
