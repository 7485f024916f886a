// The `holdfast` command: its arguments, its exit status, its text and its JSON.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { capabilities } from '../../index.mjs';
import { blocksOf, PROJECT } from '../helpers/doc-blocks.js';
import { build, scratch } from '../helpers/scratch.js';

const require = createRequire(import.meta.url);
const { mountOf, parseMounts } = require('../../dist/cli/doctor/mounts.js');
const { aclEntries } = require('../../dist/cli/doctor/facts.js');
const { palette, wantsColour } = require('../../dist/cli/terminal.js');

const CLI = path.join(PROJECT, 'dist/cli/main.js');
const TSC = path.join(PROJECT, 'node_modules/typescript/bin/tsc');

function holdfast(args: string[], options: { cwd?: string; env?: Record<string, string> } = {}): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', ...options, env: { ...process.env, ...options.env } });
  return { status, stdout, stderr };
}

describe('the command line', () => {
  test('ends with one line where its output cannot be written, and without a word at a closed pipe', () => {
    const shell = (line: string) => spawnSync('bash', ['-c', line, process.execPath, CLI, scratch()], { encoding: 'utf8' });
    expect(shell('"$0" "$1" doctor "$2" 2>&1 >/dev/full; echo $?').stdout).toMatch(/^holdfast: the output could not be written: ENOSPC[^\n]*\n1\n$/);
    // The pipe has no reader when the command writes.
    expect(shell('{ "$0" "$1" doctor "$2"; echo $? >&2; } | exec true').stderr).toBe('1\n');
  });

  test('refuses a relative path in a working directory that is not UTF-8, in one line', () => {
    const dir = scratch();
    const line = 'cd "$3" && mkdir d$\'\\xff\' && cd d* && "$0" "$1" $2';
    const run = (args: string) => spawnSync('bash', ['-c', line.replace('mkdir', 'mkdir -p'), process.execPath, CLI, args, dir], { encoding: 'utf8' });
    for (const args of ['doctor', 'doctor f', 'doctor --json .', 'selftest --dir x']) {
      expect(run(args)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(/^holdfast: the path of the working directory is not UTF-8[^\n]*\n$/) });
    }
    expect(run(`doctor --json ${dir}`).stdout).toContain(dir);
  });

  const paths = { 'a file': 'f', 'a directory': 'd', 'a link to a file': 'lf', 'a link to a directory': 'ld', 'a name beneath a file': 'f/x', nothing: 'none', 'a name beneath nothing': 'none/x' };
  /** The paths at which each verb succeeds. */
  const fit: Record<string, string[]> = { ensureDir: ['d', 'none', 'none/x'], writeAtomic: ['f', 'd', 'none'], readLocalFileSafely: ['f'], outbound: ['f'], list: ['d'], rename: ['f', 'd', 'lf', 'ld'], remove: ['f', 'd', 'lf', 'ld'] };

  test.each(Object.entries(fit))('exits with 1 where the verb of --only would fail: %s', (verb, good) => {
    const dir = scratch();
    build(dir, ['f 0644: text', 'd/ 0700', 'lf => f', 'ld => d']);
    for (const [what, name] of Object.entries(paths)) {
      const { status, stdout } = holdfast(['doctor', '--only', verb, '--json', name], { cwd: dir });
      const { outcome } = JSON.parse(stdout).paths[0].verbs[verb];
      expect([what, status, outcome]).toEqual([what, ...(good.includes(name) ? [0, 'ok'] : [1, 'fails'])]);
    }
  });

  test.each([
    ['readLocalFileSafely', 'f/', 'not-directory'],
    ['outbound', 'f/.', 'not-directory'],
    ['writeAtomic', 'f/', 'not-directory'],
    ['writeAtomic', 'new/', 'not-file'],
    ['writeAtomic', './new//', 'not-file'],
    ['writeAtomic', 'd/', undefined],
    ['writeAtomic', '.', undefined],
    ['ensureDir', 'd/.', undefined],
    ['ensureDir', 'f/', 'not-directory'],
  ])('keeps the end of a path: --only %s %s', (verb, name, code) => {
    const dir = scratch();
    build(dir, ['f 0644: text', 'd/ 0700']);
    const { status, stdout } = holdfast(['doctor', '--json', '--only', verb, name], { cwd: dir });
    expect([status, JSON.parse(stdout).paths[0].verbs[verb].error?.code]).toEqual([code === undefined ? 0 : 1, code]);
  });

  test('says whom a lock excludes there', () => {
    const dir = scratch();
    build(dir, ['f 0644: text', 'd/ 0700']);
    for (const name of ['f', 'd', 'none']) {
      const { locks } = JSON.parse(holdfast(['doctor', '--json', name], { cwd: dir }).stdout).paths[0].facts;
      expect([name, locks]).toEqual([name, 'host']);
      expect(holdfast(['doctor', name], { cwd: dir }).stdout).toContain('locks: a lock here excludes all processes of this host\n');
    }
    expect(fs.readdirSync(dir).sort()).toEqual(['d', 'f']);
  });

  test('advises no path of another kind for a link', () => {
    const dir = scratch();
    build(dir, ['f 0644: text', 'lf => f']);
    const { stdout } = holdfast(['doctor', '--only', 'ensureDir', 'lf'], { cwd: dir });
    expect(stdout).toContain('It leads to a file: this call is for a directory.');
    expect(stdout).not.toContain('Use the path');
  });

  test.each([
    ['nothing', []],
    ['an unknown command', ['nurse']],
    ['an unknown option', ['doctor', '--yaml']],
    ['an unknown verb', ['doctor', '--only', 'chmod']],
    ['an empty path', ['doctor', '']],
    ['an option of the other command', ['doctor', '--dir', '/tmp']],
    ['a path for selftest', ['selftest', '/tmp']],
    ['verbs for selftest', ['selftest', '--only', 'outbound']],
  ])('exits with 2 and one line when it is wrong: %s', (_name, args) => {
    const { status, stdout, stderr } = holdfast(args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^holdfast: .+ \(see holdfast --help\)\n$/);
  });

  test('exits with 0 after help or the version', () => {
    for (const word of ['--help', '-h', 'help']) {
      expect(holdfast([word])).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('holdfast doctor [PATH…]') });
    }
    const { version } = JSON.parse(fs.readFileSync(path.join(PROJECT, 'package.json'), 'utf8'));
    for (const word of ['--version', '-v', 'version']) {
      expect(holdfast([word])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    }
  });

  test('is what npx finds where the package is installed', () => {
    const dir = scratch();
    build(dir, ['package.json: {}', `node_modules/holdfast => ${PROJECT}`, 'node_modules/.bin/holdfast => ../holdfast/dist/cli/main.js']);
    const { status, stdout } = spawnSync('npx', ['--offline', 'holdfast', '--version'], { cwd: dir, encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('prints the reason when the binary does not load, and exits with 1', () => {
    for (const command of ['doctor', 'selftest']) {
      const { status, stderr } = holdfast([command], { env: { HOLDFAST_NATIVE_PATH: '/nowhere.node' } });
      expect(status).toBe(1);
      expect(stderr).toMatch(/^holdfast: native-unavailable: .*\/nowhere\.node/);
    }
  });
});

describe('doctor', () => {
  test('reports facts alone where the binary has no dry runs, as on other systems than Linux', () => {
    const dir = scratch();
    build(dir, ['private/ 0700', 'photo 0640: x', 'link => photo']);
    fs.writeFileSync(path.join(dir, 'binary.js'), `({ inspect: {}, ...module.exports } = require(${JSON.stringify(capabilities().native)}));`);
    const elsewhere = (...args: string[]) => holdfast(['doctor', ...args], { cwd: dir, env: { HOLDFAST_NATIVE_PATH: path.join(dir, 'binary.js') } });

    const { status, stdout } = elsewhere('photo', 'link', 'private/a/b', '.');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^this process is user \d+, group \d+, groups [\d ]+; umask \d{4}$/m);
    const sections = stdout.split('\n\n');
    const { uid, gid } = fs.statSync(path.join(dir, 'photo'));
    expect(sections[1]).toMatch(`${dir}/photo\n  file, mode 0640, owner ${uid}, group ${gid}, any ACL unknown; this process may read, write\n  `);
    expect(sections[1]).toMatch(/ of \S+ \w+ free$/);
    expect(sections[2]).toContain(`  symlink, mode 0777, `);
    expect(sections[2]).toContain(`  link ${dir}/link -> photo\n  real path ${dir}/photo\n`);
    expect(sections[3]).toContain(`${dir}/private/a/b\n  does not exist; above it, ${dir}/private, a directory, mode 0700, `);
    expect(sections[4]).toContain(`${dir}\n  directory, `);
    expect(sections[5]).toMatch(/forecast on Linux alone.*selftest --dir DIR\n$/);

    const missing = JSON.parse(elsewhere('--json', 'none').stdout);
    expect(missing).toMatchObject({ schema: 1, command: 'doctor', ok: true, native: { resolver: expect.any(String) } });
    expect(missing.paths).toMatchObject([{ path: path.join(dir, 'none'), exists: false, place: dir, facts: { kind: 'directory' }, lookError: null, links: [], verbs: {} }]);

    // Unknown is not 'none'.
    for (const name of ['acl', 'mount', 'locks', 'attributes', 'isReadOnly']) expect(missing.paths[0].facts).not.toHaveProperty(name);

    const below = elsewhere('photo/below');
    expect(below.status).toBe(1);
    expect(below.stdout).toContain(`${dir}/photo/below\n  cannot be inspected: ENOTDIR: not a directory, lstat '${dir}/photo/below'\n`);
    expect(elsewhere('--only', 'list', 'photo')).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('it forecasts nothing on') });
  });

  test('exits with 0 when every applicable verb is fine, otherwise with 1, and inspects the working directory', () => {
    const dir = scratch();
    build(dir, ['private/ 0700', 'photo 0600: x', 'media 0644: x']);
    expect(holdfast(['doctor', 'private', 'media'], { cwd: dir }).status).toBe(0);
    expect(holdfast(['doctor', 'private', 'photo'], { cwd: dir }).status).toBe(1);
    expect(holdfast(['doctor', '--only', 'writeAtomic,readLocalFileSafely', 'photo'], { cwd: dir }).status).toBe(0);
    const here = holdfast(['doctor', '--json'], { cwd: path.join(dir, 'private') });
    expect(JSON.parse(here.stdout).paths.map((visited: any) => visited.path)).toEqual([path.join(dir, 'private')]);
  });

  test('prints no rows for reads of a directory, unless they are asked for', () => {
    const dir = scratch();
    build(dir, ['private/ 0700']);
    expect(holdfast(['doctor', 'private'], { cwd: dir }).stdout).not.toMatch(/readLocalFileSafely|outbound/);
    expect(holdfast(['doctor', '--only', 'outbound', 'private'], { cwd: dir }).stdout).toMatch(/^ {2}fails {2}outbound not-file/m);
  });

  test('judges methods of a root only where they are asked for, each on the directory above', () => {
    const dir = scratch();
    build(dir, ['private/ 0700']);
    expect(Object.keys(JSON.parse(holdfast(['doctor', '--json', 'private'], { cwd: dir }).stdout).paths[0].verbs)).toEqual(['ensureDir', 'writeAtomic', 'readLocalFileSafely', 'outbound']);
    const { ok, paths } = JSON.parse(holdfast(['doctor', '--json', '--only', 'remove,list', 'private'], { cwd: dir }).stdout);
    const call = (text: string) => `(await openRoot("${dir}")).${text}`;
    expect([ok, paths[0].verbs]).toMatchObject([true, { list: { call: call('list("private")'), result: {} }, remove: { call: call('remove("private")'), result: { removed: 1 } } }]);
    expect(fs.readdirSync(dir)).toEqual(['private']);
  });

  test('leaves `..` to the kernel', () => {
    const dir = scratch();
    build(dir, ['real/deep/', 'real/file: x', 'link => real/deep']);
    const { paths } = JSON.parse(holdfast(['doctor', '--json', `${dir}/link/../file`]).stdout);
    expect(paths[0]).toMatchObject({ exists: true, facts: { realPath: path.join(dir, 'real/file') }, links: [{ path: `${dir}/link`, target: 'real/deep' }] });
  });

  test('prints names that would control a terminal as harmless text, on one line each', () => {
    const dir = scratch();
    const name = 'a\u001b[2Jb\nok     outbound: forged\u202e';
    fs.writeFileSync(path.join(dir, name), 'x', { mode: 0o600 });
    const { stdout } = holdfast(['doctor', path.join(dir, name)]);
    expect(stdout).not.toMatch(/\u001b|\u202e/);
    expect(stdout.split('\n').filter((line) => line.startsWith('ok     outbound'))).toEqual([]);
  });

  test('reports what the environment waives', () => {
    const dir = scratch();
    const report = JSON.parse(holdfast(['doctor', '--json', dir], { env: { OPENCLAW_SKIP_STATE_DIR_HARDEN: '1' } }).stdout);
    expect(report.environment).toEqual({ HOLDFAST_SKIP_DIR_HARDENING: null, OPENCLAW_SKIP_STATE_DIR_HARDEN: '1', HOLDFAST_NATIVE_PATH: process.env['HOLDFAST_NATIVE_PATH'] ?? null });
  });
});

describe('selftest', () => {
  test('passes here, leaves nothing behind, and has a result for everything', () => {
    const dir = scratch();
    const { status, stdout } = holdfast(['selftest', '--json', '--dir', dir]);
    const { ok, checks, summary, directory } = JSON.parse(stdout);
    expect(checks.filter(({ result }: { result: string }) => result === 'fail')).toEqual([]);
    expect({ status, ok, directory }).toEqual({ status: 0, ok: true, directory: dir });
    expect(summary.pass + summary.notAvailable).toBe(checks.length);
    expect(checks.map(({ id }: { id: string }) => id)).toEqual([
      'resolver', 'exact-mode', 'tightening', 'old-or-new', 'sudden-death', 'exclusive-creation', 'symlink-refusal', 'containment',
      'outbound', 'durability', 'clean-up', 'locks', 'whole-records', 'acl-kept', 'unnamed-temporaries',
    ]);
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  test('fails where it cannot run', () => {
    expect(holdfast(['selftest', '--dir', '/nowhere/at/all'])).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('ENOENT') });
  });
});

describe('the JSON', () => {
  test('has the shape that docs/doctor.md gives, no more and no less', () => {
    const declarations = blocksOf('docs/doctor.md', fs.readFileSync(path.join(PROJECT, 'docs/doctor.md'), 'utf8')).find(({ code }) => code.includes('interface DoctorReport'))!.code;
    const dir = scratch();
    build(dir, ['dir/ 0755', 'file 0600: x', 'link => file', 'pipe |', `node_modules/holdfast => ${PROJECT}`]);
    const paths = ['dir', 'file', 'link', 'pipe', 'missing', 'missing/deeper'];
    const doctored = holdfast(['doctor', '--json', ...paths], { cwd: dir }).stdout;
    const beneath = holdfast(['doctor', '--json', '--only', 'list,rename,remove', ...paths], { cwd: dir }).stdout;
    const tested = holdfast(['selftest', '--json', '--dir', dir]).stdout;
    // TypeScript checks that a literal has no unknown field and every required one.
    fs.writeFileSync(path.join(dir, 'check.ts'), `${declarations}\nexport const doctored: DoctorReport[] = [${doctored}, ${beneath}];\nexport const tested: SelftestReport = ${tested};\n`);
    const settings = { strict: true, noEmit: true, target: 'es2022', module: 'nodenext', types: ['node'], typeRoots: [path.join(PROJECT, 'node_modules/@types')] };
    fs.writeFileSync(path.join(dir, 'package.json'), '{"type":"module"}');
    fs.writeFileSync(path.join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions: settings, files: ['check.ts'] }));
    expect(spawnSync(process.execPath, [TSC, '-p', dir], { encoding: 'utf8' }).stdout).toBe('');
  });
});

describe('colour', () => {
  test.each([
    ['on a terminal', { isTTY: true }, {}, true],
    ['elsewhere', {}, {}, false],
    ['with NO_COLOR', { isTTY: true }, { NO_COLOR: '1' }, false],
    ['with an empty NO_COLOR', { isTTY: true }, { NO_COLOR: '' }, true],
    ['on a dumb terminal', { isTTY: true }, { TERM: 'dumb' }, false],
    ['elsewhere with FORCE_COLOR', {}, { FORCE_COLOR: '1' }, true],
    ['elsewhere with an empty FORCE_COLOR', {}, { FORCE_COLOR: '' }, false],
    ['on a terminal with FORCE_COLOR=0', { isTTY: true }, { FORCE_COLOR: '0' }, false],
    ['with FORCE_COLOR and NO_COLOR', {}, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ])('%s', (_name, stream, env, expected) => {
    expect(wantsColour(stream, env)).toBe(expected);
    expect(palette(expected).bad('x')).toBe(expected ? '\u001b[31mx\u001b[39m' : 'x');
  });

  test('is absent from what a pipe gets, unless FORCE_COLOR is set', () => {
    expect(holdfast(['doctor', '/tmp'], { env: { FORCE_COLOR: '' } }).stdout).not.toContain('\u001b');
    expect(holdfast(['doctor', '/tmp'], { env: { FORCE_COLOR: '1', NO_COLOR: '' } }).stdout).toContain('\u001b');
  });
});

describe('the parts', () => {
  test('a mount is read with its octal escapes and optional fields', () => {
    const text = [
      '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=continue',
      '40 22 0:35 /a\\040b /mnt/x\\011y\\134z\\012 ro,nosuid shared:5 master:2 - tmpfs none\\040x rw,size=1024k',
      '41 22 0:36 / /mnt rw - fuse.sshfs host:/ rw',
      'broken line',
      '',
    ].join('\n');
    const mounts = parseMounts(text);
    expect(mounts).toHaveLength(3);
    expect(mounts[1]).toEqual({ id: 40, root: '/a b', mountPoint: '/mnt/x\ty\\z\n', type: 'tmpfs', source: 'none x', options: ['ro', 'nosuid'], superOptions: ['rw', 'size=1024k'] });
    expect(mountOf(mounts, 40, '/mnt/x')).toBe(mounts[1]);
    expect(mountOf(mounts, -1, '/mnt/deep')).toBe(mounts[2]);
    expect(mountOf(mounts, -1, '/mntother')).toBe(mounts[0]);
    // A mount point may have unescaped UTF-8, and is read byte by byte.
    expect(parseMounts(Buffer.from('1 0 0:1 / /mnt/é rw - tmpfs t rw').toString('latin1'))[0].mountPoint).toBe('/mnt/é');
  });

  test('an ACL that is cut short lists the entries that are whole', () => {
    const stored = Buffer.from('02000000' + '01000600ffffffff' + '02000400e9030000' + '0400', 'hex');
    expect(aclEntries(stored)).toEqual(['user::rw-', 'user:1001:r--']);
  });
});
