// Runs a function that is written once for both twins: a generator that yields each step as a function to call.

/** A function written once for both twins. A step is called with the verbs of one twin, and its result comes back from `yield`. */
export type Steps<Result, Verbs = void> = Generator<(verbs: Verbs) => unknown, Result, any>;

/**
 * Runs the steps on the calling thread.
 *
 * @param verbs handed to each step
 */
export function runNow<Result, Verbs = void>(steps: Steps<Result, Verbs>, verbs?: Verbs): Result {
  for (let next = steps.next(); ; ) {
    if (next.done) {
      return next.value;
    }
    let value;
    try {
      value = next.value(verbs as Verbs);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(value);
  }
}

/**
 * Runs the steps one after another, and awaits each.
 *
 * @param verbs handed to each step
 */
export async function runLater<Result, Verbs = void>(steps: Steps<Result, Verbs>, verbs?: Verbs): Promise<Result> {
  for (let next = steps.next(); ; ) {
    if (next.done) {
      return next.value;
    }
    let value;
    try {
      value = await next.value(verbs as Verbs);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(value);
  }
}
