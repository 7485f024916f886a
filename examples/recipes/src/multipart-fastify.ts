// multipart-fastify.ts
import multipart from '@fastify/multipart';
import Fastify from 'fastify';
import { httpStatus, openRoot, toPublicError } from 'holdfast';
import { savePart, undo, type Saved } from './multipart.js';
import { shutdownOnSigterm } from './shutdown.js';

const media = await openRoot(process.env.MEDIA_DIR ?? 'media');
const app = Fastify({ logger: true });
await app.register(multipart, { limits: { files: 10, fileSize: Infinity } }); // `maxBytes` is the limit

app.post('/files', async (request, reply) => {
  const saved: Saved[] = [];
  try {
    for await (const { filename, file } of request.files()) {
      if (filename) saved.push(await savePart(media, filename, file));
      else file.resume(); // a form in which no file was chosen
    }
  } catch (error) {
    return undo(media, request.raw, saved, error);
  }
  return reply.status(201).send(saved);
});

app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
  if (error.statusCode) return reply.send(error); // an error of Fastify itself, or a malformed body
  request.log.error(error);
  return reply.status(httpStatus(error)).send(toPublicError(error));
});

await app.listen({ port: Number(process.env.PORT ?? 3000) });
shutdownOnSigterm(app.server);
