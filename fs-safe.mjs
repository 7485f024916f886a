import fsSafe from './lib/fs-safe.js';

export const { bindFsSafe, bindSafeOpen, ensureParentDirSync } = fsSafe;
