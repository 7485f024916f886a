// Multipart uploads over real connections: whole, cut, refused, malformed and aborted ones.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { begin, eventually, MULTIPART, openFiles, reply, sentWhole, start, stop, tree, type Reply, type Running } from './server.js';

const MIB = 1024 * 1024;
const TYPE = 'multipart/form-data; boundary=XX';
/** A refusal that waits for the client takes as long as the server's timeouts: 5 s and more. */
const PROMPT = 3000;

/** Returns bytes that tell where they come from. */
const pattern = (size: number): Buffer => Buffer.from(Uint32Array.from({ length: Math.ceil(size / 4) }, (_, index) => index).buffer).subarray(0, size);

const head = (name: string): string => `--XX\r\ncontent-disposition: form-data; name="f"; filename="${name}"\r\ncontent-type: application/octet-stream\r\n\r\n`;

/** Returns a body with one part for each file. */
const form = (...files: [string, string | Buffer][]): Buffer => Buffer.concat([...files.flatMap(([name, content]) => [Buffer.from(head(name)), Buffer.from(content), Buffer.from('\r\n')]), Buffer.from('--XX--\r\n')]);

describe.each(Object.keys(MULTIPART))('multipart with %s', (name) => {
  let server: Running;
  beforeAll(async () => {
    server = await start(name, 10_000, MULTIPART);
  });
  afterEach(async () => {
    // An error without a listener, or an unhandled rejection, ends the server.
    expect(server.child.exitCode, server.output()).toBe(null);
    await eventually(() => expect(openFiles(server)).toEqual([]));
    for (const entry of fs.readdirSync(server.media)) fs.rmSync(path.join(server.media, entry), { recursive: true });
  });
  afterAll(() => stop(server));

  /** Posts a body, and returns its response, which has to arrive soon. */
  async function post(body: Buffer, type = TYPE): Promise<Reply & { code: unknown }> {
    const request = begin(server, 'POST', '/files', { 'content-type': type, 'content-length': body.length });
    const late = setTimeout(() => request.destroy(new Error('no prompt response')), PROMPT);
    request.end(body);
    const response = await reply(request).finally(() => clearTimeout(late));
    const text = response.body.toString();
    return { ...response, code: text.startsWith('{') ? JSON.parse(text).code : undefined };
  }

  const content = (file: string): Buffer => fs.readFileSync(path.join(server.media, file));

  it('publishes every part whole', async () => {
    const { status, body } = await post(form(['a.png', pattern(900_000)], ['b.txt', 'second'], ['empty', '']));
    expect({ status, saved: JSON.parse(body.toString()) }).toEqual({
      status: 201,
      saved: [{ name: 'a.png', size: 900_000 }, { name: 'b.txt', size: 6 }, { name: 'empty', size: 0 }],
    });
    expect(tree(server)).toEqual(['a.png', 'b.txt', 'empty']);
    expect(content('a.png').equals(pattern(900_000))).toBe(true);
    expect(content('b.txt').toString()).toBe('second');
  });

  it.runIf(name !== 'node:http')('publishes a part that is larger than the default limit of the plugin', async () => {
    expect((await post(form(['a.png', pattern(3 * MIB)]))).status).toBe(201);
    expect(content('a.png').equals(pattern(3 * MIB))).toBe(true);
  });

  // The parser of the node:http server cuts at 1 MiB; those of the others leave the limit to `maxBytes`.
  it.each(name === 'node:http' ? [1.5, 17] : [17, 40])('refuses a part of %d MiB with 413 and publishes nothing', async (size) => {
    const { status, code } = await post(form(['large.png', pattern(size * MIB)]));
    expect([status, code]).toEqual([413, 'too-large']);
    expect(tree(server)).toEqual([]);
  });

  it.each([10, 2_000_000])('refuses a taken name promptly with 409 for %d bytes', async (size) => {
    fs.writeFileSync(path.join(server.media, 'taken.png'), 'old');
    const { status, code } = await post(form(['taken.png', pattern(size)]));
    expect([status, code]).toEqual([409, 'already-exists']);
    expect(content('taken.png').toString()).toBe('old');
  });

  it('refuses an upload of a client that reads the response when it has sent everything', async () => {
    fs.writeFileSync(path.join(server.media, 'taken.png'), 'old');
    const body = form(['taken.png', pattern(40 * MIB)]);
    const { size, answer } = await sentWhole(server, '/files', body, 'POST', TYPE);
    expect([size, answer.slice(0, 12)]).toEqual([body.length, 'HTTP/1.1 409']);
  });

  it.each([[10, 2_000_000], [500_000, 10], [10, 10]])('removes the parts around a refused one: %d bytes before it, %d in it', async (before, within) => {
    fs.writeFileSync(path.join(server.media, 'taken.png'), 'old');
    const { status } = await post(form(['a.png', pattern(before)], ['taken.png', pattern(within)], ['b.png', 'after it']));
    expect(status).toBe(409);
    expect(tree(server)).toEqual(['taken.png']);
    expect(content('taken.png').toString()).toBe('old');
  });

  it('refuses an eleventh file with 413 and publishes nothing', async () => {
    const files = Array.from({ length: 11 }, (_, index): [string, string] => [`f${index}`, 'x']);
    expect((await post(form(...files))).status).toBe(413);
    expect(tree(server)).toEqual([]);
  });

  it('skips a part without a file name', async () => {
    const body = Buffer.concat([Buffer.from(head('')), Buffer.from('\r\n'), form(['a.png', 'x'])]);
    expect((await post(body)).status).toBe(201);
    expect(tree(server)).toEqual(['a.png']);
  });

  it('writes a name with directories beneath the root only', async () => {
    expect((await post(form(['../secret.txt', 'mine']))).status).toBe(201);
    expect(tree(server)).toEqual(['secret.txt']);
    expect(fs.readFileSync(server.outside, 'utf8')).toBe('secret');
  });

  it('refuses a body without its end with 400 and publishes nothing', async () => {
    const whole = form(['a.png', 'first'], ['b.png', pattern(100_000)]);
    expect((await post(whole.subarray(0, whole.length - 50_000))).status).toBe(400);
    expect(tree(server)).toEqual([]);
  });

  it('refuses a type without a boundary with 400', async () => {
    expect((await post(form(['a.png', 'x']), 'multipart/form-data')).status).toBe(400);
    expect(tree(server)).toEqual([]);
  });

  it('publishes nothing of an upload that is aborted, and closes its file', async () => {
    const request = begin(server, 'POST', '/files', { 'content-type': TYPE, 'content-length': 4 * MIB });
    request.write(Buffer.concat([form(['first.png', 'whole']).subarray(0, -'--XX--\r\n'.length), Buffer.from(head('half.png')), pattern(500_000)]));
    // The first part is published, and the second has its temporary.
    await eventually(() => expect(tree(server)).toContain('first.png'));
    await eventually(() => expect(openFiles(server).length).toBeGreaterThan(0));
    request.destroy();
    await eventually(() => expect(openFiles(server)).toEqual([]));
    await eventually(() => expect(tree(server)).toEqual([]));
  });

  it.runIf(name === 'node:http')('ends for a client that disconnected before the call', async () => {
    const request = begin(server, 'POST', '/files', { 'content-type': TYPE, 'content-length': 4 * MIB, 'x-wait': '1' });
    request.write(Buffer.concat([Buffer.from(head('half.png')), pattern(1000)]));
    await sleep(200);
    request.destroy();
    await eventually(() => expect(server.output()).toMatch(/disconnected\nrefused \w+\n/));
    expect(tree(server)).toEqual([]);
  });

  it('survives aborted uploads with a taken name', async () => {
    fs.writeFileSync(path.join(server.media, 'taken.png'), 'old');
    for (let index = 0; index < 10; index++) {
      const request = begin(server, 'POST', '/files', { 'content-type': TYPE, 'content-length': 4 * MIB });
      request.write(Buffer.concat([Buffer.from(head('taken.png')), pattern(MIB / 2)]));
      await sleep(index * 3);
      request.destroy();
    }
    expect((await post(form(['a.png', 'x']))).status).toBe(201);
    expect(server.output()).not.toMatch(/unhandled|uncaught/i);
  });
});
