import { refusal } from '../errors/holdfast-error.js';
import type { Native } from './binding.js';

/**
 * Wraps each function of the binary. Errors come back as records. An exception is a defect of this package (a panic in
 * the binding, or wrong arguments) and becomes `internal`.
 */
export function shielded(binary: Native): Native {
  return Object.fromEntries(Object.entries(binary).map(([name, call]) => [name, shield(call)])) as unknown as Native;
}

/**
 * Turns exceptions of a function into errors of the code `internal`. Named parameters instead of a rest parameter: this
 * is on the hot path. Each export of the binary takes nine at most.
 */
function shield(call: (...args: unknown[]) => unknown) {
  return (a?: unknown, b?: unknown, c?: unknown, d?: unknown, e?: unknown, f?: unknown, g?: unknown, h?: unknown, i?: unknown) => {
    try {
      return call(a, b, c, d, e, f, g, h, i);
    } catch (error) {
      throw refusal('internal', error instanceof Error ? error.message : String(error), undefined, error);
    }
  };
}
