// Runs the MCP file server of examples/mcp-filesystem/ beside the official one, with a real MCP client over stdio: a table
// of calls, then an attacker that exchanges names while each tool runs. Linux, gcc and the npm registry. Fails when a row
// does not hold, when a call gets out of our server, and when the README has another table of calls.
//
//   npm run test:mcp                      a minute at most; each tool is attacked for 0.7 s on each server
//   npm run test:mcp -- --seconds 10      attacks longer
//   npm run test:mcp -- --write           puts both tables into examples/mcp-filesystem/README.md

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { copyExample, installHoldfast, installLocked, step } from './example-package.mjs';
import { fail, projectRoot, run } from './support.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '0.7' }, write: { type: 'boolean', default: false } } });
const folder = path.join(projectRoot, '.cache/mcp');
const readme = path.join(projectRoot, 'examples/mcp-filesystem/README.md');

/** Replaces what stands between the two comments of a name. */
function withTable(text, name, table) {
  const [begin, end] = [`<!-- ${name}: npm run test:mcp -- --write -->\n`, `\n<!-- end of ${name} -->`];
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)];
  if (start === -1 || stop === -1) fail(`mcp: README.md has no place for the table of ${name}.`);
  return text.slice(0, start + begin.length) + table + text.slice(stop);
}

if (process.platform !== 'linux') fail('mcp: the attacker uses renameat2 and needs Linux.');
if (run(process.execPath, ['scripts/setup.mjs']) !== 0) process.exit(1);
copyExample('mcp-filesystem', folder, ['src', 'test', 'dist']);
installLocked('mcp', folder);
installHoldfast('mcp', [folder]);
step('mcp', 'compiled', process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], { cwd: folder });

const exchange = path.join(folder, 'exchange');
step('mcp', 'compiled the attacker', 'gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', exchange, '__test__/programs/exchange.c']);
const tables = path.join(folder, 'tables.json');
rmSync(tables, { force: true });
const { status } = spawnSync(process.execPath, ['dist/test/main.js', exchange, values.seconds, tables], { cwd: folder, stdio: 'inherit' });
if (status !== 0) fail('mcp: failed; the reasons are above.');

const { calls, attacks } = JSON.parse(readFileSync(tables, 'utf8'));
const before = readFileSync(readme, 'utf8');
const withCalls = withTable(before, 'calls', calls);
if (values.write) writeFileSync(readme, withTable(withCalls, 'attacks', attacks));
else if (withCalls !== before) fail('mcp: the table of calls in examples/mcp-filesystem/README.md is out of date: npm run test:mcp -- --write');
