'use strict';

const { capabilities } = require('./native/capabilities.js');
const { ensureDir, ensureDirSync } = require('./verbs/ensure-dir.js');
const { HoldfastError, isHoldfastError } = require('./errors/holdfast-error.js');
const { httpStatus, isNotFound, toPublicError } = require('./errors/public-error.js');
const { openLocalFileSafely, readLocalFileSafely, readLocalFileSafelySync } = require('./verbs/read.js');
const { openRoot, openRootSync } = require('./root/root.js');
const { cleanStaleTemporaries } = require('./verbs/clean.js');
const { stageAtomic } = require('./verbs/stage.js');
const { writeAtomic, writeAtomicSync } = require('./verbs/write.js');
const { writeAtomicMany } = require('./verbs/write-many.js');

module.exports = {
  HoldfastError,
  MEDIA_FILE_MODE: 0o644,
  PRIVATE_DIR_MODE: 0o700,
  PRIVATE_FILE_MODE: 0o600,
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
  readLocalFileSafely,
  readLocalFileSafelySync,
  stageAtomic,
  toPublicError,
  writeAtomic,
  writeAtomicMany,
  writeAtomicSync,
};
