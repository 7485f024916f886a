import { native } from './load.js';
import { scratch } from './layout.js';
import type { Direct } from './binding.js';

let functions: Direct | undefined;

/**
 * The verbs on the calling thread. They answer into the scratch memory of `layout`, which they
 * are told of once, and throw nothing.
 */
export function direct(): Direct {
  return (functions ??= native().direct(scratch));
}
