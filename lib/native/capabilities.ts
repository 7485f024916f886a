import { native, nativePath } from './load.js';
import type { Capabilities } from '../../types/capabilities.js';

/** Name of the kernel's path resolver. */
const KERNEL = process.platform === 'darwin' ? 'open-flags' : 'openat2';

/** Returns the capabilities of this build on this system. */
export function capabilities(): Capabilities {
  const features = native().features();
  /**
   * Returns whether the system has a feature.
   *
   * @param place bit number of src/verbs/capabilities.rs
   */
  const has = (place: number) => (features & (1 << place)) !== 0;
  return {
    version: native().version(),
    platform: process.platform,
    arch: process.arch,
    resolver: has(0) ? KERNEL : 'walk',
    openat2: has(0) && KERNEL === 'openat2',
    renameNoReplace: has(1),
    fchmodat2: has(2),
    statx: has(3),
    tmpfile: has(4),
    native: nativePath(),
  };
}
