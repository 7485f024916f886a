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

/** The start of a process is computed from its uptime: threads and copies of the package differ by some milliseconds. */
const SAME_START_MS = 1000;

/** Returns whether a text about a holder is about this process. */
export function isAboutThisProcess(text: string | undefined) {
  if (text === undefined) {
    return false;
  }
  try {
    const own = JSON.parse(holderText().toString());
    const { pid, host, started } = JSON.parse(text);
    return pid === own.pid && host === own.host && Math.abs(Date.parse(started) - Date.parse(own.started)) <= SAME_START_MS;
  } catch {
    // Another program wrote it.
    return false;
  }
}
