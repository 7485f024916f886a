// Runs a generator of steps with synchronous or asynchronous verbs. One generator serves both twins of a function.

/**
 * A function for both twins. It yields each step; the runner calls the step with the verbs of one twin, and `yield`
 * returns the result.
 */
export type Steps<Result, Verbs = void> = Generator<(verbs: Verbs) => unknown, Result, any>;

/**
 * Runs the steps on the calling thread.
 *
 * @param verbs argument of each step
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
 * @param verbs argument of each step
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
