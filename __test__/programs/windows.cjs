'use strict';

// Checks for Windows itself and for Wine: node windows.cjs <package> <scratch> [report]. Under Wine,
// HOLDFAST_PRIVATE_FOLDER names a folder of mode 0700. Every check inspects real files. Prints the results unless there
// is a report, and exits with 1 if a check failed.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');

const [packageFolder, scratch, report] = process.argv.slice(2);
const holdfast = require(path.resolve(packageFolder, 'index.js'));
const isWine = process.env.WINEPREFIX !== undefined || process.env.WINEUSERNAME !== undefined;

/** @type {[name: string, check: (dir: string) => unknown][]} */
const checks = [];
/** Adds a check, which gets a folder of its own. */
const check = (name, body) => checks.push([name, body]);

const refusedWith = async (code, call) => {
  await assert.rejects(async () => call(), (error) => {
    assert.equal(holdfast.isHoldfastError(error), true, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
};
const temporaries = (dir) => fs.readdirSync(dir).filter((name) => name.startsWith('.holdfast-'));

const tools = { check, holdfast, isWine, refusedWith, temporaries };
require('./windows-files.cjs')(tools);
require('./windows-places.cjs')(tools);

async function run() {
  const lines = [`${process.version} ${process.platform}-${process.arch}${isWine ? ', under Wine' : ''}`];
  let failures = 0;
  let absent = 0;
  for (const [name, body] of checks) {
    const dir = fs.mkdtempSync(path.join(scratch, 'w'));
    try {
      const remark = await body(dir);
      // An open file cannot be removed.
      fs.rmSync(dir, { recursive: true, force: true });
      if (remark !== undefined) absent += 1;
      lines.push(remark === undefined ? `ok      ${name}` : `-       ${name} (${remark})`);
    } catch (error) {
      failures += 1;
      lines.push(`FAILED  ${name}\n${String(error?.stack ?? error).replace(/^/gm, '        ')}`);
    }
  }
  lines.push(`${checks.length - failures - absent} of ${checks.length} hold, ${absent} not here`, '');
  if (report === undefined) process.stdout.write(lines.join('\n'));
  else fs.writeFileSync(report, lines.join('\n'));
  process.exitCode = failures === 0 ? 0 : 1;
}

run();
