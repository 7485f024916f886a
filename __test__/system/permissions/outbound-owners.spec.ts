// Whether a file may be sent to another party, for a user without capabilities and files of several owners.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { asUser1000, Driver, type Answer, type PlainError, type Verb } from '../../helpers/sys-driver.js';
import { inOctal, both, octal, ownedDir, ownedFile } from '../../helpers/sys-layout.js';
import { needs } from '../../helpers/sys-needs.js';
import { scratch } from '../../helpers/sys-scratch.js';

const code = 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE';
const asRootWithOtherUsers = needs('root', 'setpriv');

asRootWithOtherUsers('outbound reads', () => {
  let base: string;
  let user: Driver;
  let root: Driver;

  beforeAll(async () => {
    base = ownedDir(scratch(), 'media', 0, 0, 0o755);
    user = await Driver.start({ launcher: asUser1000 });
    root = await Driver.start();
  });

  const verbs: ['sync' | 'async', Verb][] = [
    ['sync', 'readLocalFileSafely'],
    ['async', 'readLocalFileSafely'],
    ['async', 'openLocalFileSafely'],
  ];

  async function readAs(driver: Driver, options: Record<string, unknown>): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (const [how, verb] of verbs) answers.push(await driver.verb(how, verb, options));
    return answers;
  }

  function refusals(answers: Answer[]): PlainError[] {
    expect(answers.map(({ error }) => error?.code)).toEqual(answers.map(() => code));
    return answers.map(({ error }) => error as PlainError);
  }

  it.each(inOctal(0o600, 0o640, 0o604, 0o400, 0o622))(
    'my own file of mode %s is refused with path, mode and remedy',
    async (_octal, mode) => {
      const file = ownedFile(base, `mine-${octal(mode)}`, 1000, 1000, mode);
      for (const error of refusals(await readAs(user, { filePath: file, outbound: true }))) {
        expect(error).toMatchObject({ isHoldfastError: true, name: 'HoldfastError', category: 'policy', path: file, mode });
        expect(error.message).toContain(file);
        expect(error.message).toContain(octal(mode));
        expect(error.remedy).toEqual(expect.any(String));
        expect(error.message).toMatch(/chmod|0644|allowOwnerOnly/);
      }
    },
  );

  it.each(inOctal(0o644, 0o444, 0o755, 0o666))('my own file of mode %s passes', async (_octal, mode) => {
    const filePath = ownedFile(base, `fit-${octal(mode)}`, 1000, 1000, mode, 'cat.png');
    const [sync, async, opened] = await readAs(user, { filePath, outbound: true });
    for (const answer of [sync, async]) expect(String(answer?.value.buffer)).toBe('cat.png');
    expect(opened?.error).toBeUndefined();
    expect(opened?.value.realPath).toBe(filePath);
  });

  it.each(inOctal(0o600, 0o640))('allowOwnerOnly reads a file of mode %s', async (_octal, mode) => {
    const filePath = ownedFile(base, `allowed-${octal(mode)}`, 1000, 1000, mode, 'cat.png');
    const [sync, async] = await readAs(user, { filePath, outbound: { allowOwnerOnly: true } });
    for (const answer of [sync, async]) expect(String(answer?.value.buffer)).toBe('cat.png');
  });

  it('outbound: {} checks as true does, and outbound: false does not', async () => {
    const filePath = ownedFile(base, 'unasked', 1000, 1000, 0o600, 'cat.png');
    refusals(await readAs(user, { filePath, outbound: {} }));
    const [sync] = await readAs(user, { filePath, outbound: false });
    expect(String(sync?.value.buffer)).toBe('cat.png');
  });

  it.each([
    ['0600', true],
    ['0640', true],
    ['0600', { allowOwnerOnly: true }],
  ])('another user’s file of mode %s is the same code, out of EACCES, with both ids (outbound: %j)', async (mode, outbound) => {
    const file = ownedFile(base, `theirs-${mode}-${JSON.stringify(outbound).length}`, 1001, 1001, parseInt(mode, 8));
    for (const error of refusals(await readAs(user, { filePath: file, outbound }))) {
      expect(error).toMatchObject({ path: file, mode: parseInt(mode, 8), uid: 1001, euid: 1000 });
      expect(error).toMatchObject({ sysCode: 'EACCES', errno: -13, syscall: 'open' });
      expect(error.cause).toMatchObject({ code: 'EACCES', errno: -13, syscall: 'open', path: file });
      for (const word of [file, mode, '1001', '1000']) expect(error.message).toContain(word);
    }
  });

  it('root, who can read anything, is refused another user’s 0600 as well, and told whose it is', async () => {
    const file = ownedFile(base, 'for-root', 1000, 1000, 0o600);
    for (const error of refusals(await readAs(root, { filePath: file, outbound: true }))) {
      expect(error).toMatchObject({ mode: 0o600, uid: 1000, euid: 0 });
      for (const word of [file, '0600', '1000']) expect(error.message).toContain(word);
    }
  });

  it('a parent that cannot be searched is named as the cause, and no mode is guessed', async () => {
    const parent = ownedDir(base, 'locked', 1001, 1001, 0o700);
    const file = ownedFile(parent, 'file', 1000, 1000, 0o644);
    for (const error of refusals(await readAs(user, { filePath: file, outbound: true }))) {
      expect(error.path).toBe(file);
      expect(error.mode).toBeUndefined();
      expect(error).toMatchObject({ sysCode: 'EACCES', errno: -13, syscall: 'open' });
      const sentence = error.message.replaceAll(file, '').replaceAll(parent, '');
      expect(sentence).toMatch(/parent|director|folder/i);
      expect(sentence).not.toMatch(/\bmode\b|\b0[0-7]{3}\b/);
    }
  });

  it('without outbound the same file is EACCES, exactly as node:fs has it', async () => {
    const file = ownedFile(base, 'plain', 1001, 1001, 0o600);
    const plain = await user.ask({ fs: 'readFileSync', args: [file] });
    for (const { error } of await readAs(user, { filePath: file })) {
      const { code: word, errno, syscall, path, message } = plain.error as PlainError;
      expect(error).toMatchObject({ isHoldfastError: false, code: word, errno, syscall, path, message });
    }
  });

  describe('what the tool layer passes on', () => {
    it.each([
      ['mine', 1000, '0600'],
      ['theirs', 1001, '0600'],
    ])('toJSON of a file of %s is one log line with everything but stack and cause', async (_whose, uid, mode) => {
      const file = ownedFile(base, `logged-${uid}`, uid, uid, 0o600);
      for (const error of refusals(await readAs(user, { filePath: file, outbound: true }))) {
        const line = JSON.stringify(error.json);
        expect(line).not.toContain('\n');
        expect(error.json).toMatchObject({
          name: 'HoldfastError',
          code,
          category: 'policy',
          message: error.message,
          path: file,
          mode: parseInt(mode, 8),
          uid,
          euid: 1000,
        });
        expect(error.json?.['remedy']).toBe(error.remedy);
        expect(error.json).not.toHaveProperty('stack');
        expect(error.json).not.toHaveProperty('cause');
      }
    });

    it.each([
      ['mine', 1000],
      ['theirs', 1001],
    ])('toPublic of a file of %s tells a stranger no path, no id and no mode of the file', async (_whose, uid) => {
      const file = ownedFile(base, `public-${uid}`, uid, uid, 0o600);
      for (const error of refusals(await readAs(user, { filePath: file, outbound: true }))) {
        expect(error.public).toMatchObject({ code, category: 'policy', message: expect.any(String), remedy: expect.any(String) });
        expect(Object.keys(error.public ?? {}).sort()).toEqual(['category', 'code', 'message', 'remedy']);
        const body = JSON.stringify(error.public);
        for (const secret of [file, base, join(base, '..'), `public-${uid}`, '0600', '1000', '1001', String(0o600)]) {
          expect(body).not.toContain(secret);
        }
      }
    });
  });
});
