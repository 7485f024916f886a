// Runs a spec with the kernel's resolver and with the walk.
import { buildC } from './sys-scratch.js';

/** A resolver, with the launcher that makes a driver use it. */
export const RESOLVERS = [
  { resolver: 'openat2', launcher: (): string[] => [] },
  { resolver: 'walk', launcher: (): string[] => [buildC('seccomp-deny'), 'openat2=ENOSYS'] },
] as const;

export const HOWS = ['sync', 'async'] as const;
