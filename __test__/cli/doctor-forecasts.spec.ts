// Compares the forecasts of `holdfast doctor` with the outcomes of the verbs, situation by situation.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { asUser1000, Driver } from '../helpers/sys-driver.js';
import { octal } from '../helpers/sys-layout.js';
import { needs } from '../helpers/sys-needs.js';
import { buildC, repository, scratch, stagedPackage } from '../helpers/sys-scratch.js';
import { Maker } from '../helpers/sys-maker.js';
import { kernelSituations } from '../helpers/sys-situations-kernel.js';
import { situations, type Situation } from '../helpers/sys-situations.js';

const VERBS = ['ensureDir', 'writeAtomic', 'readLocalFileSafely', 'outbound'] as const;
type Verb = (typeof VERBS)[number];

// doctor.spec.ts compares the shape of a report with docs/doctor.md.
type Report = any;

/** Runs a program and returns its output, whatever its exit status. */
async function outputOf(driver: Driver, { as, env = {} }: Pick<Situation, 'as' | 'env'>, ...command: string[]): Promise<string> {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return driver.exec('env', ...settings, 'sh', '-c', '"$@" || true', 'sh', ...as, ...command);
}

async function doctor(driver: Driver, situation: Pick<Situation, 'as' | 'env'>, ...args: string[]): Promise<Report> {
  const cli = join(stagedPackage(), 'dist', 'cli', 'main.js');
  return JSON.parse(await outputOf(driver, situation, process.execPath, cli, 'doctor', '--json', ...args));
}

type Deed = { value?: any; error?: any };

/** Returns the outcome of each verb at its target, in the order of {@link VERBS}. */
async function deeds(driver: Driver, situation: Situation, targets: string[]): Promise<Deed[]> {
  const calls: Record<Verb, (target: string) => [string, unknown[]]> = {
    ensureDir: (target) => ['ensureDirSync', [target]],
    writeAtomic: (target) => ['writeAtomicSync', [target, 'some content']],
    readLocalFileSafely: (target) => ['readLocalFileSafelySync', [target]],
    outbound: (target) => ['readLocalFileSafelySync', [target, { outbound: true }]],
  };
  const list = VERBS.map((verb, place) => calls[verb](targets[place]!));
  const folder = stagedPackage();
  return JSON.parse(await outputOf(driver, situation, process.execPath, join(folder, 'programs', 'calls.cjs'), folder, JSON.stringify(list)));
}

/** Returns the predictable part of a result, in the words of a verdict. */
function foreseeable(verb: Verb, value: any): object {
  switch (verb) {
    case 'ensureDir': {
      const { hardening, reason, isPrivate, mode } = value;
      return { hardening, ...(reason === undefined ? {} : { reason }), isPrivate, mode: octal(mode) };
    }
    case 'writeAtomic': {
      const { created, mode, durable, preserved } = value;
      return { created, mode: octal(mode), durable, preserved };
    }
    default:
      return { size: value.size, mode: octal(value.stat.mode & 0o7777) };
  }
}

/** Replaces the random names of temporaries. */
function withoutChance(message: string): string {
  return message.replace(/\.holdfast-([0-9a-v]{24}|\*)\.tmp/g, '<temporary>');
}

/** Returns everything in a directory that an inspection could have changed. */
function traces(driver: Driver, dir: string): Promise<string> {
  return driver.exec('find', dir, '-printf', '%p %y %m %U:%G %i %n %s %T@ %C@\\n');
}

const inOwnNamespace = ['unshare', '--mount', '--propagation', 'private'];

const withEverything = needs('root', 'setpriv', 'unshare', 'mount', 'setfacl', 'strace', 'gcc');

withEverything('what the doctor foretells is what the verb then does', () => {
  let base: string;
  let driver: Driver;
  let count = 0;

  beforeAll(async () => {
    base = scratch();
    driver = await Driver.start({ launcher: inOwnNamespace });
  });

  it.each(situations.map((situation) => [situation.name, situation] as const))('on %s', (_name, situation) => compare(situation));

  it.each(kernelSituations.map((situation) => [situation.name, situation] as const))('on %s, with the reason', async (_name, situation) => {
    const { paths } = await compare(situation);
    const told = JSON.stringify(paths.map(({ verbs }: Report) => Object.values(verbs).map(({ outcome, why, advice }: Report) => (outcome === 'not-applicable' ? [] : [why, advice]))));
    for (const pattern of situation.says) expect(told).toMatch(pattern);
    for (const pattern of situation.saysNot) expect(told).not.toMatch(pattern);
  });

  // An old kernel, as the doctor sees it: access(2) only, and no flag for mount points.
  it.each([
    'an fsGroup volume, root:1000 2775',
    'an fsGroup volume that its group may not write, 2755',
    'a 0600 file of another user',
    'a read-only mount',
    'a single file that is a bind mount',
    'a missing path in somebody else’s directory',
    'an open directory of one’s own',
  ])('on %s, with a kernel that reports less', (name) => {
    const situation = situations.find((one) => one.name === name)!;
    return compare({ ...situation, as: [buildC('seccomp-deny'), 'faccessat2=ENOSYS,statx=EPERM,openat2=ENOSYS,fchmodat2=ENOSYS', ...situation.as] });
  });

  async function compare(situation: Situation): Promise<Report> {
    // A directory for each verb, so that the change of one is invisible to the others.
    const paths: string[] = [];
    const place = join(base, String(count++));
    await driver.fs('mkdirSync', place);
    for (const verb of VERBS) {
      const own = join(place, verb);
      await driver.fs('mkdirSync', own);
      paths.push(await situation.build(new Maker(driver, own)));
    }

    const before = await traces(driver, place);
    const report = await doctor(driver, situation, ...paths);
    expect(await traces(driver, place), 'the doctor changes nothing').toBe(before);

    const verdicts = VERBS.map((verb, index) => report.paths[index].verbs[verb]);
    const done = await deeds(driver, situation, verdicts.map(({ target }) => target));
    for (const [index, verb] of VERBS.entries()) {
      check(verb, verdicts[index], done[index]!);
      const told = situation.told?.[verb];
      if (told !== undefined) expect(verdicts[index].error?.code ?? verdicts[index].result.reason ?? 'ok', verb).toBe(told);
    }
    const all = report.paths.flatMap(({ verbs }: Report) => Object.values(verbs)) as Report[];
    expect(report.ok).toBe(all.every(({ outcome }) => outcome === 'ok' || outcome === 'not-applicable'));
    return report;
  }

  function check(verb: Verb, verdict: Report, { value, error }: Deed): void {
    if (error === undefined) {
      expect(verdict.error, `${verb}: ${verdict.why}`).toBeUndefined();
      expect(verdict.result, verb).toEqual(foreseeable(verb, value));
      expect(verdict.outcome, verb).toBe(verb === 'ensureDir' && !value.isPrivate && value.reason !== 'opt-out' ? 'warn' : 'ok');
      return;
    }
    expect(verdict.result, `${verb}: foretold ${JSON.stringify(verdict.result)}, and it was ${error.message}`).toBeUndefined();
    expect({ ...verdict.error, message: withoutChance(verdict.error.message) }, verb).toMatchObject({
      code: error.code,
      message: withoutChance(error.message),
      ...(error.syscall === undefined ? {} : { syscall: error.syscall }),
    });
    expect(['fails', 'not-applicable'], verb).toContain(verdict.outcome);
  }
});

withEverything('the selftest', () => {
  it('reports under a filter that the kernel does not resolve paths, and that all else works', async () => {
    const driver = await Driver.start({ launcher: inOwnNamespace });
    const cli = join(stagedPackage(), 'dist', 'cli', 'main.js');
    const command = [buildC('seccomp-deny'), 'openat2=ENOSYS', process.execPath, cli, 'selftest', '--json', '--dir', scratch()];
    const { ok, checks } = JSON.parse(await outputOf(driver, { as: [] }, ...command));
    const results = Object.fromEntries(checks.map(({ id, result }: Report) => [id, result]));
    expect(results.resolver).toBe('not-available');
    expect(checks.filter(({ result }: Report) => result === 'fail')).toEqual([]);
    expect(ok).toBe(true);
  });

  it('detects a chmod that reports success without effect', async () => {
    const driver = await Driver.start({ launcher: inOwnNamespace });
    const cli = join(stagedPackage(), 'dist', 'cli', 'main.js');
    const lying = ['strace', '-f', '-o', '/dev/null', '-e', 'trace=fchmod', '-e', 'inject=fchmod:retval=0'];
    const { ok, checks } = JSON.parse(await outputOf(driver, { as: lying }, process.execPath, cli, 'selftest', '--json', '--dir', scratch()));
    expect(ok).toBe(false);
    expect(checks.find(({ id }: Report) => id === 'exact-mode').result).toBe('fail');
  });
});

withEverything('a file that cannot be renamed over', () => {
  it.each([
    ['of root, for root', [], 'root:root', true],
    ['of one’s own', asUser1000, '1000:1000', true],
    ['of root that others may write', asUser1000, 'root:root', true],
    ['of another user that others may write', asUser1000, '1001:1001', false],
  ])('%s: the fallback is advised exactly where it works', async (_name, as, owner, works) => {
    const driver = await Driver.start({ launcher: inOwnNamespace });
    const make = new Maker(driver, scratch());
    await make.dir('.', 'root:root', '0777');
    const [source, file] = [await make.file('source', owner, '0666'), await make.file('config', owner, '0666')];
    await make.run('mount', '--bind', source, file);
    const { writeAtomic } = (await doctor(driver, { as }, file)).paths[0].verbs;
    expect(writeAtomic.error.code).toBe('EBUSY');
    const codes = writeAtomic.advice.flatMap(({ code }: { code?: string }) => code ?? []);
    expect(codes).toEqual(works ? [`await writeAtomic("${file}", data, { fallback: 'in-place' })`] : []);
    const folder = stagedPackage();
    const call = [['writeAtomicSync', [file, 'new', { fallback: 'in-place' }]]];
    const [done] = JSON.parse(await outputOf(driver, { as }, process.execPath, join(folder, 'programs', 'calls.cjs'), folder, JSON.stringify(call)));
    expect(done.value?.method).toBe(works ? 'in-place' : undefined);
  });
});

withEverything('what the doctor advises', () => {
  let driver: Driver;
  let make: Maker;

  beforeAll(async () => {
    driver = await Driver.start({ launcher: inOwnNamespace });
    const place = join(scratch(), 'advice');
    await driver.fs('mkdirSync', place);
    make = new Maker(driver, place);
  });

  it('offers no command on the .ssh directory of another user', async () => {
    const home = await make.dir('alice', '1001:1001', '0755');
    const path = join(home, '.ssh');
    await driver.fs('mkdirSync', path, 0o700);
    await driver.fs('chownSync', path, 1001, 1001);
    const report = await doctor(driver, { as: asUser1000 }, '--only', 'ensureDir', path);
    const { advice } = report.paths[0].verbs.ensureDir;
    expect(advice.map(({ command }: { command?: string }) => command).filter(Boolean)).toEqual([]);
    expect(JSON.stringify(advice)).toContain('not meant for others');
  });

  it('names no directory beneath one where this process may create nothing', async () => {
    for (const mode of ['0700', '2700', '2750']) {
      const path = await make.dir(`closed-${mode}`, '1001:1001', mode);
      const { advice } = (await doctor(driver, { as: asUser1000 }, '--only', 'ensureDir', path)).paths[0].verbs.ensureDir;
      expect(advice.flatMap(({ code }: { code?: string }) => code ?? []).filter((code: string) => code.includes('private'))).toEqual([]);
      expect(advice[0].text).toBe('Use another directory: this process may not create anything in this one.');
    }
  });

  it('gives away no directory that is missing, nor the one above it', async () => {
    const above = await make.dir('above', 'root:root', '0755');
    const { verbs } = (await doctor(driver, { as: asUser1000 }, join(above, 'a', 'b'))).paths[0];
    const commands = [verbs.ensureDir, verbs.writeAtomic].map(({ advice }) => advice.flatMap(({ command }: { command?: string }) => command ?? []));
    const way = `namei -l -- ${above}/a/b`;
    expect(commands).toEqual([
      [`mkdir -p -m 0700 -- ${above}/a/b && chown 1000 -- ${above}/a/b`, way],
      [`mkdir -p -m 0700 -- ${above}/a && chown 1000 -- ${above}/a`, way],
    ]);
  });

  /** Runs, as root, the commands that an operator would paste. */
  async function follow(report: Report, verb: Verb, pattern: RegExp): Promise<void> {
    const commands = report.paths[0].verbs[verb].advice.flatMap(({ command }: { command?: string }) => command ?? []);
    const chosen = commands.filter((command: string) => pattern.test(command));
    expect(chosen, `among ${JSON.stringify(commands)}`).toHaveLength(1);
    await driver.exec('bash', '-c', chosen[0]);
  }

  it.each([
    ['an fsGroup volume', 'ensureDir', /^chown .*chmod/, () => make.dir('volume', 'root:1000', '2775')],
    ['a volume its group may not write', 'writeAtomic', /^chmod g\+rwx/, () => make.dir('closed', 'root:1000', '2755')],
    ['the same with a name for which a shell needs quotes', 'writeAtomic', /^chmod g\+rwx/, () => make.dir("-it's a \"$HOME\"\nname; `id`", 'root:1000', '2755')],
    ['a 0600 file meant for sending', 'outbound', /^chmod 0644/, () => make.file('photo', '1000:1000', '0600')],
    ['the same with a name that no terminal shows as it is', 'outbound', /^chmod 0644/, () => make.file('photo\u202egnp.\u001b[2J\u009b\u200b', '1000:1000', '0600')],
    ['a full tmpfs with such a name', 'writeAtomic', /^mount -o remount,size=/, () => full('full\u2066\u0085')],
    ['a private directory of another user', 'ensureDir', /^chown /, () => make.dir('foreign', '1001:1001', '0700')],
    ['a read-only tmpfs', 'writeAtomic', /^mount -o remount,rw/, () => make.mount('read only', '-t', 'tmpfs', '-o', 'ro,uid=1000', 'tmpfs')],
    ['a read-only bind mount', 'writeAtomic', /^mount -o remount,bind,rw/, () => readOnlyBind()],
    ['a full tmpfs', 'writeAtomic', /^mount -o remount,size=/, () => full('full')],
    ['a directory in one that is missing, where only root may make it', 'ensureDir', /^mkdir -p .* && chown /, async () => join(await make.dir('roots', 'root:root', '0755'), 'new', 'state')],
    ['a file in one that is missing, where only root may make it', 'writeAtomic', /^mkdir -p .* && chown /, async () => join(await make.dir('roots-too', 'root:root', '0755'), 'new', 'file')],
    ['a missing parent', 'writeAtomic', /^mkdir -p/, async () => join(await make.dir('mine', '1000:1000', '0700'), 'new', 'file')],
  ] as [string, Verb, RegExp, () => Promise<string>][])('on %s helps when it is followed: %s', async (_name, verb, pattern, build) => {
    const path = await build();
    // The advice on a missing parent is for the user itself; as root the directory would be root's.
    const before = await doctor(driver, { as: asUser1000 }, '--only', verb, path);
    expect(before.ok).toBe(false);
    await follow(before, verb, pattern);
    if (verb === 'writeAtomic' && /mkdir/.test(pattern.source)) await driver.exec('chown', '1000:1000', join(path, '..'));
    const after = await doctor(driver, { as: asUser1000 }, '--only', verb, path);
    expect(after.paths[0].verbs[verb], JSON.stringify(before.paths[0].verbs[verb].advice)).toMatchObject({ outcome: 'ok' });
  });

  it.each([
    'an fsGroup volume, root:1000 2775',
    'a directory for everybody, with the sticky bit',
    'a directory with an ACL that names somebody',
    'a symlinked home',
    'a link to a file',
    'a dangling link',
    'a single file that is a bind mount',
    'a path in a directory that is missing',
  ])('as code, on %s, works when it is run', async (name) => {
    const situation = situations.find((one) => one.name === name) ?? missingParent;
    let ran = 0;
    for (let place = 0, more = true; more; place++) {
      const own = join(make.base, `${name.replace(/\W/g, '-')}-${place}`);
      await driver.fs('mkdirSync', own);
      const path = await situation.build(new Maker(driver, own));
      const { verbs } = (await doctor(driver, situation, path)).paths[0];
      const advice = Object.values(verbs as Record<string, Report>).flatMap((verdict) => verdict.advice as { code?: string }[]);
      const codes = advice.flatMap(({ code }) => (code?.startsWith('await ') ? [code] : []));
      more = place + 1 < codes.length;
      if (codes[place] === undefined) break;
      const program = `import { ensureDir, readLocalFileSafely, writeAtomic } from ${JSON.stringify(join(stagedPackage(), 'index.mjs'))}; const data = 'x'; ${codes[place]}; console.log('done')`;
      const said = await outputOf(driver, situation, process.execPath, '--no-warnings', '--input-type=module', '--eval', program);
      expect(said, codes[place]).toBe('done\n');
      ran += 1;
    }
    expect(ran).toBeGreaterThan(0);
  });

  const missingParent: Situation = {
    name: 'a path in a directory that is missing',
    as: asUser1000,
    build: async (maker) => join(await maker.dir('mine', '1000:1000', '0700'), 'new', 'file'),
  };

  async function readOnlyBind(): Promise<string> {
    const source = await make.dir('bind-source', '1000:1000', '0755');
    const mounted = await make.mount('bind', '--bind', source);
    await make.run('mount', '-o', 'remount,bind,ro', mounted);
    return mounted;
  }

  async function full(name: string): Promise<string> {
    const dir = await make.mount(name, '-t', 'tmpfs', '-o', 'size=64k,mode=0700,uid=1000,gid=1000', 'tmpfs');
    await make.run('sh', '-c', `head -c 1000000 /dev/zero > '${dir}/filler' 2>/dev/null || true`);
    return dir;
  }
});

withEverything('what the doctor says of a place', () => {
  it('names the mount that holds it, by its number: an over-mounted one is not taken for the one above it', async () => {
    const driver = await Driver.start({ launcher: inOwnNamespace });
    const make = new Maker(driver, scratch());
    const dir = await make.mount('a b\tc', '-t', 'tmpfs', '-o', 'size=1m', 'below');
    await make.run('mount', '-t', 'tmpfs', '-o', 'size=2m,nosuid', 'above\\040', dir);
    const { facts } = (await doctor(driver, { as: [] }, dir)).paths[0];
    expect(facts.mount).toMatchObject({ mountPoint: dir, type: 'tmpfs', source: 'above\\040', root: '/' });
    expect(facts.mount.options).toContain('nosuid');
    expect(facts.space.totalBytes).toBe(2 << 20);
    expect(facts.attributes).toEqual(['mount-point']);
  });

  it('lists an ACL as getfacl does, the ids, and what the effective user may do', async () => {
    const driver = await Driver.start({ launcher: inOwnNamespace });
    const make = new Maker(driver, scratch());
    const file = await make.file('file', '1001:1002', '0640');
    await make.run('setfacl', '-m', 'u:1000:r,g:1003:rw', file);
    const report = await doctor(driver, { as: asUser1000 }, file);
    const { facts } = report.paths[0];
    const listed = await make.run('getfacl', '--omit-header', '--absolute-names', '--numeric', '--no-effective', file);
    expect(facts.acl).toEqual({ entries: listed.trim().split('\n'), namesSomebody: true, isKnown: true });
    expect(facts).toMatchObject({ uid: 1001, gid: 1002, kind: 'file', access: { read: true, write: false, search: false }, isOwn: false });
    expect(report.process).toMatchObject({ uid: 1000, euid: 1000, gid: 1000, egid: 1000, noNewPrivileges: true });
    expect(report.process.capabilities.names).toEqual([]);
  });

  it('reports what is unknown without procfs, and trusts no other file system in its place', async () => {
    const driver = await Driver.start({ launcher: inOwnNamespace });
    const make = new Maker(driver, scratch());
    const file = await make.file('file', '1000:1000', '0640');
    for (const place of [['umount', '-l', '/proc'], ['mount', '-t', 'tmpfs', 'tmpfs', '/proc']]) {
      await make.run(...(place as [string, ...string[]]));
      const report = await doctor(driver, { as: asUser1000 }, file);
      expect(report.process).toMatchObject({ capabilities: { effective: '', names: ['unknown'] }, noNewPrivileges: null, seccomp: 'unknown', securityModule: 'unknown' });
      expect(report.paths[0].facts.acl).toEqual({ entries: [], namesSomebody: true, isKnown: false });
    }
  });

  it('reports the resolver where openat2 is filtered, and that a filter may refuse more', async () => {
    const driver = await Driver.start({ launcher: inOwnNamespace });
    const make = new Maker(driver, scratch());
    const dir = await make.dir('mine', '1000:1000', '0755');
    const report = await doctor(driver, { as: [buildC('seccomp-deny'), 'openat2=ENOSYS', ...asUser1000] }, '--only', 'ensureDir', dir);
    expect(report.native.resolver).toBe('walk');
    expect(report.process.seccomp).toBe('filter');
    const { ensureDir } = report.paths[0].verbs;
    expect(ensureDir).toMatchObject({ outcome: 'ok', result: { hardening: 'tightened' } });
    expect(ensureDir.doubts.join()).toContain('seccomp');
  });
});

describe('the checkout', () => {
  it('has the command that the package promises', async () => {
    const { bin } = JSON.parse(await (await import('node:fs/promises')).readFile(join(repository, 'package.json'), 'utf8'));
    expect(bin).toEqual({ holdfast: 'dist/cli/main.js' });
  });
});
