// Makes the API reference, docs/api/, from the types with TypeDoc: one page a file of types/, one for the adapters. What it
// needs is in scripts/docs/, with a lock file of its own. `npm run docs -- --check` only says whether the pages are up to date.

import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { installLocked } from './example-package.mjs';
import { fail, projectRoot } from './support.mjs';

const isCheck = process.argv.includes('--check');
const tools = path.join(projectRoot, '.cache/docs');
const pages = path.join(projectRoot, 'docs/api');

/** Returns the content of each file of a folder by its name. */
function contents(folder) {
  return existsSync(folder) ? Object.fromEntries(readdirSync(folder).sort().map((name) => [name, readFileSync(path.join(folder, name), 'utf8')])) : {};
}

/** Makes the pages in a folder. Ends the process when TypeDoc warns, for instance about a link that leads nowhere. */
async function generate(folder) {
  const { default: makePages } = await import(pathToFileURL(path.join(tools, 'generate.mjs')));
  const warnings = await makePages(projectRoot, folder);
  if (warnings > 0) fail(`docs: TypeDoc has ${warnings} warnings; they are above.`);
}

mkdirSync(tools, { recursive: true });
cpSync(path.join(projectRoot, 'scripts/docs'), tools, { recursive: true });
installLocked('docs', tools);
const folder = mkdtempSync(path.join(tools, 'pages-'));
try {
  await generate(folder);
  if (isCheck) {
    const [made, committed] = [contents(folder), contents(pages)];
    const stale = Object.keys({ ...made, ...committed }).filter((name) => made[name] !== committed[name]);
    if (stale.length > 0) fail(`docs: docs/api/ is out of date: ${stale.join(', ')}. npm run docs makes it.`);
  } else {
    rmSync(pages, { recursive: true, force: true });
    cpSync(folder, pages, { recursive: true });
  }
  const size = Object.values(contents(folder)).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  console.log(`docs: ${readdirSync(folder).length} pages, ${Math.round(size / 1024)} KiB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
