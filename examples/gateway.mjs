// A small tool layer over HTTP: PUT saves a media file, GET returns it. For an error of holdfast the client gets a
// response without internals (`toPublicError`), and the log gets a line for the operator (`toJSON`).
//
//   node examples/gateway.mjs [directory]
//   curl -T cat.png http://127.0.0.1:8080/cat.png && curl -i http://127.0.0.1:8080/cat.png
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDir, httpStatus, isHoldfastError, readLocalFileSafely, toPublicError, writeAtomic } from 'holdfast';

const MAX_BYTES = 8 << 20;

/** Creates an HTTP server for the files of one directory. Paths, symlinks and races cannot leave the directory. */
export async function createGateway(directory, log = console.error) {
  const { path: root } = await ensureDir(directory);

  async function answer(request) {
    const name = decodeURIComponent(new URL(request.url, 'http://gateway').pathname.slice(1));
    if (request.method === 'PUT') {
      const { created, size } = await writeAtomic(name, request, { root, maxBytes: MAX_BYTES });
      return { status: created ? 201 : 200, body: { size } };
    }
    const { buffer } = await readLocalFileSafely({ root, filePath: name, outbound: true, maxBytes: MAX_BYTES });
    return { status: 200, buffer };
  }

  function failure(error) {
    log(JSON.stringify(isHoldfastError(error) ? error : { message: error.message, code: error.code }));
    return { status: httpStatus(error), body: toPublicError(error) };
  }

  return createServer(async (request, response) => {
    const { status, body, buffer } = await answer(request).catch(failure);
    response.writeHead(status, { 'content-type': buffer ? 'application/octet-stream' : 'application/json' });
    response.end(buffer ?? `${JSON.stringify(body)}\n`);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await createGateway(process.argv[2] ?? join(process.cwd(), 'media'));
  server.listen(8080, '127.0.0.1', () => console.log('http://127.0.0.1:8080'));
}
