import { describe, expect, test } from 'vitest';
import { check, expectRefusal } from '../../helpers/expectations.js';
import { inBothForms } from '../../helpers/forms.js';
import { octal } from '../../helpers/umask.js';

const RESTRICTIVE = 'OUTBOUND_MEDIA_PERMS_TOO_RESTRICTIVE';

describe('outbound: may this file be handed to another party?', () => {
  test.each(['0600', '0640', '0604', '0400', '0000', '0700', '0711', '0622', '4600'])('a file of %s is refused with path, mode and remedy', async (mode) => {
    for (const outbound of [true, {}, { allowOwnerOnly: false }, { allowOwnerOnly: undefined }]) {
      for (const { dir, before, after, outcome } of await inBothForms([`f ${mode}: secret`], (form, dir) => form.read({ filePath: `${dir}/f`, outbound }))) {
        expectRefusal(outcome.error, RESTRICTIVE);
        expect(outcome.error.category).toBe('policy');
        expect(outcome.error.message).toContain(`${dir}/f`);
        expect(outcome.error.message).toContain(mode.slice(-4));
        expect(outcome.error.message).toMatch(/chmod|allowOwnerOnly/);
        expect(outcome.error.mode & 0o777).toBe(Number.parseInt(mode, 8) & 0o777);
        expect(outcome.error.remedy).toEqual(expect.any(String));
        expect(outcome.error.message).toContain(outcome.error.remedy);
        expect(outcome.error.message).not.toContain('secret');
        expect(after).toEqual(before);
      }
    }
  });

  test.each(['0644', '0444', '0755', '0666', '0744', '0777', '0645'])('a file of %s passes', async (mode) => {
    await check('= public', [`f ${mode}: public`], (form) => form.read('f', { outbound: true }));
    await check('= public', [`f ${mode}: public`], (form) => form.read({ filePath: 'f', outbound: {} }));
  });

  test.each(['0600', '0640', '0400', '0644'])('a file of %s passes with allowOwnerOnly', async (mode) => {
    await check('= mine', [`f ${mode}: mine`], (form) => form.read('f', { outbound: { allowOwnerOnly: true } }));
  });

  test.each([undefined, false])('a file of 0600 is read where outbound is %s', async (outbound) => {
    await check('= mine', ['f 0600: mine'], (form) => form.read('f', { outbound }));
  });

  test('other refusals come first: a directory is no file, a link is a link, nothing is nothing', async () => {
    await check('not-file', ['d/ 0700'], (form) => form.read('d', { outbound: true }));
    await check('not-file', ['p |'], (form) => form.read('p', { outbound: true }));
    await check('symlink', ['f 0600: x', 'ln => f'], (form) => form.read('ln', { outbound: true }));
    await check('not-found', [], (form) => form.read('missing', { outbound: true }));
    await check('device-path', [], (form) => form.read('/proc/self/environ', { outbound: true }));
  });

  test('its log line has everything, its public form neither path nor ids nor mode', async () => {
    for (const { dir, outcome } of await inBothForms(['private-name 0640: x'], (form, dir) => form.read({ filePath: `${dir}/private-name`, outbound: true }))) {
      const log = JSON.parse(JSON.stringify(outcome.error));
      expect(log).toMatchObject({ name: 'HoldfastError', code: RESTRICTIVE, category: 'policy', path: `${dir}/private-name`, mode: 0o640, remedy: expect.any(String) });
      expect(log.message).toBe(outcome.error.message);
      expect(Object.keys(log)).not.toContain('stack');
      expect(Object.keys(log)).not.toContain('cause');

      const shown = outcome.error.toPublic();
      expect(Object.keys(shown).sort()).toEqual(['category', 'code', 'message', 'remedy']);
      const text = JSON.stringify(shown);
      expect(text).not.toContain('private-name');
      expect(text).not.toContain(dir);
      expect(text).not.toContain(octal(0o640));
      expect(text).not.toMatch(/\buid\b|\b416\b/);
    }
  });

  test('the remedy works', async () => {
    const { chmodSync } = await import('node:fs');
    for (const { outcome } of await inBothForms(['f 0600: x'], async (form) => {
      await form.read('f', { outbound: true }).then(
        () => expect.unreachable('a 0600 file passed'),
        (error) => expect(error.code).toBe(RESTRICTIVE),
      );
      chmodSync('f', 0o644);
      return form.read('f', { outbound: true });
    })) {
      expect(outcome.value!.buffer.toString()).toBe('x');
    }
  });
});
