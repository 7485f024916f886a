// SIGTERM while uploads are running.
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { accepts, begin, eventually, openFiles, reply, SERVERS, start, stop, tree, type Running } from './server.js';

const HALF = Buffer.alloc(512 * 1024, 'x');

/** Starts a server and the first half of an upload, and sends SIGTERM. */
async function terminated(name: string, graceMs: number): Promise<{ server: Running; upload: ReturnType<typeof begin>; ended: Promise<unknown[]> }> {
  const server = await start(name, graceMs);
  onTestFinished(() => stop(server));
  const upload = begin(server, 'PUT', '/files/a.png', { 'content-length': 2 * HALF.length, 'content-type': 'image/png' });
  upload.write(HALF);
  await eventually(() => expect(openFiles(server).length).toBeGreaterThan(0));
  const ended = once(server.child, 'exit');
  server.child.kill('SIGTERM');
  await eventually(() => expect(accepts(server)).resolves.toBe(false));
  return { server, upload, ended };
}

/** Next ends with 128 + SIGTERM. */
const ENDED = (name: string): [number, null] => [name === 'next' ? 143 : 0, null];

describe.each(Object.keys(SERVERS))('SIGTERM to a server with %s', (name) => {
  it('lets an upload end', async () => {
    const { server, upload, ended } = await terminated(name, 60_000);
    await sleep(200);
    upload.end(HALF);
    expect((await reply(upload)).status).toBe(201);
    expect(await ended).toEqual(ENDED(name));
    expect(tree(server)).toEqual(['a.png']);
    expect(fs.statSync(path.join(server.media, 'a.png')).size).toBe(2 * HALF.length);
  });

  // Next waits for as long as the client does: what ends it is SIGKILL.
  it('ends one that stalls, and leaves nothing of it', async () => {
    const { server, ended } = await terminated(name, 500);
    if (name === 'next') {
      await sleep(1500);
      server.child.kill('SIGKILL');
      await ended;
    } else {
      expect(await ended).toEqual(ENDED(name));
    }
    expect(tree(server)).toEqual([]);
  });
});
