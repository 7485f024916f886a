// Compares the two servers call by call, then under attack, and prints both tables.
// Usage: main.js <program that exchanges two names> <seconds for each tool> <file for both tables>

import { writeFileSync } from 'node:fs';
import { attack } from './attack.js';
import { compare } from './compare.js';

const [exchange, seconds, tables] = process.argv.slice(2);
const started = performance.now();
const elapsed = () => `${Math.round((performance.now() - started) / 1000)} s`;

const { table, failures } = await compare();
console.log(`${table}\n`);
console.error(`mcp: compared, ${elapsed()}`);
for (const failure of failures) console.error(failure);

const races = await attack(exchange!, Number(seconds) * 1000);
console.log(`${races.table}\n`);
console.error(`mcp: attacked, ${elapsed()}`);
if (races.escapes.holdfast > 0) failures.push(`holdfast: ${races.escapes.holdfast} escapes`);
if (races.escapes.official === 0) failures.push('the attacker never got out of the official server: the attack shows nothing');
writeFileSync(tables!, JSON.stringify({ calls: table, attacks: races.table }));
console.error(failures.length === 0 ? 'mcp: every row holds, and no call of holdfast got out' : `mcp: ${failures.length} failures: ${failures.at(-1)}`);
process.exitCode = failures.length === 0 ? 0 : 1;
