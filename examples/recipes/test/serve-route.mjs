// Serves the route handler of Next without Next: real requests, and parameters that stay percent-encoded, as in Next.
import { serve } from '@hono/node-server';
import { shutdownOnSigterm } from '../dist/shutdown.js';
import * as route from '../next/dist/app/files/[...name]/route.js';

function handle(request) {
  const [, files, ...name] = new URL(request.url).pathname.split('/');
  const method = route[request.method];
  if (files !== 'files' || !method) return new Response(null, { status: 404 });
  return method(request, { params: Promise.resolve({ name }) });
}

const server = serve({ fetch: handle, port: Number(process.env.PORT) });
shutdownOnSigterm(server);
