// A read-only npm registry on 127.0.0.1 that has the packed tarballs and nothing else, and remembers what was asked.
// What it does not have it answers with 404, at once: no package can come from anywhere else unnoticed.

import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

/**
 * @param {import('../pack.mjs').Packed[]} packages
 * @returns {Promise<{ url: string, fetched: string[], missing: string[], close(): Promise<void> }>}
 *   `fetched`: packages whose tarball was asked for; `missing`: paths that there were not
 */
export async function startRegistry(packages) {
  const fetched = [];
  const missing = [];
  const tarballs = new Map(packages.map((one) => [`/-/${path.basename(one.tarball)}`, one]));
  const server = createServer((request, response) => {
    const asked = decodeURIComponent(new URL(request.url, 'http://127.0.0.1').pathname);
    const tarball = tarballs.get(asked);
    const found = packages.find(({ name }) => `/${name}` === asked);
    if (request.method !== 'GET' || !(tarball || found)) {
      missing.push(`${request.method} ${asked}`);
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
    } else if (tarball) {
      fetched.push(tarball.name);
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      createReadStream(tarball.tarball).pipe(response);
    } else {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(documentOf(found, origin())));
    }
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const origin = () => `http://127.0.0.1:${server.address().port}`;
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { url: `${origin()}/`, fetched, missing, close };
}

function documentOf({ name, manifest, tarball, integrity, shasum }, origin) {
  const { version } = manifest;
  const dist = { tarball: `${origin}/-/${path.basename(tarball)}`, integrity, shasum };
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, _id: `${name}@${version}`, dist } },
    // Long ago, for package managers that distrust what is new.
    time: { [version]: '2026-01-01T00:00:00.000Z' },
  };
}
