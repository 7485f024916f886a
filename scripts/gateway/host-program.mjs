// A program of the host, run in its installation: saves media with the gateway's own store, and lists, moves and
// removes files with the library. Its arguments are an action and a directory.

import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , installation, what, dir] = process.argv;
const host = createRequire(path.join(installation, 'node_modules/openclaw/package.json'));
const load = (name) => import(pathToFileURL(host.resolve(name)).href);

const programs = {
  async media() {
    const { saveMediaBuffer } = await load('openclaw/plugin-sdk/media-store');
    const saved = await saveMediaBuffer(Buffer.from('89504e470d0a1a0a', 'hex'), 'image/png', 'inbound');
    if (typeof saved.path !== 'string') throw new Error('no path');
  },
  async files() {
    const { root } = await load('@openclaw/fs-safe/root');
    mkdirSync(dir, { recursive: true });
    const files = await root(dir);
    await files.write('a/one.txt', 'one');
    await files.write('a/two.txt', 'two');
    const listed = (await files.list('a')).map((entry) => (typeof entry === 'string' ? entry : entry.name)).sort();
    if (listed.join() !== 'one.txt,two.txt') throw new Error(`listed ${listed}`);
    await files.move('a/one.txt', 'a/moved.txt');
    await files.remove('a/two.txt');
    if ((await files.readText('a/moved.txt')) !== 'one' || (await files.exists('a/two.txt'))) throw new Error('neither moved nor removed');
  },
};

await programs[what]();
