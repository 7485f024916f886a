import fsSafe from './dist/fs-safe/index.js';
import { locate } from './dist/base/location.js';

locate(import.meta.url);

export const { bindFsSafe, bindSafeOpen, ensureParentDirSync } = fsSafe;
