import * as fs from 'node:fs';
import { createServer, request, type IncomingMessage } from 'node:http';
import { connect as connect2, createServer as createServer2, type Http2ServerRequest } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { httpStatus, openRootSync, toPublicError, writeAtomic } from '../../../index.mjs';
import { eventually } from '../../helpers/forms.js';
import { build, scratch } from '../../helpers/scratch.js';

type Body = IncomingMessage | Http2ServerRequest;

const LIMIT = 1 << 20;
const closings: (() => void)[] = [];
afterEach(() => closings.splice(0).forEach((close) => close()));

/** Starts a server that stores the body of each request, and responds with the status of the result. */
async function serve(store: (name: string, body: Body) => Promise<unknown>, create: Function = createServer): Promise<number> {
  const server = create(async (body: Body, response: any) => {
    try {
      await store(decodeURIComponent(body.url!.slice(1)), body);
      response.statusCode = 201;
      response.end();
    } catch (error) {
      response.statusCode = httpStatus(error);
      response.end(JSON.stringify(toPublicError(error)));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closings.push(() => { server.close(); server.closeAllConnections?.(); });
  return (server.address() as AddressInfo).port;
}

function put(port: number, path: string, size: number, headers: Record<string, string> = {}): Promise<unknown> {
  return new Promise((resolve) => {
    const sent = request({ port, host: '127.0.0.1', method: 'PUT', path, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    if (headers.expect) sent.on('continue', () => sent.end(Buffer.alloc(size)));
    else sent.end(Buffer.alloc(size));
  });
}

/** Sends a whole request before it reads the response, twice on one connection. */
async function putWhole(port: number, path: string, size: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const once = `PUT ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${size}\r\n\r\n`;
  for (let count = 0; count < 2; count += 1) {
    socket.write(once);
    await new Promise((resolve) => socket.write(Buffer.alloc(size), resolve));
  }
  let text = '';
  socket.on('data', (data) => { text += data.toString('latin1'); });
  await eventually(() => expect(text.match(/HTTP\/1\.1 \d+/g)?.length).toBe(2));
  socket.destroy();
  return text.match(/HTTP\/1\.1 \d+/g)!.join();
}

const stores: Record<string, (dir: string) => (name: string, body: Body) => Promise<unknown>> = {
  writeAtomic: (dir) => (name, body) => writeAtomic(name, body, { root: dir, maxBytes: LIMIT, overwrite: false }),
  'writeAtomic of a root': (dir) => {
    const root = openRootSync(dir);
    closings.push(() => root.close());
    return (name, body) => root.writeAtomic(name, body, { maxBytes: LIMIT, overwrite: false });
  },
};

describe.each(Object.entries(stores))('%s with a request as its data', (_name, store) => {
  it.each([
    ['/taken', 409],
    ['/..%2Ff', 403],
    ['/none%2Ff', 404],
    ['/new', 201],
  ])('lets the client read the status: %s → %d', async (path, status) => {
    for (const size of [0, 1, 100_000]) {
      const dir = scratch();
      build(dir, ['taken: old']);
      const port = await serve(store(dir));
      expect([size, await put(port, path, size)]).toEqual([size, status]);
      if (status === 409) expect([size, await putWhole(port, path, size)]).toEqual([size, 'HTTP/1.1 409,HTTP/1.1 409']);
    }
  });

  it('lets the client read 413, however it sends', async () => {
    const port = await serve(store(scratch()));
    expect(await put(port, '/large', 4 * LIMIT)).toBe(413);
    expect(await put(port, '/large', 4 * LIMIT, { expect: '100-continue' })).toBe(413);
    expect(await put(port, '/large', 4 * LIMIT, { 'transfer-encoding': 'chunked' })).toBe(413);
    expect(await putWhole(port, '/large', 4 * LIMIT)).toBe('HTTP/1.1 413,HTTP/1.1 413');
  });
});

describe('writeAtomic with a request as its data', () => {
  it('lets the client read the status of a wrong argument and of an abort', async () => {
    const dir = scratch();
    const wrong = await serve((name, body) => writeAtomic(name, body, { root: dir, mode: 9999 }));
    expect(await put(wrong, '/f', 100_000)).toBe(500);
    const aborted = await serve((name, body) => writeAtomic(name, body, { root: dir, signal: AbortSignal.abort() }));
    expect([400, 499, 500, 503]).toContain(await put(aborted, '/f', 100_000));
  });

  it('discards what arrives after an abort in the middle of the body', async () => {
    const dir = scratch();
    let body: Body | undefined;
    const controller = new AbortController();
    const port = await serve((name, given) => writeAtomic(name, (body = given), { root: dir, signal: controller.signal }));
    const sent = request({ port, host: '127.0.0.1', method: 'PUT', path: '/f', headers: { 'content-length': 4 * LIMIT } });
    const response = new Promise<IncomingMessage>((resolve, reject) => sent.on('response', resolve).on('error', reject));
    sent.write('begin');
    await eventually(() => expect(body).toBeDefined());
    controller.abort();
    expect((await response).statusCode).toBeGreaterThanOrEqual(400);
    sent.end(Buffer.alloc(4 * LIMIT - 5));
    await eventually(() => expect((body as IncomingMessage).complete).toBe(true));
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('publishes nothing when the client leaves, and rejects', async () => {
    const dir = scratch();
    const outcome = new Promise((resolve) => {
      serve(async (name, body) => {
        const writing = writeAtomic(name, body, { root: dir });
        resolve(writing.catch((error) => error.code));
        await writing;
      }).then((port) => {
        const sent = request({ port, host: '127.0.0.1', method: 'PUT', path: '/f', headers: { 'content-length': 100 } });
        sent.on('error', () => {});
        sent.write('half', () => sent.destroy());
      });
    });
    expect(await outcome).toBe('ECONNRESET');
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('lets a client of HTTP/2 read the status', async () => {
    const dir = scratch();
    build(dir, ['taken: old']);
    const port = await serve(stores.writeAtomic!(dir), createServer2);
    const session = connect2(`http://127.0.0.1:${port}`);
    for (const [path, size, expected] of [['/taken', 100_000, 409], ['/large', 4 * LIMIT, 413], ['/new', 100_000, 201]] as const) {
      const sent = session.request({ ':method': 'PUT', ':path': path });
      const status = new Promise((resolve, reject) => sent.on('response', (headers) => resolve(headers[':status'])).on('error', reject));
      sent.resume().end(Buffer.alloc(size));
      expect([path, await status]).toEqual([path, expected]);
    }
    session.destroy();
  });

  it('closes a response that a client has got, as any other stream', async () => {
    const dir = scratch();
    const port = await serve(async () => {});
    const response = await new Promise<IncomingMessage>((resolve) => request({ port, host: '127.0.0.1' }, resolve).end());
    await expect(writeAtomic(`${dir}/none/f`, response)).rejects.toMatchObject({ code: 'not-found' });
    expect(response.destroyed).toBe(true);
  });
});
