// Starts the servers of the recipes, and sends them requests that no client library has touched.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

export const RECIPES = path.resolve(import.meta.dirname, '..');

/** The programs, by the name of their framework. They listen on PORT and serve MEDIA_DIR. */
export const SERVERS: Record<string, { args: string[]; cwd: string }> = {
  express: { args: ['dist/express.js'], cwd: RECIPES },
  fastify: { args: ['dist/fastify.js'], cwd: RECIPES },
  hono: { args: ['dist/hono.js'], cwd: RECIPES },
  'the route handler of next': { args: ['test/serve-route.mjs'], cwd: RECIPES },
};
if (process.env.RECIPES_NEXT === 'whole') SERVERS.next = { args: ['node_modules/next/dist/bin/next', 'start'], cwd: path.join(RECIPES, 'next') };

/** The programs that accept multipart uploads. */
export const MULTIPART: typeof SERVERS = {
  express: { args: ['dist/multipart-express.js'], cwd: RECIPES },
  fastify: { args: ['dist/multipart-fastify.js'], cwd: RECIPES },
  'node:http': { args: ['test/serve-multipart.mjs'], cwd: RECIPES },
};

export interface Running {
  /** what the server may reach */
  media: string;
  /** beside it: what it may not reach */
  outside: string;
  port: number;
  child: ChildProcess;
  output(): string;
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Repeats a check until it returns without an error. */
export async function eventually<T>(check: () => T | Promise<T>, milliseconds = 10_000): Promise<T> {
  const end = performance.now() + milliseconds;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(20);
    }
  }
}

/** Whether a server accepts connections. */
export async function accepts({ port }: Pick<Running, 'port'>): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Starts a server over a new directory. It cuts requests `graceMs` after SIGTERM. */
export async function start(name: string, graceMs = 10_000, servers = SERVERS): Promise<Running> {
  const place = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'hf-recipe-')));
  const media = path.join(place, 'media');
  fs.mkdirSync(media);
  fs.writeFileSync(path.join(place, 'secret.txt'), 'secret');
  const port = await freePort();
  const { args, cwd } = servers[name]!;
  const env = { ...process.env, PORT: String(port), MEDIA_DIR: media, GRACE_MS: String(graceMs), NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' };
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const running: Running = { media, outside: path.join(place, 'secret.txt'), port, child, output: () => output };
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${output}`);
    if (!(await accepts(running))) throw new Error(`${name} does not listen: ${output}`);
  }, 30_000);
  return running;
}

export async function stop({ child, media }: Running): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  fs.rmSync(path.dirname(media), { recursive: true, force: true });
}

export interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/** Begins a request. Its path is sent as it stands. */
export function begin({ port }: Running, method: string, target: string, headers: http.OutgoingHttpHeaders = {}): http.ClientRequest {
  const request = http.request({ host: '127.0.0.1', port, method, path: target, headers, agent: false });
  request.on('error', () => {}); // a test that cuts its connection expects one
  return request;
}

/** Waits for the response to a request. */
export async function reply(request: http.ClientRequest): Promise<Reply> {
  if (request.destroyed) throw new Error('the connection is cut');
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => request.on('response', resolve).on('error', reject));
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) };
}

export function get(server: Running, target: string, headers: http.OutgoingHttpHeaders = {}, method = 'GET'): Promise<Reply> {
  const request = begin(server, method, target, headers);
  request.end();
  return reply(request);
}

export function put(server: Running, target: string, body: string | Buffer): Promise<Reply> {
  const request = begin(server, 'PUT', target, { 'content-type': 'image/png' });
  request.end(body);
  return reply(request);
}

/** Uploads over a socket, and reads the response after the last byte was sent. */
export async function sentWhole({ port }: Running, target: string, body: Buffer, method = 'PUT', type = 'image/png'): Promise<{ size: number; answer: string }> {
  const socket = net.connect(port, '127.0.0.1').pause();
  socket.write(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`);
  await new Promise<void>((resolve, reject) => socket.write(body, (error) => (error ? reject(error) : resolve())));
  const [answer] = await once(socket.resume(), 'data');
  socket.destroy();
  return { size: body.length, answer: String(answer) };
}

/** Returns the files beneath the media directory that the server has open. */
export function openFiles({ child, media }: Running): string[] {
  const fds = `/proc/${child.pid}/fd`;
  return fs.readdirSync(fds).flatMap((fd) => {
    try {
      const target = fs.readlinkSync(path.join(fds, fd));
      return target.startsWith(`${media}/`) ? [target] : [];
    } catch {
      return []; // closed since
    }
  });
}

/** Returns everything beneath the media directory, temporaries too. */
export function tree({ media }: Running): string[] {
  return (fs.readdirSync(media, { recursive: true }) as string[]).sort();
}

/** Makes a file in the media directory, and removes it when the test ends. */
export function place({ media }: Running, name: string, content: string | Buffer): string {
  const file = path.join(media, name);
  fs.writeFileSync(file, content);
  onTestFinished(() => fs.rmSync(file, { force: true }));
  return file;
}
