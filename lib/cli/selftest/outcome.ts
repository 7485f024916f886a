// What a check of the selftest came to.

export type Outcome = { result: 'pass' | 'fail' | 'not-available'; reason: string };

export const pass = (reason: string): Outcome => ({ result: 'pass', reason });
export const fail = (reason: string): Outcome => ({ result: 'fail', reason });
export const missing = (reason: string): Outcome => ({ result: 'not-available', reason });
