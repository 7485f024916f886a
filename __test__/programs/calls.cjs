'use strict';
// Makes calls of holdfast's sync functions and prints their outcomes, as one line of JSON. `root.removeSync` is a method
// of a root; the first argument is its directory.
//   node calls.cjs <folder of the package> '[["ensureDirSync", ["/path"]], …]'

const [folder, calls] = process.argv.slice(2);
const holdfast = require(folder);

function call(name, args) {
  if (!name.startsWith('root.')) return holdfast[name](...args);
  const [dir, ...rest] = args;
  const root = holdfast.openRootSync(dir);
  try {
    return root[name.slice(5)](...rest);
  } finally {
    root.close();
  }
}

function outcome([name, args]) {
  try {
    const { buffer, ...value } = call(name, args);
    return { value: buffer === undefined ? value : { ...value, size: buffer.length } };
  } catch (error) {
    const { code, message, syscall } = error;
    return { error: { code, message, syscall } };
  }
}

process.on('warning', () => {});
console.log(JSON.stringify(JSON.parse(calls).map(outcome)));
