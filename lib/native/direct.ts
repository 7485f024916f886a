import { native } from './load.js';
import { scratch } from './record.js';
import type { Direct } from './binding.js';

let functions: Direct | undefined;

/** Returns the synchronous verbs. They write their results into the scratch memory of `layout` and throw nothing. */
export function direct(): Direct {
  return (functions ??= native().direct(scratch));
}
