// hono.ts
import { Readable } from 'node:stream';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { httpStatus, openRoot, toPublicError } from 'holdfast';
import { fileResponse } from './file-response.js';
import { shutdownOnSigterm } from './shutdown.js';

const media = await openRoot(process.env.MEDIA_DIR ?? 'media');
const app = new Hono();

app.put('/files/:name{.+}', async (c) => {
  const name = c.req.param('name');
  const { size } = await media.writeAtomic(name, c.req.raw.body ?? '', {
    maxBytes: 16 * 1024 * 1024,
    overwrite: false,
    mkdir: true,
  });
  return c.json({ name, size }, 201);
});

app.get('/files/:name{.+}', async (c) => {
  const { handle, stat } = await media.open(c.req.param('name'), { maxBytes: Infinity });
  const { status, headers, bytes } = fileResponse(stat, c.req.header('range'), c.req.header('if-range'));
  if (bytes && c.req.method !== 'HEAD') {
    const body = Readable.toWeb(handle.createReadStream(bytes)); // it closes the handle
    return new Response(body as ReadableStream, { status, headers });
  }
  await handle.close();
  return new Response(null, { status, headers });
});

app.onError((error, c) => {
  console.error(JSON.stringify(error));
  return c.json(toPublicError(error), httpStatus(error) as ContentfulStatusCode);
});

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) });
shutdownOnSigterm(server as import('node:http').Server);
