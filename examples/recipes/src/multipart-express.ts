// multipart-express.ts
import express, { type ErrorRequestHandler } from 'express';
import { httpStatus, openRoot, toPublicError } from 'holdfast';
import { saveParts } from './multipart.js';
import { shutdownOnSigterm } from './shutdown.js';

const media = await openRoot(process.env.MEDIA_DIR ?? 'media');
const app = express();

app.post('/files', async (request, response) => {
  response.status(201).json(await saveParts(media, request));
});

const onError: ErrorRequestHandler = (error, request, response, next) => {
  if (response.destroyed || response.headersSent) return response.destroy(); // the client disconnected
  if (error.status) return next(error); // an error of Express itself, or a malformed body
  console.error(JSON.stringify(error));
  response.status(httpStatus(error)).json(toPublicError(error));
};
app.use(onError);

const server = app.listen(Number(process.env.PORT ?? 3000));
shutdownOnSigterm(server);
