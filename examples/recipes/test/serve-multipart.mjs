// Serves the multipart function with node:http alone. The parser cuts every part at 1 MiB. A request with the header
// `x-wait` is handled only when its client has disconnected.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { httpStatus, openRoot, toPublicError } from 'holdfast';
import { saveParts } from '../dist/multipart.js';
import { shutdownOnSigterm } from '../dist/shutdown.js';

const media = await openRoot(process.env.MEDIA_DIR);
const send = (response, status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const server = createServer(async (request, response) => {
  if (request.headers['x-wait']) {
    await once(response, 'close');
    console.log('the client disconnected');
  }
  await saveParts(media, request, { files: 10, fileSize: 1024 * 1024 }).then(
    (saved) => send(response, 201, saved),
    (error) => {
      console.log('refused', error.code);
      send(response, error.status ?? httpStatus(error), toPublicError(error));
    },
  );
});
server.listen(Number(process.env.PORT));
shutdownOnSigterm(server);
