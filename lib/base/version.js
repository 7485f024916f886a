'use strict';

// The version of the package. A file of its own, since not every bundler reads package.json.

module.exports = { version: '0.1.0' };
