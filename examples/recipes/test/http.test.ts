// Uploads, downloads, refusals and aborts, over real connections to each server.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { begin, eventually, get, openFiles, place, put, reply, sentWhole, SERVERS, start, stop, tree, type Running } from './server.js';

const MIB = 1024 * 1024;

const PATTERN = Buffer.from(Uint32Array.from({ length: (40 * MIB) / 4 }, (_, index) => index).buffer);

/** Returns bytes that tell where they come from. */
const pattern = (size: number): Buffer => PATTERN.subarray(0, size);

describe.each(Object.keys(SERVERS))('a server with %s', (name) => {
  let server: Running;
  beforeAll(async () => {
    server = await start(name);
  });
  afterEach(async () => {
    await eventually(() => expect(openFiles(server)).toEqual([]));
    for (const entry of fs.readdirSync(server.media)) fs.rmSync(path.join(server.media, entry), { recursive: true });
  });
  afterAll(() => stop(server));

  const code = (body: Buffer): unknown => JSON.parse(body.toString()).code;

  it('publishes an upload', async () => {
    const { status, body } = await put(server, '/files/a%20b/c.png', pattern(3 * MIB));
    expect({ status, answer: JSON.parse(body.toString()) }).toEqual({ status: 201, answer: { name: 'a b/c.png', size: 3 * MIB } });
    expect(fs.readFileSync(path.join(server.media, 'a b/c.png')).equals(pattern(3 * MIB))).toBe(true);
  });

  it('publishes an upload without a body as an empty file', async () => {
    expect((await put(server, '/files/empty', '')).status).toBe(201);
    expect(fs.statSync(path.join(server.media, 'empty')).size).toBe(0);
  });

  it('keeps a file that is there, with 409', async () => {
    await put(server, '/files/a.png', 'old');
    const { status, body } = await put(server, '/files/a.png', 'new');
    expect([status, code(body)]).toEqual([409, 'already-exists']);
    expect(fs.readFileSync(path.join(server.media, 'a.png'), 'utf8')).toBe('old');
  });

  it.each([17, 40])('refuses an upload of %d MiB with 413 and publishes nothing', async (size) => {
    const { status, body } = await put(server, '/files/large.png', pattern(size * MIB));
    expect([status, code(body)]).toEqual([413, 'too-large']);
    expect(tree(server)).toEqual([]);
  });

  /** Next removes the header. */
  const lengthOf = (size: number): string | undefined => (name === 'next' ? undefined : String(size));

  // Next and @hono/node-server close such a connection.
  it.runIf(name === 'express' || name === 'fastify')('refuses an upload of a client that reads the response when it has sent everything', async () => {
    const { size, answer } = await sentWhole(server, '/files/large.png', pattern(40 * MIB));
    expect([size, answer.slice(0, 12)]).toEqual([40 * MIB, 'HTTP/1.1 413']);
    expect(tree(server)).toEqual([]);
  });

  it('refuses an upload of unknown length with 413 and publishes nothing', async () => {
    const request = begin(server, 'PUT', '/files/large.png', { 'content-type': 'image/png' });
    for (let index = 0; index < 17; index++) request.write(pattern(MIB));
    request.end();
    const { status, body } = await reply(request);
    expect([status, code(body)]).toEqual([413, 'too-large']);
    expect(tree(server)).toEqual([]);
  });

  it('publishes nothing of an upload that is aborted', async () => {
    const request = begin(server, 'PUT', '/files/half.png', { 'content-length': 2 * MIB, 'content-type': 'image/png' });
    request.write(pattern(MIB));
    await eventually(() => expect(openFiles(server).length).toBeGreaterThan(0));
    request.destroy();
    await eventually(() => expect(openFiles(server)).toEqual([]));
    expect(tree(server)).toEqual([]);
  });

  it('answers 409 when the name is taken during the upload', async () => {
    const request = begin(server, 'PUT', '/files/a.png', { 'content-length': 2 * MIB, 'content-type': 'image/png' });
    request.write(pattern(MIB));
    await eventually(() => expect(openFiles(server).length).toBeGreaterThan(0));
    fs.writeFileSync(path.join(server.media, 'a.png'), 'other');
    request.end(pattern(MIB));
    const { status, body } = await reply(request);
    expect([status, code(body)]).toEqual([409, 'already-exists']);
    expect(fs.readFileSync(path.join(server.media, 'a.png'), 'utf8')).toBe('other');
  });

  it('sends a whole file, also a large one', async () => {
    place(server, 'large.bin', pattern(20 * MIB));
    const { status, body, headers } = await get(server, '/files/large.bin');
    expect([status, headers['content-length'], headers['content-type']]).toEqual([200, lengthOf(20 * MIB), 'application/octet-stream']);
    expect(body.equals(pattern(20 * MIB))).toBe(true);
  });

  it.each([
    ['bytes=4-7', '4-7'],
    ['bytes=1048570-', '1048570-1048575'],
    ['bytes=-3', '1048573-1048575'],
    ['bytes=0-99999999', '0-1048575'],
  ])('sends the range %s with 206', async (range, sent) => {
    place(server, 'a.bin', pattern(MIB));
    const { status, headers, body } = await get(server, '/files/a.bin', { range });
    const [from, to] = sent.split('-').map(Number) as [number, number];
    expect([status, headers['content-range'], headers['content-length']]).toEqual([206, `bytes ${sent}/${MIB}`, lengthOf(to - from + 1)]);
    expect(body.equals(pattern(MIB).subarray(from, to + 1))).toBe(true);
  });

  it('refuses a range behind the end with 416', async () => {
    place(server, 'a.bin', pattern(100));
    const { status, headers, body } = await get(server, '/files/a.bin', { range: 'bytes=100-' });
    expect([status, headers['content-range'], body.length]).toEqual([416, 'bytes */100', 0]);
  });

  it.each(['lines=1-2', 'bytes=x', 'bytes=1-2,5-6'])('sends the whole file for %s', async (range) => {
    place(server, 'a.bin', pattern(100));
    const { status, body } = await get(server, '/files/a.bin', { range });
    expect([status, body.length]).toEqual([200, 100]);
  });

  it('sends the whole file when it is not the one of which the client has a part', async () => {
    place(server, 'a.bin', pattern(100));
    const { headers } = await get(server, '/files/a.bin');
    const same = await get(server, '/files/a.bin', { range: 'bytes=4-7', 'if-range': headers.etag });
    expect(same.status).toBe(206);
    fs.rmSync(path.join(server.media, 'a.bin'));
    place(server, 'a.bin', pattern(101));
    const other = await get(server, '/files/a.bin', { range: 'bytes=4-7', 'if-range': headers.etag });
    expect([other.status, other.body.length]).toEqual([200, 101]);
  });

  it.each([0, 5])('answers HEAD and GET for a file of %d bytes', async (size) => {
    place(server, 'a.bin', pattern(size));
    for (const method of ['HEAD', 'GET']) {
      const { status, headers, body } = await get(server, '/files/a.bin', {}, method);
      expect([status, headers['content-length'], body.length]).toEqual([200, lengthOf(size), method === 'GET' ? size : 0]);
    }
  });

  it('answers 404 for a missing file, without its path', async () => {
    const { status, body } = await get(server, '/files/none.bin');
    expect([status, code(body)]).toEqual([404, 'not-found']);
    expect(body.toString()).not.toContain('none.bin');
    expect(body.toString()).not.toContain(server.media);
    await eventually(() => expect(server.output()).toMatch(/"code":"not-found".*"path":"none\.bin"/));
  });

  it.each(['..%2fsecret.txt', 'a%2f..%2f..%2fsecret.txt'])('refuses %s with 403', async (target) => {
    const read = await get(server, `/files/${target}`);
    expect([read.status, code(read.body)]).toEqual([403, 'outside-workspace']);
    const written = await put(server, `/files/${target}`, 'mine');
    expect([written.status, code(written.body)]).toEqual([403, 'outside-workspace']);
    expect(fs.readFileSync(server.outside, 'utf8')).toBe('secret');
  });

  // A framework that builds a URL removes `..` itself, and has no such route then.
  it('sends nothing for ../secret.txt', async () => {
    const { status, body } = await get(server, '/files/../secret.txt');
    expect([403, 404]).toContain(status);
    expect(body.toString()).not.toBe('secret');
  });

  it('refuses planted links with 403', async () => {
    fs.symlinkSync(server.outside, path.join(server.media, 'link.txt'));
    fs.symlinkSync(path.dirname(server.outside), path.join(server.media, 'links'));
    for (const target of ['link.txt', 'links/secret.txt']) {
      const read = await get(server, `/files/${target}`);
      expect([read.status, code(read.body)]).toEqual([403, 'symlink']);
    }
    const written = await put(server, '/files/links/mine.txt', 'mine');
    expect([written.status, code(written.body)]).toEqual([403, 'symlink']);
    expect(fs.readdirSync(path.dirname(server.outside)).sort()).toEqual(['media', 'secret.txt']);
  });

  it('closes the file of a download that is aborted', async () => {
    place(server, 'large.bin', pattern(32 * MIB));
    for (let index = 0; index < 20; index++) {
      const request = begin(server, 'GET', '/files/large.bin');
      request.end();
      if (index % 2 === 0) {
        const response = await new Promise<import('node:http').IncomingMessage>((resolve) => request.on('response', resolve));
        response.once('data', () => request.destroy());
        response.on('error', () => {});
      } else {
        setTimeout(() => request.destroy(), index);
      }
      await new Promise((resolve) => request.once('close', resolve));
    }
    await eventually(() => expect(openFiles(server)).toEqual([]));
  });
});
