// The demo and the examples have the documented results, also for an unprivileged user.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, symlinkSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asUser1000 } from '../helpers/sys-driver.js';
import { octal, modeOf } from '../helpers/sys-layout.js';
import { needs } from '../helpers/sys-needs.js';
import { repository, scratch, stagedPackage } from '../helpers/sys-scratch.js';

needs('root', 'setpriv')('the demo', () => {
  it('as root plays the real thing, and every outcome is the promised one', () => {
    const { stdout, status } = spawnSync(process.execPath, ['examples/demo.mjs'], { cwd: repository, encoding: 'utf8' });
    for (const words of [
      'uid 1000 and 1001 (by setpriv)',
      'EPERM, mode stays 2775',
      '"hardening":"tolerated"',
      '"reason":"EPERM"',
      'insecure-permissions',
      'EACCES, mode stays 0600',
      'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE, mode stays 0600',
      'HTTP 403',
      'mode absent → 0644',
    ]) {
      expect(stdout).toContain(words);
    }
    expect(stdout).toMatch(/All \d+ outcomes are the promised ones/);
    expect(status).toBe(0);
  });

  it('as another user runs the nearest equivalent, reports that, and succeeds', () => {
    const copy = stagedPackage();
    cpSync(join(repository, 'examples'), join(copy, 'examples'), { recursive: true });
    execFileSync('chmod', ['-R', 'a+rX', copy]);
    const line = [...asUser1000, process.execPath, join(copy, 'examples', 'demo.mjs')];
    const { stdout, stderr, status } = spawnSync(line[0] as string, line.slice(1), { cwd: '/', encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toContain('without root');
    expect(stdout).toContain('EPERM');
    expect(status).toBe(0);
  });

  it('exits with 1 when an outcome is not the promised one', () => {
    // An invalid binary, so that every call of holdfast fails.
    const env = { ...process.env, HOLDFAST_NATIVE_PATH: join(repository, 'package.json') };
    const { stdout, status } = spawnSync(process.execPath, ['examples/demo.mjs'], { cwd: repository, encoding: 'utf8', env });
    expect(stdout).toContain('native-unavailable');
    expect(stdout).toContain('are not the promised ones');
    expect(status).toBe(1);
  });
});

describe('the gateway example', () => {
  let dir: string;
  let url: string;
  let close: () => void;
  const log: string[] = [];

  beforeAll(async () => {
    dir = join(scratch(), 'media');
    const { createGateway } = await import(join(repository, 'examples', 'gateway.mjs'));
    const server = await createGateway(dir, (line: string) => log.push(line));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    close = () => server.close();
  });
  afterAll(() => close());

  it('saves an upload and returns it', async () => {
    const put = await fetch(`${url}/cat.png`, { method: 'PUT', body: 'meow' });
    expect(put.status).toBe(201);
    expect(octal(modeOf(join(dir, 'cat.png')))).toBe('0644');
    expect(octal(modeOf(dir))).toBe('0700');
    expect(await (await fetch(`${url}/cat.png`)).text()).toBe('meow');
  });

  it('responds with 403 and the public facts, and logs the facts for the operator', async () => {
    chmodSync(join(dir, 'cat.png'), 0o600);
    const response = await fetch(`${url}/cat.png`);
    const body = await response.text();
    expect(response.status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ code: 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE', category: 'policy' });
    expect(body).not.toContain(dir);
    expect(JSON.parse(log.at(-1) as string)).toMatchObject({ code: 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE', mode: 0o600 });
  });

  it.each([
    ['absent.png', 404, 'not-found'],
    ['%2e%2e%2fsecret', 403, 'outside-workspace'],
    ['link', 403, 'symlink'],
    ['%00', 400, 'invalid-path'],
  ])('%s is %i %s', async (name, status, code) => {
    if (name === 'link') symlinkSync('/etc/passwd', join(dir, 'link'));
    const response = await fetch(`${url}/${name}`);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });

  it.each([
    ['%2e%2e%2fsecret', 1, 403, 'outside-workspace'],
    ['absent%2fcat.png', 100_000, 404, 'not-found'],
    ['large.png', 9 << 20, 413, 'too-large'],
  ])('an upload to %s of %i bytes is %i %s', async (name, size, status, code) => {
    const response = await fetch(`${url}/${name}`, { method: 'PUT', body: Buffer.alloc(size) });
    expect([response.status, await response.json()]).toMatchObject([status, { code }]);
  });
});
