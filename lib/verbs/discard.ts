// Drops files that are not published.

import { native } from '../native/load.js';
import record = require('../native/record.js');
import type { Handle } from '../native/binding.js';

/**
 * Removes the temporary of a file that is not published. Does nothing for a file that is finished.
 *
 * @throws the system's error, which names the temporary that remains
 */
export async function abandon(stage: Handle) {
  const [answer] = await native().stageAbort(stage);
  const result = record.unpack(answer);
  if (record.failed(result)) {
    throw record.removalFailure(result);
  }
}

/** Does the same after another error, which reaches the caller. A temporary that remains is a warning. */
export async function discard(stage: Handle) {
  await abandon(stage).catch(warnOfTemporary);
}

/** Warns of the temporary that a call left which its caller has aborted: the reason of the signal tells nothing of it. */
export function warnOfLeftover(result: record.Result) {
  const error = record.leftover(result);
  if (error !== undefined) {
    warnOfTemporary(error);
  }
}

const MOST_WARNINGS = 100;
let warnings = 0;

/** Warns of a temporary that could not be removed. Rethrows any other error. */
export function warnOfTemporary(error: NodeJS.ErrnoException & { temporary?: string }) {
  if (error.temporary === undefined) {
    throw error;
  }
  if (warnings < MOST_WARNINGS) {
    warnings += 1;
    process.emitWarning(`A temporary could not be removed: ${error.message}`, { type: 'HoldfastWarning', code: 'HOLDFAST_TEMPORARY_REMAINS' });
  }
}
