// Ensures the given directories, alternating between both forms, and prints results and process warnings. Started by
// warnings.spec.ts, because warnings are counted per process.
//   warnings.mjs OPTIONS-AS-JSON DIR…
import { ensureDir, ensureDirSync } from '../../index.mjs';

const [options, ...dirs] = process.argv.slice(2);
const warnings = [];
process.on('warning', ({ name, code, message }) => warnings.push({ name, code, message }));

const results = [];
for (const [index, dir] of dirs.entries()) {
  results.push(index % 2 ? await ensureDir(dir, JSON.parse(options)) : ensureDirSync(dir, JSON.parse(options)));
}
setImmediate(() => console.log(JSON.stringify({ results, warnings })));
