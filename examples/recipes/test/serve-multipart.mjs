// Serves the multipart function with node:http alone. The parser cuts every part at 1 MiB.
import { createServer } from 'node:http';
import { httpStatus, openRoot, toPublicError } from 'holdfast';
import { saveParts } from '../dist/multipart.js';
import { shutdownOnSigterm } from '../dist/shutdown.js';

const media = await openRoot(process.env.MEDIA_DIR);
const send = (response, status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const server = createServer((request, response) => {
  saveParts(media, request, { files: 10, fileSize: 1024 * 1024 }).then(
    (saved) => send(response, 201, saved),
    (error) => send(response, error.status ?? httpStatus(error), toPublicError(error)),
  );
});
server.listen(Number(process.env.PORT));
shutdownOnSigterm(server);
