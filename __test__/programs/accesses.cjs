'use strict';
// Prints what this process may do with each path, as one line of JSON: 4 to read, 2 to write, 1 to search or execute.
// Reads the paths from standard input, separated by NUL.

const fs = require('node:fs');

const { R_OK, W_OK, X_OK } = fs.constants;

function may(path, permission) {
  try {
    fs.accessSync(path, permission);
    return permission;
  } catch {
    return 0;
  }
}

const paths = fs.readFileSync(0, 'utf8').split('\0').filter(Boolean);
console.log(JSON.stringify(Object.fromEntries(paths.map((path) => [path, may(path, R_OK) | may(path, W_OK) | may(path, X_OK)]))));
