// httpStatus, toPublicError and isNotFound, for errors of every kind.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { HoldfastError, httpStatus, isHoldfastError, isNotFound, readLocalFileSafely, toPublicError, writeAtomic, type HoldfastErrorCode } from '../../../index.mjs';
import { failure } from '../../helpers/forms.js';
import { PACKAGE } from '../../helpers/package-copy.js';
import { build, scratch } from '../../helpers/scratch.js';

const STATUS: Record<HoldfastErrorCode, number> = {
  'invalid-path': 400,
  'outside-workspace': 403,
  symlink: 403,
  hardlink: 403,
  'not-file': 403,
  'not-directory': 403,
  'device-path': 403,
  'insecure-permissions': 403,
  'not-owned': 403,
  OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE: 403,
  'torn-tail': 403,
  'not-found': 404,
  'already-exists': 409,
  'path-mismatch': 409,
  'too-large': 413,
  'invalid-text': 422,
  'invalid-json': 422,
  'not-durable': 500,
  'lock-timeout': 423,
  'lock-lost': 500,
  conflict: 409,
  'root-closed': 500,
  'unsupported-platform': 500,
  'native-unavailable': 500,
  internal: 500,
};
const CODES = Object.entries(STATUS) as [HoldfastErrorCode, number][];
const PATH = '/srv/secret-dir/name';

/** Returns an error as node:fs throws it. */
function systemError(code: string, errno = os.constants.errno[code as 'ENOENT']): Error {
  return Object.assign(new Error(`${code}: said so, open '${PATH}'`), { code, errno: -errno, syscall: 'open', path: PATH });
}

describe('httpStatus', () => {
  test.each(CODES)('of %s is %i', (code, status) => {
    expect(httpStatus(new HoldfastError(code, { path: PATH }))).toBe(status);
  });

  test.each([['ENOENT', 404], ['EEXIST', 409], ['ENOTEMPTY', 409], ['EISDIR', 409], ['ENOTDIR', 409], ['ENAMETOOLONG', 400], ['EACCES', 403], ['EPERM', 403], ['EROFS', 403], ['ENOSPC', 507], ['EDQUOT', 507], ['EMFILE', 503], ['EIO', 500]])(
    'of the error %s of the system is %i',
    (code, status) => {
      expect(httpStatus(systemError(code))).toBe(status);
    },
  );

  it('knows EDQUOT by its number, as Node has no name for it', () => {
    expect(httpStatus(systemError('Unknown system error -122', os.constants.errno.EDQUOT))).toBe(507);
  });

  test.each([undefined, null, 'not-found', 404, {}, { code: 'not-found' }, new Error('x'), new TypeError('x'), Object.assign(new Error('x'), { code: 'ENOENT' }), Object.assign(new Error('x'), { code: 'not-found' })])(
    'of %o is 500',
    (value) => {
      expect(httpStatus(value)).toBe(500);
      expect(isNotFound(value)).toBe(false);
      expect(toPublicError(value)).toEqual({ code: 'internal', category: 'operational', message: 'The service failed.' });
    },
  );

  it('has a documented table with every status', () => {
    for (const file of ['types/errors.d.ts', 'docs/outbound-media.md']) {
      const text = fs.readFileSync(path.join(PACKAGE, file), 'utf8');
      const rows = new Map([...text.matchAll(/^[ *]*\| (\d{3}) \| (.*) \|$/gm)].map((row) => [row[1], row[2]]));
      for (const [code, status] of CODES) {
        if (status !== 500 && status !== 403) expect(rows.get(String(status)), `${code} in ${file}`).toContain(`\`${code}\``);
      }
      for (const code of ['ENOENT', 'EEXIST', 'ENAMETOOLONG', 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']) expect(rows.get(String(httpStatus(systemError(code)))), code).toContain(`\`${code}\``);
    }
  });
});

describe('an error of another subsystem', () => {
  const failed = (code: string, syscall: string) => Object.assign(new Error(`${code}: ${syscall}`), { code, syscall, errno: -os.constants.errno[code as 'ENOENT'] });

  test.each([
    ['ENOENT', 'spawn ffmpeg'],
    ['EACCES', 'spawn ffmpeg'],
    ['ENOENT', 'connect'],
    ['EACCES', 'bind'],
    ['EACCES', 'send'],
    ['EPERM', 'kill'],
    ['EMFILE', 'accept'],
    ['ENOENT', 'getaddrinfo'],
    ['ENOSPC', 'watch'],
  ])('is internal: %s of %s', (code, syscall) => {
    const error = failed(code, syscall);
    expect([httpStatus(error), toPublicError(error).code, isNotFound(error)]).toEqual([500, 'internal', false]);
  });

  it('is internal as Node itself throws it: a missing program, a missing socket', async () => {
    const errors = [
      spawnSync('no-such-program-here').error,
      await new Promise((resolve) => net.connect(`${scratch()}/none.sock`).on('error', resolve)),
    ];
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'ENOENT' });
      expect([httpStatus(error), isNotFound(error)]).toEqual([500, false]);
    }
  });

  it('differs from that of every call of node:fs', async () => {
    const none = `${scratch()}/none/x`;
    for (const act of [
      () => fs.statSync(none), () => fs.lstatSync(none), () => fs.readdirSync(none), () => fs.opendirSync(none), () => fs.mkdirSync(none), () => fs.rmSync(none), () => fs.rmdirSync(none),
      () => fs.unlinkSync(none), () => fs.renameSync(none, none), () => fs.copyFileSync(none, none), () => fs.cpSync(none, `${none}2`), () => fs.realpathSync(none), () => fs.realpathSync.native(none),
      () => fs.readlinkSync(none), () => fs.symlinkSync('x', none), () => fs.linkSync(none, none), () => fs.chmodSync(none, 0o600), () => fs.chownSync(none, 0, 0), () => fs.lchownSync(none, 0, 0),
      () => fs.utimesSync(none, 0, 0), () => fs.lutimesSync(none, 0, 0), () => fs.accessSync(none), () => fs.mkdtempSync(none), () => fs.statfsSync(none), () => fs.truncateSync(none),
    ]) {
      let error: unknown;
      try {
        act();
      } catch (thrown) {
        error = thrown;
      }
      expect([httpStatus(error), isNotFound(error)], `${String(act)} ${(error as NodeJS.ErrnoException).syscall}`).toEqual([404, true]);
    }
  });
});

describe('the mock of docs/migration.md', () => {
  it('is an error of a full disk', () => {
    const [code] = /Object\.assign\(new Error\('ENOSPC[^{]*\{[^}]*\}\)/.exec(fs.readFileSync(path.join(PACKAGE, 'docs/migration.md'), 'utf8'))!;
    expect(httpStatus(new Function(`return ${code}`)())).toBe(507);
  });
});

describe('a hostile value', () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const thrower = () => {
    throw new Error('trap');
  };
  test.each([
    ['a revoked Proxy', revoked.proxy],
    ['a Proxy that throws', new Proxy({}, { getPrototypeOf: thrower })],
    ['a Proxy of an error that throws', new Proxy(new Error('x'), { get: thrower })],
    ['an error whose code throws', Object.defineProperty(new Error('x'), 'code', { get: thrower })],
    ['a HoldfastError whose code throws', Object.defineProperty(new HoldfastError('not-found'), 'code', { get: thrower })],
    ['a HoldfastError whose code is an object', Object.defineProperty(new HoldfastError('not-found'), 'code', { value: { toString: thrower } })],
  ])('is internal: %s', (_name, value) => {
    expect([httpStatus(value), toPublicError(value).code, isNotFound(value)]).toEqual([500, 'internal', false]);
    expect(() => isHoldfastError(value)).not.toThrow();
  });

  it('on Object.prototype appears neither in a response nor in a log', () => {
    const polluted = Object.prototype as unknown as Record<string, unknown>;
    const values = { remedy: 'rm -rf', mode: 0o666, message: 'polluted', as: 'not-found', status: 200, errno: -2, syscall: 'open', path: '/polluted', cause: 'x' };
    const before = new HoldfastError('not-found', { path: PATH });
    const expected = [before.toJSON(), before.toPublic(), toPublicError(before), toPublicError(systemError('EACCES')), httpStatus(systemError('EIO')), httpStatus(new Error('x'))];
    Object.assign(polluted, values);
    let seen: unknown[];
    try {
      const made = new HoldfastError('not-found', { path: PATH });
      seen = [made.toJSON(), before.toPublic(), toPublicError(before), toPublicError(systemError('EACCES')), httpStatus(systemError('EIO')), httpStatus(new Error('x'))].map((each) => JSON.stringify(each));
      expect(JSON.stringify(before.toJSON())).toBe(seen[0]);
    } finally {
      for (const name of Object.keys(values)) delete polluted[name];
    }
    expect(seen).toEqual(expected.map((each) => JSON.stringify(each)));
  });
});

describe('new HoldfastError', () => {
  test('has the fields that it was given, also in its JSON', () => {
    const fields = { path: PATH, removed: 1, copied: 2, torn: true, published: true };
    expect(new HoldfastError('too-large', fields).toJSON()).toMatchObject(fields);
  });

  test.each([
    [['not-found', null], '"fields"'],
    [['not-found', 5], '"fields"'],
    [['not-found', []], '"fields"'],
    [['not-found', { path: 5 }], '"fields.path"'],
    [['not-found', { errno: 'ENOENT' }], '"fields.errno"'],
    [['too-large', { size: '5' }], '"fields.size"'],
    [[5], '"code"'],
  ])('refuses arguments of the wrong type: %j', (args, name) => {
    const expected = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: expect.stringContaining(name) });
    expect(() => new (HoldfastError as any)(...args)).toThrow(expected);
  });
});

describe('isNotFound', () => {
  it('is true for not-found and for ENOENT of the system alone', async () => {
    const dir = scratch();
    expect(isNotFound(await failure(() => readLocalFileSafely(`${dir}/none`)))).toBe(true);
    expect(isNotFound(await failure(() => fs.promises.readFile(`${dir}/none`)))).toBe(true);
    expect(isNotFound(await failure(() => readLocalFileSafely(dir)))).toBe(false);
    expect(isNotFound(systemError('EACCES'))).toBe(false);
  });
});

describe('toPublicError', () => {
  test.each(CODES)('of %s is what toPublic() returns, without path, id and option', (code) => {
    const error = new HoldfastError(code, { path: PATH, mode: 0o640, uid: 12345, euid: 54321, size: 77777, limit: 66666 });
    const body = toPublicError(error);
    expect(body).toEqual(error.toPublic());
    const text = JSON.stringify(body);
    for (const secret of ['secret-dir', '640', '12345', '54321', '77777', '66666', 'allowOwnerOnly', 'symlinks', 'hardlinks', 'maxBytes', 'mkdir', 'durable:', 'existing:', 'outbound:']) {
      expect(text).not.toContain(secret);
    }
  });

  it('of an error of the system has its code and a sentence, and no path', () => {
    for (const code of ['EACCES', 'ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE']) {
      const body = toPublicError(systemError(code));
      expect(body).toMatchObject({ code, category: 'operational', message: expect.stringMatching(/^The .*\.$/) });
      expect(JSON.stringify(body)).not.toContain('srv');
    }
    expect(toPublicError(systemError('ENOENT'))).toEqual(new HoldfastError('not-found').toPublic());
    expect(toPublicError(systemError('EIO'))).toMatchObject({ code: 'internal' });
  });
});

describe('maxBytes of a write', () => {
  it('reports to the client that the data are too large', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    const error = await failure(() => writeAtomic(`${dir}/f`, 'too long', { maxBytes: 4 }));
    expect([httpStatus(error), toPublicError(error).code]).toEqual([413, 'too-large']);
  });
});
