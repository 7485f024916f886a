// state.ts
import { isHoldfastError, isNotFound, readLocalFileSafely, writeAtomic } from 'holdfast';

export interface State {
  turn: number;
}

/** Returns the state of the last run, or that of a first one. */
export async function loadState(file: string): Promise<State> {
  try {
    return JSON.parse((await readLocalFileSafely(file, { encoding: 'utf8' })).text);
  } catch (error) {
    if (isNotFound(error)) return { turn: 0 };
    throw error;
  }
}

/** Stores the state, with `write` in place of `writeAtomic` in tests. */
export async function saveState(file: string, state: State, write = writeAtomic): Promise<'stored' | 'refused'> {
  try {
    await write(file, JSON.stringify(state), { mode: 0o600, mkdir: true });
    return 'stored';
  } catch (error) {
    if (isHoldfastError(error) && error.category === 'policy') return 'refused';
    throw error;
  }
}
