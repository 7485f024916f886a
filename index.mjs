import holdfast from './index.js';

export const {
  HoldfastError,
  MEDIA_FILE_MODE,
  PRIVATE_DIR_MODE,
  PRIVATE_FILE_MODE,
  capabilities,
  ensureDir,
  ensureDirSync,
  isHoldfastError,
  openLocalFileSafely,
  openRoot,
  openRootSync,
  readLocalFileSafely,
  readLocalFileSafelySync,
  writeAtomic,
  writeAtomicMany,
  writeAtomicSync,
} = holdfast;
