'use strict';
// Prints the reports of the doctor on many paths, each for one verb, as one line of JSON.
//   node doctor-reports.cjs <folder of the package> '[["ensureDir", "/path"], …]'

const { join } = require('node:path');

const [folder, questions] = process.argv.slice(2);
const { doctor } = require(join(folder, 'dist/cli/doctor/doctor.js'));

const reports = JSON.parse(questions).map(([verb, path]) => {
  const { ok, paths } = doctor([path], [verb]);
  return { ok, ...paths[0].verbs[verb] };
});
console.log(JSON.stringify(reports));
