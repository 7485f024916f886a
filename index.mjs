import holdfast from './index.js';
import { locate } from './dist/base/location.js';

locate(import.meta.url);

export const {
  HoldfastError,
  MEDIA_FILE_MODE,
  PRIVATE_DIR_MODE,
  PRIVATE_FILE_MODE,
  capabilities,
  cleanStaleTemporaries,
  ensureDir,
  ensureDirSync,
  httpStatus,
  isHoldfastError,
  isNotFound,
  openLocalFileSafely,
  openRoot,
  openRootSync,
  openRoots,
  openTempRoot,
  readLocalFileSafely,
  readLocalFileSafelySync,
  stageAtomic,
  toPublicError,
  writeAtomic,
  writeAtomicMany,
  writeAtomicSync,
} = holdfast;
