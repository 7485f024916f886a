// The first program of an installed holdfast: imports it and reads a file. Prints facts for the specs of the
// installation as one line of JSON. The argument is the path of the file.

const started = performance.now();
const file = process.argv.at(-1);
try {
  const { capabilities, readLocalFileSafelySync } = await import('holdfast');
  const text = readLocalFileSafelySync(file).buffer.toString();
  const milliseconds = performance.now() - started;
  const { native, resolver, version } = capabilities();
  console.log(JSON.stringify({ text, milliseconds, native, resolver, version }));
} catch (error) {
  console.log(JSON.stringify({ code: error.code, category: error.category, message: error.message, remedy: error.remedy }));
}
