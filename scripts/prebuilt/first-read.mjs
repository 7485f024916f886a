// The first thing a program does with an installed holdfast: import it, and read a file. Prints what the specs of the
// installation need to know, as one line of JSON. The path of the file to read is the argument.

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
