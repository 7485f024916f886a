// ensureDir leaves directories of the system unchanged, whatever the path to them. A scratch directory covers each one
// in a mount namespace, so that the machine cannot change.
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { asUser1000, Driver } from '../../helpers/sys-driver.js';
import { both, modeOf, octal, ownedDir } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';
import { isChmod, watch } from '../../helpers/sys-strace.js';

const covered = ['/etc', '/home', '/opt', '/srv', '/mnt', '/media', '/boot', '/root', '/var', '/var/lib', '/var/tmp', '/var/anything', '/usr/local', '/usr/share'];

needs('root', 'setpriv', 'unshare', 'mount', 'strace')('ensureDir on a directory of the system', () => {
  let base: string;
  let elsewhere: string;
  let root: Driver;
  let user: Driver;
  const beneath = new Map<string, string>();

  beforeAll(async () => {
    base = ownedDir(scratch(), 'system', 0, 0, 0o755);
    elsewhere = ownedDir(base, 'elsewhere', 0, 0, 0o755);
    const script: string[] = [];
    for (const [place, name] of covered.entries()) {
      const parent = [...beneath.keys()].find((other) => name.startsWith(`${other}/`));
      const dir = parent === undefined ? join(base, `${place}`) : join(beneath.get(parent) as string, name.slice(parent.length + 1));
      mkdirSync(dir);
      execFileSync('chmod', ['0755', dir]);
      mkdirSync(join(dir, 'own'), { mode: 0o755 });
      beneath.set(name, dir);
      if (parent === undefined) script.push(`mount --bind ${dir} ${name}`);
    }
    mkdirSync(join(elsewhere, 'bound'));
    script.push(`mount --bind /etc ${join(elsewhere, 'bound')}`);
    const launcher = ['unshare', '--mount', 'sh', '-ec', `${script.join('\n')}\nexec "$@"`, 'sh'];
    root = await Driver.start({ launcher });
    user = await Driver.start({ launcher: [...launcher, ...asUser1000] });
  });

  const left = { hardening: 'left', reason: 'system', isPrivate: false, mode: 0o755 };

  it.each(covered.flatMap((name) => both.map((how) => [name, how] as const)))('%s is left, %s, and "require" is not content', async (name, how) => {
    for (const driver of [root, user]) {
      const { answer, calls } = await watch(driver, how === 'sync' ? { call: 'ensureDirSync', args: [name], sync: true } : { call: 'ensureDir', args: [name] });
      expect(answer.value).toMatchObject({ path: name, ...left });
      expect(calls.filter(isChmod)).toEqual([]);
      const required = await driver.verb(how, 'ensureDir', name, { existing: 'require' });
      expect(required.error).toMatchObject({ code: 'insecure-permissions', path: name });
      const plain = await driver.verb(how, 'ensureDir', name, { existing: 'leave' });
      expect(plain.value).not.toHaveProperty('reason');
    }
    expect(octal(modeOf(beneath.get(name) as string))).toBe('0755');
  });

  it.each(both)('/ is one of them (%s)', async (how) => {
    expect((await root.verb(how, 'ensureDir', '/')).value).toMatchObject({ hardening: 'left', reason: 'system' });
    expect((await root.verb(how, 'ensureDir', '/', { existing: 'require' })).error?.code).toBe('insecure-permissions');
  });

  it.each(both)('so is one that is reached by a root, a link, dots or a bind mount (%s)', async (how) => {
    await root.openRoot('/');
    await root.openRoot('/var');
    expect((await root.onRoot('/', how, 'ensureDir', 'etc')).value).toMatchObject(left);
    expect((await root.onRoot('/var', how, 'ensureDir', 'lib')).value).toMatchObject(left);
    expect((await root.onRoot('/var', how, 'ensureDir', '.')).value).toMatchObject(left);
    expect((await root.verb(how, 'ensureDir', '/opt/../etc/./')).value).toMatchObject(left);
    expect((await root.verb(how, 'ensureDir', join(elsewhere, 'bound'))).value).toMatchObject(left);
    const link = join(elsewhere, `link-${how}`);
    symlinkSync('/etc', link);
    expect((await root.verb(how, 'ensureDir', link, { symlinks: 'follow-trusted' })).value).toMatchObject({ ...left, path: '/etc' });
    expect(octal(modeOf(beneath.get('/etc') as string))).toBe('0755');
  });

  it.each(both)('one of one’s own beneath them is tightened (%s)', async (how) => {
    for (const name of ['/etc', '/home', '/opt', '/srv', '/mnt', '/var/lib', '/usr/local']) {
      await root.fs('chmodSync', join(name, 'own'), 0o755);
      expect((await root.verb(how, 'ensureDir', join(name, 'own'))).value).toMatchObject({ hardening: 'tightened', mode: 0o700 });
    }
  });

  it('private ones are not needed to be changed, and new ones are created', async () => {
    await root.fs('chmodSync', '/root', 0o700);
    expect((await root.verb('sync', 'ensureDir', '/root')).value).toMatchObject({ hardening: 'not-needed', isPrivate: true });
    await root.fs('chmodSync', '/root', 0o755);
    expect((await root.verb('sync', 'ensureDir', '/var/new')).value).toMatchObject({ hardening: 'created', isPrivate: true });
  });

  it('one process warning reports it', async () => {
    const fresh = await Driver.start({ launcher: ['unshare', '--mount', 'sh', '-ec', `mount --bind ${beneath.get('/etc')} /etc; exec "$@"`, 'sh'] });
    await fresh.verb('sync', 'ensureDir', '/etc');
    await fresh.verb('async', 'ensureDir', '/etc');
    const warnings = await fresh.warnings();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ code: 'HOLDFAST_DIR_NOT_PRIVATE' });
    expect(warnings[0]?.message).toContain('system');
  });
});
