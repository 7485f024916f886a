import { os } from '../base/node.js';

let holder: Buffer | undefined;

/** Returns the text about this process, for people who find the lock taken. */
export function holderText() {
  if (holder === undefined) {
    const started = new Date(Date.now() - process.uptime() * 1000).toISOString();
    holder = Buffer.from(JSON.stringify({ pid: process.pid, host: os.hostname(), started }));
  }
  return holder;
}
