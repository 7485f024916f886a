// Locks between concurrent spec files, for resources of the whole machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Waits for the lock of this name, and returns a function that releases it. The end of the process also releases it.
 */
export async function lock(name: string): Promise<() => void> {
  const holder = spawn('flock', [join(tmpdir(), `holdfast-${name}.lock`), 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [word] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
  if (String(word) !== 'held\n') throw new Error(`no lock ${name}: flock ended with ${word}`);
  return () => void holder.stdin.end();
}
