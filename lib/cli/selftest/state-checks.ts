// The checks of `holdfast selftest` for locks and appends.

import fs = require('node:fs');
import nodePath = require('node:path');
import { appendRecord } from '../../state/append.js';
import { acquireLock, tryLock } from '../../state/lock.js';
import { updateAtomic } from '../../state/update.js';
import { isHoldfastError } from '../../errors/holdfast-error.js';
import { fail, missing, pass, type Outcome } from './outcome.js';

export async function locks(dir: string): Promise<Outcome> {
  const file = nodePath.join(dir, 'file');
  try {
    // Two spellings of one directory: only the kernel knows that both want one lock.
    const lock = await acquireLock(file, { lockDir: dir });
    const other = await tryLock(file, { lockDir: `${dir}${nodePath.sep}.` });
    await other?.release();
    await lock.release();
    if (other !== undefined) return fail('two holders had one lock at the same time');
    const next = await tryLock(file, { lockDir: dir });
    if (next === undefined) return fail('a lock that was released is still taken');
    await next.release();
    return lock.scope === 'host'
      ? pass('one holder at a time, of all processes of this host')
      : missing('one holder at a time in this process; whether a lock here excludes other hosts, no program can tell');
  } catch (error) {
    if (isHoldfastError(error) && error.code === 'unsupported-platform') return missing('this file system has no locks: name a lockDir on another one');
    throw error;
  }
}

export async function wholeRecords(dir: string): Promise<Outcome> {
  const file = nodePath.join(dir, 'log');
  fs.writeFileSync(file, 'half a rec');
  await Promise.all(Array.from({ length: 20 }, (_, number) => appendRecord(file, String(number), { durable: false })));
  await updateAtomic(file, (current: Buffer | undefined) => Buffer.concat([current ?? Buffer.alloc(0), Buffer.from('updated\n')]), { durable: false });
  const wanted = ['half a rec', ...Array.from({ length: 20 }, (_, number) => String(number)), 'updated', ''];
  return fs.readFileSync(file, 'utf8') === wanted.join('\n') ? pass('20 records behind a torn one, and an update, each one whole line') : fail('records were lost or fused');
}
