// The order of calls that change one file.

import { PathQueue } from '../schedule/path-queue.js';

/**
 * Serializes whole calls on one path, as the original does: replacements, and writes, creations and copies beneath a
 * root. A callback of one call may await a call on another path.
 */
export const changes = new PathQueue();
