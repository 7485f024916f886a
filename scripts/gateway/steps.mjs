// The flows of a gateway, step by step. Each step is a process with a timeout, under a given user.

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { USER } from './places.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const LIMIT_MS = 240_000;
const asUser = [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all'];

/** Returns a free port on loopback. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Makes an empty plugin to install from a folder. */
function makePlugin(dir) {
  mkdirSync(dir, { recursive: true });
  const manifest = { id: 'holdfast-probe', name: 'Probe', description: 'Nothing', configSchema: { type: 'object', additionalProperties: false, properties: {} } };
  writeFileSync(path.join(dir, 'openclaw.plugin.json'), JSON.stringify(manifest));
  writeFileSync(path.join(dir, 'package.json'), JSON.stringify({ name: 'holdfast-probe', version: '1.0.0', type: 'module', openclaw: { extensions: ['./index.js'] } }));
  writeFileSync(path.join(dir, 'index.js'), "export default { id: 'holdfast-probe', name: 'Probe', register() {} };\n");
}

/**
 * One installation of a gateway with one state directory, under one user.
 *
 * @param
 *   {{ version: string, node: string, installation: string, place: any, uid: number, umask: string, observed: string, cache: string, model: number }}
 *   setting
 */
export function gatewayOf({ version, node, installation, place, uid, umask, observed, cache, model }) {
  // 2026.5.12 has no such option.
  const asksForConsent = version !== '2026.5.12';
  const entry = path.join(installation, 'node_modules/openclaw/openclaw.mjs');
  const env = {
    PATH: `${path.dirname(node)}:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: place.home,
    NODE_COMPILE_CACHE: cache,
    NODE_OPTIONS: `--import ${path.join(here, 'observe.mjs')}`,
    HOLDFAST_GATEWAY_OBSERVED: observed,
    OPENCLAW_SKIP_UPDATE_CHECK: '1',
  };
  const start = (args) => {
    const program = ['/bin/sh', '-c', `umask ${umask}; exec "$@"`, 'sh', node, ...args];
    const [command, ...rest] = uid === 0 ? program : ['setpriv', ...asUser, ...program];
    const child = spawn(command, rest, { cwd: place.home, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text = `${text}${chunk}`.slice(-4000)));
    const ended = new Promise((resolve) => child.on('close', (status, signal) => resolve(status ?? signal)));
    return { child, ended, said: () => text };
  };
  /** Kills a process and its children by their process group. */
  const kill = (child, signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // The process has ended.
    }
  };
  const run = async (...args) => {
    const began = performance.now();
    const { child, ended, said } = start(args);
    const timer = setTimeout(() => kill(child, 'SIGKILL'), LIMIT_MS);
    const status = await ended;
    clearTimeout(timer);
    kill(child, 'SIGKILL');
    return { status, seconds: (performance.now() - began) / 1000, said: said() };
  };
  const cli = (...args) => run(entry, ...args);
  const program = (what) => run(path.join(here, 'host-program.mjs'), installation, what, path.join(place.state, 'probe'));

  const onboard = () =>
    cli('onboard', '--non-interactive', '--accept-risk', '--mode', 'local', '--flow', 'quickstart', '--auth-choice', 'custom-api-key',
      '--custom-base-url', `http://127.0.0.1:${model}/v1`, '--custom-model-id', 'mock', '--custom-provider-id', 'mock', '--custom-api-key', 'test',
      '--custom-compatibility', 'openai', '--gateway-bind', 'loopback', '--gateway-auth', 'token', '--gateway-token', 'T',
      '--skip-daemon', '--skip-channels', '--skip-skills', '--skip-health', '--skip-ui', '--json'); // prettier-ignore

  /** Start, health, a turn, stop: returns the exit of each. */
  const gateway = async () => {
    const began = performance.now();
    const port = await freePort();
    const { child, ended, said } = start([entry, 'gateway', 'run', '--port', String(port), '--bind', 'loopback', '--auth', 'token', '--token', 'T', '--allow-unconfigured']);
    let over = false;
    void ended.then(() => (over = true));
    let health;
    let turn;
    const until = performance.now() + LIMIT_MS;
    do {
      await new Promise((resolve) => setTimeout(resolve, 2000));
      health = over ? undefined : await cli('gateway', 'health', '--url', `ws://127.0.0.1:${port}`, '--token', 'T', '--json');
    } while (!over && health.status !== 0 && performance.now() < until);
    if (health?.status === 0) {
      turn = await cli('gateway', 'call', 'sessions.list', '--url', `ws://127.0.0.1:${port}`, '--token', 'T', '--json');
    }
    // One that exits while its health is asked has ended by itself too.
    const isOver = over && health?.status !== 0;
    kill(child, 'SIGTERM');
    const timer = setTimeout(() => kill(child, 'SIGKILL'), 60_000);
    const stopped = await ended;
    clearTimeout(timer);
    const status = isOver ? `exits ${stopped}` : `health ${health?.status}, call ${turn?.status}, stop ${stopped}`;
    return { status, seconds: (performance.now() - began) / 1000, said: `${said()}\n${health?.said ?? ''}\n${turn?.said ?? ''}` };
  };

  const plugin = path.join(path.dirname(place.home), 'plugin');
  makePlugin(plugin);
  return {
    setup: { onboard },
    steps: {
      'config set': () => cli('config', 'set', 'gateway.port', '18998'),
      'config get': () => cli('config', 'get', 'gateway.port'),
      'agents add': () => cli('agents', 'add', 'work', '--workspace', path.join(place.home, 'work'), '--non-interactive', '--json'),
      'plugins install': () => cli('plugins', 'install', plugin, '--force', ...(asksForConsent ? ['--accept-capabilities'] : [])),
      'save media': () => program('media'),
      files: () => program('files'),
      'agent turn': () => cli('agent', '--local', '--agent', 'main', '-m', 'hi', '--json'),
      gateway,
      'agents delete': () => cli('agents', 'delete', 'work', '--force', '--json'),
    },
  };
}
