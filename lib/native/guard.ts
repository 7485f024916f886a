import { refusal } from '../errors/holdfast-error.js';
import type { Native } from './binding.js';

/**
 * The binary answers errors as records. What it throws all the same is a defect of ours: a panic
 * beside the core, or arguments that this layer should not have passed.
 */
export function shielded(binary: Native): Native {
  return Object.fromEntries(Object.entries(binary).map(([name, call]) => [name, shield(call)])) as unknown as Native;
}

/** The arguments have names, as this is on the way of every call. No export of the binary takes more. */
function shield(call: (...args: unknown[]) => unknown) {
  return (a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown, f?: unknown, g?: unknown, h?: unknown) => {
    try {
      return call(a, b, c, d, e, f, g, h);
    } catch (error) {
      throw refusal('internal', error instanceof Error ? error.message : String(error), undefined, error);
    }
  };
}
