// express.ts
import { pipeline } from 'node:stream/promises';
import express, { type ErrorRequestHandler } from 'express';
import { httpStatus, openRoot, toPublicError } from 'holdfast';
import { fileResponse } from './file-response.js';
import { shutdownOnSigterm } from './shutdown.js';

const media = await openRoot(process.env.MEDIA_DIR ?? 'media');
const app = express();

app.put('/files/*name', async (request, response) => {
  const name = request.params.name.join('/');
  const { size } = await media.writeAtomic(name, request, {
    maxBytes: 16 * 1024 * 1024,
    overwrite: false,
    mkdir: true,
  });
  response.status(201).json({ name, size });
});

app.get('/files/*name', async (request, response) => {
  await using file = await media.open(request.params.name.join('/'), { maxBytes: Infinity });
  const { status, headers, bytes } = fileResponse(file.stat, request.get('range'), request.get('if-range'));
  response.writeHead(status, headers);
  if (bytes && request.method !== 'HEAD') await pipeline(file.handle.createReadStream(bytes), response);
  else response.end();
});

const onError: ErrorRequestHandler = (error, request, response, next) => {
  if (response.destroyed || response.headersSent) return response.destroy(); // the client disconnected
  if (error.status) return next(error); // an error of Express itself
  console.error(JSON.stringify(error));
  response.status(httpStatus(error)).json(toPublicError(error));
};
app.use(onError);

const server = app.listen(Number(process.env.PORT ?? 3000));
shutdownOnSigterm(server);
