import holdfast from './index.js';

export const {
  HoldfastError,
  MEDIA_FILE_MODE,
  PRIVATE_DIR_MODE,
  PRIVATE_FILE_MODE,
  capabilities,
  cleanStaleTemporaries,
  ensureDir,
  ensureDirSync,
  isHoldfastError,
  openLocalFileSafely,
  openRoot,
  openRootSync,
  readLocalFileSafely,
  readLocalFileSafelySync,
  stageAtomic,
  writeAtomic,
  writeAtomicMany,
  writeAtomicSync,
} = holdfast;
