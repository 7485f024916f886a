import { HoldfastError, isHoldfastError } from './errors/holdfast-error.js';
import { httpStatus, isNotFound, toPublicError } from './errors/public-error.js';
import { capabilities } from './native/capabilities.js';
import { openRoots } from './root/root-set.js';
import { openRoot, openRootSync } from './root/root.js';
import { openTempRoot } from './root/temp-root.js';
import { cleanStaleTemporaries } from './verbs/clean.js';
import { ensureDir, ensureDirSync } from './verbs/ensure-dir.js';
import { openLocalFileSafely, readLocalFileSafely, readLocalFileSafelySync } from './verbs/read.js';
import { stageAtomic } from './verbs/stage.js';
import { writeAtomic, writeAtomicSync } from './verbs/write.js';
import { writeAtomicMany } from './verbs/write-many.js';
import type contract = require('../index.js');

const MEDIA_FILE_MODE = 0o644;
const PRIVATE_DIR_MODE = 0o700;
const PRIVATE_FILE_MODE = 0o600;

export = {
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
} satisfies typeof contract;
