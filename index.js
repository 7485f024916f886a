'use strict';

const { capabilities } = require('./lib/capabilities.js');
const { ensureDir, ensureDirSync } = require('./lib/ensure-dir.js');
const { HoldfastError, isHoldfastError } = require('./lib/errors.js');
const { httpStatus, isNotFound, toPublicError } = require('./lib/public-errors.js');
const { openLocalFileSafely, readLocalFileSafely, readLocalFileSafelySync } = require('./lib/read.js');
const { openRoot, openRootSync } = require('./lib/root.js');
const { cleanStaleTemporaries } = require('./lib/stale.js');
const { stageAtomic } = require('./lib/stage.js');
const { writeAtomic, writeAtomicSync } = require('./lib/write.js');
const { writeAtomicMany } = require('./lib/write-many.js');

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
