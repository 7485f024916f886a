import fsSafe from './lib/fs-safe.js';
import location from './lib/location.js';

location.locate(import.meta.url);

export const { bindFsSafe, bindSafeOpen, ensureParentDirSync } = fsSafe;
