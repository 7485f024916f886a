// A Kubernetes volume of the gateway: root:1000, mode 2775, a process with uid 1000 and without capabilities.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { asUser1000, Driver } from '../../helpers/sys-driver.js';
import { inOctal, both, modeOf, octal, ownedDir, ownedFile, ownerOf, strays } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';
import { isChmod, watch } from '../../helpers/sys-strace.js';

const asRootWithOtherUsers = needs('root', 'setpriv');

asRootWithOtherUsers('uid 1000 without capabilities on an fsGroup volume', () => {
  let base: string;
  let pod: Driver;

  beforeAll(async () => {
    base = scratch();
    pod = await Driver.start({ launcher: asUser1000 });
    await pod.must({ umask: 0o077 });
  });

  it.each(both)('ensureDir %s succeeds, reports what it tolerated, and warns once', async (how) => {
    const volume = ownedDir(base, `volume-${how}`, 0, 1000, 0o2775);
    const expected = {
      path: volume,
      mode: 0o2775,
      isPrivate: false,
      hardening: 'tolerated',
      reason: 'EPERM',
      containment: 'none',
    };
    const { value, error } = await pod.verb(how, 'ensureDir', volume);
    expect(error).toBeUndefined();
    expect(value).toEqual(expected);
    expect(octal(modeOf(volume))).toBe('2775');
    const warnings = await pod.warnings();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ name: 'HoldfastWarning', code: 'HOLDFAST_DIR_NOT_PRIVATE' });
    expect(warnings[0]?.message).toContain(volume);

    expect((await pod.verb(how, 'ensureDir', volume)).value).toEqual(expected);
    expect(await pod.warnings()).toEqual([]);
  });

  it.each(both)('writeAtomic %s beneath it succeeds, and leaves the volume as it was', async (how) => {
    const volume = ownedDir(base, `written-${how}`, 0, 1000, 0o2775);
    const file = join(volume, 'state.json');
    const { value } = await pod.verb(how, 'writeAtomic', file, '{"n":1}');
    expect(value).toMatchObject({ path: file, created: true, size: 7, mode: 0o644, durable: true, preserved: null });
    expect(readFileSync(file, 'utf8')).toBe('{"n":1}');
    expect(ownerOf(file)).toEqual([1000, 1000]);
    expect(octal(modeOf(file))).toBe('0644');
    expect(octal(modeOf(volume))).toBe('2775');
    expect(strays(volume, 'state.json')).toEqual([]);
  });

  it.each(both)('ensureDir %s makes private directories beneath it that keep the volume’s group', async (how) => {
    const volume = ownedDir(base, `nested-${how}`, 0, 1000, 0o2775);
    const deep = join(volume, 'a', 'b', 'c');
    const { value } = await pod.verb(how, 'ensureDir', deep);
    expect(value).toEqual({
      path: deep,
      firstCreated: join(volume, 'a'),
      mode: 0o2700,
      isPrivate: true,
      hardening: 'created',
      containment: 'none',
    });
    for (const dir of [join(volume, 'a'), join(volume, 'a', 'b'), deep]) {
      expect(octal(modeOf(dir))).toBe('2700');
      expect(ownerOf(dir)).toEqual([1000, 1000]);
    }
  });

  it.each(both)('existing: "require" %s is insecure-permissions there, and changes nothing', async (how) => {
    const volume = ownedDir(base, `required-${how}`, 0, 1000, 0o2775);
    const { error } = await pod.verb(how, 'ensureDir', volume, { existing: 'require' });
    expect(error).toMatchObject({
      name: 'HoldfastError',
      isHoldfastError: true,
      code: 'insecure-permissions',
      category: 'policy',
      path: volume,
    });
    expect(error?.message).toContain(volume);
    // chmod alone would lock this user out.
    expect(error?.message).toContain(`chown 1000 -- ${volume}`);
    expect(octal(modeOf(volume))).toBe('2775');
  });

  const switches = ['HOLDFAST_SKIP_DIR_HARDENING', 'OPENCLAW_SKIP_STATE_DIR_HARDEN'];
  const switched = both.flatMap((how) => switches.map((name) => [how, name] as const));
  it.each(switched)('ensureDir %s with %s=1 reports the opt-out, and "require" is not weakened', async (how, name) => {
    const volume = ownedDir(base, `switched-${name}-${how}`, 0, 1000, 0o2775);
    await pod.must({ env: { [name]: '1' } });
    await pod.warnings();
    const left = await pod.verb(how, 'ensureDir', volume);
    const required = await pod.verb(how, 'ensureDir', volume, { existing: 'require' });
    await pod.must({ env: { [name]: null } });
    expect(left.value).toMatchObject({ hardening: 'left', reason: 'opt-out', isPrivate: false, mode: 0o2775 });
    expect(await pod.warnings()).toEqual([]);
    expect(required.error?.code).toBe('insecure-permissions');
  });

  needs('root', 'setpriv', 'strace')('under strace', () => {
    it.each(switched)('ensureDir %s with %s=1 makes no chmod call', async (how, name) => {
      const volume = ownedDir(base, `${name}-${how}`, 0, 1000, 0o2775);
      await pod.must({ env: { [name]: '1' } });
      const request = how === 'sync' ? { call: 'ensureDirSync', sync: true } : { call: 'ensureDir' };
      const { answer, calls } = await watch(pod, { ...request, args: [volume], marked: true });
      await pod.must({ env: { [name]: null } });
      expect(answer.value).toMatchObject({ hardening: 'left', reason: 'opt-out', isPrivate: false, mode: 0o2775 });
      expect(calls.filter(({ args }) => args.includes(volume))).not.toEqual([]);
      expect(calls.filter(isChmod)).toEqual([]);
    });

    it('the trace that shows no chmod with the switch does show one without it', async () => {
      const volume = ownedDir(base, 'traced', 0, 1000, 0o2775);
      const { calls } = await watch(pod, { call: 'ensureDirSync', args: [volume], sync: true, marked: true });
      expect(calls.filter(isChmod)).not.toEqual([]);
    });
  });

  it.each(both)('on 2755 ensureDir %s tolerates, and a write beneath it is EACCES as node:fs has it', async (how) => {
    const volume = ownedDir(base, `unwritable-${how}`, 0, 1000, 0o2755);
    const file = join(volume, 'state.json');
    const ensured = await pod.verb(how, 'ensureDir', volume);
    expect(ensured.value).toMatchObject({ hardening: 'tolerated', reason: 'EPERM', mode: 0o2755 });
    const { error } = await pod.verb(how, 'writeAtomic', file, 'x');
    const plain = await pod.ask({ fs: 'writeFileSync', args: [file, 'x'] });
    expect(error).toMatchObject({ isHoldfastError: false, code: 'EACCES', errno: -13, syscall: 'open', path: file });
    expect(error?.message).toBe(plain.error?.message);
    expect(error?.type).toBe('Error');
    expect(existsSync(file)).toBe(false);
  });

  it.each([
    ['0644 by default', {}, '0644'],
    ['0600 when that is given', { mode: 0o600 }, '0600'],
    ['0640 when that is given', { mode: 0o640 }, '0640'],
    ['0755 when that is given', { mode: 0o755 }, '0755'],
    ['0666, which the umask would have cut most', { mode: 0o666 }, '0666'],
    ['what newFileMode says', { newFileMode: 0o660 }, '0660'],
  ])('a new file under umask 077 gets %s', async (_name, options, mode) => {
    const dir = ownedDir(base, `new-${mode}-${Object.keys(options).join()}`, 1000, 1000, 0o700);
    for (const how of both) {
      const file = join(dir, how);
      const { value } = await pod.verb(how, 'writeAtomic', file, 'x', options);
      expect(octal(value.mode)).toBe(mode);
      expect(octal(modeOf(file))).toBe(mode);
    }
  });

  it.each(inOctal(0o644, 0o640, 0o755, 0o600, 0o666))('an overwrite under umask 077 keeps mode %s', async (_octal, mode) => {
    const dir = ownedDir(base, `kept-${octal(mode)}`, 1000, 1000, 0o750);
    for (const how of both) {
      const file = ownedFile(dir, how, 1000, 1000, mode);
      const { value } = await pod.verb(how, 'writeAtomic', file, 'new', { newFileMode: 0o600 });
      expect(value).toMatchObject({ created: false, mode, preserved: { mode: true, acl: true, owner: true } });
      expect(octal(modeOf(file))).toBe(octal(mode));
      expect(readFileSync(file, 'utf8')).toBe('new');
    }
    expect(octal(modeOf(dir))).toBe('0750');
  });
});
