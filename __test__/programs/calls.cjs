'use strict';
// Makes calls of holdfast's sync functions and prints their outcomes, as one line of JSON.
//   node calls.cjs <folder of the package> '[["ensureDirSync", ["/path"]], …]'

const [folder, calls] = process.argv.slice(2);
const holdfast = require(folder);

function outcome([name, args]) {
  try {
    const { buffer, ...value } = holdfast[name](...args);
    return { value: buffer === undefined ? value : { ...value, size: buffer.length } };
  } catch (error) {
    const { code, message, syscall } = error;
    return { error: { code, message, syscall } };
  }
}

process.on('warning', () => {});
console.log(JSON.stringify(JSON.parse(calls).map(outcome)));
