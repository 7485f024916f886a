'use strict';

// The functions of the generation before fs-safe, whose class is SafeOpenError.

const { OLD_LOCAL_READ, OLD_ROOT_READ, OLD_ROOT_WRITE } = require('./errors.js');
const { bindLocalReads, oneBeneath } = require('./read.js');
const { writeFileWithinRoot } = require('./root/write.js');

/** @typedef {import('./read.js').Host} Host */

/** @param {Host} host */
function bindOld(host) {
  /** @param {any} params */
  const readFileWithinRoot = (params) => oneBeneath(host, { ...params, maxBytes: params.maxBytes ?? Infinity }, 'read', OLD_ROOT_READ);
  /** @param {any} params */
  const readPathWithinRoot = ({ filePath, ...params }) => readFileWithinRoot({ ...params, relativePath: filePath });
  return {
    ...bindLocalReads(host, OLD_LOCAL_READ),
    /** @param {any} params */
    async openFileWithinRoot(params) {
      return oneBeneath(host, { ...params, maxBytes: Infinity }, 'open', OLD_ROOT_READ);
    },
    /** @param {any} params */
    async readFileWithinRoot(params) {
      return readFileWithinRoot(params);
    },
    /** @param {any} params */
    async readPathWithinRoot(params) {
      return readPathWithinRoot(params);
    },
    /** @param {any} params */
    createRootScopedReadFile(params) {
      return async (/** @type {unknown} */ filePath) => (await readPathWithinRoot({ ...params, filePath })).buffer;
    },
    /** @param {any} params */
    async writeFileWithinRoot(params) {
      return writeFileWithinRoot(host, params, OLD_ROOT_WRITE);
    },
  };
}

module.exports = { bindOld };
