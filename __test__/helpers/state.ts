// Starts processes that work on shared state.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const program = fileURLToPath(new URL('../programs/state.mjs', import.meta.url));

export interface Running {
  child: ChildProcess;
  /** the lines that it printed so far */
  lines: string[];
  output: Interface;
}

/** Starts `programs/state.mjs`. It is killed when the running test ends. */
export function launch(...args: string[]): Running {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = createInterface({ input: child.stdout! });
  const lines: string[] = [];
  output.on('line', (line) => lines.push(line));
  return { child, lines, output };
}

/** Starts it, and waits for its first line. */
export async function start(...args: string[]): Promise<Running> {
  const running = launch(...args);
  await once(running.output, 'line');
  return running;
}
