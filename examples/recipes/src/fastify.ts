// fastify.ts
import type { IncomingMessage } from 'node:http';
import Fastify from 'fastify';
import { httpStatus, openRoot, toPublicError } from 'holdfast';
import { fileResponse } from './file-response.js';
import { shutdownOnSigterm } from './shutdown.js';

const media = await openRoot(process.env.MEDIA_DIR ?? 'media');
const app = Fastify({ logger: true });

// The body reaches the handler as a stream, whatever its type.
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, body, done) => done(null, body));

app.put<{ Params: { '*': string }; Body?: IncomingMessage }>('/files/*', async (request, reply) => {
  const name = request.params['*'];
  const { size } = await media.writeAtomic(name, request.body ?? '', {
    maxBytes: 16 * 1024 * 1024,
    overwrite: false,
    mkdir: true,
  });
  return reply.status(201).send({ name, size });
});

app.route<{ Params: { '*': string }; Headers: { 'if-range'?: string } }>({
  method: ['GET', 'HEAD'],
  url: '/files/*',
  async handler(request, reply) {
    const { handle, stat } = await media.open(request.params['*'], { maxBytes: Infinity });
    const { status, headers, bytes } = fileResponse(stat, request.headers.range, request.headers['if-range']);
    reply.status(status).headers(headers);
    if (bytes && request.method !== 'HEAD') return reply.send(handle.createReadStream(bytes)); // it closes the handle
    await handle.close();
    return reply.send();
  },
});

app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
  if (error.statusCode) return reply.send(error); // an error of Fastify itself
  request.log.error(error);
  return reply.status(httpStatus(error)).send(toPublicError(error));
});

await app.listen({ port: Number(process.env.PORT ?? 3000) });
shutdownOnSigterm(app.server);
