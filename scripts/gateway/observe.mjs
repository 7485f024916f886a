// Loaded into every process of the gateway (NODE_OPTIONS=--import). Records its exit listeners and warnings.

import { appendFileSync } from 'node:fs';

const file = process.env.HOLDFAST_GATEWAY_OBSERVED;
const warnings = [];
process.on('warning', ({ name, code }) => warnings.push(code ?? name));
process.on('exit', () => {
  try {
    // Excludes the listener of this module.
    appendFileSync(file, `${JSON.stringify({ listeners: process.listenerCount('exit') - 1, warnings })}\n`);
  } catch {
    // A process without write access there records nothing.
  }
});
