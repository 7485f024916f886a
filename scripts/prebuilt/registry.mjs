// A read-only npm registry on 127.0.0.1 that serves the packed tarballs only, and records the requests. Returns 404 for
// all other packages, so that none comes from elsewhere unnoticed.

import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

/**
 * Starts the registry.
 *
 * @param {import('../pack.mjs').Packed[]} packages
 * @returns {Promise<{ url: string, fetched: string[], missing: string[], close(): Promise<void> }>} `fetched`: packages
 *   whose tarball was requested; `missing`: requested paths that do not exist
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
    // An old date, for package managers that distrust new versions.
    time: { [version]: '2026-01-01T00:00:00.000Z' },
  };
}
