import { HoldfastError, isHoldfastError } from './errors/holdfast-error.js';
import { httpStatus, isNotFound, toPublicError } from './errors/public-error.js';
import { capabilities } from './native/capabilities.js';
import { openRoots } from './root/root-set.js';
import { openRoot, openRootSync } from './root/open-root.js';
import { openTempRoot } from './root/temp-root.js';
import { appendJson, appendJsonSync, appendRecord, appendRecordSync, appendRecords, appendRecordsSync } from './state/append.js';
import { acquireLock, tryLock, withLock } from './state/lock.js';
import { UNCHANGED, updateAtomic, updateJson } from './state/update.js';
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
  UNCHANGED,
  acquireLock,
  appendJson,
  appendJsonSync,
  appendRecord,
  appendRecordSync,
  appendRecords,
  appendRecordsSync,
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
  tryLock,
  updateAtomic,
  updateJson,
  withLock,
  writeAtomic,
  writeAtomicMany,
  writeAtomicSync,
} satisfies typeof contract;
