// httpStatus, toPublicError and isNotFound, for errors of every kind.
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { HoldfastError, httpStatus, isNotFound, readLocalFileSafely, toPublicError, writeAtomic, type HoldfastErrorCode } from '../index.mjs';
import { failure } from './helpers/forms.js';
import { PACKAGE } from './helpers/package-copy.js';
import { build, scratch } from './helpers/scratch.js';

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
  'not-found': 404,
  'already-exists': 409,
  'path-mismatch': 409,
  'too-large': 413,
  'not-durable': 500,
  'root-closed': 500,
  'unsupported-platform': 500,
  'native-unavailable': 500,
  internal: 500,
};
const CODES = Object.entries(STATUS) as [HoldfastErrorCode, number][];
const PATH = '/srv/secret-dir/name';

/** An error as node:fs throws it. */
function systemError(code: string, errno = os.constants.errno[code as 'ENOENT']): Error {
  return Object.assign(new Error(`${code}: said so, open '${PATH}'`), { code, errno: -errno, syscall: 'open', path: PATH });
}

describe('httpStatus', () => {
  test.each(CODES)('of %s is %i', (code, status) => {
    expect(httpStatus(new HoldfastError(code, { path: PATH }))).toBe(status);
  });

  test.each([['ENOENT', 404], ['EEXIST', 409], ['ENAMETOOLONG', 400], ['EACCES', 403], ['EPERM', 403], ['EROFS', 403], ['ENOSPC', 507], ['EDQUOT', 507], ['EMFILE', 503], ['EIO', 500]])(
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
    for (const file of ['errors.d.ts', 'docs/outbound-media.md']) {
      const text = fs.readFileSync(path.join(PACKAGE, file), 'utf8');
      const rows = new Map([...text.matchAll(/^[ *]*\| (\d{3}) \| (.*) \|$/gm)].map((row) => [row[1], row[2]]));
      for (const [code, status] of CODES) {
        if (status !== 500 && status !== 403) expect(rows.get(String(status)), `${code} in ${file}`).toContain(`\`${code}\``);
      }
      for (const code of ['ENOENT', 'EEXIST', 'ENAMETOOLONG', 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']) expect(rows.get(String(httpStatus(systemError(code)))), code).toContain(`\`${code}\``);
    }
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
  it('tells the client that the data are too large', async () => {
    const dir = scratch();
    build(dir, ['f: old']);
    const error = await failure(() => writeAtomic(`${dir}/f`, 'too long', { maxBytes: 4 }));
    expect([httpStatus(error), toPublicError(error).code]).toEqual([413, 'too-large']);
  });
});
